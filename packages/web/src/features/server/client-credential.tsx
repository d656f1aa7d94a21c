import { type ClientView, clientsRotateSecret, clientsUpdate } from '@atrium/protocol';
import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { MaskedSecret, SecretReveal } from '../../ui/secret-reveal.tsx';
import {
  type AuthMethod,
  certificateNameWord,
  emptyProof,
  isComplete,
  type Proof,
  ProofFields,
  proofPaths,
  proofSentence,
  proofSettings,
  provesByCertificate,
  provesByKeys,
  provesByName,
} from './client-proof.tsx';
import { methodWord } from './server-words.ts';

/** What a client proves itself with, and how to give it another one. */
export const Credential = ({ client }: { client: ClientView }) => {
  if (client.secret_prefix !== null) return <Secret client={client} prefix={client.secret_prefix} />;
  if (provesByKeys(client.auth_method) || provesByName(client.auth_method)) return <OwnProof client={client} />;
  return (
    <FormField label="Credential" group>
      <p className="text-14 text-text-2">{proofSentence(client.auth_method)}</p>
    </FormField>
  );
};

const Box = ({ label, children, action }: { label: string; children: ReactNode; action: ReactNode }) => (
  <FormField label={label} group>
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line px-4 py-3">
      <div className="min-w-0 flex-1 basis-60">{children}</div>
      {action}
    </div>
  </FormField>
);

const Secret = ({ client, prefix }: { client: ClientView; prefix: string }) => {
  const [asking, setAsking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const rotate = useOperationMutation(clientsRotateSecret, {
    invalidates: ['clients.get', 'clients.list'],
    onSuccess: ({ client_secret }) => {
      setAsking(false);
      setSecret(client_secret);
    },
  });
  return (
    <>
      <Box
        label="Secret"
        action={
          <Button size="small" onClick={() => setAsking(true)}>
            Rotate secret
          </Button>
        }
      >
        <MaskedSecret prefix={prefix} />
        <span className="block text-12 text-text-3">
          {client.auth_method === 'client_secret_jwt' ? 'Stored encrypted, never shown.' : 'Only its hash is stored.'}
        </span>
      </Box>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Rotate the secret"
        verb="Rotate secret"
        busy={rotate.isPending}
        onConfirm={() => rotate.mutate({ id: client.id })}
      >
        The present secret ends at once: {client.name} gets no new token until it has the new one. Tokens it holds stay
        good.
      </ConfirmDialog>
      <Dialog
        open={secret !== null}
        onOpenChange={(open) => !open && setSecret(null)}
        title={`New secret of ${client.name}`}
        footer={
          <Button tone="primary" onClick={() => setSecret(null)}>
            Done
          </Button>
        }
      >
        {secret && <SecretReveal secret={secret} name="Client secret" variable="OAUTH_CLIENT_SECRET" />}
      </Dialog>
    </>
  );
};

const OwnProof = ({ client }: { client: ClientView }) => {
  const [changing, setChanging] = useState(false);
  const byName = provesByName(client.auth_method);
  return (
    <>
      <Box
        label={methodWord(client.auth_method)}
        action={
          <Button size="small" onClick={() => setChanging(true)}>
            {byName ? 'Change name' : 'Change keys'}
          </Button>
        }
      >
        {byName ? <NameShown name={client.certificate_name} /> : <KeysShown client={client} />}
      </Box>
      <ProofDialog key={String(changing)} client={client} open={changing} onClose={() => setChanging(false)} />
    </>
  );
};

const NameShown = ({ name }: { name: ClientView['certificate_name'] }) =>
  name && (
    <>
      <code className="text-13 break-all text-text">{name.value}</code>
      <span className="block text-12 text-text-3">
        {certificateNameWord(name.kind)} in its certificate, which an authority known here must have issued.
      </span>
    </>
  );

const KeysShown = ({ client: { jwks_uri, key_ids, auth_method } }: { client: ClientView }) => {
  const certificates = provesByCertificate(auth_method);
  return (
    <>
      <code className="text-13 break-all text-text">{jwks_uri ?? key_ids.join(', ')}</code>
      <span className="block text-12 text-text-3">
        {jwks_uri === null
          ? `${key_ids.length === 1 ? 'One public key' : `${key_ids.length} public keys`}${certificates ? ', with certificates' : ''}, stored here.`
          : `Its public keys${certificates ? ' and certificates' : ''} are read from there.`}
      </span>
    </>
  );
};

const proofOf = (client: ClientView): Proof => {
  const proof = emptyProof(client.auth_method as AuthMethod);
  return {
    ...proof,
    keysBy: client.jwks_uri === null ? 'text' : 'address',
    address: client.jwks_uri ?? '',
    name: client.certificate_name ?? proof.name,
  };
};

const ProofDialog = ({ client, open, onClose }: { client: ClientView; open: boolean; onClose: () => void }) => {
  const [proof, setProof] = useState(() => proofOf(client));
  const [wrong, setWrong] = useState<string>();
  const form = useId();
  const update = useOperationMutation(clientsUpdate, {
    quiet: true,
    invalidates: ['clients.list', 'clients.get'],
    done: () => 'Saved',
    onSuccess: onClose,
  });
  const errors = formErrors(update.error, proofPaths);
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, wrong ?? update.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = proofSettings(proof);
    setWrong('wrong' in read ? read.wrong : undefined);
    if ('wrong' in read) update.reset();
    else update.mutate({ id: client.id, version: client.version, ...read.settings });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      width="large"
      title={provesByName(client.auth_method) ? 'Change the name in the certificate' : 'Change the keys'}
      description={`What ${client.name} proves itself with now ends at once. Tokens it holds stay good.`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={update.isPending} disabled={!isComplete(proof)}>
            Save
          </Button>
        </>
      }
    >
      <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
        <ProofFields
          proof={proof}
          onChange={(next) => {
            setProof(next);
            setWrong(undefined);
          }}
          errors={errors}
          wrong={wrong}
        />
        <FormError>{errors.of('auth_method') ?? errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
