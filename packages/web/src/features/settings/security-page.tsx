import { factorsGet, meChangePassword } from '@atrium/protocol';
import { type FormEvent, useRef, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PasswordInput } from '../../ui/input.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { useFragment } from '../identity/fragment.ts';
import { NewPasswordField } from '../identity/new-password-field.tsx';
import { passwordStrength } from '../identity/password-strength.ts';
import { SigningKeys } from '../signing/signing-keys.tsx';
import { WaitingSignatures } from '../signing/waiting-signatures.tsx';
import { ApiKeys } from './api-keys.tsx';
import { Authenticator } from './authenticator.tsx';
import { EmailAddresses } from './email-addresses.tsx';
import { LinkedLogins } from './linked-logins.tsx';
import { Passkeys } from './passkeys.tsx';
import { Sessions } from './sessions.tsx';
import { SettingsBody } from './settings-header.tsx';

export const SecurityPage = () => (
  <SettingsBody title="Security">
    <RefusedLink />
    <Sections>
      <Section title="Passkeys" lead="The quickest way in, and the safest. Each counts as two factors.">
        <Passkeys />
      </Section>
      <Section
        title="Authenticator app"
        lead="A second factor for sign-ins by password, mailed link or another account."
      >
        <Authenticator />
      </Section>
      <Section
        title="Signing keys"
        lead="For messages that agents and colleagues ask you to sign. The private key stays in the browser that made it."
      >
        <WaitingSignatures />
        <SigningKeys />
      </Section>
      <Section title="Password" lead="Changing it ends your other sessions. Keys stay.">
        <Password />
      </Section>
      <Section title="Linked accounts" lead="Accounts elsewhere that sign you in here.">
        <LinkedLogins />
      </Section>
      <Section title="E-mail addresses" lead="Where letters and sign-in links go. Colleagues see the primary one.">
        <EmailAddresses />
      </Section>
      <Section title="Sessions" lead="Where you are signed in. End what you do not know, then change your password.">
        <Sessions />
      </Section>
      <Section
        title="API keys"
        lead="For your own scripts: a key acts as you, in this organisation, within its scopes. An agent gets its own key instead."
      >
        <ApiKeys />
      </Section>
    </Sections>
  </SettingsBody>
);

/** Why an account elsewhere could not be linked, when the browser comes back from it. */
const RefusedLink = () => {
  const refused = useFragment().get('refused');
  if (refused === null) return null;
  return (
    <div className="max-w-[1120px] px-4 pt-4 md:px-6">
      <FormError>{refused}</FormError>
    </div>
  );
};

const Password = () => {
  const factors = useOperation(factorsGet, {});
  if (factors.isPending) return <Skeleton className="h-9 w-full max-w-[420px]" />;
  return <PasswordForm has={factors.data?.has_password ?? true} />;
};

const PasswordForm = ({ has }: { has: boolean }) => {
  const { user } = useMe();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [tried, setTried] = useState(false);
  const known = user ? [user.name, user.email] : [];
  const change = useOperationMutation(meChangePassword, {
    quiet: true,
    invalidates: ['sessions.list', 'factors.get'],
    done: () => (has ? 'Your password is changed; other sessions are ended' : 'Your password is set'),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      setTried(false);
    },
  });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, change.error);
  const errors = formErrors(change.error, ['current_password', 'new_password']);
  const wrong = change.error instanceof ProblemError && change.error.code === 'invalid_credentials';
  const weak = tried && passwordStrength(next, known).level === 0 ? 'Use at least 10 characters.' : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (passwordStrength(next, known).level === 0) return;
    change.mutate({ ...(has ? { current_password: current } : {}), new_password: next });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex max-w-[420px] flex-col gap-5">
      {/* Password managers match the pair by the account name. */}
      <input type="text" name="username" autoComplete="username" value={user?.email ?? ''} readOnly hidden />
      {has && (
        <FormField
          label="Current password"
          error={errors.of('current_password') ?? (wrong ? 'This is not your password.' : undefined)}
        >
          <PasswordInput
            name="current-password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        </FormField>
      )}
      <NewPasswordField
        label="New password"
        value={next}
        onChange={setNext}
        known={known}
        error={errors.of('new_password') ?? weak}
      />
      <FormError>{wrong ? undefined : errors.rest}</FormError>
      <div>
        <Button type="submit" busy={change.isPending} disabled={(has && current === '') || next === ''}>
          {has ? 'Change password' : 'Set a password'}
        </Button>
      </div>
    </form>
  );
};
