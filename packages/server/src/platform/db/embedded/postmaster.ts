import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment } from '../../config/env.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { socketName, stopProcess } from './leftover.ts';
import type { Placement } from './placement.ts';

/** Where postgres listens: a Unix socket inside the cluster, which nobody else may enter, or a loopback port. */
export interface Endpoint {
  kind: 'socket' | 'loopback';
  host: string;
  port: number;
}

export interface Postmaster {
  pid: number;
  /** Resolves with the reason when the process is gone; never rejects. */
  exited: Promise<string>;
  process: ChildProcess;
}

/** Postgres ended before it was ready; `said` is what it printed. */
export class LaunchFailure extends Error {
  readonly said: string;
  constructor(said: string) {
    super(`PostgreSQL did not start: ${said}`);
    this.said = said;
  }
  get addressTaken(): boolean {
    return /could not (bind|create any)|unix-domain socket|address already in use/i.test(this.said);
  }
  /** Backends of a postmaster that was killed need a moment to notice. */
  get oldBackendsLive(): boolean {
    return /pre-existing shared memory block|lock file .* already exists/i.test(this.said);
  }
}

/** sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103;

export async function chooseEndpoint(cluster: string, socketAllowed = true): Promise<Endpoint> {
  const port = 5432;
  const fits = Buffer.byteLength(join(cluster, socketName)) <= longestSocketPath && !/["\\]/.test(cluster);
  if (socketAllowed && fits && process.platform !== 'win32') return { kind: 'socket', host: cluster, port };
  return { kind: 'loopback', host: '127.0.0.1', port: await freePort() };
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/**
 * Starts postgres and waits until it accepts connections, through crash recovery if need be. An abort of the signal stops
 * it, which fails the launch.
 */
export function launchPostmaster(
  placement: Placement,
  endpoint: Endpoint,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Postmaster> {
  const { binaries, cluster, account } = placement;
  const socket = endpoint.kind === 'socket';
  const settings = {
    port: endpoint.port,
    listen_addresses: socket ? '' : endpoint.host,
    unix_socket_directories: socket ? `"${cluster}"` : '',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', cluster, ...flags], {
    cwd: '/',
    env: { ...childEnvironment(), LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
    // A session of its own: Ctrl-C reaches the whole process group of a terminal and would end it before our drain.
    detached: true,
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code}` : `signal ${signal}`));
  });
  const launched = new Promise<Postmaster>((resolve, reject) => {
    const said: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.push(line) > 30) said.shift();
      report(line, logger);
      if (line.includes('ready to accept connections') && signal?.aborted !== true)
        resolve({ pid: child.pid!, exited, process: child });
    });
    void exited.then((reason) => reject(new LaunchFailure([...said, reason].join('\n'))));
  });
  if (signal === undefined || child.pid === undefined) return launched;
  const { pid } = child;
  const interrupt = () =>
    void stopProcess(pid).catch((error) => logger.error({ err: error }, 'postgres does not stop'));
  signal.addEventListener('abort', interrupt, { once: true });
  return launched.finally(() => signal.removeEventListener('abort', interrupt));
}

/** Said by every session that a fast shutdown ends, and to those that come meanwhile. */
const isOfShutdown = (message: string): boolean =>
  message.startsWith('terminating connection due to administrator command') ||
  message === 'the database system is shutting down';

function report(line: string, logger: Logger): void {
  const [, severity, message] = /^([A-Z]+):\s+(.*)$/.exec(line) ?? [null, 'LOG', line];
  if (isOfShutdown(message!)) logger.debug(message);
  else if (severity === 'PANIC') logger.error(message);
  else if (severity === 'FATAL' || severity === 'WARNING') logger.warn(message);
  else logger.debug(message);
}
