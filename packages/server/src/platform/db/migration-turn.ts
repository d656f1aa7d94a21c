import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';

/** Beside the lock that `migrate` takes: this one also covers the schema of DBOS. */
const advisoryLock = '4400000002';
const askEveryMs = 100;

/**
 * Runs `act` while no other server of this database does. Asked for again and again instead of waited for: a statement
 * that waits holds a snapshot, and the `create index concurrently` of the one whose turn it is would wait for that.
 */
export const inMigrationTurn = async <T>(pool: pg.Pool, act: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
  const client = await pool.connect();
  try {
    const taken = async () =>
      (await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${advisoryLock}) as taken`)).rows[0]!.taken;
    while (!(await taken())) await delay(askEveryMs, undefined, { signal });
    return await act();
  } finally {
    // Closing the connection gives the lock back, whatever happened.
    client.release(true);
  }
};
