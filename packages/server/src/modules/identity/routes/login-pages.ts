import { AppError } from '../../../platform/errors/app-error.ts';
import { type Html, html } from '../../../platform/http/html.ts';
import type { PageAnswer, PageRoute } from '../../../platform/http/page-route.ts';
import { serverPage } from '../../../platform/http/server-page.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { IdentityServices } from '../index.ts';
import { ownPath } from './own-path.ts';

type Services = Pick<IdentityServices, 'signIn' | 'factors' | 'methods'>;

/** After signing in the browser may be sent on to a client that already has consent, wherever that is. */
const onward = ['https:', 'http://localhost:*', 'http://127.0.0.1:*'];

const problems: Partial<Record<string, string>> = {
  invalid_credentials: 'E-mail and password do not belong to an account.',
  identity_challenge_dead: 'That took too long, or there were too many wrong codes. Begin again.',
  rate_limited: 'Too many attempts. Wait a while, then try again.',
  validation_failed: 'Fill in both fields.',
};

/** What to say to the person; anything else is not theirs to mend and goes to the error page. */
const problemOf = (error: unknown): { status: number; text: string; code: string } => {
  const text = error instanceof AppError ? problems[error.code] : undefined;
  if (text === undefined) throw error;
  const { status, code } = error as AppError;
  return { status, text, code };
};

const page = (title: string, body: Html, status = 200): PageAnswer => ({
  kind: 'page',
  status,
  html: serverPage({ title, body: html`<h1>${title}</h1>${body}`.text }),
  form_targets: onward,
});

const alert = (problem: string | null): Html | null =>
  problem === null ? null : html`<p class="warning" role="alert">${problem}</p>`;

const isSignedIn = (call: Call): boolean => call.caller.kind === 'user' && call.caller.credential.kind === 'session';

/** Sign-in by ordinary forms, without script: password, then a code where one is due. */
export const loginPages = ({ signIn, factors, methods }: Services): PageRoute[] => {
  const loginForm = async (
    call: Call,
    view: { to: string; email: string; problem: string | null; status?: number },
  ): Promise<PageAnswer> => {
    const { passkey, magic_link, providers } = await methods.list(call);
    const next = encodeURIComponent(view.to);
    const other = [passkey && 'a passkey', magic_link && 'a mailed link'].filter((way) => way !== false);
    return page(
      'Sign in',
      html`${alert(view.problem)}
<form method="post" action="/auth/login">
<input type="hidden" name="return_to" value="${view.to}">
<label>E-mail<input type="email" name="email" value="${view.email}" autocomplete="username" required maxlength="254"></label>
<label>Password<input type="password" name="password" autocomplete="current-password" required maxlength="1024"></label>
<button class="primary" type="submit">Sign in</button>
</form>
<div class="ways">
${providers.map(
  ({ slug, name }) => html`<a class="button quiet" href="/auth/oauth/${slug}?next=${next}">Continue with ${name}</a>`,
)}
${other.length > 0 && html`<a class="button quiet" href="/sign-in?next=${next}">Use ${other.join(' or ')}</a>`}
<p><a href="/forgot-password">Forgotten your password?</a></p>
</div>`,
      view.status,
    );
  };

  const codeForm = (view: { to: string; challenge: string; problem: string | null; status?: number }): PageAnswer =>
    page(
      'Enter your code',
      html`<p>The code that your authenticator shows now, or one of your recovery codes.</p>
${alert(view.problem)}
<form method="post" action="/auth/totp">
<input type="hidden" name="return_to" value="${view.to}">
<input type="hidden" name="challenge" value="${view.challenge}">
<label>Code<input type="text" name="code" inputmode="text" autocomplete="one-time-code" required maxlength="40"></label>
<label class="check"><input type="checkbox" name="remember" value="yes">Do not ask in this browser for 30 days</label>
<button class="primary" type="submit">Go on</button>
</form>`,
      view.status,
    );

  const show: PageRoute['run'] = async (call, { query }) => {
    const to = ownPath(query['return_to']) ?? '/';
    if (query['again'] === undefined && isSignedIn(call)) return { kind: 'redirect', to };
    return loginForm(call, { to, email: '', problem: null });
  };

  return [
    { method: 'GET', path: '/login', run: show },
    { method: 'GET', path: '/auth/login', run: show },
    {
      method: 'POST',
      path: '/auth/login',
      run: async (call, { form }) => {
        const to = ownPath(form['return_to']) ?? '/';
        const [email, password] = [form['email'] ?? '', form['password'] ?? ''];
        try {
          if (email.trim() === '' || email.length > 254 || password === '' || password.length > 1024)
            throw new AppError('validation_failed');
          const admission = await signIn.withPassword(call, { email, password });
          if (admission.kind === 'signed_in') return { kind: 'redirect', to };
          return codeForm({ to, challenge: admission.challenge, problem: null });
        } catch (error) {
          const { status, text } = problemOf(error);
          return loginForm(call, { to, email: email.slice(0, 254), problem: text, status });
        }
      },
    },
    {
      method: 'POST',
      path: '/auth/totp',
      run: async (call, { form }) => {
        const to = ownPath(form['return_to']) ?? '/';
        const [challenge, code] = [(form['challenge'] ?? '').slice(0, 200), form['code'] ?? ''];
        try {
          if (code.trim() === '' || code.length > 40) throw new AppError('invalid_credentials');
          await factors.answerChallenge(call, { challenge, code, remember: form['remember'] !== undefined });
          return { kind: 'redirect', to };
        } catch (error) {
          const { status, text, code: kind } = problemOf(error);
          if (kind === 'identity_challenge_dead') return loginForm(call, { to, email: '', problem: text, status });
          const wrong = kind === 'invalid_credentials' ? 'This code is wrong, or it was used already.' : text;
          return codeForm({ to, challenge, problem: wrong, status });
        }
      },
    },
  ];
};
