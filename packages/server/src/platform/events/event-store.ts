import type { Actor } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../db/schema.gen.ts';
import type { StoredEvent } from '../module.ts';

interface EventRow {
  org_id: string;
  seq: number;
  kind: string;
  subject_id: string;
  actor_type: Actor['type'];
  actor_id: string | null;
  actor_name: string;
  body: Record<string, unknown>;
  at: Date;
}

export interface EventHead {
  org_id: string;
  last_seq: number;
  floor_seq: number;
}

const toEvent = (row: EventRow): StoredEvent => ({
  org_id: row.org_id,
  seq: row.seq,
  kind: row.kind,
  id: row.subject_id,
  actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
  at: row.at,
  body: row.body,
});

/** Where every organisation's log stands. */
export const findHeads = async (db: Kysely<Schema>): Promise<EventHead[]> =>
  (await sql<EventHead>`select org_id, last_seq, floor_seq from core_event_heads`.execute(db)).rows;

/** Head and following events of one organisation, in one snapshot: floor and rows cannot contradict each other. */
export const findAfter = async (
  db: Kysely<Schema>,
  orgId: string,
  after: number,
  limit: number,
): Promise<{ head: EventHead; events: StoredEvent[] }> => {
  const found = await sql<EventHead & { [column in keyof EventRow as `e_${column}`]: EventRow[column] | null }>`
    select h.org_id, h.last_seq, h.floor_seq, e.seq as e_seq, e.kind as e_kind, e.subject_id as e_subject_id,
           e.actor_type as e_actor_type, e.actor_id as e_actor_id, e.actor_name as e_actor_name, e.body as e_body, e.at as e_at
    from core_event_heads h
    left join lateral (select * from core_events e where e.org_id = h.org_id and e.seq > ${after}
                       order by e.seq limit ${limit}) e on true
    where h.org_id = ${orgId} order by e.seq`.execute(db);
  const first = found.rows[0];
  if (first === undefined) return { head: { org_id: orgId, last_seq: 0, floor_seq: 0 }, events: [] };
  const events = found.rows
    .filter((row) => row.e_seq !== null)
    .map((row) =>
      toEvent({
        org_id: orgId,
        seq: row.e_seq!,
        kind: row.e_kind!,
        subject_id: row.e_subject_id!,
        actor_type: row.e_actor_type!,
        actor_id: row.e_actor_id,
        actor_name: row.e_actor_name!,
        body: row.e_body!,
        at: row.e_at!,
      }),
    );
  return { head: { org_id: orgId, last_seq: first.last_seq, floor_seq: first.floor_seq }, events };
};

export interface HeldEvents {
  /** Names of sinks that must have had an event before it goes… */
  sinks: readonly string[];
  /** …unless it is older than this. */
  until: Date;
}

/**
 * Drops what is older than `before` or further back than `keep` events, and raises the floor with it, but not past what
 * is held for sinks. Runs as one statement, so a replay sees either both or neither.
 */
export const pruneEvents = async (
  db: Kysely<Schema>,
  before: Date,
  keep: number,
  held: HeldEvents = { sinks: [], until: before },
): Promise<number> => {
  const found = await sql<{ count: number }>`
    with old as (select org_id, max(seq) as seq from core_events where at < ${before} group by org_id),
    ancient as (select org_id, max(seq) as seq from core_events where at < ${held.until} group by org_id),
    taken as (
      select h.org_id, min(coalesce(p.seq, 0)) as seq
      from core_event_heads h
      cross join unnest(${[...held.sinks]}::text[]) as sink(name)
      left join core_event_sink_positions p on p.sink = sink.name and p.org_id = h.org_id
      group by h.org_id
    ),
    floors as (
      update core_event_heads h set floor_seq = f.floor
      from (select h.org_id, least(greatest(h.last_seq - ${keep}::bigint, coalesce(old.seq, 0)),
                                   greatest(coalesce(taken.seq, h.last_seq), coalesce(ancient.seq, 0))) as floor
            from core_event_heads h left join old using (org_id) left join taken using (org_id)
            left join ancient using (org_id)) f
      where f.org_id = h.org_id and f.floor > h.floor_seq
      returning h.org_id, h.floor_seq
    ),
    gone as (
      delete from core_events e using floors where e.org_id = floors.org_id and e.seq <= floors.floor_seq returning 1
    )
    select count(*) as count from gone`.execute(db);
  return found.rows[0]!.count;
};
