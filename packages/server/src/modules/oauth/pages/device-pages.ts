import { currentScope } from '../engine/request-scope.ts';
import { html, type PageContext, sendPage, shieldAlert } from './page.ts';

interface DeviceContext extends PageContext {
  oidc: {
    session?: { state?: { secret: string } };
    params?: { user_code?: string };
    deviceCode?: { params?: { scope?: string } };
  };
}

/** By the name of the engine's error class. */
const sentences: Readonly<Record<string, string>> = {
  NotFoundError: 'There is no such code. Check it and type it again.',
  ExpiredError: 'This code has expired. Ask the device for a new one.',
  AlreadyUsedError: 'This code was already used.',
  AbortedError: 'You denied the request. The device gets nothing.',
  // Another tab went on with it, or too much time passed.
  SessionNotFound: 'This request has ended. Type the code again if the device still waits.',
  NoCodeError: 'Type the code that the device shows.',
};

const nameOf = (error: unknown): string => (error instanceof Error ? error.constructor.name : '');

/** Where a person types the code of a device. The code itself is never shown as markup. */
export const enterCodePage = (given: unknown, error: unknown): void => {
  const ctx = given as DeviceContext;
  const scope = currentScope();
  const kind = nameOf(error);
  if (kind === 'NotFoundError') scope.wrong_user_code = true;
  const known = sentences[kind] ?? (error === undefined ? null : 'This did not work. Try again.');
  const typed = scope.user_code ?? (kind === 'NotFoundError' ? ctx.oidc.params?.user_code : undefined) ?? '';
  sendPage(
    ctx,
    scope.public_url,
    'Connect a device',
    html`<h1>Connect a device</h1>
${known !== null && html`<p class="warning" role="alert">${known}</p>`}
<p>Type the code that the device shows you. Go on only if you started this yourself.</p>
<form method="post" action="/device">
<input type="hidden" name="xsrf" value="${ctx.oidc.session?.state?.secret ?? ''}">
<label for="user_code">Code</label>
<input id="user_code" class="code" type="text" name="user_code" value="${typed.slice(0, 40)}" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="40" required>
<div class="actions"><button class="primary" type="submit">Continue</button></div>
</form>`,
  );
};

/** Who asks, from where: shown before the code is bound to anybody. */
export const confirmCodePage = (
  given: unknown,
  client: { clientName?: string | undefined; clientId: string },
  device: Record<string, string | null>,
  userCode: string,
): void => {
  const ctx = given as DeviceContext;
  const scope = currentScope();
  sendPage(
    ctx,
    scope.public_url,
    'Confirm the device',
    html`<h1>Is this your device?</h1>
<p class="code">${userCode}</p>
<dl>
<dt>Application</dt><dd><strong>${client.clientName ?? client.clientId}</strong></dd>
<dt>Asked from</dt><dd>${device['ip'] ?? 'An unknown address'}</dd>
<dt>Program</dt><dd>${device['ua'] ?? 'Not named'}</dd>
</dl>
<p class="warning trust">${shieldAlert}<span>The device in front of you must show exactly this code. <strong>If somebody sent it to you, deny:</strong> they would get in as you.</span></p>
<form method="post" action="/device">
<input type="hidden" name="xsrf" value="${ctx.oidc.session?.state?.secret ?? ''}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="actions">
<button type="submit" name="abort" value="yes">Deny</button>
<button class="primary" type="submit" name="confirm" value="yes">Continue</button>
</div>
</form>`,
  );
};

export const deviceDonePage = (ctx: unknown): void => {
  sendPage(
    ctx as PageContext,
    currentScope().public_url,
    'Connected',
    html`<h1>The device is connected</h1><p>Go back to it; this page can be closed.</p>
<p class="soft">You can withdraw its access under <a href="/settings/connected-apps">Connected apps</a>.</p>`,
  );
};
