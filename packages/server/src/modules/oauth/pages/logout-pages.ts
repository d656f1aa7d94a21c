import { currentScope } from '../engine/request-scope.ts';
import { formTarget, html, type PageContext, sendPage } from './page.ts';

interface LogoutContext extends PageContext {
  oidc: {
    client?: { clientName?: string };
    session?: { state?: { secret: string; postLogoutRedirectUri?: string } };
  };
}

export const logoutPage = (given: unknown): void => {
  const ctx = given as LogoutContext;
  const scope = currentScope();
  const { secret, postLogoutRedirectUri } = ctx.oidc.session!.state!;
  const from = ctx.oidc.client?.clientName;
  sendPage(
    ctx,
    scope.public_url,
    'Sign out',
    html`<h1>Sign out of Atrium?</h1>
<p>${
      from !== undefined && html`<strong>${from}</strong> asks for it. `
    }Your session in this browser ends, and so does the access of the applications that you signed in to with it.</p>
<form method="post" action="/oauth/logout/confirm">
<input type="hidden" name="xsrf" value="${secret}">
<div class="actions">
<button type="submit">Stay signed in</button>
<button class="primary" type="submit" name="logout" value="yes">Sign out</button>
</div>
</form>`,
    [formTarget(postLogoutRedirectUri)],
  );
};

/**
 * In place of the redirect of a logout: the applications hear of it in frames, and the browser goes on by itself. The
 * policy lets exactly these addresses be framed.
 */
export const tellFramesPage = (given: unknown, frames: readonly string[]): void => {
  const ctx = given as LogoutContext & { response: { get(name: string): string; remove(name: string): void } };
  const { public_url } = currentScope();
  const to = ctx.response.get('location');
  const leaves = new URL(to, public_url).origin !== new URL(public_url).origin;
  ctx.response.remove('location');
  ctx.status = 200;
  if (leaves) ctx.set('refresh', `2; url=${to}`);
  const way = leaves
    ? html`<a class="button" href="${to}">Go back to the application</a>`
    : html`You can close this page, or <a href="/login">sign in again</a>.`;
  sendPage(
    ctx,
    public_url,
    'You are signed out',
    html`<h1>You are signed out</h1><p>The applications that you used are told now.</p><p>${way}</p>
${frames.map((src) => html`<iframe src="${src}" title="An application signs you out" hidden></iframe>`)}`,
    [],
    frames.map((src) => new URL(src).origin),
  );
};

/** Where every way through the logout ends, that of somebody who stayed among them. */
export const loggedOutPage = (given: unknown): void => {
  const ctx = given as LogoutContext;
  const scope = currentScope();
  const app = ctx.oidc.client?.clientName;
  const { person, public_url } = scope;
  const ended = app !== undefined && html`<p>${app} has ended its own session.</p>`;
  const [title, body] =
    person === null
      ? ['You are signed out', html`<p>You can close this page, or <a href="/login">sign in again</a>.</p>`]
      : [
          'You are still signed in',
          html`${ended}<p>As <strong>${person.name}</strong>, in this browser. <a href="/">Go on to Atrium</a>.</p>`,
        ];
  sendPage(ctx, public_url, title, html`<h1>${title}</h1>${body}`);
};
