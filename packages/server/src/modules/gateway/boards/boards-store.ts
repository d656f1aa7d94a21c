import { sql } from 'kysely';
import type { Db } from '../apps-store.ts';
import type { BoardRow, StoredGroup } from './boards-rows.ts';

const ownedBy = (ownerId: string | null) => sql`owner_id is not distinct from ${ownerId}::uuid`;
/** Those of the organisation, and those of one person. */
const seenBy = (personId: string) => sql`(owner_id is null or owner_id = ${personId}::uuid)`;
/** Where a board stands in the list: shared ones first. The digits make numbers sort as text. */
const place = sql<string>`(case when owner_id is null then '0' else '1' end) || lpad(position::text, 6, '0')`;

export type PlacedBoard = BoardRow & { place: string };

export const boardsStore = {
  /** Boards of one owner are made one after another, so that their number holds. */
  lockOwner: async (db: Db, orgId: string, ownerId: string | null): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`boards ${orgId} ${ownerId ?? ''}`}, 0))`.execute(db);
  },

  standing: async (db: Db, orgId: string, ownerId: string | null): Promise<{ boards: number; next_position: number }> =>
    (
      await sql<{ boards: number; next_position: number }>`select count(*)::int as boards,
        coalesce(max(position) + 1, 0)::int as next_position
        from gateway_boards where org_id = ${orgId} and ${ownedBy(ownerId)}`.execute(db)
    ).rows[0]!,

  page: async (
    db: Db,
    orgId: string,
    personId: string,
    { limit, after }: { limit: number; after: { value: string; id: string } | null },
  ): Promise<PlacedBoard[]> => {
    const later = after === null ? sql`true` : sql`(${place}, id) > (${after.value}, ${after.id}::uuid)`;
    return (
      await sql<PlacedBoard>`select *, ${place} as place from gateway_boards
        where org_id = ${orgId} and ${seenBy(personId)} and ${later} order by ${place}, id limit ${limit}`.execute(db)
    ).rows;
  },

  find: async (db: Db, orgId: string, personId: string, id: string, lock = false): Promise<BoardRow | null> =>
    (
      await sql<BoardRow>`select * from gateway_boards where org_id = ${orgId} and id = ${id} and ${seenBy(personId)}
        ${lock ? sql`for update` : sql``}`.execute(db)
    ).rows[0] ?? null,

  insert: async (db: Db, row: BoardRow): Promise<void> => {
    await sql`insert into gateway_boards (id, org_id, owner_id, name, position, groups, created_by_type, created_by_id,
        created_by_name, created_at, updated_at)
      values (${row.id}, ${row.org_id}, ${row.owner_id}, ${row.name}, ${row.position}, ${JSON.stringify(row.groups)}::jsonb,
        ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name}, ${row.created_at}, ${row.updated_at})`.execute(
      db,
    );
  },

  update: async (
    db: Db,
    id: string,
    { name, position, groups }: { name: string; position: number; groups: readonly StoredGroup[] },
    at: Date,
  ): Promise<void> => {
    await sql`update gateway_boards set name = ${name}, position = ${position},
        groups = ${JSON.stringify(groups)}::jsonb, version = version + 1, updated_at = ${at}
      where id = ${id}`.execute(db);
  },

  remove: async (db: Db, id: string): Promise<void> => {
    await sql`delete from gateway_boards where id = ${id}`.execute(db);
  },
};
