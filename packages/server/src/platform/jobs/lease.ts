import { type Kysely, sql } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Schema } from '../db/schema.gen.ts';

export interface LeaseOptions {
  db: Kysely<Schema>;
  clock: Clock;
  /** Who asks: unique to this process. */
  holder: string;
}

/** Longer than any sweep should take; a holder that died stops blocking the others after it. */
const leaseMs = 60_000;

/**
 * Runs `act` unless another process holds the lease or ran it less than `everyMs` ago. The lease is renewed while
 * `act` runs, so a long sweep stays alone. Returns whether it ran.
 */
export const withLease = async (
  options: LeaseOptions,
  name: string,
  everyMs: number,
  act: () => Promise<void>,
): Promise<boolean> => {
  const { db, clock, holder } = options;
  const until = (): Date => new Date(clock.now().getTime() + leaseMs);
  // A tenth of slack: timers of replicas drift, and a turn must not be skipped because one came a moment early.
  const lastStart = new Date(clock.now().getTime() - everyMs * 0.9);
  const taken = await sql`
    insert into core_leases as l (name, holder, until, started_at)
    values (${name}, ${holder}, ${until()}, ${clock.now()})
    on conflict (name) do update set holder = excluded.holder, until = excluded.until, started_at = excluded.started_at
      where l.until <= excluded.started_at and l.started_at <= ${lastStart}
    returning 1`.execute(db);
  if (taken.rows.length === 0) return false;
  const renew = setInterval(() => {
    sql`update core_leases set until = ${until()} where name = ${name} and holder = ${holder}`
      .execute(db)
      .catch(() => {});
  }, leaseMs / 3);
  renew.unref();
  try {
    await act();
  } finally {
    clearInterval(renew);
    await sql`update core_leases set until = ${clock.now()} where name = ${name} and holder = ${holder}`.execute(db);
  }
  return true;
};
