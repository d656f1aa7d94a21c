import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { ManualClock } from '../../src/platform/clock/clock.ts';
import {
  type Cipher,
  createDatabase,
  type DatabaseOptions,
  type KyselyDatabase,
} from '../../src/platform/db/kysely-database.ts';
import { createPool } from '../../src/platform/db/pool.ts';

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  clock: ManualClock;
  database: KyselyDatabase;
  /** Errors that the database reported in the background. */
  background: unknown[];
  drop: () => Promise<void>;
}

/** Marks what is stored encrypted, so that a test can tell it from what is not. */
export const testCipher: Cipher = {
  encrypt: (plain) => `sealed:${Buffer.from(plain).toString('base64')}`,
  decrypt: (sealed) => Buffer.from(sealed.slice('sealed:'.length), 'base64').toString(),
};

const admin = async (statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: inject('postgres_url') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};

/** A database of its own, cloned from the migrated template. Call `drop` in afterAll. */
export const createTestDatabase = async (
  options: Partial<Omit<DatabaseOptions, 'pool' | 'clock'>> & { max?: number } = {},
): Promise<TestDatabase> => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await admin(`create database ${name} template atrium_template strategy file_copy`);
  const url = new URL(inject('postgres_url'));
  url.pathname = name;
  const pool = createPool({ url: url.href, max: options.max ?? 10 });
  const clock = new ManualClock('2026-03-01T12:00:00.000Z');
  const background: unknown[] = [];
  const database = createDatabase({
    cipher: testCipher,
    onError: (error) => void background.push(error),
    ...options,
    pool,
    clock,
  });
  return {
    url: url.href,
    pool,
    clock,
    database,
    background,
    drop: async () => {
      await database.flush();
      await pool.end();
      await admin(`drop database if exists ${name} with (force)`);
    },
  };
};
