import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type App, startApp } from './app/app.ts';
import { restoreBetween } from './app/backups.ts';
import { claimPort, readyMessage, startProcessGroup } from './app/process-group.ts';
import { configOrExit } from './config-or-exit.ts';
import type { RestoreOutcome, RestoreRequest } from './modules/admin/backups-module.ts';
import { SteadyClock } from './platform/clock/steady-clock.ts';
import type { ConfigValues } from './platform/config/config.ts';
import { StartupError } from './platform/errors/startup-error.ts';
import { FirstProcess, joinFirst, type Siblings } from './platform/processes/siblings.ts';
import { createLogger, type Logger } from './platform/telemetry/logger.ts';

/** Longer than the doors' own deadlines; what still runs then is left to be resumed at the next start. */
const drainMs = 40_000;

/** The answer to whoever asked for a restore goes out before the server stops. */
const answerMs = 200;
/** What a further process asks the first one for. */
const restoring = 'restore';

export interface RunOptions {
  /** Resolves to the folder of the built web app. Not awaited before the server is up. */
  web?: Promise<string>;
}

const version = (JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string })
  .version;

/** What a person needs to know after the start. The setup link stands here alone: the log masks its token. */
const announce = (app: App, dataDir: string, log: Logger): void => {
  const lines = [
    '',
    `  Atrium ${version} is ready`,
    '',
    `  Open       ${app.public_url}`,
    ...(app.setup_url === null ? [] : [`  Set up     ${app.setup_url}`]),
    `  Data       ${dataDir}`,
    '  Stop       Ctrl-C',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  log.info(
    { address: app.address, public_url: app.public_url, data_dir: dataDir, pid: process.pid },
    'Atrium is ready',
  );
};

/** The first signal ends a start that is under way, or drains the server that runs; the second one ends the process. */
const listenToSignals = (log: Logger) => {
  const stopping = new AbortController();
  let running: App | null = null;
  const hear = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) {
      log.warn({ signal }, 'stopping at once');
      process.exit(1);
    }
    const what = running === null ? 'giving up the start, then stopping' : 'finishing what runs, then stopping';
    log.info({ signal }, what);
    setTimeout(() => process.exit(1), drainMs).unref();
    stopping.abort();
    running?.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the server did not stop cleanly');
        process.exit(1);
      },
    );
  };
  // Ignored while the server starts, rather than ending it as the system would.
  const reload = () => {
    running?.reload().catch((error: unknown) => log.error({ err: error }, 'the settings could not be read again'));
  };
  process.on('SIGHUP', reload);
  process.on('SIGTERM', hear);
  process.on('SIGINT', hear);
  return {
    signal: stopping.signal,
    isRunning: (app: App | null) => {
      running = app;
    },
    release: () => {
      process.off('SIGHUP', reload);
      process.off('SIGTERM', hear);
      process.off('SIGINT', hear);
    },
  };
};

/**
 * A start builds schemas, routes and plans, and most of what that took is needed no more. It is given back at once: V8
 * itself would wait until the heap has grown again.
 */
const settleMemory = (settleMs: number): void => {
  if (settleMs === 0) return;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void;
  setTimeout(() => {
    // Node keeps all it read from the cache of compiled code until that is written, which it is at the end otherwise.
    flushCompileCache();
    collect({ type: 'major', flavor: 'last-resort' });
  }, settleMs).unref();
};

interface Part {
  siblings: Siblings;
  process_number: number;
  restart: (request: RestoreRequest) => void;
  restored?: RestoreOutcome | null;
}

const startPart = (values: ConfigValues, log: Logger, stopping: AbortSignal, part: Part): Promise<App> =>
  startApp({
    values,
    clock: new SteadyClock(),
    log,
    version,
    web_root: join(import.meta.dirname, '../../web/dist'),
    stopping,
    ...part,
  });

const endWith = (error: unknown, stopping: AbortSignal, log: Logger): never => {
  if (stopping.aborted) process.exit(0);
  if (error instanceof StartupError) process.stderr.write(`${error.message}\n`);
  else log.fatal({ err: error }, 'Atrium could not start');
  process.exit(1);
};

const prepare = async () => {
  const values = await configOrExit();
  const log = createLogger(values.config.log.level);
  const unhandled = (error: unknown) => log.error({ err: error }, 'a failure that nobody handled');
  process.on('unhandledRejection', unhandled);
  const stopping = listenToSignals(log);
  const release = () => {
    process.off('unhandledRejection', unhandled);
    stopping.release();
  };
  return { values, log, stopping, release };
};

/** The further processes of a server whose first one runs, which ends after them. */
const withOthers = async (app: App, first: FirstProcess, processes: number, log: Logger): Promise<App> => {
  if (processes === 1) return app;
  const group = startProcessGroup({ processes, app, first, log });
  const whole = {
    ...app,
    close: async () => {
      await group.stop();
      await app.close();
    },
  };
  await group.started;
  return whole;
};

/** Starts the server and keeps it running until a signal asks it to stop, which ends the process. What is returned stops the server alone. */
export const run = async ({ web }: RunOptions = {}): Promise<() => Promise<void>> => {
  // Looked at below; until then a failed build must not count as an unhandled rejection.
  web?.catch(() => {});
  const { values, log, stopping, release } = await prepare();
  const { dataDir, processes, host, port } = values.config.server;
  let running: App | null = null;
  const begin = async (restored: RestoreOutcome | null): Promise<App> => {
    const first = new FirstProcess();
    const restart = (request: RestoreRequest) => void setTimeout(() => void again(request), answerMs);
    first.answer(restoring, (request) => restart(request as RestoreRequest));
    const part = { siblings: first, process_number: 1, restart, restored };
    const app = await startPart(values, log, stopping.signal, part);
    running = await withOthers(app, first, processes, log);
    stopping.isRunning(running);
    settleMemory(values.config.server.settleMs);
    return running;
  };
  /** Everything is replaced while nothing runs; then the server is there again, at the same address. */
  const again = async (request: RestoreRequest): Promise<void> => {
    if (running === null || stopping.signal.aborted) return;
    const app = running;
    running = null;
    stopping.isRunning(null);
    try {
      values.config.server.port = Number(new URL(app.address).port) || values.config.server.port;
      log.warn({ file: request.path }, 'stopping to restore a backup');
      await app.close();
      const outcome = await restoreBetween(request, { values, clock: new SteadyClock(), log });
      announce(await begin(outcome), dataDir, log);
    } catch (error) {
      endWith(error, stopping.signal, log);
    }
  };
  try {
    if (processes > 1 && port !== 0) await claimPort(host, port);
    const app = await begin(null);
    await web?.catch((error: unknown) =>
      log.error({ err: error }, 'the pages cannot be shown; every other door is open'),
    );
    announce(app, dataDir, log);
  } catch (error) {
    endWith(error, stopping.signal, log);
  }
  return async () => {
    release();
    stopping.isRunning(null);
    const app = running;
    running = null;
    await app?.close();
  };
};

/** A further process of a running server: it ends with the first one, whose database it uses. */
export const runFurther = async (): Promise<void> => {
  const { values, log, stopping } = await prepare();
  process.once('disconnect', () => process.exit(1));
  const siblings = joinFirst({
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    onMessage: (hear) => void process.on('message', hear),
  });
  try {
    const process_number = Number(process.argv[2]);
    const restart = (request: RestoreRequest) => void siblings.ask(restoring, request);
    const app = await startPart(values, log, stopping.signal, { siblings, process_number, restart });
    stopping.isRunning(app);
    settleMemory(values.config.server.settleMs);
    process.send?.(readyMessage);
  } catch (error) {
    endWith(error, stopping.signal, log);
  }
};

if (import.meta.main) await run();
