import { sql } from 'kysely';
import type { Db } from './apps-store.ts';

export interface StatsRow {
  org_id: string;
  app_id: string;
  day: string;
  principal_id: string;
  principal_type: string | null;
  principal_name: string;
  requests: number;
  errors: number;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
}

export interface HourRow {
  org_id: string;
  app_id: string;
  /** RFC 3339, the beginning of the hour. */
  hour: string;
  requests: number;
  errors: number;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
}

export const statsStore = {
  /** Adds counts to what stands there, to days and hours in one statement. Those of apps that are gone are dropped. */
  add: async (db: Db, rows: readonly StatsRow[], hours: readonly HourRow[]): Promise<void> => {
    if (rows.length === 0) return;
    await sql`with days as (insert into gateway_request_stats as s (org_id, app_id, day, principal_id, principal_type, principal_name,
        requests, errors, bytes_in, bytes_out, duration_ms)
      select x.org_id, x.app_id, x.day, x.principal_id, x.principal_type::actor_type, x.principal_name, x.requests, x.errors,
        x.bytes_in, x.bytes_out, x.duration_ms
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as x(org_id uuid, app_id uuid, day date, principal_id uuid,
        principal_type text, principal_name text, requests bigint, errors bigint, bytes_in bigint, bytes_out bigint,
        duration_ms double precision)
      join gateway_apps a on a.id = x.app_id and a.org_id = x.org_id
      order by x.app_id, x.day, x.principal_id
      on conflict (app_id, day, principal_id) do update set requests = s.requests + excluded.requests,
        errors = s.errors + excluded.errors, bytes_in = s.bytes_in + excluded.bytes_in,
        bytes_out = s.bytes_out + excluded.bytes_out, duration_ms = s.duration_ms + excluded.duration_ms,
        principal_name = excluded.principal_name returning 1)
      insert into gateway_request_hours as h (org_id, app_id, hour, requests, errors, bytes_in, bytes_out, duration_ms)
      select x.org_id, x.app_id, x.hour, x.requests, x.errors, x.bytes_in, x.bytes_out, x.duration_ms
      from jsonb_to_recordset(${JSON.stringify(hours)}::jsonb) as x(org_id uuid, app_id uuid, hour timestamptz, requests bigint,
        errors bigint, bytes_in bigint, bytes_out bigint, duration_ms double precision)
      join gateway_apps a on a.id = x.app_id and a.org_id = x.org_id
      order by x.app_id, x.hour
      on conflict (app_id, hour) do update set requests = h.requests + excluded.requests,
        errors = h.errors + excluded.errors, bytes_in = h.bytes_in + excluded.bytes_in,
        bytes_out = h.bytes_out + excluded.bytes_out, duration_ms = h.duration_ms + excluded.duration_ms`.execute(db);
  },

  since: (db: Db, orgId: string, day: string, app: string | undefined): Promise<(StatsRow & { app: string })[]> =>
    (
      db
        .selectFrom('gateway_request_stats as s')
        .innerJoin('gateway_apps as a', 'a.id', 's.app_id')
        .selectAll('s')
        .select('a.slug as app')
        .where('s.org_id', '=', orgId)
        .where(sql<boolean>`s.day >= ${day}::date`)
        .$if(app !== undefined, (query) => query.where('a.slug', '=', app!))
        .orderBy('s.day', 'desc')
        .orderBy('a.slug')
        .orderBy('s.requests', 'desc')
        .limit(5000) as unknown as { execute(): Promise<(StatsRow & { app: string })[]> }
    ).execute(),

  byHour: async (
    db: Db,
    orgId: string,
    since: Date,
    app: string | undefined,
  ): Promise<(Omit<HourRow, 'org_id' | 'app_id' | 'hour'> & { app: string; hour: Date })[]> =>
    (
      await sql<Omit<HourRow, 'org_id' | 'app_id' | 'hour'> & { app: string; hour: Date }>`select a.slug as app, h.hour,
          h.requests::float8 as requests, h.errors::float8 as errors, h.bytes_in::float8 as bytes_in,
          h.bytes_out::float8 as bytes_out, h.duration_ms
        from gateway_request_hours h join gateway_apps a on a.id = h.app_id
        where h.org_id = ${orgId} and h.hour >= ${since} and (${app ?? null}::text is null or a.slug = ${app ?? null})
        order by h.hour desc, h.requests desc, a.slug limit 5000`.execute(db)
    ).rows,

  /** What went through to these apps, one row an app and day. */
  byApp: async (
    db: Db,
    orgId: string,
    day: string,
    slugs: readonly string[],
  ): Promise<
    { app: string; day: string; requests: number; errors: number; bytes_out: number; duration_ms: number }[]
  > =>
    (
      await sql<{
        app: string;
        day: string;
        requests: number;
        errors: number;
        bytes_out: number;
        duration_ms: number;
      }>`select a.slug as app, s.day::text as day, sum(s.requests)::float8 as requests, sum(s.errors)::float8 as errors,
          sum(s.bytes_out)::float8 as bytes_out, sum(s.duration_ms)::float8 as duration_ms
        from gateway_request_stats s join gateway_apps a on a.id = s.app_id
        where s.org_id = ${orgId} and s.day >= ${day}::date and a.slug = any(${[...slugs]}::text[])
        group by a.slug, s.day`.execute(db)
    ).rows,

  totals: async (
    db: Db,
    orgId: string,
  ): Promise<{
    apps: number;
    routes: number;
    healthy: number;
    unhealthy: number;
    unknown: number;
    proposals_pending: number;
  }> =>
    (
      await sql<{
        apps: number;
        routes: number;
        healthy: number;
        unhealthy: number;
        unknown: number;
        proposals_pending: number;
      }>`with targets as (
          select coalesce(h.status, 'unknown') as status
          from gateway_routes r cross join lateral jsonb_array_elements(r.targets) t
          left join gateway_health h on h.route_id = r.id and h.target_url = rtrim(t->>'url', '/')
          where r.org_id = ${orgId})
        select (select count(*)::int from gateway_apps where org_id = ${orgId}) as apps,
          (select count(*)::int from gateway_routes where org_id = ${orgId}) as routes,
          (select count(*)::int from targets where status = 'healthy') as healthy,
          (select count(*)::int from targets where status = 'unhealthy') as unhealthy,
          (select count(*)::int from targets where status = 'unknown') as unknown,
          (select count(*)::int from gateway_proposals where org_id = ${orgId} and state = 'pending') as proposals_pending`.execute(
        db,
      )
    ).rows[0]!,

  /** Found services of all organisations that wait for a person. */
  pendingProposals: async (db: Db): Promise<number> =>
    (
      await sql<{
        count: number;
      }>`select count(*)::int as count from gateway_proposals where state = 'pending'`.execute(db)
    ).rows[0]!.count,

  prune: async (db: Db, before: string, hoursBefore: Date): Promise<void> => {
    await sql`delete from gateway_request_hours where hour < ${hoursBefore}`.execute(db);
    await sql`delete from gateway_request_stats where day < ${before}::date`.execute(db);
  },
};
