import { type Selectable, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Db } from './apps-store.ts';
import type { HealthState } from './routes-rows.ts';

export type HealthRow = Omit<Selectable<Schema['gateway_health']>, 'status'> & { status: HealthState };

export interface ProbeResult {
  route_id: string;
  target_url: string;
  status: HealthState;
  failures: number;
  successes: number;
  error: string | null;
  latency_ms: number | null;
  at: Date;
}

export const healthStore = {
  ofRoutes: async (db: Db, routeIds: readonly string[]): Promise<HealthRow[]> =>
    routeIds.length === 0
      ? []
      : ((await db
          .selectFrom('gateway_health')
          .selectAll()
          .where('route_id', 'in', [...routeIds])
          .orderBy('route_id')
          .orderBy('target_url')
          .execute()) as HealthRow[]),

  all: async (db: Db): Promise<HealthRow[]> =>
    (await db.selectFrom('gateway_health').selectAll().execute()) as HealthRow[],

  /**
   * Writes what a probe found. Says what the status was before: two processes that probe at once wait for one another, so
   * that one of them made the change. Null when the route is gone.
   */
  record: async (db: Db, result: ProbeResult): Promise<HealthState | null> => {
    const before = await sql<{ status: HealthState }>`select status from gateway_health
      where route_id = ${result.route_id} and target_url = ${result.target_url} for update`.execute(db);
    const written = await sql`insert into gateway_health as h (route_id, target_url, status, consecutive_failures,
        consecutive_successes, last_error, latency_ms, checked_at, changed_at)
      select r.id, ${result.target_url}, ${result.status}, ${result.failures}::int, ${result.successes}::int, ${result.error},
        ${result.latency_ms}::real, ${result.at}::timestamptz, ${result.at}::timestamptz from gateway_routes r
      where r.id = ${result.route_id}
      on conflict (route_id, target_url) do update set status = excluded.status,
        consecutive_failures = excluded.consecutive_failures, consecutive_successes = excluded.consecutive_successes,
        last_error = excluded.last_error, latency_ms = excluded.latency_ms, checked_at = excluded.checked_at,
        changed_at = case when h.status = excluded.status then h.changed_at else excluded.changed_at end`.execute(db);
    if (Number(written.numAffectedRows ?? 0) === 0) return null;
    return before.rows[0]?.status ?? 'unknown';
  },

  /** Forgets targets that these routes have no more. */
  keepOnly: async (db: Db, routes: readonly { id: string; urls: readonly string[] }[]): Promise<void> => {
    if (routes.length === 0) return;
    await sql`delete from gateway_health h using jsonb_to_recordset(${JSON.stringify(routes)}::jsonb) as r(id uuid, urls text[])
      where h.route_id = r.id and not (h.target_url = any(r.urls))`.execute(db);
  },
};
