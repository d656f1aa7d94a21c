import { hkdfSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { startEmbedded } from '../platform/db/embedded.ts';
import { rotateKeptResponses } from '../platform/db/kept-responses.ts';
import { createDatabase, type KyselyDatabase } from '../platform/db/kysely-database.ts';
import { type MigrationSource, migrate } from '../platform/db/migrate.ts';
import { inMigrationTurn } from '../platform/db/migration-turn.ts';
import { createPool } from '../platform/db/pool.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { EventDispatcher } from '../platform/events/dispatcher.ts';
import { createFreeSpace } from '../platform/files/free-space.ts';
import { migrateJobsSchema } from '../platform/jobs/dbos-schema.ts';
import { checkKeyRecord, readKeyRecord } from '../platform/secrets/key-record.ts';
import { loadKeyRing } from '../platform/secrets/master-key.ts';
import { type KeyRing, type RotationVisit, SecretBox } from '../platform/secrets/secret-box.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { moduleOrder } from './module-order.ts';

/** Everything that holds state on disk, opened in order and closed in the opposite one. */
export interface Storage {
  url: string;
  pool: Pool;
  database: KyselyDatabase;
  dispatcher: EventDispatcher;
  secrets: SecretBox;
  /** Keys of 32 bytes for one purpose, the same on every replica and after a restart. Those of earlier master keys follow. */
  keysFor: (purpose: string) => readonly [Uint8Array, ...Uint8Array[]];
  /** What the platform itself keeps encrypted. */
  rotations: readonly RotationVisit[];
  /** Where the rows are, in words for the start block. */
  description: string;
  close(): Promise<void>;
}

/** Keys for one purpose from a key ring, the current one first. */
export const deriveKeys = (ring: KeyRing, purpose: string): [Uint8Array, ...Uint8Array[]] => {
  const derive = (key: Buffer) => new Uint8Array(hkdfSync('sha256', key, '', `atrium ${purpose}`, 32));
  const [current, ...previous] = ring;
  return [derive(current), ...previous.map(derive)];
};

/** Binds kept answers of Idempotency-Keys to their table. */
const keptAnswers = 'core_idempotency_keys';

const source = join(import.meta.dirname, '..');

/** The platform's migrations, then those of each module in module order. */
export const migrationSources = (): MigrationSource[] => [
  { name: 'core', directory: join(source, 'platform/db/migrations') },
  ...moduleOrder
    .map((name) => ({ name, directory: join(source, 'modules', name, 'migrations') }))
    .filter(({ directory }) => existsSync(directory)),
];

const openPostgres = async (values: ConfigValues, log: Logger, signal?: AbortSignal) => {
  const external = values.secrets.databaseUrl;
  if (external !== null)
    return { url: external.reveal(), stop: async () => {}, description: 'the PostgreSQL of DATABASE_URL', space: null };
  const embedded = await startEmbedded({ dataDir: values.config.server.dataDir, logger: log, signal });
  return {
    url: embedded.connectionString.reveal(),
    stop: () => embedded.stop(),
    description: embedded.cluster,
    space: createFreeSpace(embedded.cluster, log),
  };
};

/** Told in a sentence here, because the parts that connect later would tell it with their own stacks. */
const reach = async (pool: Pool): Promise<void> => {
  try {
    await pool.query('select 1');
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `The PostgreSQL of DATABASE_URL cannot be used: ${message || code}. Check its host, port, user, password and database name, and that it runs.`,
      { cause: error },
    );
  }
};

const openKeys = async (pool: Pool, values: ConfigValues, clock: Clock): Promise<KeyRing> => {
  const recorded = await readKeyRecord(pool);
  const ring = loadKeyRing({
    dataDir: values.config.server.dataDir,
    masterKey: values.secrets.masterKey,
    recorded,
  });
  await checkKeyRecord(pool, ring, clock.now());
  return ring;
};

/**
 * Starts or reaches PostgreSQL, brings the schema up to date and begins to listen for events. An abort of the signal
 * before that is done closes again what was opened and rejects.
 */
export const openStorage = async (
  values: ConfigValues,
  clock: Clock,
  log: Logger,
  signal?: AbortSignal,
  metrics?: Metrics,
): Promise<Storage> => {
  const postgres = await openPostgres(values, log, signal);
  // Connections that postgres closes under us while both stop are no failure.
  let closing = false;
  const onError = (error: unknown, what: string) => log[closing ? 'debug' : 'error']({ err: error }, what);
  const pool = createPool({
    url: postgres.url,
    onError: (error) => onError(error, 'an idle database connection was lost'),
    ...(metrics === undefined ? {} : { onQuery: metrics.query }),
  });
  // A migration may run for minutes: the end of our postgres ends its statement, and the transaction is rolled back.
  const interrupt = () => {
    closing = true;
    postgres.stop().catch(() => {});
  };
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    if (values.secrets.databaseUrl !== null) await reach(pool);
    const bringUpToDate = async () => {
      await migrateJobsSchema(postgres.url, log, signal);
      return await migrate(pool, migrationSources(), { signal });
    };
    const applied = await inMigrationTurn(pool, bringUpToDate, signal);
    if (applied.length > 0)
      log.info({ migrations: applied.map(({ source, number }) => `${source} ${number}`) }, 'migrated the database');
    const ring = await openKeys(pool, values, clock);
    signal?.throwIfAborted();
    const secrets = new SecretBox(ring);
    const cipher = {
      encrypt: (plain: string) => secrets.encrypt(plain, keptAnswers),
      decrypt: (sealed: string) => secrets.decrypt(sealed, keptAnswers),
    };
    let dispatcher: EventDispatcher | null = null;
    const database = createDatabase({
      pool,
      clock,
      cipher,
      onError,
      ...(postgres.space === null ? {} : { onBegin: postgres.space.demand }),
      onCommitted: (events) => {
        metrics?.published(events);
        dispatcher?.offer(events);
      },
    });
    dispatcher = new EventDispatcher({
      ...{ db: database.read, url: postgres.url, onError },
      ...(metrics === undefined
        ? {}
        : { onDeliver: ({ at }) => metrics.dispatched((clock.now().getTime() - at.getTime()) / 1000) }),
    });
    return {
      url: postgres.url,
      pool,
      database,
      dispatcher,
      secrets,
      keysFor: (purpose) => deriveKeys(ring, purpose),
      rotations: [(reencrypt) => rotateKeptResponses(database.read, (sealed) => reencrypt(sealed, keptAnswers))],
      description: postgres.description,
      close: async () => {
        closing = true;
        await dispatcher.stop();
        await database.flush();
        await pool.end();
        await postgres.stop();
      },
    };
  } catch (error) {
    closing = true;
    await pool.end();
    await postgres.stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
  }
};
