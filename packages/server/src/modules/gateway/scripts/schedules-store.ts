import { sql } from 'kysely';
import type { ListedSchedule, ScheduleRow } from './scripts-rows.ts';
import type { Db } from './scripts-store.ts';

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;

const listed = sql`select s.*, coalesce(c.name, k.name, '') as runs_name, d.outcome as last_outcome, d.detail as last_detail
  from gateway_script_schedules s left join gateway_scripts k on k.id = s.script_id
  left join gateway_script_chains c on c.id = s.chain_id
  left join gateway_script_dues d on d.schedule_id = s.id and d.due_at = s.last_due_at`;

export const schedulesStore = {
  insert: async (db: Db, row: ScheduleRow): Promise<void> => {
    await sql`insert into gateway_script_schedules (id, org_id, name, script_id, chain_id, parameters, secrets, cron,
        time_zone, paused, next_due_at, created_by_type, created_by_id, created_by_name, created_at, updated_at)
      values (${row.id}, ${row.org_id}, ${row.name}, ${row.script_id}, ${row.chain_id},
        ${JSON.stringify(row.parameters)}::jsonb, ${row.secrets}, ${row.cron}, ${row.time_zone}, ${row.paused},
        ${row.next_due_at}, ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name}, ${row.created_at},
        ${row.updated_at})`.execute(db);
  },

  update: async (db: Db, row: ScheduleRow, at: Date): Promise<void> => {
    await sql`update gateway_script_schedules set name = ${row.name}, parameters = ${JSON.stringify(row.parameters)}::jsonb,
        secrets = ${row.secrets}, cron = ${row.cron}, time_zone = ${row.time_zone}, paused = ${row.paused},
        paused_reason = ${row.paused_reason}, next_due_at = ${row.next_due_at}, version = version + 1, updated_at = ${at}
      where id = ${row.id}`.execute(db);
  },

  lock: (db: Db, orgId: string, id: string): Promise<ScheduleRow | null> =>
    one(
      sql<ScheduleRow>`select * from gateway_script_schedules where org_id = ${orgId} and id = ${id} for update`.execute(
        db,
      ),
    ),

  find: (db: Db, orgId: string, id: string): Promise<ListedSchedule | null> =>
    one(sql<ListedSchedule>`${listed} where s.org_id = ${orgId} and s.id = ${id}`.execute(db)),

  page: async (
    db: Db,
    orgId: string,
    page: { limit: number; after: { value: string; id: string } | null },
  ): Promise<ListedSchedule[]> => {
    const { limit, after } = page;
    const later = after === null ? sql`true` : sql`(s.name, s.id) > (${after.value}, ${after.id}::uuid)`;
    return (
      await sql<ListedSchedule>`${listed} where s.org_id = ${orgId} and ${later}
        order by s.name, s.id limit ${limit}`.execute(db)
    ).rows;
  },

  /** Those whose time has come, without a lock; each is looked at again under one. */
  due: async (db: Db, now: Date, limit: number): Promise<{ id: string; org_id: string }[]> =>
    (
      await sql<{ id: string; org_id: string }>`select id, org_id from gateway_script_schedules
        where not paused and next_due_at <= ${now} order by next_due_at limit ${limit}`.execute(db)
    ).rows,

  /** False when somebody took this time before. */
  takeDue: async (db: Db, id: string, due_at: Date): Promise<boolean> =>
    (
      await sql`insert into gateway_script_dues (schedule_id, due_at, outcome) values (${id}, ${due_at}, 'started')
        on conflict do nothing returning 1`.execute(db)
    ).rows.length === 1,

  setOutcome: async (
    db: Db,
    id: string,
    due_at: Date,
    outcome: 'still_running' | 'refused',
    detail: string,
  ): Promise<void> => {
    await sql`update gateway_script_dues set outcome = ${outcome}, detail = ${detail}
      where schedule_id = ${id} and due_at = ${due_at}`.execute(db);
  },

  advance: async (
    db: Db,
    id: string,
    times: { last_due_at: Date; next_due_at: Date | null; paused_reason: string | null },
  ): Promise<void> => {
    await sql`update gateway_script_schedules set last_due_at = ${times.last_due_at}, next_due_at = ${times.next_due_at},
        paused = paused or ${times.paused_reason}::text is not null, paused_reason = ${times.paused_reason}
      where id = ${id}`.execute(db);
  },

  remove: async (db: Db, orgId: string, id: string): Promise<boolean> =>
    (await sql`delete from gateway_script_schedules where org_id = ${orgId} and id = ${id}`.execute(db))
      .numAffectedRows === 1n,

  pruneDues: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from gateway_script_dues d using gateway_script_schedules s
      where s.id = d.schedule_id and d.due_at < ${before} and d.due_at is distinct from s.last_due_at`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; sealed: string }[]> =>
    (
      await sql<{ id: string; sealed: string }>`select id, secrets as sealed from gateway_script_schedules
        where secrets is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, before: string, after: string): Promise<void> => {
    await sql`update gateway_script_schedules set secrets = ${after} where id = ${id} and secrets = ${before}`.execute(
      db,
    );
  },
};
