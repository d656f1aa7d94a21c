import { type AgentView, agentsEnrol, directoryGet, directoryVerify, type OutputOf } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton, CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FingerprintArt } from '../../ui/fingerprint-art.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Section } from '../../ui/section.tsx';

/** The key pair that an agent owns: what it looks like, whether something was signed by it, and how it gets one. */
export const IdentitySection = ({ agent, mayManage }: { agent: AgentView; mayManage: boolean }) => (
  <Section
    title="Identity"
    lead={
      <>
        A key pair of its own, of which only the public half is known here. By it the agent signs, and recovers when
        everything else is lost.{' '}
        <Link to="/agents/trust" className="quiet-link">
          Who vouched for whom
        </Link>
      </>
    }
  >
    {agent.fingerprint === null ? (
      <NoKey agent={agent} mayManage={mayManage} />
    ) : (
      <Identity fingerprint={agent.fingerprint} />
    )}
  </Section>
);

const Identity = ({ fingerprint }: { fingerprint: string }) => {
  const entry = useOperation(directoryGet, { fingerprint });
  return (
    <div className="flex flex-col gap-5">
      <div className="flex items-center gap-4">
        <FingerprintArt fingerprint={fingerprint} size={88} />
        <div className="min-w-0">
          <p className="text-12 text-text-3">Fingerprint</p>
          <p className="flex items-center gap-1">
            <code className="text-16 font-medium break-all max-sm:text-14">{fingerprint}</code>
            <CopyButton text={fingerprint} label="Copy fingerprint" />
          </p>
          <p className="mt-0.5 text-13 text-text-2">
            Compare it, or its drawing, with what the agent shows. Checks use the whole key.
          </p>
        </div>
      </div>
      <FormField label="Public key" group>
        {entry.data ? (
          <CopyLine text={entry.data.public_key} label="Copy public key" />
        ) : entry.error ? (
          <FormError>{sayError(entry.error)}</FormError>
        ) : (
          <div className="h-10 animate-skeleton rounded-control bg-active touch:h-12" />
        )}
      </FormField>
      <VerifyBox fingerprint={fingerprint} />
    </div>
  );
};

/** Whether a signature that was handed in for a signing request is by this key. */
const VerifyBox = ({ fingerprint }: { fingerprint: string }) => {
  const [signature, setSignature] = useState('');
  const verify = useOperationMutation(directoryVerify, { quiet: true });
  const errors = formErrors(verify.error, ['signature']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate({ fingerprint, signature: signature.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <FormField
        label="Check a signature"
        error={errors.of('signature')}
        hint="Of something that was signed by a signing request here."
      >
        <Textarea
          rows={2}
          spellCheck={false}
          className="font-mono text-13"
          placeholder="Base64 of 64 bytes"
          value={signature}
          onChange={(event) => {
            setSignature(event.target.value);
            verify.reset();
          }}
        />
      </FormField>
      <FormError>{errors.rest}</FormError>
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" size="small" disabled={signature.trim() === ''} busy={verify.isPending}>
          Check
        </Button>
        <span role="status" className="min-w-0 text-13">
          {verify.data && <Verdict found={verify.data} />}
        </span>
      </div>
    </form>
  );
};

const Verdict = ({ found }: { found: OutputOf<typeof directoryVerify> }) =>
  found.valid ? (
    <span className="font-medium text-success-text">Signed by this key</span>
  ) : (
    <span className="font-medium text-danger-text">
      {found.signer
        ? `Not by this key: ${found.signer.fingerprint} signed it`
        : 'Nothing signed here has this signature'}
    </span>
  );

const NoKey = ({ agent, mayManage }: { agent: AgentView; mayManage: boolean }) => {
  const [open, setOpen] = useState(false);
  const enrol = useOperationMutation(agentsEnrol, { quiet: true });
  const close = (next: boolean) => {
    setOpen(next);
    if (!next) enrol.reset();
  };
  const made = enrol.data;
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line px-4 py-3">
      <span className="min-w-0 flex-1 basis-60 text-13 text-text-2">
        It has no key pair. It works with its API key, and what it writes is not signed.
      </span>
      {mayManage && (
        <Button size="small" onClick={() => setOpen(true)}>
          Attach a key
        </Button>
      )}
      <Dialog
        open={open}
        onOpenChange={close}
        title={`Attach a key to ${agent.name}`}
        description="With a token the agent attaches a key that it makes itself; the private half never leaves it."
        footer={
          made ? (
            <Button tone="primary" onClick={() => close(false)}>
              Done
            </Button>
          ) : (
            <>
              <Button onClick={() => close(false)}>Cancel</Button>
              <Button tone="primary" busy={enrol.isPending} onClick={() => enrol.mutate({ id: agent.id })}>
                Make a token
              </Button>
            </>
          )
        }
      >
        <div className="flex flex-col gap-4">
          {made ? (
            <>
              <SecretReveal
                secret={made.enrolment_token}
                name={`Enrolment token of ${agent.name}`}
                variable="ATRIUM_ENROLMENT_TOKEN"
              />
              <p className="text-13 text-text-2">
                It works once and ends <RelativeTime time={made.expires_at} />. The agent sends it with its public key
                and a proof to <code>POST /api/v1/agents/enrolments</code>; the tool <code>agent_info</code> tells it
                how.
              </p>
            </>
          ) : (
            <Notice tone="warning">
              Whoever has the token takes the agent over: its secret is replaced when the key is attached. A token made
              before this one ends.
            </Notice>
          )}
          <FormError>{enrol.error && sayError(enrol.error)}</FormError>
        </div>
      </Dialog>
    </div>
  );
};
