import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;

export interface TallyRow {
  by: 'agent' | 'channel' | 'person';
  id: string | null;
  name: string;
  asked: number;
  answered: number;
  median_answer_s: number | null;
}

export interface StatsRow {
  open_by_level: Record<string, number>;
  answered_today: number;
  median_answer_s: number | null;
  p90_answer_s: number | null;
  per_day: { day: string; created: number; answered: number; expired: number }[];
  tallies: TallyRow[];
}

export interface StatsWindow {
  org_id: string;
  days: number;
  time_zone: string;
  now: Date;
  /** Rows of each ranking. */
  most: number;
}

/**
 * Everything in one pass over the items that the reader sees. Days are those of the time zone; the window begins with
 * the first of them. Answers by rules and timeouts are outcomes, not answer times, so only those of people are timed.
 */
export const readStats = async (db: Db, visible: On, window: StatsWindow): Promise<StatsRow> =>
  (
    await sql<StatsRow>`
      with bounds as (
        select today, today - ${window.days - 1}::int as first_day,
          (today::timestamp at time zone ${window.time_zone}) as today_at,
          ((today - ${window.days - 1}::int)::timestamp at time zone ${window.time_zone}) as since
        from (select (${window.now}::timestamptz at time zone ${window.time_zone})::date as today) d
      ), seen as materialized (
        select i.kind, i.level, i.status, i.archived_at, i.channel_id, i.assignee_id, i.created_by_type, i.created_by_id, i.created_by_name,
          i.answered_by_type, i.answered_by_id, i.created_at, i.created_at >= b.since as is_new,
          case when i.answered_at >= b.since then i.answered_at end as answered_at,
          case when i.status = 'expired' and coalesce(i.expires_at, i.updated_at) >= b.since then coalesce(i.expires_at, i.updated_at) end as expired_at,
          case when i.answered_at >= b.since and i.answer_source in ('person', 'client')
            then greatest(extract(epoch from i.answered_at - i.opened_at)::float8, 0) end as took
        from inbox_items i cross join bounds b
        where ${visible('i')} and (i.created_at >= b.since or i.answered_at >= b.since
          or (i.status = 'open' and i.archived_at is null) or (i.status = 'expired' and coalesce(i.expires_at, i.updated_at) >= b.since))
      ), days as (
        select g::date as day, n::int as n, g at time zone ${window.time_zone} as starts
        from bounds, generate_series(first_day::timestamp, today::timestamp, interval '1 day') with ordinality as s(g, n)
      ), starts as (
        -- A search among the beginnings of days is several times cheaper than converting every time to its day.
        select array_agg(starts order by n) as of_days from days
      ), counted as (
        select n, sum(created)::int as created, sum(answered)::int as answered, sum(expired)::int as expired from (
          select width_bucket(created_at, (select of_days from starts)) as n, 1 as created, 0 as answered, 0 as expired from seen where is_new
          union all select width_bucket(answered_at, (select of_days from starts)), 0, 1, 0 from seen where answered_at is not null
          union all select width_bucket(expired_at, (select of_days from starts)), 0, 0, 1 from seen where expired_at is not null
        ) e group by n
      ), per_day as (
        select day, coalesce(created, 0) as created, coalesce(answered, 0) as answered, coalesce(expired, 0) as expired
        from days left join counted using (n)
      ), agents as (
        select created_by_id as id, max(created_by_name) as name, count(*) filter (where is_new)::int as asked,
          count(answered_at)::int as answered, percentile_cont(0.5) within group (order by took) as median
        from seen where created_by_type in ('agent', 'device', 'service') and kind <> 'notice' and (is_new or answered_at is not null)
        group by created_by_id order by asked desc, answered desc, id limit ${window.most}
      ), channels as (
        select channel_id as id, count(*) filter (where is_new)::int as asked, count(answered_at)::int as answered,
          percentile_cont(0.5) within group (order by took) as median
        from seen where kind <> 'notice' and (is_new or answered_at is not null)
        group by channel_id order by asked desc, answered desc, id limit ${window.most}
      ), people as (
        select id, count(*) filter (where is_new)::int as asked, count(*) filter (where by_them)::int as answered,
          percentile_cont(0.5) within group (order by took) filter (where by_them) as median
        from (
          select answered_by_id as id, is_new, true as by_them, took from seen where answered_at is not null and answered_by_type = 'user' and kind <> 'notice'
          union all
          select assignee_id, is_new, false, null from seen where assignee_id is not null and kind <> 'notice'
            and (answered_at is null or answered_by_id is distinct from assignee_id) and (is_new or answered_at is not null)
        ) p group by id order by answered desc, asked desc, id limit ${window.most}
      )
      select
        (select coalesce(jsonb_object_agg(level, n), '{}') from (
          select level, count(*)::int as n from seen where status = 'open' and archived_at is null group by level) l) as open_by_level,
        (select count(*)::int from seen, bounds where answered_at >= today_at) as answered_today,
        m.median as median_answer_s, m.p90 as p90_answer_s,
        (select jsonb_agg(jsonb_build_object('day', day, 'created', created, 'answered', answered, 'expired', expired) order by day) from per_day) as per_day,
        (select coalesce(jsonb_agg(t), '[]') from (
          select 'agent' as by, id, name, asked, answered, median as median_answer_s from agents
          union all
          select 'channel', n.id, coalesce(c.name, ''), n.asked, n.answered, n.median from channels n left join inbox_channels c on c.id = n.id
          union all
          select 'person', n.id, coalesce((select p.name from identity_principals p where p.org_id = ${window.org_id}::uuid and p.id = n.id limit 1), ''),
            n.asked, n.answered, n.median from people n
        ) t) as tallies
      from (select percentile_cont(0.5) within group (order by took) as median, percentile_cont(0.9) within group (order by took) as p90 from seen) m`.execute(
      db,
    )
  ).rows[0]!;
