import { authResetPassword } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Entrance } from './entrance.tsx';
import { useFragment } from './fragment.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { passwordStrength } from './password-strength.ts';

/** Where a mailed link leads that sets a new password. */
export const ResetPage = () => {
  const token = useFragment().get('token');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const reset = useOperationMutation(authResetPassword, { quiet: true });
  const errors = formErrors(reset.error, ['new_password']);
  const dead = token === null || (reset.error instanceof ProblemError && reset.error.code === 'identity_link_dead');
  const weak = tried && passwordStrength(password, []).level === 0 ? 'Use at least 10 characters.' : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (passwordStrength(password, []).level > 0) reset.mutate({ token: token!, new_password: password });
  };
  if (reset.isSuccess)
    return (
      <Entrance
        title="Your password is set"
        lead="Every session of your account has ended. Sign in with the new password."
      >
        <Button asChild tone="primary" size="large" className="w-full">
          <Link to="/sign-in">Sign in</Link>
        </Button>
      </Entrance>
    );
  if (dead)
    return (
      <Entrance title="This link is no longer good" lead="It was used, has expired, or a newer one was sent.">
        <Button asChild tone="primary" size="large" className="w-full">
          <Link to="/forgot-password">Mail me a new link</Link>
        </Button>
      </Entrance>
    );
  return (
    <Entrance title="Choose a new password" lead="It replaces the old one and ends every session of your account.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <NewPasswordField
          label="New password"
          value={password}
          onChange={setPassword}
          known={[]}
          error={errors.of('new_password') ?? weak}
        />
        <FormError>{errors.rest}</FormError>
        <Button tone="primary" size="large" type="submit" busy={reset.isPending}>
          Set the password
        </Button>
      </form>
    </Entrance>
  );
};
