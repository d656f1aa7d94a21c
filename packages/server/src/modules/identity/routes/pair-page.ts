import { normalisePairingCode, spellPairingCode } from '@atrium/protocol';
import { AppError } from '../../../platform/errors/app-error.ts';
import { type Html, html } from '../../../platform/http/html.ts';
import type { PageAnswer, PageRoute } from '../../../platform/http/page-route.ts';
import { serverPage } from '../../../platform/http/server-page.ts';
import { pairScriptPath } from '../endpoints/pair-script-endpoint.ts';
import type { IdentityServices } from '../index.ts';

const page = (title: string, body: Html, more: { status?: number; scripts?: boolean } = {}): PageAnswer => ({
  kind: 'page',
  html: serverPage({ title, body: html`<h1>${title}</h1>${body}`.text }),
  ...more,
});

const problems: Partial<Record<string, string>> = {
  pairing_invalid: 'This code is wrong, was used, or has expired. Ask for a new one.',
  rate_limited: 'There were too many wrong codes from your address. Wait five minutes, then try again.',
};

/**
 * Where a picture leads, and where a code is typed. With script the browser makes a key and joins by itself; without one it
 * has nowhere to keep a key, so the page checks the code and says what to type into an app.
 */
export const pairPages = ({ pairings }: Pick<IdentityServices, 'pairings'>): PageRoute[] => {
  const form = (problem: string | null = null, status = 200): PageAnswer =>
    page(
      'Pair this device',
      html`<form id="join" method="post" action="/pair">
<p id="lead">The code stands under Devices, where somebody signed in chose “Pair a device”.</p>
<label>Code<input class="code" type="text" name="code" required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false"></label>
<label id="named" hidden>Name of this browser<input type="text" name="name" maxlength="100" autocomplete="off"></label>
<button class="primary" type="submit">Join</button>
</form>
<div id="joined" hidden>
<p>This browser is <strong id="name"></strong>, a device of <strong id="server"></strong>. Its key never leaves it.</p>
<div class="actions"><a class="button" href="/">Open Atrium</a><button id="leave" type="button">Leave</button></div>
</div>
<p id="state" role="status"${problem === null ? null : html` class="warning"`}>${problem}</p>
<noscript><p class="soft">Without scripts this browser cannot keep a key. You can still check a code here, and pair by an app.</p></noscript>
<script type="module" src="${pairScriptPath}"></script>`,
      { status, scripts: true },
    );

  return [
    { method: 'GET', path: '/pair', run: async () => form() },
    {
      method: 'POST',
      path: '/pair',
      run: async (call, request) => {
        const code = normalisePairingCode((request.form['code'] ?? '').slice(0, 64));
        try {
          const { name, base_url } = await pairings.redeem(call, { code });
          return page(
            'This code is good',
            html`<p>It belongs to <strong>${name}</strong>. Type both into the app of the device that is to join:</p>
<dl><dt>Server</dt><dd><strong>${base_url}</strong></dd></dl>
<p class="code">${spellPairingCode(code)}</p>
<p class="soft">To make this browser itself a device, allow scripts on this page.</p>`,
          );
        } catch (error) {
          const text = error instanceof AppError ? problems[error.code] : undefined;
          if (text === undefined) throw error;
          return form(text, (error as AppError).status);
        }
      },
    },
  ];
};
