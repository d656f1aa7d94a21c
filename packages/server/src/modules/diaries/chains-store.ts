import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { EntryRow, LinkRow } from './diaries-rows.ts';
import { entryColumns as columns } from './entries-store.ts';

type Db = Kysely<Schema>;

export interface ChainRow {
  seq: number;
  hash: string;
}

/** Where the chains of signed diaries stand, and their entries in the order of the chain. */
export const chainsStore = {
  insert: async (db: Db, diary: { id: string; org_id: string }, at: ChainRow): Promise<void> => {
    await sql`insert into diary_chains (diary_id, org_id, seq, hash)
      values (${diary.id}, ${diary.org_id}, ${at.seq}, ${at.hash})`.execute(db);
  },

  /** Held until the transaction ends, so that who appends goes on from where the one before ended. */
  hold: async (db: Db, diary_id: string): Promise<ChainRow> =>
    (await sql<ChainRow>`select seq, hash from diary_chains where diary_id = ${diary_id} for update`.execute(db))
      .rows[0]!,

  find: async (db: Db, diary_id: string): Promise<ChainRow | null> =>
    (await sql<ChainRow>`select seq, hash from diary_chains where diary_id = ${diary_id}`.execute(db)).rows[0] ?? null,

  advance: async (db: Db, diary_id: string, to: ChainRow): Promise<void> => {
    await sql`update diary_chains set seq = ${to.seq}, hash = ${to.hash} where diary_id = ${diary_id}`.execute(db);
  },

  /** Entries after a place in the chain, erased ones among them. */
  after: async (
    db: Db,
    diary_id: string,
    from: { seq: number; to: number },
    limit: number,
  ): Promise<(EntryRow & LinkRow)[]> =>
    (
      await sql<EntryRow & LinkRow>`select ${columns} from diary_entries e where e.diary_id = ${diary_id}
        and e.chain_seq > ${from.seq} and e.chain_seq <= ${from.to} order by e.chain_seq limit ${limit}`.execute(db)
    ).rows,

  /** Entries of a diary that is not signed, oldest first, up to a time. */
  oldest: async (
    db: Db,
    diary_id: string,
    page: { after: { value: Date; id: string } | null; until: Date; limit: number },
  ): Promise<EntryRow[]> =>
    (
      await sql<EntryRow>`select ${columns} from diary_entries e where e.diary_id = ${diary_id} and e.deleted_at is null
        and e.created_at <= ${page.until}
        and ${page.after === null ? sql`true` : sql`(e.created_at, e.id) > (${page.after.value}, ${page.after.id}::uuid)`}
        order by e.created_at, e.id limit ${page.limit}`.execute(db)
    ).rows,

  /** What stands at these places of the chain. */
  links: async (
    db: Db,
    diary_id: string,
    seqs: readonly number[],
  ): Promise<Map<number, { id: string; chain_hash: string }>> =>
    new Map(
      (
        await sql<{ chain_seq: number; id: string; chain_hash: string }>`select e.chain_seq, e.id, e.chain_hash
          from diary_entries e where e.diary_id = ${diary_id} and e.chain_seq = any(${[...seqs]}::bigint[])`.execute(db)
      ).rows.map(({ chain_seq, id, chain_hash }) => [chain_seq, { id, chain_hash }]),
    ),

  /** Where an entry of the diary stands, to go on after it. */
  placeOf: async (
    db: Db,
    diary_id: string,
    id: string,
  ): Promise<{ chain_seq: number | null; chain_hash: string | null; created_at: Date } | null> =>
    (
      await sql<{ chain_seq: number | null; chain_hash: string | null; created_at: Date }>`
        select e.chain_seq, e.chain_hash, e.created_at from diary_entries e where e.id = ${id} and e.diary_id = ${diary_id}`.execute(
        db,
      )
    ).rows[0] ?? null,
};
