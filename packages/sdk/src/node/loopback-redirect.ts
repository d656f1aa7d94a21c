import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OAuthError } from '../oauth/oauth-errors.ts';
import type { Redirect, RedirectListener } from '../oauth/sign-in.ts';

export interface LoopbackOptions {
  /** Opens the address in a browser, or shows it. */
  open: (url: URL) => void | Promise<void>;
  /** How long the person has; default five minutes. */
  timeoutMs?: number;
  /** A fixed port, for servers that know one redirect address by heart; default: a free one. */
  port?: number;
  /** What the page says; default: that the window can be closed. */
  pages?: { done: string; failed: string };
}

const path = '/callback';
const texts = {
  done: 'Signed in. You can close this window.',
  failed: 'Not signed in. The program that asked says why.',
};

/** Nothing of the request is repeated in the page, and nothing is loaded by it. */
const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign-in</title><body style="font:1.1rem system-ui;max-width:30rem;margin:20vh auto;padding:0 1rem"><p>${text}</p></body></html>`;

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  connection: 'close',
};

const listening = (server: Server, port: number): Promise<boolean> =>
  new Promise((done, fail) => {
    const failed = (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? done(false) : fail(error));
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      done(true);
    });
  });

/** The port of the last time if it is free: not every server lets the port of a loopback address vary (RFC 8252). */
const listen = async (server: Server, preferred: string | undefined, fixed: number | undefined): Promise<number> => {
  const last = preferred === undefined ? 0 : Number(new URL(preferred).port);
  if (!(await listening(server, fixed ?? last))) {
    if (fixed !== undefined) throw new Error(`Port ${fixed} of 127.0.0.1 is in use.`);
    await listening(server, 0);
  }
  return (server.address() as AddressInfo).port;
};

/** Receives the redirect on 127.0.0.1, as programs on a person's machine do (RFC 8252). */
export const loopbackRedirect =
  ({ open, timeoutMs = 300_000, port, pages = texts }: LoopbackOptions): Redirect =>
  async (preferred): Promise<RedirectListener> => {
    let expected: string | null = null;
    let waiting: ServerResponse | null = null;
    const arrived = Promise.withResolvers<URL>();
    // Close may come before anybody asked; a rejection nobody waits for would end the process.
    arrived.promise.catch(() => {});
    // Loaded here: it takes longer than everything else that a command line starts with.
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => {
      const url = URL.canParse(request.url ?? '', origin) ? new URL(request.url ?? '', origin) : null;
      // A foreign page, or an old tab, cannot end a sign-in: it does not know the state.
      const ours = url?.pathname === path && expected !== null && url.searchParams.get('state') === expected;
      if (request.method !== 'GET' || !ours || waiting !== null) {
        response.writeHead(404, headers).end(page('Nothing is waited for here.'));
        return;
      }
      // The page is answered when the code was redeemed, so that it tells the truth.
      waiting = response;
      arrived.resolve(url);
    });
    const origin = `http://127.0.0.1:${await listen(server, preferred, port)}`;
    return {
      uri: origin + path,
      ask: async (url, state, signal) => {
        expected = state;
        const failed = (error: unknown) => arrived.reject(error);
        const timer = setTimeout(
          () => failed(new OAuthError('timeout', `Nobody signed in within ${Math.round(timeoutMs / 1000)} seconds.`)),
          timeoutMs,
        );
        const abort = () => failed(signal?.reason);
        signal?.addEventListener('abort', abort, { once: true });
        try {
          signal?.throwIfAborted();
          await open(url);
          return await arrived.promise;
        } finally {
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
        }
      },
      close: async (outcome) => {
        const answered = waiting;
        if (answered !== null)
          await new Promise<void>((done) => {
            answered.once('close', done);
            answered.writeHead(outcome === 'done' ? 200 : 400, headers).end(page(pages[outcome]), () => done());
          });
        server.close();
        server.closeAllConnections();
      },
    };
  };
