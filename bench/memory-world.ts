/** The services of diaries over a PostgreSQL of their own, as the server makes them, without doors. */
import pg from 'pg';
import type { DiariesParts } from '../packages/server/src/modules/diaries/diaries-parts.ts';
import {
  createDiariesServices,
  type DiariesServices,
} from '../packages/server/src/modules/diaries/diaries-services.ts';
import type { Embedder } from '../packages/server/src/modules/diaries/embedder.ts';
import { systemClock } from '../packages/server/src/platform/clock/clock.ts';
import { createDatabase } from '../packages/server/src/platform/db/kysely-database.ts';
import { createPool } from '../packages/server/src/platform/db/pool.ts';
import { applyMigrations } from '../packages/server/test/support/apply-migrations.ts';
import { makeOrg, type TestOrg } from '../packages/server/test/support/make-inbox.ts';
import { diarySurroundings } from '../packages/server/test/support/test-diaries.ts';
import { startTestServer } from '../packages/server/test/support/test-server.ts';

export interface MemoryWorld {
  parts: DiariesParts;
  services: DiariesServices;
  pool: pg.Pool;
  org: TestOrg;
  close: () => Promise<void>;
}

/** `durable`: each commit waits for the disk. */
export const openMemoryWorld = async (options: { durable: boolean; embedder?: Embedder }): Promise<MemoryWorld> => {
  const server = await startTestServer({ durable: options.durable });
  const url = server.urlOf('memory');
  const admin = new pg.Client({ connectionString: server.urlOf('postgres') });
  await admin.connect();
  await admin.query('create database memory');
  // As the server sets up a PostgreSQL of its own.
  await admin.query('alter database memory set jit = off');
  await admin.query("alter database memory set work_mem = '8MB'");
  await admin.end();
  await applyMigrations(url);
  const pool = createPool({ url, max: 4 });
  const database = createDatabase({
    pool,
    clock: systemClock,
    // Nothing here has an Idempotency-Key, which is what this is for.
    cipher: { encrypt: (plain) => plain, decrypt: (sealed) => sealed },
  });
  const parts: DiariesParts = {
    database,
    clock: systemClock,
    settingsOf: async () => ({ diary_max_visibility: 'public' }),
    embedder: options.embedder ?? null,
    ...(await diarySurroundings(database, systemClock)),
    onError: (error) => {
      throw error;
    },
  };
  return {
    parts,
    services: createDiariesServices(parts),
    pool,
    org: await makeOrg(pool, 'Bench'),
    close: async () => {
      await database.flush();
      await pool.end();
      await server.stop();
    },
  };
};
