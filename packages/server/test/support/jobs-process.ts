import type pg from 'pg';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/clock/clock.ts';
import { createDatabase } from '../../src/platform/db/kysely-database.ts';
import { createPool } from '../../src/platform/db/pool.ts';
import { createJobsHost } from '../../src/platform/jobs/jobs-host.ts';

/** A worker for crash tests: `hang` begins and never ends. Writes a row to job_runs for each run. */
const url = process.argv[2]!;
const pool: pg.Pool = createPool({ url });
const { read } = createDatabase({
  pool,
  clock: systemClock,
  cipher: { encrypt: (text) => text, decrypt: (text) => text },
});
const host = createJobsHost({
  url,
  db: read,
  clock: systemClock,
  log: pino({ level: 'silent' }),
  role: 'worker',
  poll_ms: 50,
  jobs: [
    {
      name: 'hang',
      run: async () => {
        await pool.query(`insert into job_runs values ('killed process')`);
        await new Promise(() => {});
      },
    },
  ],
});
await host.start();
