import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { meGet, setupStatus } from '@atrium/protocol';
import { AtriumError, Transport } from '@atrium/sdk';
import type { Command } from 'commander';
import { type Connection, credentialsPath, readCredentials, tokensPath } from '../credentials.ts';
import { CliExit, describeError } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { printable } from '../output.ts';
import type { Session } from '../session.ts';
import { findWorkspace, serverEnvironment } from '../workspace.ts';

export interface Finding {
  status: 'ok' | 'warn' | 'fail';
  check: string;
  text: string;
}

const found = (status: Finding['status'], check: string, text: string): Finding => ({ status, check, text });

const checkNode = (): Finding =>
  Number(process.versions.node.split('.')[0]) >= 26
    ? found('ok', 'node', `Node ${process.versions.node}`)
    : found('fail', 'node', `This is Node ${process.versions.node}. Run it with the Node 26 that npm ci installs.`);

const checkWebBuild = (root: string): Finding => {
  const built = statSync(join(root, 'packages/web/dist/index.html'), { throwIfNoEntry: false });
  return built === undefined
    ? found('warn', 'web', 'The web app is not built yet; "npm start" builds it.')
    : found('ok', 'web', `The web app was built ${built.mtime.toISOString().slice(0, 16)}Z`);
};

const checkCredentials = (io: Io): Finding => {
  const path = credentialsPath(io);
  const isOpen = (file: string): boolean =>
    process.platform !== 'win32' && ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    return found('ok', 'credentials', 'No credential is kept; "atrium login" makes one.');
  const open = isOpen(path)
    ? path
    : Object.keys(readCredentials(io).profiles)
        .map((name) => tokensPath(io, name))
        .find(isOpen);
  if (open !== undefined) return found('fail', 'credentials', `${open} can be read by others. Run: chmod 600 ${open}`);
  return found('ok', 'credentials', `${path} can be read by you alone`);
};

const skewLimitMs = 30_000;

const checkServer = async (url: string): Promise<Finding[]> => {
  try {
    const before = Date.now();
    const response = await new Transport({ url, attempts: 1 }).open(
      setupStatus,
      {},
      { signal: AbortSignal.timeout(10_000) },
    );
    const middle = (before + Date.now()) / 2;
    const status = (await response.json()) as { done: boolean; version: string };
    const skew = middle - Date.parse(response.headers.get('date') ?? '');
    const clock = Number.isNaN(skew)
      ? found('warn', 'clock', 'The server does not tell its time.')
      : Math.abs(skew) > skewLimitMs
        ? found(
            'fail',
            'clock',
            `This clock and the server's differ by ${Math.round(Math.abs(skew) / 1000)} s. Set both by NTP.`,
          )
        : found('ok', 'clock', 'Same time here and on the server');
    const setup = status.done ? [] : [found('warn', 'setup', `The first owner is not made yet: open ${url}`)];
    return [found('ok', 'server', `Atrium ${status.version} answers at ${url}`), clock, ...setup];
  } catch (error) {
    const aborted = error instanceof Error && error.name === 'TimeoutError';
    return [
      found(
        'fail',
        'server',
        aborted
          ? `${url} did not answer within 10 s.`
          : `${describeError(error).text} Is it running? "atrium serve" starts it.`,
      ),
    ];
  }
};

const checkToken = async ({ url, credential, source }: Connection): Promise<Finding> => {
  if (credential === null) return found('warn', 'token', `Not signed in to ${url}. Run "atrium login".`);
  try {
    const me = await new Transport({ url, ...credential }).call(meGet, {}, { signal: AbortSignal.timeout(10_000) });
    return found('ok', 'token', `${source} is ${me.user?.email ?? me.principal.name} in ${me.org.name}`);
  } catch (error) {
    if (error instanceof AtriumError && error.code === 'insufficient_scope')
      return found('ok', 'token', `${source} is good`);
    return found('fail', 'token', `${source}: ${describeError(error).text}`);
  }
};

/** What only the server can look at: its settings, data directory, database and port. */
const checkInstallation = (session: Session, root: string): Promise<Finding[]> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'packages/server/src/doctor-main.ts')], {
      cwd: session.io.cwd,
      env: serverEnvironment(session.io),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      err += text;
    });
    child.on('error', (error) => done([found('fail', 'installation', error.message)]));
    child.on('close', () => {
      try {
        done(JSON.parse(out) as Finding[]);
      } catch {
        done([found('fail', 'installation', err.trim() || 'The checks of the server could not run.')]);
      }
    });
  });

export const addDoctorCommand = (program: Command, session: Session): void => {
  program
    .command('doctor')
    .summary('check this machine, the server and the credential')
    .description('Prints one line a check: ok, warn or fail with what to do. Exit status 1 when something failed.')
    .option('--json', 'the findings as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { io } = session;
      const root = findWorkspace();
      const connection = session.connection(command);
      const server = await checkServer(connection.url);
      const findings = [
        checkNode(),
        ...(root === null ? [] : await checkInstallation(session, root)),
        ...(root === null ? [] : [checkWebBuild(root)]),
        ...server,
        checkCredentials(io),
        ...(server[0]?.status === 'ok' ? [await checkToken(connection)] : []),
      ];
      if (options.json) io.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      else
        for (const { status, check, text } of findings)
          io.stdout.write(`${status.padEnd(4)}  ${check.padEnd(12)}  ${printable(text)}\n`);
      if (findings.some((one) => one.status === 'fail')) throw new CliExit('no');
    });
};
