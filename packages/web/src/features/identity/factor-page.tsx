import { authTotp } from '@atrium/protocol';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { CodeField } from './code-field.tsx';
import { Entrance } from './entrance.tsx';
import { useFragment } from './fragment.ts';
import { goInside } from './go-inside.ts';

const route = getRouteApi('/public/sign-in/factor');

/** The second step of a sign-in. The challenge comes in the fragment, whichever way the first step went. */
export const FactorPage = () => {
  const { next } = route.useSearch();
  const challenge = useFragment().get('challenge');
  const router = useRouter();
  const [code, setCode] = useState('');
  const [remember, setRemember] = useState(false);
  const answer = useOperationMutation(authTotp, { quiet: true, onSuccess: () => void goInside(router, next) });
  const errors = formErrors(answer.error, ['code']);
  const refused = answer.error instanceof ProblemError ? answer.error.code : null;
  const over = challenge === null || refused === 'identity_challenge_dead';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    answer.mutate({ challenge: challenge!, code, remember });
  };
  if (over) return <Over next={next} />;
  return (
    <Entrance
      title="One more step"
      lead="Your account asks for a second factor."
      foot={<p>No access to either? An operator of this server can let you in again.</p>}
    >
      <form onSubmit={submit} className="flex flex-col gap-5">
        <CodeField
          value={code}
          onChange={setCode}
          autoFocus
          error={
            errors.of('code') ??
            (refused === 'invalid_credentials' ? 'This code is wrong, or it was used already.' : undefined)
          }
        />
        <Checkbox
          checked={remember}
          onChange={setRemember}
          label="Do not ask again in this browser"
          hint="For 30 days. Leave this off on a computer that others use."
        />
        <FormError>{refused === 'invalid_credentials' ? undefined : errors.rest}</FormError>
        <Button tone="primary" size="large" type="submit" busy={answer.isPending} disabled={code.trim().length < 6}>
          Go on
        </Button>
      </form>
    </Entrance>
  );
};

const Over = ({ next }: { next: string | undefined }) => (
  <Entrance
    title="Begin again"
    lead="The sign-in that waited for your second factor has ended: five minutes passed, or too many codes were wrong."
  >
    <Button asChild tone="primary" size="large" className="w-full">
      <Link to="/sign-in" search={{ next }}>
        Sign in
      </Link>
    </Button>
  </Entrance>
);
