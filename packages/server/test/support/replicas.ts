import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type RunningServer, removeDataDir, startServer } from './start-server.ts';

/** The machine's own services. With ATRIUM_TEST_SERVICES=1 they must be there; without it their tests do not run. */
export const services = {
  wanted: process.env['ATRIUM_TEST_SERVICES'] === '1',
  postgres: process.env['ATRIUM_TEST_POSTGRES'] ?? 'postgresql://postgres@127.0.0.1:5432/postgres',
  redis: process.env['ATRIUM_TEST_REDIS'] ?? 'redis://127.0.0.1:6379',
  nats: process.env['ATRIUM_TEST_NATS'] ?? 'nats://127.0.0.1:4222',
  rabbit: process.env['ATRIUM_TEST_RABBITMQ'] ?? 'amqp://guest:guest@127.0.0.1:5672',
};

export interface Replicas {
  /** Of the database that they share. */
  url: string;
  database: pg.Pool;
  setupToken: string;
  start(env?: Record<string, string>): Promise<RunningServer>;
  /** Stops all of them and drops the database. */
  close(): Promise<void>;
}

/** Servers on one database of the machine's PostgreSQL, with one master key and data directories of their own. */
export const makeReplicas = async (shared: Record<string, string> = {}): Promise<Replicas> => {
  const name = `atrium_test_${randomBytes(6).toString('hex')}`;
  const maintain = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: services.postgres });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await maintain(`create database ${name}`);
  const url = new URL(services.postgres);
  url.pathname = `/${name}`;
  const setupToken = `setup-${randomBytes(8).toString('hex')}`;
  const env = {
    DATABASE_URL: url.href,
    ATRIUM_MASTER_KEY: randomBytes(32).toString('base64'),
    ATRIUM_SETUP_TOKEN: setupToken,
    ...shared,
  };
  const started: RunningServer[] = [];
  const database = new pg.Pool({ connectionString: url.href, max: 2 });
  database.on('error', () => {});
  return {
    url: url.href,
    database,
    setupToken,
    start: async (own = {}) => {
      const server = await startServer({ env: { ...env, ...own } });
      started.push(server);
      return server;
    },
    close: async () => {
      for (const server of started) {
        await server.stop();
        removeDataDir(server.dataDir);
      }
      await database.end();
      await maintain(`drop database ${name} with (force)`);
    },
  };
};
