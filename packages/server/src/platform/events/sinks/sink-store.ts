import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../db/schema.gen.ts';

export interface SinkBacklog {
  org_id: string;
  /** Taken by the broker up to here. */
  seq: number;
  last_seq: number;
}

type Db = Kysely<Schema>;

export const sinkStore = {
  /** A new sink begins with what happens from now on. */
  register: async (db: Db, name: string, now: Date): Promise<void> => {
    await sql`with made as (
        insert into core_event_sinks (name, created_at) values (${name}, ${now}) on conflict do nothing returning name)
      insert into core_event_sink_positions (sink, org_id, seq)
      select made.name, h.org_id, h.last_seq from made cross join core_event_heads h`.execute(db);
  },

  /** Organisations with events that the sink has not had, the longest waiting first as far as that is known. */
  backlog: async (db: Db, name: string): Promise<SinkBacklog[]> =>
    (
      await sql<SinkBacklog>`select h.org_id, coalesce(p.seq, 0) as seq, h.last_seq
        from core_event_heads h
        left join core_event_sink_positions p on p.sink = ${name} and p.org_id = h.org_id
        where h.last_seq > coalesce(p.seq, 0) order by h.org_id`.execute(db)
    ).rows,

  advance: async (db: Db, name: string, orgId: string, seq: number): Promise<void> => {
    await sql`insert into core_event_sink_positions (sink, org_id, seq) values (${name}, ${orgId}, ${seq})
      on conflict (sink, org_id) do update set seq = greatest(core_event_sink_positions.seq, excluded.seq)`.execute(db);
  },
};
