import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { StoredEvent } from '../../../platform/module.ts';

type Db = Kysely<Schema>;

interface EventRow {
  seq: number;
  kind: string;
  subject_id: string;
  actor_type: StoredEvent['actor']['type'];
  actor_id: string | null;
  actor_name: string;
  at: Date;
  body: Record<string, unknown>;
}

export const overviewStore = {
  /** Newest first. */
  events: async (
    db: Db,
    orgId: string,
    filter: { prefixes: readonly string[]; before: number | null; limit: number },
  ): Promise<StoredEvent[]> => {
    const { prefixes, before, limit } = filter;
    const { rows } =
      await sql<EventRow>`select seq, kind, subject_id, actor_type, actor_id, actor_name, at, body from core_events
      where org_id = ${orgId} and (${before}::bigint is null or seq < ${before}::bigint)
        and exists (select from unnest(${[...prefixes]}::text[]) p where starts_with(kind, p))
        and kind <> 'gateway.script.output'
      order by seq desc limit ${limit}`.execute(db);
    return rows.map((row) => ({
      ...{ org_id: orgId, seq: row.seq, kind: row.kind, id: row.subject_id, at: row.at, body: row.body },
      actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
    }));
  },

  database: async (db: Db): Promise<{ size: number; connections: number }> =>
    (
      await sql<{ size: number; connections: number }>`select pg_database_size(current_database()) as size,
        (select count(*)::int from pg_stat_activity where datname = current_database()) as connections`.execute(db)
    ).rows[0]!,
};
