import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Secret } from '../config/secret.ts';
import { StartupError } from '../errors/startup-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { findBinaries } from './embedded/binaries.ts';
import { databaseUser, prepareCluster } from './embedded/cluster.ts';
import { type DataDirectoryLock, lockDataDirectory } from './embedded/data-directory-lock.ts';
import { diskFull } from './embedded/disk-full.ts';
import { clearLeftover, stopProcess } from './embedded/leftover.ts';
import { type Placement, placeCluster } from './embedded/placement.ts';
import {
  chooseEndpoint,
  type Endpoint,
  LaunchFailure,
  launchPostmaster,
  type Postmaster,
} from './embedded/postmaster.ts';

export interface EmbeddedDatabase {
  /** URL of the database `atrium`, password included. It stays the same when postgres is restarted. */
  connectionString: Secret;
  /** Process id of the postgres that runs now. */
  readonly pid: number;
  /** Where the cluster really lies. */
  cluster: string;
  /** Shuts postgres down, then gives the data directory free. */
  stop(): Promise<void>;
}

const databaseName = 'atrium';
const oldBackendsPatienceMs = 15_000;
const longestPauseMs = 10_000;

/**
 * Runs PostgreSQL in `<dataDir>/postgres` for as long as this process lives, and starts it again when it dies. Refuses
 * with a StartupError when another server uses the directory or the cluster cannot be used. An abort of the signal ends
 * the start, not what was started: it rejects with the signal's reason and leaves no process behind.
 */
export async function startEmbedded(options: {
  dataDir: string;
  logger: Logger;
  signal?: AbortSignal | undefined;
}): Promise<EmbeddedDatabase> {
  const { signal } = options;
  const dataDir = makeDirectory(resolve(options.dataDir));
  const lock = lockDataDirectory(dataDir);
  const logger = options.logger.child({ part: 'postgres' });
  try {
    const placement = placeCluster(dataDir, findBinaries());
    if (placement.link !== null) {
      logger.warn(
        { cluster: placement.cluster },
        `postgres cannot enter ${dataDir} as ${placement.account?.name}: the database is kept elsewhere`,
      );
    }
    const password = await prepareCluster(placement, signal);
    await clearLeftover(placement.cluster, logger);
    signal?.throwIfAborted();
    const { endpoint, postmaster } = await launchFirst(placement, logger, signal);
    const server = new EmbeddedServer(placement, endpoint, postmaster, password, lock, logger);
    await server.ensureDatabase();
    if (signal?.aborted === true) {
      await server.stop();
      signal.throwIfAborted();
    }
    return server;
  } catch (error) {
    lock.release();
    throw error;
  }
}

class EmbeddedServer implements EmbeddedDatabase {
  readonly connectionString: Secret;
  readonly cluster: string;
  readonly #placement: Placement;
  readonly #endpoint: Endpoint;
  readonly #lock: DataDirectoryLock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #postmaster: Postmaster;
  #supervision: Promise<void>;
  #stopped: Promise<void> | null = null;

  constructor(
    placement: Placement,
    endpoint: Endpoint,
    postmaster: Postmaster,
    password: string,
    lock: DataDirectoryLock,
    logger: Logger,
  ) {
    this.cluster = placement.cluster;
    this.connectionString = new Secret(urlOf(endpoint, password, databaseName));
    this.#placement = placement;
    this.#endpoint = endpoint;
    this.#postmaster = postmaster;
    this.#lock = lock;
    this.#logger = logger;
    this.#supervision = this.#supervise();
  }

  get pid(): number {
    return this.#postmaster.pid;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopOnce();
    return this.#stopped;
  }

  /** A first start that was killed between initdb and here has a cluster, but not yet the database. */
  async ensureDatabase(): Promise<void> {
    const maintenance = this.connectionString.reveal().replace(`/${databaseName}?`, '/postgres?');
    try {
      await withClient(maintenance, async (client) => {
        const known = await client.query('select from pg_database where datname = $1', [databaseName]);
        if (known.rowCount === 0) await client.query(`create database ${databaseName}`);
      });
    } catch (error) {
      await this.stop();
      throw diskFull(error, this.cluster) ?? error;
    }
  }

  async #stopOnce(): Promise<void> {
    this.#stopping.abort();
    // A restart that is under way ends first, so that it cannot bring postgres up behind our back.
    await this.#supervision;
    await stopProcess(this.#postmaster.pid);
    await this.#postmaster.exited;
    this.#lock.release();
  }

  /** Waits for postgres to end; unless we are stopping, starts it again, with growing pauses while that fails. */
  async #supervise(): Promise<void> {
    const stopped = new Promise<null>((done) => {
      this.#stopping.signal.addEventListener('abort', () => done(null));
    });
    let failures = 0;
    for (;;) {
      const startedAt = Date.now();
      const reason = await Promise.race([this.#postmaster.exited, stopped]);
      if (reason === null || this.#stopping.signal.aborted) return;
      this.#logger.error({ reason }, 'postgres ended by itself, starting it again');
      failures = Date.now() - startedAt > 60_000 ? 0 : failures + 1;
      if (failures > 1) await this.#pause(failures);
      while (!(await this.#revive())) await this.#pause(++failures);
      if (this.#stopping.signal.aborted) return;
    }
  }

  /** True when postgres runs, or need not run any more. */
  async #revive(): Promise<boolean> {
    if (this.#stopping.signal.aborted) return true;
    try {
      await clearLeftover(this.cluster, this.#logger);
      this.#postmaster = await launchPatiently(this.#placement, this.#endpoint, this.#logger);
      this.#logger.info({ pid: this.pid }, 'postgres runs again');
      return true;
    } catch (error) {
      this.#logger.error({ err: error }, 'postgres cannot be started');
      return false;
    }
  }

  async #pause(failures: number): Promise<void> {
    const pause = Math.min(100 * 2 ** failures, longestPauseMs);
    await delay(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

/** The socket where it can be made (some mounted file systems know none), else a loopback port nobody holds. */
async function launchFirst(
  placement: Placement,
  logger: Logger,
  signal?: AbortSignal,
): Promise<{ endpoint: Endpoint; postmaster: Postmaster }> {
  for (let attempt = 0; ; attempt++) {
    const endpoint = await chooseEndpoint(placement.cluster, attempt === 0);
    try {
      return { endpoint, postmaster: await launchPatiently(placement, endpoint, logger, signal) };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LaunchFailure && error.addressTaken && attempt < 3) continue;
      const cause = error instanceof LaunchFailure ? new StartupError(error.message) : error;
      throw diskFull(error, placement.cluster) ?? cause;
    }
  }
}

async function launchPatiently(
  placement: Placement,
  endpoint: Endpoint,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Postmaster> {
  const end = Date.now() + oldBackendsPatienceMs;
  for (;;) {
    try {
      return await launchPostmaster(placement, endpoint, logger, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof LaunchFailure && error.oldBackendsLive && Date.now() < end)) throw error;
      await delay(100);
    }
  }
}

/** `host` as a parameter, the only spelling of a socket that pg, DBOS and the URL class all accept. */
function urlOf(endpoint: Endpoint, password: string, database: string): string {
  const place = endpoint.kind === 'socket' ? `localhost:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
  const host = endpoint.kind === 'socket' ? `host=${encodeURIComponent(endpoint.host)}` : '';
  return `postgresql://${databaseUser}:${password}@${place}/${database}?${host}`;
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await act(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Level by level, because Node's own recursion never ends below /proc, which says that an existing parent is missing. */
function makeLevels(path: string): void {
  if (existsSync(path)) return;
  makeLevels(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function makeDirectory(path: string): string {
  try {
    makeLevels(path);
    return realpathSync(path);
  } catch (error) {
    const reason = (error as Error).message;
    throw (
      diskFull(error, path) ??
      new StartupError(`The data directory ${path} cannot be made: ${reason}.`, { cause: error })
    );
  }
}
