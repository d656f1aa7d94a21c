import {
  authAcceptInvitation,
  authMethods,
  authPreviewInvitation,
  authRegister,
  type OutputOf,
} from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { ProblemError, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { meQuery } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Entrance } from './entrance.tsx';
import { goInside } from './go-inside.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { passwordStrength } from './password-strength.ts';
import { ProviderMark } from './provider-mark.tsx';

type Preview = OutputOf<typeof authPreviewInvitation>;

const route = getRouteApi('/public/invite/$code');

export const InvitePage = () => {
  const { code } = route.useParams();
  const preview = useOperation(authPreviewInvitation, { code });
  const me = useQuery({ ...meQuery, retry: false });
  if (preview.error) return <DeadInvitation error={preview.error} />;
  if (!preview.data || me.isPending) return <Waiting />;
  return (
    <Entrance title={`Join ${preview.data.org_name}`} lead={<Invitation preview={preview.data} />}>
      {me.data?.user ? (
        <Accept code={code} preview={preview.data} email={me.data.user.email} />
      ) : (
        <Register code={code} preview={preview.data} />
      )}
    </Entrance>
  );
};

const Invitation = ({ preview }: { preview: Preview }) => (
  <p className="flex items-center gap-2.5">
    <Avatar id={preview.inviter_name} name={preview.inviter_name} size={28} />
    <span>
      <span className="font-medium text-text">{preview.inviter_name}</span> invites you as {preview.role}
      {preview.team_name && <> in the team {preview.team_name}</>}.
    </span>
  </p>
);

const Waiting = () => (
  <Entrance title="Invitation">
    <div role="status" aria-label="Loading" className="space-y-5">
      <Skeleton className="h-7 w-3/4" />
      <Skeleton className="h-9 w-full" />
      <Skeleton className="h-9 w-full" />
      <Skeleton className="h-11 w-full" />
    </div>
  </Entrance>
);

const DeadInvitation = ({ error }: { error: Error }) => {
  const dead = error instanceof ProblemError && error.code === 'not_found';
  return (
    <Entrance
      title={dead ? 'This invitation is no longer good' : 'The invitation could not be read'}
      lead={
        dead ? 'It was used up, revoked or has expired. Ask the person who sent it for a new link.' : sayError(error)
      }
    >
      <Button asChild size="large" className="w-full">
        <Link to="/sign-in">Sign in instead</Link>
      </Button>
    </Entrance>
  );
};

const Accept = ({ code, preview, email }: { code: string; preview: Preview; email: string }) => {
  const router = useRouter();
  const accept = useOperationMutation(authAcceptInvitation, { quiet: true, onSuccess: () => void goInside(router) });
  const other = preview.email !== null && preview.email.toLowerCase() !== email.toLowerCase();
  return (
    <div className="flex flex-col gap-4">
      <p className="text-14 text-text-2">
        You are signed in as <span className="font-medium text-text">{email}</span>.
      </p>
      {other && <FormError>This invitation is for {preview.email}. Sign in with that address to use it.</FormError>}
      <FormError>{accept.error && sayError(accept.error)}</FormError>
      <Button
        tone="primary"
        size="large"
        busy={accept.isPending}
        disabled={other}
        onClick={() => accept.mutate({ invite_code: code })}
      >
        Join {preview.org_name}
      </Button>
    </div>
  );
};

const Register = ({ code, preview }: { code: string; preview: Preview }) => {
  const router = useRouter();
  const [name, setName] = useState('');
  const [email, setEmail] = useState(preview.email ?? '');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const register = useOperationMutation(authRegister, { quiet: true, onSuccess: () => void goInside(router) });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, register.error);
  const errors = formErrors(register.error, ['email', 'password', 'name']);
  const taken = register.error instanceof ProblemError && register.error.code === 'name_taken';
  const known = [name, email];
  const weak = tried && passwordStrength(password, known).level === 0 ? 'Use at least 10 characters.' : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (passwordStrength(password, known).level === 0) return;
    register.mutate({ name: name.trim(), email: email.trim(), password, invite_code: code });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
      <FormField label="Your name" error={errors.of('name')}>
        <Input
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <FormField
        label="E-mail"
        error={
          errors.of('email') ?? (taken ? 'This address has an account. Sign in to use the invitation.' : undefined)
        }
        hint={preview.email ? 'The invitation is for this address only.' : undefined}
      >
        <Input
          type="email"
          name="email"
          autoComplete="username"
          inputMode="email"
          required
          readOnly={preview.email !== null}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </FormField>
      <NewPasswordField value={password} onChange={setPassword} known={known} error={errors.of('password') ?? weak} />
      <FormError>{taken ? undefined : errors.rest}</FormError>
      <Button tone="primary" size="large" type="submit" busy={register.isPending}>
        Create account and join
      </Button>
      <Providers code={code} />
      <p className="text-13 text-text-2">
        You have an account?{' '}
        <Link
          to="/sign-in"
          search={{ next: `/invite/${code}` }}
          className="rounded-[3px] font-medium text-text underline decoration-line-strong underline-offset-4 hover:decoration-current"
        >
          Sign in
        </Link>
      </p>
    </form>
  );
};

/** Joining without a password of one's own. */
const Providers = ({ code }: { code: string }) => {
  const methods = useOperation(authMethods, {});
  const providers = methods.data?.providers ?? [];
  if (providers.length === 0) return null;
  const query = new URLSearchParams({ invite: code, next: `/invite/${code}` });
  return (
    <section aria-label="Other ways to join" className="flex flex-col gap-2.5">
      {providers.map((provider) => (
        <Button asChild key={provider.slug} size="large">
          <a href={`/auth/oauth/${provider.slug}?${query}`}>
            <ProviderMark name={provider.name} />
            Join with {provider.name}
          </a>
        </Button>
      ))}
    </section>
  );
};
