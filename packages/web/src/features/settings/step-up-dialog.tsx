import { authStepUp } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { FingerprintPattern } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { acrossSessions } from '../../data/live.ts';
import { invalidate } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PasswordInput } from '../../ui/input.tsx';
import { CodeField } from '../identity/code-field.tsx';
import { PasskeyCancelled, passkeysSupported, showPasskey } from '../identity/passkey.ts';
import { type ProofAsked, proofAsked } from './step-up-store.ts';

/** Asks for a fresh proof when the server wants one, above any page; the refused call then goes on by itself. */
export const StepUpDialog = () => {
  const asked = useExternalStore(proofAsked);
  const close = (proven: boolean) => {
    proofAsked.set(null);
    asked?.answer(proven);
  };
  return (
    <Dialog
      open={asked !== null}
      onOpenChange={(open) => !open && close(false)}
      title="Is it still you?"
      description="What you are about to do asks for a fresh proof. It then holds for 15 minutes."
      width="small"
    >
      {asked && <Proof asked={asked} onProven={() => close(true)} />}
    </Dialog>
  );
};

const Proof = ({ asked, onProven }: { asked: ProofAsked; onProven: () => void }) => {
  const { methods } = asked;
  const [typed, setTyped] = useState('');
  const form = useId();
  const byCode = methods.includes('totp');
  const byPassword = methods.includes('password');
  const byPasskey = methods.includes('passkey') && passkeysSupported();
  const prove = useMutation({
    mutationFn: async (how: 'passkey' | 'typed') => {
      const input =
        how === 'passkey' ? { passkey: await showPasskey() } : byCode ? { code: typed } : { password: typed };
      return acrossSessions(() => call(authStepUp, input));
    },
    onSuccess: () => {
      void invalidate('sessions.list', 'factors.get');
      onProven();
    },
  });
  const wrong = prove.error instanceof ProblemError && prove.error.code === 'invalid_credentials';
  const cancelled = prove.error instanceof PasskeyCancelled;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    prove.mutate('typed');
  };
  if (methods.includes('sign_in')) return <SignInAgain />;
  return (
    <div className="flex flex-col gap-4">
      {byPasskey && (
        <Button
          tone={byCode ? 'secondary' : 'primary'}
          size="large"
          icon={<FingerprintPattern className="size-4" />}
          busy={prove.isPending}
          onClick={() => prove.mutate('passkey')}
        >
          Use your passkey
        </Button>
      )}
      {(byCode || byPassword) && (
        <form id={form} onSubmit={submit} className="flex flex-col gap-4">
          {byCode ? (
            <CodeField
              value={typed}
              onChange={setTyped}
              autoFocus
              recovery={methods.includes('recovery_code')}
              error={wrong ? 'This code is wrong, or it was used already.' : undefined}
            />
          ) : (
            <FormField label="Your password" error={wrong ? 'This is not your password.' : undefined}>
              <PasswordInput
                name="password"
                autoComplete="current-password"
                required
                autoFocus
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            </FormField>
          )}
          <Button tone="primary" size="large" type="submit" busy={prove.isPending} disabled={typed === ''}>
            Go on
          </Button>
        </form>
      )}
      <FormError>{prove.error && !wrong && !cancelled ? sayError(prove.error) : undefined}</FormError>
      {!byPasskey && !byCode && !byPassword && (
        <FormError>This browser cannot show a passkey. Use the device that has it.</FormError>
      )}
    </div>
  );
};

/** An account without a password and without a second factor proves itself by signing in. */
const SignInAgain = () => (
  <div className="flex flex-col gap-4 text-14 text-text-2">
    <p>Your account has neither a password nor a second factor. Sign in once more, then come back here.</p>
    <Button asChild tone="primary" size="large">
      <a href={`/sign-in?next=${encodeURIComponent(location.pathname)}`}>Sign in again</a>
    </Button>
  </div>
);
