import {
  factorsGet,
  type OutputOf,
  recoveryCodesRenew,
  rememberedForget,
  totpConfirm,
  totpEnrol,
  totpRemove,
} from '@atrium/protocol';
import { Smartphone } from 'lucide-react';
import { type FormEvent, lazy, type ReactNode, Suspense, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError, sayError } from '../../data/client.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Skeleton, SkeletonRows } from '../../ui/skeleton.tsx';
import { CodeField } from '../identity/code-field.tsx';
import { RecoveryCodes } from './recovery-codes.tsx';

const QrCode = lazy(async () => ({ default: (await import('../../ui/qr-code.tsx')).QrCode }));

type Factors = OutputOf<typeof factorsGet>;

/** The authenticator app with its recovery codes, and browsers that are not asked for it. */
export const Authenticator = () => {
  const factors = useOperation(factorsGet, {});
  const [open, setOpen] = useState(false);
  const enrol = useOperationMutation(totpEnrol, { onSuccess: () => setOpen(true) });
  return (
    <>
      <Section factors={factors.data} error={factors.error} retry={factors.refetch}>
        <Without busy={enrol.isPending} onAdd={() => enrol.mutate({})} />
      </Section>
      {/* Beside what it changes: the news that it is confirmed, or that news failing to load, must not take the codes away. */}
      {enrol.data && <EnrolDialog key={enrol.data.secret} made={enrol.data} open={open} onOpenChange={setOpen} />}
    </>
  );
};

interface SectionProps {
  factors: Factors | undefined;
  error: Error | null;
  retry: () => Promise<unknown>;
  /** What is shown without an authenticator. */
  children: ReactNode;
}

const Section = ({ factors, error, retry, children }: SectionProps) => {
  if (factors === undefined) return error ? <LoadError error={error} retry={retry} /> : <SkeletonRows rows={1} tall />;
  return factors.totp_since === null ? children : <With factors={factors} since={factors.totp_since} />;
};

const Without = ({ busy, onAdd }: { busy: boolean; onAdd: () => void }) => (
  <div className="flex w-full flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-8 text-center">
    <p className="max-w-[44ch] text-13 text-pretty text-text-2">
      An app on your phone shows a new code every 30 seconds. With it a stolen password opens nothing.
    </p>
    <Button size="small" busy={busy} onClick={onAdd}>
      Add an authenticator
    </Button>
  </div>
);

const EnrolDialog = ({
  made,
  open,
  onOpenChange,
}: {
  made: OutputOf<typeof totpEnrol>;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const [code, setCode] = useState('');
  const form = useId();
  const confirm = useOperationMutation(totpConfirm, { quiet: true, invalidates: ['factors.get'] });
  const wrong = confirm.error instanceof ProblemError && confirm.error.code === 'invalid_credentials';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate({ code: code.trim() });
  };
  const codes = confirm.data?.recovery_codes;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={codes ? 'Keep your recovery codes' : 'Add an authenticator'}
      description={codes ? undefined : 'Scan this with an authenticator app, then type the code that it shows.'}
      footer={
        codes ? (
          <Button tone="primary" onClick={() => onOpenChange(false)}>
            I have kept them
          </Button>
        ) : (
          <>
            <Button onClick={() => onOpenChange(false)}>Cancel</Button>
            <Button tone="primary" type="submit" form={form} busy={confirm.isPending} disabled={code.trim().length < 6}>
              Confirm
            </Button>
          </>
        )
      }
    >
      {codes ? (
        <RecoveryCodes codes={codes} />
      ) : (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5 sm:flex-row">
          <Suspense fallback={<Skeleton className="size-44 shrink-0" />}>
            <QrCode text={made.url} label="QR code for your authenticator app" />
          </Suspense>
          <div className="flex min-w-0 flex-1 flex-col gap-4">
            <CodeField
              value={code}
              onChange={setCode}
              recovery={false}
              autoFocus
              error={wrong ? 'This is not the code that the app shows now.' : undefined}
            />
            <FormField label="Or type this secret into the app" group>
              <CopyLine text={made.secret} label="Copy the secret" />
            </FormField>
            <FormError>{confirm.error && !wrong ? sayError(confirm.error) : undefined}</FormError>
          </div>
        </form>
      )}
    </Dialog>
  );
};

const With = ({ factors, since }: { factors: Factors; since: string }) => {
  const [removing, setRemoving] = useState(false);
  const [showing, setShowing] = useState(false);
  const renew = useOperationMutation(recoveryCodesRenew, {
    invalidates: ['factors.get'],
    onSuccess: () => setShowing(true),
  });
  const remove = useOperationMutation(totpRemove, {
    invalidates: ['factors.get'],
    done: () => 'The authenticator is removed',
    onSuccess: () => setRemoving(false),
  });
  const forget = useOperationMutation(rememberedForget, {
    invalidates: ['factors.get'],
    done: () => 'Every browser is asked again',
  });
  const left = factors.recovery_codes_left;
  return (
    <div className="flex flex-col gap-3">
      <ul className="divide-y divide-line rounded-card border border-line">
        <li className="flex items-center gap-3 px-4 py-3">
          <Smartphone aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
          <span className="min-w-0 flex-1">
            <span className="flex flex-wrap items-center gap-2 text-14 font-medium">
              Authenticator app
              <Badge dot tone="success">
                On
              </Badge>
            </span>
            <span className="block text-13 text-text-2">
              Added <RelativeTime time={since} />
            </span>
          </span>
          <Button size="small" tone="ghost" onClick={() => setRemoving(true)}>
            Remove
          </Button>
        </li>
        <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
          <span className="min-w-0 flex-1">
            <span className="block text-14 font-medium">Recovery codes</span>
            <span className={left < 3 ? 'block text-13 text-warning-text' : 'block text-13 text-text-2'}>
              {left === 0 ? 'None left' : `${left} of 10 left`}
            </span>
          </span>
          <Button size="small" busy={renew.isPending} onClick={() => renew.mutate({})}>
            Make new ones
          </Button>
        </li>
        {factors.remembered_browsers > 0 && (
          <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
            <span className="min-w-0 flex-1">
              <span className="block text-14 font-medium">Browsers that are not asked</span>
              <span className="block text-13 text-text-2">
                {factors.remembered_browsers === 1
                  ? 'One, for 30 days'
                  : `${factors.remembered_browsers}, for 30 days each`}
              </span>
            </span>
            <Button size="small" busy={forget.isPending} onClick={() => forget.mutate({})}>
              Ask again
            </Button>
          </li>
        )}
      </ul>
      <Dialog
        open={showing && renew.isSuccess}
        onOpenChange={setShowing}
        title="Your new recovery codes"
        description="The old ones no longer work."
        footer={
          <Button tone="primary" onClick={() => setShowing(false)}>
            I have kept them
          </Button>
        }
      >
        {renew.data && <RecoveryCodes codes={renew.data.recovery_codes} />}
      </Dialog>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title="Remove the authenticator"
        verb="Remove it"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({})}
      >
        Your recovery codes end with it. Afterwards a password or a mailed link alone opens your account.
      </ConfirmDialog>
    </div>
  );
};
