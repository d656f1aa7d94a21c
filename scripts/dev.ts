/** `npm run dev`: the server, restarted when its sources change, Vite for the pages, a database of its own, seeded data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serverDatabaseUrl } from '../packages/server/test/support/server-database.ts';
import { root } from './run-steps.ts';
import { seed, seedEnvironment, seedPassword } from './seed.ts';

const dataDir = resolve(process.env['ATRIUM_DATA_DIR'] ?? resolve(root, 'data-dev'));
const port = process.env['ATRIUM_PORT'] ?? '4400';
const webPort = process.env['VITE_PORT'] ?? '4480';
const server = `http://127.0.0.1:${port}`;
const page = `http://localhost:${webPort}`;
const setupToken = 'setup-token-for-development';

// Groups of their own: Ctrl-C in a terminal goes to the whole group, and the server would take it for a second one.
const run = (args: string[], cwd: string, env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });

const children = [
  run(['--watch', '--watch-preserve-output', resolve(root, 'packages/server/src/main.ts')], root, {
    ...seedEnvironment,
    ATRIUM_DATA_DIR: dataDir,
    ATRIUM_PORT: port,
    ATRIUM_PUBLIC_URL: page,
    ATRIUM_SETUP_TOKEN: setupToken,
  }),
  run(
    [resolve(root, 'node_modules/vite/bin/vite.js'), '--port', webPort, '--strictPort'],
    resolve(root, 'packages/web'),
    { DEV_SERVER: server },
  ),
];

let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  for (const child of children) child.kill('SIGTERM');
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
for (const child of children) child.once('exit', stop);

const isReady = async (): Promise<boolean> => (await fetch(`${server}/ready`).catch(() => null))?.ok === true;
while (!stopping && !(await isReady())) await delay(100);

if (!stopping) {
  const { done } = (await (await fetch(`${server}/api/v1/setup`)).json()) as { done: boolean };
  try {
    if (!done) await seed({ url: server, setupToken, databaseUrl: databaseUrl() });
    console.log(`\n  Open       ${page}\n  Sign in    dev@example.org / ${seedPassword}\n  Data       ${dataDir}\n`);
  } catch (error) {
    console.error(error, `\nThe data is not complete. Delete ${dataDir} before the next try.`);
    process.exitCode = 1;
    stop();
  }
}

function databaseUrl(): string {
  return process.env['DATABASE_URL'] ?? serverDatabaseUrl(dataDir);
}
