import { authMethods, authRequestReset } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Entrance } from './entrance.tsx';

export const ForgotPage = () => {
  const [email, setEmail] = useState('');
  const methods = useOperation(authMethods, {});
  const request = useOperationMutation(authRequestReset, { quiet: true });
  const errors = formErrors(request.error, ['email']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate({ email: email.trim() });
  };
  const back = (
    <Button asChild size="large" className="w-full">
      <Link to="/sign-in">Back to sign-in</Link>
    </Button>
  );
  if (request.isSuccess)
    return (
      <Entrance
        title="Look into your mail"
        lead={`If ${email.trim()} has an account here, a link that sets a new password is on its way. It is good for 15 minutes.`}
      >
        {back}
      </Entrance>
    );
  return (
    <Entrance title="Set a new password" lead="We mail a link to the address of your account.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        {methods.data?.mail === 'files' && <NoMail />}
        <FormField label="E-mail" error={errors.of('email')}>
          <Input
            type="email"
            name="email"
            autoComplete="username"
            inputMode="email"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
        <Button tone="primary" size="large" type="submit" busy={request.isPending}>
          Mail me a link
        </Button>
        {back}
      </form>
    </Entrance>
  );
};

/** Without SMTP a letter only reaches whoever runs the server; saying so saves a wait. */
export const NoMail = () => (
  <Notice tone="warning">
    This server sends no mail yet. Letters are left in <code>mail</code> of its data directory, where its operator can
    read them.
  </Notice>
);
