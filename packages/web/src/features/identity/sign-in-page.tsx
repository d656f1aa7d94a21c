import { authLogin, authMagicLink, authMethods, authPasskeyVerify, type OutputOf, setupStatus } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { FingerprintPattern, Mail } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput } from '../../ui/input.tsx';
import { Entrance } from './entrance.tsx';
import { useFragment } from './fragment.ts';
import { goInside } from './go-inside.ts';
import { PasskeyCancelled, passkeysSupported, showPasskey } from './passkey.ts';
import { ProviderMark } from './provider-mark.tsx';

const route = getRouteApi('/public/sign-in');

const factorNeeded = (error: Error | null): string | null =>
  error instanceof ProblemError && error.code === 'identity_factor_required'
    ? String(error.problem['challenge'])
    : null;

export const SignInPage = () => {
  const { next } = route.useSearch();
  const router = useRouter();
  const refused = useFragment().get('refused');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const status = useOperation(setupStatus, {});
  const methods = useOperation(authMethods, {});
  const login = useOperationMutation(authLogin, { quiet: true, onSuccess: () => void goInside(router, next) });
  const passkey = useMutation({
    mutationFn: async () => call(authPasskeyVerify, await showPasskey()),
    onSuccess: () => void goInside(router, next),
  });
  const mailed = useOperationMutation(authMagicLink, { quiet: true });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, login.error);
  const challenge = factorNeeded(login.error);
  const errors = formErrors(challenge === null ? (login.error ?? mailed.error) : null, ['email', 'password']);
  const cancelled = passkey.error instanceof PasskeyCancelled;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    passkey.reset();
    mailed.reset();
    login.mutate(
      { email, password },
      {
        onError: (error) => {
          const found = factorNeeded(error);
          if (found !== null)
            void router.navigate({ to: '/sign-in/factor', search: { next }, hash: `challenge=${found}` });
        },
      },
    );
  };
  const mailLink = () => {
    const field = form.current?.elements.namedItem('email');
    if (field instanceof HTMLInputElement && field.reportValidity()) mailed.mutate({ email: email.trim() });
  };
  if (mailed.isSuccess) return <LinkSent email={email.trim()} again={() => mailed.reset()} />;
  return (
    <Entrance
      title="Sign in"
      lead={next ? 'Then you go on to where you were.' : 'Your agents are waiting inside.'}
      foot={
        status.data?.done === false ? (
          <SetupHint />
        ) : (
          <p>No account? Ask a member of your organisation for an invitation link.</p>
        )
      }
    >
      <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="E-mail" error={errors.of('email')}>
          <Input
            type="email"
            name="email"
            autoComplete="username webauthn"
            inputMode="email"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </FormField>
        <FormField
          label="Password"
          error={errors.of('password')}
          aside={
            <Link
              to="/forgot-password"
              className="rounded-[3px] text-13 text-text-2 underline decoration-line-strong underline-offset-4 hover:text-text hover:decoration-current"
            >
              Forgotten?
            </Link>
          }
        >
          <PasswordInput
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </FormField>
        <FormError>
          {errors.rest ??
            (passkey.error && !cancelled ? sayError(passkey.error) : undefined) ??
            (login.isIdle ? (refused ?? undefined) : undefined)}
        </FormError>
        <Button tone="primary" size="large" type="submit" busy={login.isPending}>
          Sign in
        </Button>
      </form>
      {methods.data && (
        <OtherWays
          methods={methods.data}
          next={next}
          passkey={{ busy: passkey.isPending, show: () => passkey.mutate() }}
          link={{ busy: mailed.isPending, send: mailLink }}
        />
      )}
    </Entrance>
  );
};

interface OtherWaysProps {
  methods: OutputOf<typeof authMethods>;
  next: string | undefined;
  passkey: { busy: boolean; show: () => void };
  link: { busy: boolean; send: () => void };
}

const OtherWays = ({ methods, next, passkey, link }: OtherWaysProps) => {
  const withPasskey = methods.passkey && passkeysSupported();
  const withLink = methods.magic_link && methods.mail === 'smtp';
  if (!withPasskey && !withLink && methods.providers.length === 0) return null;
  const query = next ? `?next=${encodeURIComponent(next)}` : '';
  return (
    <section aria-label="Other ways to sign in" className="mt-6 flex flex-col gap-2.5">
      <p className="flex items-center gap-3 text-12 text-text-3 before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        or
      </p>
      {withPasskey && (
        <Button
          size="large"
          icon={<FingerprintPattern className="size-4" />}
          busy={passkey.busy}
          onClick={passkey.show}
        >
          Use a passkey
        </Button>
      )}
      {withLink && (
        <Button size="large" icon={<Mail className="size-4" />} busy={link.busy} onClick={link.send}>
          Mail me a sign-in link
        </Button>
      )}
      {methods.providers.map((provider) => (
        <Button asChild key={provider.slug} size="large">
          <a href={`/auth/oauth/${provider.slug}${query}`}>
            <ProviderMark name={provider.name} />
            Go on with {provider.name}
          </a>
        </Button>
      ))}
    </section>
  );
};

const LinkSent = ({ email, again }: { email: string; again: () => void }) => (
  <Entrance
    title="Look into your mail"
    lead={`If ${email} has an account here, a link to sign in is on its way. It is good for 15 minutes, once.`}
  >
    <Button size="large" className="w-full" onClick={again}>
      Sign in another way
    </Button>
  </Entrance>
);

const SetupHint = () => (
  <p>This server is new. Open the setup link that it printed at its first start to make the first account.</p>
);
