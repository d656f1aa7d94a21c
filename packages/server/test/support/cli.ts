import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compileCache } from './compile-cache.ts';
import type { RunningServer } from './start-server.ts';

const entry = resolve(import.meta.dirname, '../../../cli/src/main.ts');

export interface CliRun {
  code: number | null;
  out: string;
  err: string;
}

export interface CliOptions {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

/** A home of its own, so that no test meets another's credentials. */
export const newCliHome = (): string => mkdtempSync(join(tmpdir(), 'atrium-test-cli-'));

export const spawnCli = (home: string, args: readonly string[], options: CliOptions = {}): ChildProcess => {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: options.cwd ?? home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...compileCache, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(options.input ?? '');
  return child;
};

/** Runs the real binary to its end. */
export const runCli = (home: string, args: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
  ended(spawnCli(home, args, options));

export const ended = (child: ChildProcess): Promise<CliRun> =>
  new Promise((done) => {
    const said = { out: '', err: '' };
    child.stdout?.on('data', (text) => {
      said.out += text;
    });
    child.stderr?.on('data', (text) => {
      said.err += text;
    });
    child.on('close', (code) => done({ code, ...said }));
  });

/** One REST call; throws for every answer that is not a success. */
export const callServer = async (
  server: RunningServer,
  token: string | null,
  method: string,
  path: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: each caller knows what it asked for
): Promise<any> => {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
};

export const ownerPassword = 'correct horse battery staple';

/** For tests that look again and again until something has happened. */
export const manyCalls = { ATRIUM_RATE_LIMIT_REST: '1000000' };

/** Makes the first owner; resolves to their session token. */
export const setUp = async (server: RunningServer): Promise<string> => {
  const owner = { token: server.setupToken, email: 'ada@example.org', password: ownerPassword, name: 'Ada' };
  return (await callServer(server, null, 'POST', '/api/v1/setup', owner)).access_token;
};

/** Resolves to the newest open item with the title, as soon as there is one. */
export const itemTitled = async (server: RunningServer, token: string, title: string): Promise<{ id: string }> => {
  for (;;) {
    const page = await callServer(server, token, 'GET', '/api/v1/inbox/items?limit=50&status=open');
    const item = page.items.find((one: { title: string }) => one.title === title);
    if (item !== undefined) return item;
    await new Promise((done) => setTimeout(done, 50));
  }
};
