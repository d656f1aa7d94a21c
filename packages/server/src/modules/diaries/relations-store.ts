import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { MergeRow, RelationRow } from './diaries-rows.ts';

type Db = Kysely<Schema>;
type SeesEntry = (e: string, d: string) => RawBuilder<boolean>;

const side = (e: string) =>
  sql`jsonb_build_object('id', ${sql.ref(`${e}.id`)}, 'diary_id', ${sql.ref(`${e}.diary_id`)}, 'title', ${sql.ref(`${e}.title`)},
    'content_id', ${sql.ref(`${e}.content_id`)})`;

const selected = sql`select r.id, r.diary_id, r.kind, r.status, r.from_id, r.to_id, r.from_content_id, r.to_content_id,
    ${side('f')} as "from", ${side('t')} as "to", r.proposed_by_kind, r.proposed_by_id, r.proposed_by_name,
    r.decided_by_kind, r.decided_by_id, r.decided_by_name, r.created_at, r.decided_at, r.reason, r.similarity
  from diary_relations r
  join diary_entries f on f.id = r.from_id join diary_diaries fd on fd.id = f.diary_id
  join diary_entries t on t.id = r.to_id join diary_diaries td on td.id = t.diary_id`;

type NewRelation = Omit<
  RelationRow,
  'from' | 'to' | 'decided_by_kind' | 'decided_by_id' | 'decided_by_name' | 'decided_at' | 'reason' | 'similarity'
> & { org_id: string };

/** Of a relation both ends must be seen. */
const bothSeen = (sees: SeesEntry) => sql`${sees('f', 'fd')} and ${sees('t', 'td')}`;

export const relationsStore = {
  /** False when the two are related so already. */
  insert: async (db: Db, r: NewRelation): Promise<boolean> =>
    (
      await sql<{
        id: string;
      }>`insert into diary_relations (id, diary_id, org_id, from_id, to_id, kind, status, from_content_id,
          to_content_id, proposed_by_kind, proposed_by_id, proposed_by_name, created_at)
        values (${r.id}, ${r.diary_id}, ${r.org_id}, ${r.from_id}, ${r.to_id}, ${r.kind}, ${r.status}, ${r.from_content_id},
          ${r.to_content_id}, ${r.proposed_by_kind}::actor_type, ${r.proposed_by_id}, ${r.proposed_by_name}, ${r.created_at})
        on conflict (from_id, to_id, kind) do nothing returning id`.execute(db)
    ).rows.length === 1,

  /** A proposal to merge; made anew where one was about what an entry said before. Null when the two are related otherwise. */
  propose: async (db: Db, r: NewRelation & Pick<MergeRow, 'reason' | 'similarity'>): Promise<string | null> =>
    (
      await sql<{ id: string }>`insert into diary_relations as d (id, diary_id, org_id, from_id, to_id, kind, status,
          from_content_id, to_content_id, proposed_by_kind, proposed_by_id, proposed_by_name, created_at, reason, similarity)
        values (${r.id}, ${r.diary_id}, ${r.org_id}, ${r.from_id}, ${r.to_id}, ${r.kind}, ${r.status}, ${r.from_content_id},
          ${r.to_content_id}, ${r.proposed_by_kind}::actor_type, ${r.proposed_by_id}, ${r.proposed_by_name}, ${r.created_at},
          ${r.reason}, ${r.similarity})
        on conflict (from_id, to_id, kind) do update set from_content_id = excluded.from_content_id,
          to_content_id = excluded.to_content_id, proposed_by_kind = excluded.proposed_by_kind,
          proposed_by_id = excluded.proposed_by_id, proposed_by_name = excluded.proposed_by_name,
          created_at = excluded.created_at, reason = excluded.reason, similarity = excluded.similarity
          where d.status = 'proposed' and d.reason is not null returning id`.execute(db)
    ).rows[0]?.id ?? null,

  mergesOf: async (db: Db, sees: SeesEntry, ids: readonly string[]): Promise<MergeRow[]> =>
    (
      await sql<MergeRow>`${selected} where r.id = any(${[...ids]}::uuid[]) and ${bothSeen(sees)}
        order by r.similarity desc, r.id`.execute(db)
    ).rows,

  /** Proposals to merge in a diary. An open one counts as long as both ends are current and say what they said. */
  merges: async (
    db: Db,
    sees: SeesEntry,
    diary_id: string,
    page: { statuses: readonly string[]; now: Date; limit: number; after: { value: Date; id: string } | null },
  ): Promise<MergeRow[]> => {
    const stands = (e: string, content_id: string) => sql`${sql.ref(`${e}.superseded_at`)} is null
      and ${sql.ref(`${e}.status`)} = 'active' and (${sql.ref(`${e}.expires_at`)} is null or ${sql.ref(`${e}.expires_at`)} > ${page.now})
      and ${sql.ref(`${e}.content_id`)} = ${sql.ref(`r.${content_id}`)}`;
    return (
      await sql<MergeRow>`${selected} where r.diary_id = ${diary_id} and r.reason is not null and ${bothSeen(sees)}
        and r.status = any(${[...page.statuses]}::text[])
        and (r.status <> 'proposed' or (${stands('f', 'from_content_id')} and ${stands('t', 'to_content_id')}))
        and ${page.after === null ? sql`true` : sql`(r.created_at, r.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db)
    ).rows;
  },

  /** A relation of which the entry is one end. */
  find: async (db: Db, sees: SeesEntry, entry_id: string, id: string): Promise<RelationRow | null> =>
    (
      await sql<RelationRow>`${selected} where r.id = ${id} and ${entry_id}::uuid in (r.from_id, r.to_id)
        and ${bothSeen(sees)}`.execute(db)
    ).rows[0] ?? null,

  between: async (db: Db, from_id: string, to_id: string, kind: string): Promise<string | null> =>
    (
      await sql<{ id: string }>`select id from diary_relations where from_id = ${from_id} and to_id = ${to_id}
        and kind = ${kind}`.execute(db)
    ).rows[0]?.id ?? null,

  page: async (
    db: Db,
    sees: SeesEntry,
    entry_id: string,
    page: { statuses: readonly string[]; limit: number; after: { value: Date; id: string } | null },
  ): Promise<RelationRow[]> =>
    (
      await sql<RelationRow>`${selected} where ${entry_id}::uuid in (r.from_id, r.to_id) and ${bothSeen(sees)}
        and r.status = any(${[...page.statuses]}::text[])
        and ${page.after === null ? sql`true` : sql`(r.created_at, r.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db)
    ).rows,

  /**
   * How many accepted relations lie between an entry and others, itself included. A relation counts in both directions,
   * and only when both of its ends are seen. Of what hangs together with more than `most`, the nearest are told.
   */
  hops: async (
    db: Db,
    sees: SeesEntry,
    entry_id: string,
    reach: { hops: number; most: number },
  ): Promise<Map<string, number>> => {
    const hops = new Map([[entry_id, 0]]);
    let edge = [entry_id];
    for (let hop = 1; hop <= reach.hops && edge.length > 0; hop++) {
      const { rows } = await sql<{ id: string }>`select distinct side.id from diary_relations r
        join diary_entries f on f.id = r.from_id join diary_diaries fd on fd.id = f.diary_id
        join diary_entries t on t.id = r.to_id join diary_diaries td on td.id = t.diary_id
        cross join lateral (values (r.from_id), (r.to_id)) side (id)
        where r.status = 'accepted' and (r.from_id = any(${edge}::uuid[]) or r.to_id = any(${edge}::uuid[]))
          and ${bothSeen(sees)} and side.id <> all(${[...hops.keys()]}::uuid[])
        order by side.id limit ${reach.most + 1 - hops.size}`.execute(db);
      edge = rows.map(({ id }) => id);
      for (const id of edge) hops.set(id, hop);
    }
    return hops;
  },

  /** False when somebody decided before. */
  decide: async (
    db: Db,
    id: string,
    decision: { status: 'accepted' | 'rejected'; type: string; by: string | null; name: string; at: Date },
  ): Promise<boolean> =>
    (
      await sql<{ id: string }>`update diary_relations set status = ${decision.status},
          decided_by_kind = ${decision.type}::actor_type, decided_by_id = ${decision.by}, decided_by_name = ${decision.name},
          decided_at = ${decision.at} where id = ${id} and status = 'proposed' returning id`.execute(db)
    ).rows.length === 1,

  delete: async (db: Db, id: string): Promise<void> => {
    await sql`delete from diary_relations where id = ${id}`.execute(db);
  },
};
