import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext } from 'playwright-core';
import { type Plugin, preview } from 'vite';
import { buildWeb } from './build-web.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The policy under which the pages must work: no inline script, no eval, style elements only with the nonce. */
const strictPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'nonce-dGVzdA=='",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export interface RecordedCall {
  method: string;
  url: URL;
  body: string;
}

export interface RecordedReply {
  status?: number;
  body: unknown;
  /** Answers a stream of server-sent events in place of a body, which stays open. */
  events?: readonly { event: string; id: string; data: unknown }[];
}

/** Answers what a page asks of the API; null cuts the connection. */
export type ApiHandler = (call: RecordedCall) => RecordedReply | null | Promise<RecordedReply | null>;

export interface ServedWeb {
  url: string;
  /** From now on the calls of this profile's pages are answered by `handler`. */
  answer: (context: BrowserContext, handler: ApiHandler) => Promise<void>;
  close: () => Promise<void>;
}

const cookie = 'recorded';

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/**
 * Calls are answered here and not by routes of the browser: those switch its cache off and lead every file of the app
 * through the test.
 */
const recordedApi = (handlers: ReadonlyMap<string, ApiHandler>): Plugin => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const key = new RegExp(`${cookie}=(\\d+)`).exec(request.headers.cookie ?? '')?.[1];
    const handler = key === undefined ? undefined : handlers.get(key);
    const url = new URL(request.url!, `http://${request.headers.host}`);
    const body = await readBody(request);
    // Every page asks for it to open its socket, whatever the test is about.
    const ticket =
      url.pathname === '/auth/ticket' ? { body: { ticket: `att_${'t'.repeat(43)}`, expires_in: 30 } } : null;
    const reply: RecordedReply | null = ticket ?? (await handler?.({ method: request.method!, url, body })) ?? null;
    if (reply === null) {
      request.socket.destroy();
      return;
    }
    const { status = 200, events } = reply;
    if (events !== undefined) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': open\n\n');
      for (const { event, id, data } of events)
        response.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
      return;
    }
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(status === 204 ? undefined : JSON.stringify(reply.body));
  };
  return {
    name: 'recorded-api',
    configurePreviewServer: ({ middlewares }) => {
      middlewares.use((request, response, next) => {
        if (/^\/(?:api|auth)\//.test(request.url!)) answer(request, response).catch(next);
        else {
          // As the server does for files whose names change with their content.
          if (request.url!.startsWith('/assets/'))
            response.setHeader('cache-control', 'public, max-age=31536000, immutable');
          next();
        }
      });
    },
  };
};

export interface BuiltWeb {
  folder: string;
  remove: () => Promise<void>;
}

/** Builds the app with its kitchen page into a folder of its own. */
export const buildKitchen = async (): Promise<BuiltWeb> => {
  const outDir = await mkdtemp(join(tmpdir(), 'atrium-web-'));
  await buildWeb(outDir, 'kitchen');
  // The server writes a fresh nonce into each document; here one stands for all.
  const index = join(outDir, 'index.html');
  await writeFile(index, (await readFile(index, 'utf8')).replaceAll('__CSP_NONCE__', 'dGVzdA=='));
  return { folder: outDir, remove: () => rm(outDir, { recursive: true, force: true }) };
};

/** Serves what was built under the policy. */
export const serveWeb = async (folder: string): Promise<ServedWeb> => {
  const handlers = new Map<string, ApiHandler>();
  const keys = new WeakMap<BrowserContext, string>();
  const server = await preview({
    root,
    logLevel: 'error',
    build: { outDir: folder },
    plugins: [recordedApi(handlers)],
    preview: { host: '127.0.0.1', port: 0, proxy: {}, headers: { 'content-security-policy': strictPolicy } },
  });
  const { port } = server.httpServer.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    answer: async (context, handler) => {
      const known = keys.get(context);
      const key = known ?? String(handlers.size + 1);
      handlers.set(key, handler);
      if (known !== undefined) return;
      keys.set(context, key);
      await context.addCookies([{ name: cookie, value: key, url, httpOnly: true, sameSite: 'Lax' }]);
    },
    close: () => server.close(),
  };
};
