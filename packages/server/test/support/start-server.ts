import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compileCache } from './compile-cache.ts';
import { scratchRoot } from './scratch.ts';
import { beginWarmServer, type WarmServer } from './warm-servers.ts';

const root = resolve(import.meta.dirname, '../../../..');

/** Flags that `npm start` gives to Node, for figures of memory and speed: those are to be those of users. */
export const nodeFlags = (
  JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
).scripts.start
  .split(' ')
  .filter((word) => word.startsWith('--'));

/** A server of a test lives for seconds, beside others: it collects less of its garbage, with less work. */
const testFlags = [
  ...['--min-semi-space-size=32', '--max-semi-space-size=32', '--initial-old-space-size=256'],
  '--no-parallel-scavenge',
];

export interface RunningServer extends StartingServer {
  url: string;
}

export interface StartingServer {
  dataDir: string;
  setupToken: string;
  process: ChildProcess;
  pid: number;
  /** Everything the server wrote, for tests that look for secrets. */
  output: () => string;
  /** Its exit status; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Asks it to stop and waits until it is gone. */
  stop: () => Promise<number | null>;
  /** SIGKILL, as a power cut would. Its postgres lives on. */
  kill: () => Promise<void>;
}

export interface StartOptions {
  /** Without one, a directory of a server that was started once and that nobody has set up. */
  dataDir?: string;
  /** An empty data directory instead: for tests of the first start itself. */
  fresh?: boolean;
  env?: Record<string, string>;
  /** A data directory on the disk, for figures that count what syncing costs. */
  on_disk?: boolean;
  /** Build and serve the web app. */
  web?: boolean;
  port?: number;
  /** With the memory and the flags that users have, for figures. */
  as_users_start?: boolean;
  /** Another copy of the code than the one tests are in. */
  root?: string;
  /** For tests that look at the process itself: not one in which other servers ran before. */
  own_process?: boolean;
}

const tokens = new Map<string, string>();

/** Names the directory that a first start left; see data-template-setup.ts. */
export const templateVariable = 'ATRIUM_TEST_TEMPLATE';

/** What the first start writes with these differs, or is written elsewhere. */
const ownStart = ['ATRIUM_MASTER_KEY', 'DATABASE_URL'];

const makeDataDir = ({ fresh = false, on_disk = false, env = {} }: StartOptions): string => {
  const dataDir = mkdtempSync(join(on_disk ? tmpdir() : scratchRoot, 'atrium-test-'));
  const template = process.env[templateVariable];
  if (template !== undefined && !fresh && !ownStart.some((name) => name in env))
    cpSync(template, dataDir, { recursive: true });
  return dataDir;
};

/** What ends in a process of its own: settings that Node reads when it begins, a program around the server, several processes. */
const ofProcess = ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'ATRIUM_PROCESSES'];

const mayBeWarm = ({ own_process, dataDir, web, root: copy, as_users_start, env = {} }: StartOptions): boolean =>
  own_process !== true &&
  // Who starts a server again wants to know what it takes from its data alone.
  dataDir === undefined &&
  web !== true &&
  copy === undefined &&
  as_users_start !== true &&
  !ofProcess.some((name) => name in env);

const environmentOf = (options: StartOptions, dataDir: string, setupToken: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  ATRIUM_DATA_DIR: dataDir,
  ATRIUM_PORT: String(options.port ?? 0),
  ATRIUM_SETUP_TOKEN: setupToken,
  // What else runs on this machine and in its network is no part of a test.
  ATRIUM_DISCOVERY_ENABLED: 'false',
  ATRIUM_CONTAINERS_RUNTIME: 'off',
  // People are made by the hundred, and each has a password.
  ...(options.as_users_start === true ? {} : { ATRIUM_PASSWORD_MEMORY: '19MiB', ATRIUM_SETTLE_AFTER: '0' }),
  // What npm start runs has a cache of its own.
  ...(options.web === true ? {} : compileCache),
  ...options.env,
});

/** Starts the server as a user would, on a free port and in a process of its own. */
export const beginServer = (options: StartOptions = {}): StartingServer => begin(options, false);

const begin = (options: StartOptions, warm: boolean): StartingServer => {
  const dataDir = options.dataDir ?? makeDataDir(options);
  const setupToken = tokens.get(dataDir) ?? `setup-${crypto.randomUUID()}`;
  tokens.set(dataDir, setupToken);
  const env = environmentOf(options, dataDir, setupToken);
  const { child, ...server } = warm
    ? beginWarmServer({ flags: testFlags, env, cwd: dataDir })
    : beginOwnServer(options, env, dataDir);
  return {
    ...server,
    dataDir,
    setupToken,
    process: child,
    pid: child.pid!,
    kill: async () => {
      child.kill('SIGKILL');
      await server.ended;
    },
  };
};

const beginOwnServer = (options: StartOptions, env: Record<string, string>, cwd: string): WarmServer => {
  const entry = options.web === true ? 'scripts/start.mjs' : 'packages/server/src/main.ts';
  const flags = options.as_users_start === true ? nodeFlags : testFlags;
  const child = spawn(process.execPath, [...flags, resolve(options.root ?? root, entry)], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test file that ends early must not leave its server, and the postgres of that, behind.
  const endWithUs = () => child.kill('SIGTERM');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  return {
    child,
    output: () => output,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      return await ended;
    },
  };
};

/** Starts the server and waits until it says that it is ready. */
export const startServer = async (options: StartOptions = {}): Promise<RunningServer> => {
  const server = begin(options, mayBeWarm(options));
  const url = await new Promise<string>((ready, fail) => {
    const look = () => {
      const line = /"address":"([^"]+)"/.exec(server.output());
      if (line !== null) ready(line[1]!);
    };
    server.process.stdout!.on('data', look);
    void server.ended.then((code) =>
      fail(new Error(`the server ended with ${code} before it was ready:\n${server.output()}`)),
    );
  });
  return { ...server, url };
};

/** Removes a data directory after its server has stopped. */
export const removeDataDir = (dataDir: string): void => rmSync(dataDir, { recursive: true, force: true });
