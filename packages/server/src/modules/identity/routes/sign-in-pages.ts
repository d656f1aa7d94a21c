import { AppError } from '../../../platform/errors/app-error.ts';
import { escapeHtml } from '../../../platform/http/html.ts';
import type { PageAnswer, PageRoute } from '../../../platform/http/page-route.ts';
import { serverPage } from '../../../platform/http/server-page.ts';
import type { IdentityServices } from '../index.ts';
import { ownPath } from './own-path.ts';

type Admission = Awaited<ReturnType<IdentityServices['signIn']['withPassword']>>;

const page = (title: string, body: string, status = 200): PageAnswer => ({
  kind: 'page',
  status,
  html: serverPage({ title, body: `<h1>${escapeHtml(title)}</h1>${body}` }),
});

const deadPage = (): PageAnswer =>
  page(
    'This link is no longer good',
    '<p>It was used, has expired, or a newer one was sent. Ask for a new one.</p><form method="get" action="/sign-in"><button>Go to the sign-in page</button></form>',
    410,
  );

/** A fragment stays in the browser, so the challenge reaches no log and no referrer. */
const afterAdmission = (admission: Admission, next: string | null): PageAnswer => {
  if (admission.kind === 'signed_in') return { kind: 'redirect', to: ownPath(next) ?? '/' };
  const onward = ownPath(next);
  const query = onward === null ? '' : `?next=${encodeURIComponent(onward)}`;
  return { kind: 'redirect', to: `/sign-in/factor${query}#challenge=${admission.challenge}` };
};

const refusedAt = (error: unknown, where: string): PageAnswer => {
  if (!(error instanceof AppError)) throw error;
  if (error.code === 'internal') throw error;
  return { kind: 'redirect', to: `${where}#refused=${encodeURIComponent(error.message)}` };
};

const verifyForm = (token: string, label: string): string =>
  `<form method="post" action="/auth/verify"><input type="hidden" name="token" value="${escapeHtml(token)}"><button>${label}</button></form>`;

const appleName = (user: string | undefined): string | null => {
  if (user === undefined || user.length > 2000) return null;
  try {
    const { name } = JSON.parse(user) as { name?: { firstName?: unknown; lastName?: unknown } };
    const parts = [name?.firstName, name?.lastName].filter((part) => typeof part === 'string');
    return parts.length === 0 ? null : parts.join(' ');
  } catch {
    return null;
  }
};

/** Where mails and providers send a browser. */
export const signInPages = ({ links, social }: Pick<IdentityServices, 'links' | 'social'>): PageRoute[] => [
  {
    method: 'GET',
    path: '/auth/verify',
    run: async (call, { query }) => {
      const token = query['token'] ?? '';
      const link = token === '' ? null : await links.peek(call, token);
      if (link === null) return deadPage();
      const [name, email] = [escapeHtml(link.name), escapeHtml(link.email)];
      if (link.purpose === 'reset')
        return { kind: 'redirect', to: `/reset-password#token=${encodeURIComponent(token)}` };
      if (link.purpose === 'magic')
        return page('Sign in', `<p>As <strong>${name}</strong>, ${email}.</p>${verifyForm(token, 'Sign in')}`);
      return page(
        'Confirm your address',
        `<p>Confirm that <strong>${email}</strong> is yours and belongs to the account of <strong>${name}</strong>.</p>${verifyForm(token, 'Confirm the address')}`,
      );
    },
  },
  {
    method: 'POST',
    path: '/auth/verify',
    run: async (call, { form }) => {
      try {
        const { email, admission } = await links.verify(call, { token: form['token'] ?? '' });
        if (admission !== null) return afterAdmission(admission, null);
        return page(
          'The address is confirmed',
          `<p><strong>${escapeHtml(email)}</strong> is yours.</p><form method="get" action="/"><button>Go on</button></form>`,
        );
      } catch (error) {
        if (error instanceof AppError && error.code === 'identity_link_dead') return deadPage();
        throw error;
      }
    },
  },
  {
    method: 'GET',
    path: '/auth/oauth/{provider}',
    run: async (call, { params, query }) => {
      try {
        const invite = query['invite']?.slice(0, 100) ?? null;
        return { kind: 'redirect', to: await social.begin(call, params['provider']!, ownPath(query['next']), invite) };
      } catch (error) {
        return refusedAt(error, '/sign-in');
      }
    },
  },
  {
    method: 'GET',
    path: '/auth/oauth/{provider}/callback',
    run: async (call, { params, query }) => {
      const url = new URL('http://callback.invalid/');
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      try {
        const result = await social.finish(call, { slug: params['provider']!, url });
        if (result.kind === 'linked') return { kind: 'redirect', to: ownPath(result.next) ?? '/settings/security' };
        return afterAdmission(result.admission, result.next);
      } catch (error) {
        return refusedAt(error, call.caller.credential.kind === 'session' ? '/settings/security' : '/sign-in');
      }
    },
  },
  {
    method: 'POST',
    path: '/auth/oauth/{provider}/callback',
    from_anywhere: true,
    run: async (_call, { params, form }) => {
      const name = appleName(form['user']);
      if (name !== null && form['state'] !== undefined) await social.noteName(form['state'], name);
      const kept = new URLSearchParams();
      for (const member of ['state', 'code', 'error', 'iss']) {
        const value = form[member];
        if (value !== undefined) kept.set(member, value.slice(0, 4000));
      }
      // The browser comes again by GET, and then with the cookies that a post from another site does not carry.
      return { kind: 'redirect', to: `/auth/oauth/${encodeURIComponent(params['provider']!)}/callback?${kept}` };
    },
  },
];
