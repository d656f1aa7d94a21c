import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runningCluster } from '../platform/backup/running-cluster.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { startEmbedded } from '../platform/db/embedded.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { Logger } from '../platform/telemetry/logger.ts';

export interface ReachedDatabase {
  url: string;
  /** In words, for the operator. */
  place: string;
  close: () => Promise<void>;
}

const external = (values: ConfigValues): ReachedDatabase | null => {
  const url = values.secrets.databaseUrl;
  return url === null ? null : { url: url.reveal(), place: 'the PostgreSQL of DATABASE_URL', close: async () => {} };
};

const embedded = async (dataDir: string, logger: Logger): Promise<ReachedDatabase> => {
  const database = await startEmbedded({ dataDir, logger });
  return { url: database.connectionString.reveal(), place: database.cluster, close: () => database.stop() };
};

/** The database to read from: also the one of a server that runs. */
export const reachForReading = async (values: ConfigValues, logger: Logger): Promise<ReachedDatabase> => {
  const given = external(values);
  if (given !== null) return given;
  const { dataDir } = values.config.server;
  const running = runningCluster(dataDir);
  if (running !== null) return { url: running, place: join(dataDir, 'postgres'), close: async () => {} };
  if (!existsSync(join(dataDir, 'postgres')))
    throw new StartupError(`There is no database in ${dataDir}. Set ATRIUM_DATA_DIR or DATABASE_URL.`);
  return await embedded(dataDir, logger);
};

/** The database to write to, which no server may be using: a running one holds the lock of its data directory. */
export const reachForWriting = async (values: ConfigValues, logger: Logger): Promise<ReachedDatabase> =>
  external(values) ?? (await embedded(values.config.server.dataDir, logger));
