import { sql } from 'kysely';
import type { ItemRow } from './items-rows.ts';
import { type Db, itemColumnsOf } from './items-store.ts';

export interface DueRow {
  id: string;
  org_id: string;
  generation: number;
  snooze_generation: number;
  escalated_steps: number;
  reminders_sent: number;
}

const dueColumns = sql.raw('i.id, i.org_id, i.generation, i.snooze_generation, i.escalated_steps, i.reminders_sent');
const alive = sql.raw("i.status = 'open' and i.deleted_at is null");

export const findExpired = async (db: Db, now: Date, limit: number): Promise<DueRow[]> =>
  (
    await sql<DueRow>`select ${dueColumns} from inbox_items i where ${alive} and i.expires_at <= ${now}
      order by i.expires_at limit ${limit}`.execute(db)
  ).rows;

export const findEscalating = async (db: Db, now: Date, limit: number): Promise<DueRow[]> =>
  (
    await sql<DueRow>`select ${dueColumns} from inbox_items i where ${alive} and i.next_escalation_at <= ${now}
      order by i.next_escalation_at limit ${limit}`.execute(db)
  ).rows;

export const findReminding = async (db: Db, now: Date, limit: number): Promise<DueRow[]> =>
  (
    await sql<DueRow>`select ${dueColumns} from inbox_items i where ${alive} and i.next_reminder_at <= ${now}
      order by i.next_reminder_at limit ${limit}`.execute(db)
  ).rows;

export const findWaking = async (db: Db, now: Date, limit: number): Promise<DueRow[]> =>
  (
    await sql<DueRow>`select ${dueColumns} from inbox_items i where i.snoozed_until <= ${now}
      order by i.snoozed_until limit ${limit}`.execute(db)
  ).rows;

const locked = async (db: Db, id: string, org_id: string, condition: ReturnType<typeof sql>): Promise<ItemRow | null> =>
  (
    await sql<ItemRow>`select ${itemColumnsOf('i')} from inbox_items i
      where i.id = ${id} and i.org_id = ${org_id} and ${condition} for update`.execute(db)
  ).rows[0] ?? null;

type Life = { id: string; org_id: string; generation: number };

/** Locks the item if it is open, of this life, and its time is over; null makes the timer harmless. */
export const lockExpired = (db: Db, { id, org_id, generation }: Life, now: Date) =>
  locked(db, id, org_id, sql`${alive} and i.generation = ${generation} and i.expires_at <= ${now}`);

export const lockEscalating = (db: Db, { id, org_id, generation }: Life, step: number, now: Date) =>
  locked(
    db,
    id,
    org_id,
    sql`${alive} and i.generation = ${generation} and i.escalated_steps = ${step} and i.next_escalation_at <= ${now}`,
  );

export const lockReminding = (db: Db, { id, org_id, generation }: Life, n: number, now: Date) =>
  locked(
    db,
    id,
    org_id,
    sql`${alive} and i.generation = ${generation} and i.reminders_sent = ${n} and i.next_reminder_at <= ${now}`,
  );

export const lockWaking = (db: Db, item: { id: string; org_id: string }, snooze_generation: number, now: Date) =>
  locked(db, item.id, item.org_id, sql`i.snooze_generation = ${snooze_generation} and i.snoozed_until <= ${now}`);

/** Archives what was closed long ago; returns how many, so that the caller goes on until none is left. */
export const archiveOld = async (db: Db, org_id: string, before: Date, now: Date, limit: number): Promise<string[]> =>
  (
    await sql<{ id: string }>`with old as (select i.id from inbox_items i
        where i.org_id = ${org_id} and i.status in ('answered', 'dismissed') and i.archived_at is null and i.deleted_at is null
          and i.pinned_at is null and i.updated_at < ${before} order by i.updated_at limit ${limit} for update skip locked)
      update inbox_items i set archived_at = ${now}, updated_at = ${now} from old where i.id = old.id returning i.id`.execute(
      db,
    )
  ).rows.map((row) => row.id);

export const findOrgsWithOld = async (db: Db, before: Date): Promise<string[]> =>
  (
    await sql<{ org_id: string }>`select distinct i.org_id from inbox_items i
      where i.status in ('answered', 'dismissed') and i.archived_at is null and i.updated_at < ${before}`.execute(db)
  ).rows.map((row) => row.org_id);
