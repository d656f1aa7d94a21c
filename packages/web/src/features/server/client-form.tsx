import {
  clientRights,
  clientsCreate,
  type InputOf,
  identityScopes,
  scopes as known,
  resourcesList,
} from '@atrium/protocol';
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { createExternalStore, useExternalStore } from '../../ui/external-store.ts';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Checkbox, RadioGroup, Switch } from '../../ui/toggles.tsx';
import {
  AuthMethodField,
  emptyProof,
  isComplete,
  type Proof,
  ProofFields,
  proofPaths,
  proofSentence,
  proofSettings,
  provesByCertificate,
} from './client-proof.tsx';

export const newClientOpen = createExternalStore(false);

type Settings = InputOf<typeof clientsCreate>;
type Kind = 'web' | 'native' | 'service' | 'device';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

interface KindOfClient {
  label: string;
  hint: string;
  settings: Partial<Settings>;
  redirects: boolean;
  /** It can keep something to prove itself with. */
  proves: boolean;
}

const kinds: Record<Kind, KindOfClient> = {
  web: {
    label: 'Web application',
    hint: 'Runs on a server and can prove itself',
    settings: { grant_types: ['authorization_code', 'refresh_token'] },
    redirects: true,
    proves: true,
  },
  native: {
    label: 'Browser, desktop or MCP client',
    hint: 'Keeps no secret; proves itself by PKCE',
    settings: { auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
    redirects: true,
    proves: false,
  },
  service: {
    label: 'Service',
    hint: 'Acts for itself at resources of your own; towards Atrium, connect an agent',
    settings: { grant_types: ['client_credentials'] },
    redirects: false,
    proves: true,
  },
  device: {
    label: 'Device without a browser',
    hint: 'Shows a code that a person types elsewhere',
    settings: { auth_method: 'none', grant_types: [deviceGrant, 'refresh_token'] },
    redirects: false,
    proves: false,
  },
};

/** Lines of a text field as a list. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Every scope a client can have, with what it means. */
export const ClientScopes = ({
  value,
  onChange,
}: {
  value: readonly string[];
  onChange: (scopes: string[]) => void;
}) => {
  const resources = useOperation(resourcesList, { limit: 200 }).data?.items ?? [];
  const toggle = (scope: string) => (on: boolean) =>
    onChange(on ? [...value, scope] : value.filter((other) => other !== scope));
  return (
    <div className="grid gap-x-6 gap-y-1 sm:grid-cols-2">
      {Object.entries(identityScopes).map(([scope, title]) => (
        <Checkbox
          key={scope}
          label={title}
          hint={<code className="text-12">{scope}</code>}
          checked={value.includes(scope)}
          onChange={toggle(scope)}
        />
      ))}
      {Object.entries({
        ...known,
        ...Object.fromEntries(
          Object.entries(clientRights).map(([right, title]) => [right, { title, privileged: true }]),
        ),
      }).map(([scope, { title, privileged }]) => (
        <Checkbox
          key={scope}
          label={
            <>
              {title}
              {privileged && <span className="ml-2 text-12 font-medium text-warning-text">powerful</span>}
            </>
          }
          hint={<code className="text-12">{scope}</code>}
          checked={value.includes(scope)}
          onChange={toggle(scope)}
        />
      ))}
      {resources.flatMap((resource) =>
        resource.scopes.map((scope) => (
          <Checkbox
            key={`${resource.id} ${scope}`}
            label={resource.name}
            hint={<code className="text-12">{scope}</code>}
            checked={value.includes(scope)}
            onChange={toggle(scope)}
          />
        )),
      )}
    </div>
  );
};

/** Registers a client by what it is, and shows its secret once. */
export const NewClientDialog = () => {
  const open = useExternalStore(newClientOpen);
  return <NewClient key={String(open)} open={open} />;
};

const firstMethod = 'client_secret_basic';

const NewClient = ({ open }: { open: boolean }) => {
  const [kind, setKind] = useState<Kind>('web');
  const [name, setName] = useState('');
  const [redirects, setRedirects] = useState('');
  const [scopes, setScopes] = useState<string[]>(['openid', 'profile']);
  const [own, setOwn] = useState(false);
  const [proof, setProof] = useState(emptyProof(firstMethod));
  const [bound, setBound] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const create = useOperationMutation(clientsCreate, { quiet: true, invalidates: ['clients.list', 'server.overview'] });
  const errors = formErrors(create.error, ['name', 'redirect_uris', 'scopes', ...proofPaths]);
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, wrong ?? create.error);
  const made = create.data;
  const close = () => newClientOpen.set(false);
  const chosen = kinds[kind];
  const connects = chosen.proves && provesByCertificate(proof.method);
  const proofFields = useRef<HTMLDivElement>(null);
  // What the chosen way asks for may be below the edge of the dialog.
  useEffect(() => {
    if (proof.method !== firstMethod) proofFields.current?.scrollIntoView({ block: 'nearest' });
  }, [proof.method]);
  const changeProof = (next: Proof) => {
    setProof(next);
    setWrong(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = chosen.proves ? proofSettings(proof) : { settings: {} };
    setWrong('wrong' in read ? read.wrong : undefined);
    if ('wrong' in read) return create.reset();
    create.mutate({
      ...chosen.settings,
      ...(chosen.proves ? { auth_method: proof.method } : {}),
      ...read.settings,
      ...(connects ? { certificate_required: bound } : {}),
      name: name.trim(),
      redirect_uris: chosen.redirects ? linesOf(redirects) : [],
      scopes,
      skip_consent: own,
    });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && close()}
      width="large"
      title={made ? `${made.client.name} is registered` : 'New client'}
      description={made ? undefined : 'Software that asks this server for tokens.'}
      footer={
        made ? (
          <Button tone="primary" onClick={close}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={close}>Cancel</Button>
            <Button
              tone="primary"
              type="submit"
              form={form}
              busy={create.isPending}
              disabled={
                name.trim() === '' ||
                (chosen.redirects && linesOf(redirects).length === 0) ||
                (chosen.proves && !isComplete(proof))
              }
            >
              Register client
            </Button>
          </>
        )
      }
    >
      {made ? (
        <div className="flex flex-col gap-5">
          {made.client_secret && (
            <SecretReveal secret={made.client_secret} name="Client secret" variable="OAUTH_CLIENT_SECRET" />
          )}
          <FormField label="Client id" group>
            <CopyLine text={made.client.client_id} label="Copy client id" />
          </FormField>
          <FormField label="Discovery" group hint="Most libraries need this address and nothing else.">
            <CopyLine text={`${location.origin}/.well-known/openid-configuration`} label="Copy address" />
          </FormField>
          {!made.client_secret && <p className="text-13 text-text-2">{proofSentence(made.client.auth_method)}</p>}
        </div>
      ) : (
        <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
          <FormField label="What it is" group>
            <div className="sm:[&>[role=radiogroup]]:grid-cols-2">
              <RadioGroup
                look="cards"
                label="What it is"
                value={kind}
                onChange={(value) => setKind(value as Kind)}
                options={Object.entries(kinds).map(([value, { label, hint }]) => ({ value, label, hint }))}
              />
            </div>
          </FormField>
          <FormField label="Name" error={errors.of('name')} hint="People read it when they are asked to allow it.">
            <Input
              dir="auto"
              name="client-name"
              required
              maxLength={100}
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </FormField>
          {chosen.redirects && (
            <FormField
              label="Addresses to return to"
              error={errors.of('redirect_uris')}
              hint={
                kind === 'native'
                  ? 'One a line: https, http on a loopback address (any port fits), or com.example.app:/done.'
                  : 'One a line, https. They are compared character by character.'
              }
            >
              <Textarea
                name="redirect-uris"
                rows={2}
                spellCheck={false}
                className="font-mono text-13"
                placeholder={kind === 'native' ? 'http://127.0.0.1/callback' : 'https://app.example.com/callback'}
                value={redirects}
                onChange={(event) => setRedirects(event.target.value)}
              />
            </FormField>
          )}
          {chosen.proves && (
            <div ref={proofFields} className="flex flex-col gap-5">
              <AuthMethodField
                method={proof.method}
                onChange={(method) =>
                  changeProof({
                    ...proof,
                    method,
                    keysBy: proof.address === '' ? emptyProof(method).keysBy : proof.keysBy,
                  })
                }
                error={errors.of('auth_method')}
              />
              <ProofFields proof={proof} onChange={changeProof} errors={errors} wrong={wrong} />
              {connects && (
                <Switch
                  label="Bind tokens to its certificate"
                  hint="A stolen token is worth nothing without the certificate."
                  checked={bound}
                  onChange={setBound}
                />
              )}
            </div>
          )}
          <FormField label="What it may ask for" group error={errors.of('scopes')}>
            <ClientScopes value={scopes} onChange={setScopes} />
          </FormField>
          {chosen.redirects && (
            <Switch
              label="Software of your own"
              hint="Its people are not asked for consent."
              checked={own}
              onChange={setOwn}
            />
          )}
          <FormError>{errors.rest}</FormError>
        </form>
      )}
    </Dialog>
  );
};
