import { type ChildProcess, fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { Channel } from '../platform/processes/process-link.ts';
import type { FirstProcess } from '../platform/processes/siblings.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { App } from './app.ts';

/** What it says once it answers requests. */
export const readyMessage = 'ready';

const program = resolve(import.meta.dirname, '../process-main.ts');
const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** One that ran so long has started well; its end is no sign that the next start fails as well. */
const settledMs = 60_000;
const startMs = 60_000;

export interface ProcessGroupOptions {
  /** The first process included. */
  processes: number;
  app: App;
  first: FirstProcess;
  log: Logger;
}

export interface ProcessGroup {
  /** Resolves when every process has answered once, or has failed to. */
  started: Promise<void>;
  /** Tells all of them to finish what runs, and waits until they are gone. */
  stop(): Promise<void>;
}

/**
 * Processes that share a port cannot tell a stranger's server at it from one of theirs; so the first one asks for it
 * alone before it shares it.
 */
export const claimPort = (host: string, port: number): Promise<void> =>
  new Promise((claimed, refused) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // Any other failure is told better by the server that listens next.
      if (error.code !== 'EADDRINUSE') return claimed();
      const sentence = `Something else already listens on ${host} port ${port}, perhaps another Atrium. Stop it, or set ATRIUM_PORT to another port (0 takes any free one).`;
      refused(new StartupError(sentence, { cause: error }));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => claimed()));
  });

/** Beside these, a further process reads the settings itself. */
const environmentOf = (app: App): NodeJS.ProcessEnv => ({
  ...process.env,
  ...(app.embedded_url === null ? {} : { DATABASE_URL: app.embedded_url }),
  ATRIUM_ROLE: 'api',
  ATRIUM_PORT: new URL(app.address).port,
  ATRIUM_PUBLIC_URL: app.public_url,
  ...(getCompileCacheDir() === undefined ? {} : { NODE_COMPILE_CACHE: getCompileCacheDir() }),
});

const channelOf = (child: ChildProcess): Channel => ({
  send: (message) => void child.send(message as object, () => {}),
  onMessage: (hear) => void child.on('message', hear),
});

/** Keeps the further processes of a server running: one that dies is started again, and the others go on meanwhile. */
export const startProcessGroup = ({ processes, app, first, log }: ProcessGroupOptions): ProcessGroup => {
  const running = new Map<number, { child: ChildProcess; gone: Promise<void> }>();
  const pauses = new Map<number, NodeJS.Timeout>();
  let stopping = false;

  const begin = (number: number, pause_ms: number): Promise<void> => {
    const began = performance.now();
    const child = fork(program, [String(number)], {
      env: environmentOf(app),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const leave = first.join(channelOf(child));
    const { promise: gone, resolve: isGone } = Promise.withResolvers<void>();
    running.set(number, { child, gone });
    child.once('error', (error) => log.error({ err: error, process: number }, 'a process could not be started'));
    child.once('exit', (code, signal) => {
      leave();
      running.delete(number);
      isGone();
      if (stopping) return;
      log.error(
        { process: number, pid: child.pid, code, signal },
        'a process of this server ended and is started again',
      );
      const next = performance.now() - began > settledMs ? firstPauseMs : Math.min(pause_ms * 2, longestPauseMs);
      pauses.set(
        number,
        setTimeout(() => void begin(number, next), pause_ms),
      );
    });
    return new Promise((started) => {
      const timer = setTimeout(started, startMs);
      const done = (): void => {
        clearTimeout(timer);
        started();
      };
      child.on('message', (message) => {
        if (message !== readyMessage) return;
        log.info({ process: number, pid: child.pid }, 'a further process answers requests');
        done();
      });
      child.once('exit', done);
    });
  };

  const numbers = Array.from({ length: processes - 1 }, (_, i) => i + 2);
  return {
    started: Promise.all(numbers.map((number) => begin(number, firstPauseMs))).then(() => {}),
    stop: async () => {
      stopping = true;
      for (const pause of pauses.values()) clearTimeout(pause);
      for (const { child } of running.values()) child.kill('SIGTERM');
      await Promise.all([...running.values()].map(({ gone }) => gone));
    },
  };
};
