import { currentScope } from '../engine/request-scope.ts';
import { html, type PageContext, sendPage } from './page.ts';

const sentences: Readonly<Record<string, string>> = {
  invalid_client: 'The application that sent you here is not known to this server, or it was switched off.',
  invalid_redirect_uri: 'The application asked to be answered at an address that it has not registered.',
  invalid_request: 'The application sent a request that this server cannot take.',
  access_denied: 'The request was denied.',
  server_error: 'Something went wrong on this server.',
  temporarily_unavailable: 'This server cannot answer at the moment. Try again soon.',
};

/** Nothing that the caller sent appears here: the code, a sentence of ours, and the number to tell an operator. */
export const errorPage = (ctx: unknown, out: { error?: string }, _error: unknown): void => {
  const scope = currentScope();
  const code = /^[a-z_]{1,60}$/.test(out.error ?? '') ? out.error! : 'server_error';
  sendPage(
    ctx as PageContext,
    scope.public_url,
    'Not possible',
    html`<h1>This did not work</h1>
<p>${sentences[code] ?? 'The request cannot be taken as it is.'}</p>
<p>Go back to the application and try again. If it happens again, tell whoever runs this server:</p>
<dl><dt>Error</dt><dd><code>${code}</code></dd><dt>Request</dt><dd><code>${scope.call.request_id}</code></dd></dl>`,
  );
};
