import { setupComplete, setupStatus } from '@atrium/protocol';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Entrance } from './entrance.tsx';
import { goInside } from './go-inside.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { passwordStrength } from './password-strength.ts';

const route = getRouteApi('/public/setup');
const paths = ['token', 'email', 'password', 'name', 'org_name'];

export const SetupPage = () => {
  const status = useOperation(setupStatus, {});
  if (status.data?.done) return <AlreadyDone />;
  return (
    <Entrance
      title="Set up Atrium"
      lead="You become the owner: the first account, with every right. It takes a minute."
    >
      <SetupForm />
    </Entrance>
  );
};

const AlreadyDone = () => (
  <Entrance
    title="Setup is done"
    lead="This server has its owner. Sign in with your account, or ask a member for an invitation."
  >
    <Button asChild tone="primary" size="large" className="w-full">
      <Link to="/sign-in">Sign in</Link>
    </Button>
  </Entrance>
);

const SetupForm = () => {
  const { token: given } = route.useSearch();
  const router = useRouter();
  const [token, setToken] = useState(given ?? '');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [orgName, setOrgName] = useState('');
  const [tried, setTried] = useState(false);
  const setup = useOperationMutation(setupComplete, {
    quiet: true,
    onSuccess: () => void goInside(router, '/welcome'),
  });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, setup.error);
  const errors = formErrors(setup.error, paths);
  const known = [name, email];
  const tooShort = tried && passwordStrength(password, known).level === 0 ? 'Use at least 10 characters.' : undefined;
  const tokenRefused =
    setup.error &&
    errors.rest &&
    !errors.of('token') &&
    'code' in setup.error &&
    setup.error.code === 'invalid_credentials';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (passwordStrength(password, known).level === 0) return;
    setup.mutate({
      token: token.trim(),
      name: name.trim(),
      email: email.trim(),
      password,
      ...(orgName.trim() ? { org_name: orgName.trim() } : {}),
    });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
      {(!given || tokenRefused || errors.of('token')) && (
        <FormField
          label="Setup token"
          error={
            errors.of('token') ?? (tokenRefused ? 'This token is not the one that the server printed.' : undefined)
          }
          hint="Printed by the server at its first start."
        >
          <Input
            name="token"
            autoComplete="off"
            spellCheck={false}
            required
            autoFocus={!given}
            value={token}
            onChange={(event) => setToken(event.target.value)}
            className="font-mono"
          />
        </FormField>
      )}
      <FormField label="Your name" error={errors.of('name')}>
        <Input
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          autoFocus={!!given}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <FormField label="E-mail" error={errors.of('email')}>
        <Input
          type="email"
          name="email"
          autoComplete="username"
          inputMode="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </FormField>
      <NewPasswordField
        value={password}
        onChange={setPassword}
        known={known}
        error={errors.of('password') ?? tooShort}
      />
      <FormField
        label="Organisation"
        required={false}
        error={errors.of('org_name')}
        hint="Where your agents and colleagues meet. You can rename it later."
      >
        <Input
          name="organization"
          autoComplete="organization"
          maxLength={100}
          placeholder={name.trim() ? `${name.trim().split(/\s+/)[0]}’s house` : ''}
          value={orgName}
          onChange={(event) => setOrgName(event.target.value)}
        />
      </FormField>
      <FormError>{tokenRefused ? undefined : errors.rest}</FormError>
      <Button tone="primary" size="large" type="submit" busy={setup.isPending}>
        Create the owner account
      </Button>
    </form>
  );
};
