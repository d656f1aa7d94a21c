import { AppError } from '../../../platform/errors/app-error.ts';
import { type Html, html } from '../../../platform/http/html.ts';
import type { PageAnswer, PageRoute } from '../../../platform/http/page-route.ts';
import { serverPage } from '../../../platform/http/server-page.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { Destination, Handover } from './handover-service.ts';
import type { ShareRow } from './shares-store.ts';

const page = (title: string, body: Html, status = 200, form_targets: readonly string[] = []): PageAnswer => ({
  kind: 'page',
  status,
  html: serverPage({ title, body: html`<h1>${title}</h1>${body}`.text }),
  form_targets,
});

const nowhere = (): PageAnswer =>
  page(
    'This address leads nowhere',
    html`<p>No app here has that address. Open the app again from its own address.</p>`,
    404,
  );

const deadLink = (): PageAnswer =>
  page(
    'This link no longer opens anything',
    html`<p>It has expired, was used as often as it may be, or was taken back. Ask whoever sent it for a new one.</p>`,
    404,
  );

const browserForm = /^[A-Za-z0-9_-]{43}$/;
const tokenForm = browserForm;

const isSignedIn = ({ caller }: Call): boolean => caller.kind === 'user' && caller.credential.kind === 'session';

interface Asked {
  at: Destination;
  to: string;
  browser: string;
}

/** What the gate sent along; null when it is not whole. */
const askedIn = (handover: Handover, given: Readonly<Record<string, string>>): Asked | null => {
  const { to = '', browser = '' } = given;
  const at = handover.destination(to);
  if (at === null || (at.host !== '' && !browserForm.test(browser))) return null;
  return { at, to, browser };
};

const secretPage = (share: ShareRow, asked: Asked, token: string, problem: string | null, status = 200): PageAnswer => {
  const isPin = share.kind === 'pin';
  const title = isPin ? 'Enter the PIN' : 'Enter the passcode';
  return page(
    title,
    html`<p>Whoever sent you this link gave you a ${isPin ? 'PIN' : 'passcode'} for it.</p>
${problem !== null && html`<p class="warning" role="alert">${problem}</p>`}
<form method="post" action="/auth/share">
<input type="hidden" name="to" value="${asked.to}">
<input type="hidden" name="share" value="${token}">
<input type="hidden" name="browser" value="${asked.browser}">
<label>${isPin ? 'PIN' : 'Passcode'}<input type="${isPin ? 'text' : 'password'}" name="secret" ${isPin && html`inputmode="numeric" class="code"`} autocomplete="off" required maxlength="100" autofocus></label>
<button class="primary" type="submit">Open</button>
</form>`,
    status,
    asked.at.host === '' ? [] : [asked.at.origin],
  );
};

/** Pages of the own origin between an app and what opens it. They work without script. */
export const gatePages = (handover: Handover): PageRoute[] => [
  {
    method: 'GET',
    path: '/auth/gate',
    run: async (call, { query }) => {
      const asked = askedIn(handover, query);
      if (asked === null || asked.at.host === '') return nowhere();
      if (!isSignedIn(call)) {
        const back = `/auth/gate?${new URLSearchParams({ to: asked.to, browser: asked.browser })}`;
        return { kind: 'redirect', to: `/login?${new URLSearchParams({ return_to: back })}` };
      }
      return { kind: 'redirect', to: await handover.forSession(call, asked.at, asked.browser) };
    },
  },
  {
    method: 'GET',
    path: '/auth/share',
    run: async (_call, { query }) => {
      const asked = askedIn(handover, query);
      const token = query['share'] ?? '';
      if (asked === null || !tokenForm.test(token)) return nowhere();
      const share = await handover.shareAt(asked.at, token);
      return share === null ? deadLink() : secretPage(share, asked, token, null);
    },
  },
  {
    method: 'POST',
    path: '/auth/share',
    run: async (call, { form }) => {
      const asked = askedIn(handover, form);
      const token = form['share'] ?? '';
      if (asked === null || !tokenForm.test(token)) return nowhere();
      const share = await handover.shareAt(asked.at, token);
      if (share === null) return deadLink();
      try {
        if (!(await handover.proves(share, (form['secret'] ?? '').slice(0, 100))))
          return secretPage(share, asked, token, 'That is not the right one.', 403);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'rate_limited') throw error;
        return secretPage(share, asked, token, 'Too many attempts. Wait a quarter of an hour, then try again.', 429);
      }
      const opened = await handover.forShare(call, share, asked.at, asked.browser);
      if (opened === null) return deadLink();
      if (opened.cookie !== null) call.cookies?.keep(opened.cookie.name, opened.cookie.value, opened.cookie.expires);
      return { kind: 'redirect', to: opened.to };
    },
  },
];
