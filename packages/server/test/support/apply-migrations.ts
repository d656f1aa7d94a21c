import { pino } from 'pino';
import { migrationSources } from '../../src/app/storage.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { createPool } from '../../src/platform/db/pool.ts';
import { migrateJobsSchema } from '../../src/platform/jobs/dbos-schema.ts';

/** Brings an empty database to the newest schema, as a start of the server does. */
export const applyMigrations = async (url: string): Promise<void> => {
  await migrateJobsSchema(url, pino({ level: 'silent' }));
  const pool = createPool({ url, max: 1 });
  try {
    await migrate(pool, migrationSources());
  } finally {
    await pool.end();
  }
};
