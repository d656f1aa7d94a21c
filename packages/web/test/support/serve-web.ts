import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';
import { buildWeb } from './build-web.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The policy under which the pages must work: no inline script, no eval, style elements only with the nonce. */
export const strictPolicy = [
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

export interface ServedWeb {
  url: string;
  close: () => Promise<void>;
}

/** Builds the app with its kitchen page into a folder of its own and serves it under the policy. */
export const serveWeb = async (policy = strictPolicy): Promise<ServedWeb> => {
  const outDir = await mkdtemp(join(tmpdir(), 'atrium-web-'));
  await buildWeb(outDir, 'kitchen');
  // The server writes a fresh nonce into each document; here one stands for all.
  const index = join(outDir, 'index.html');
  await writeFile(index, (await readFile(index, 'utf8')).replaceAll('__CSP_NONCE__', 'dGVzdA=='));
  const server = await preview({
    root,
    logLevel: 'error',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, proxy: {}, headers: { 'content-security-policy': policy } },
  });
  const { port } = server.httpServer.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
};
