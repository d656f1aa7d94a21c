import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { SeesEntry } from './entries-store.ts';

type Db = Kysely<Schema>;

export interface EntryUse {
  entry_id: string;
  /** In the form 2026-01-31. */
  day: string;
  reads: number;
  searches: number;
}

export interface UsedEntry {
  entry_id: string;
  title: string | null;
  reads: number;
  searches: number;
  last_day: string;
}

export const accessStore = {
  /** In one order for all who write, so that two of them cannot lock each other out. Entries that are gone count no more. */
  add: async (db: Db, uses: readonly EntryUse[]): Promise<void> => {
    await sql`insert into diary_access as a (entry_id, diary_id, day, reads, searches)
      select e.id, e.diary_id, u.day, u.reads, u.searches
        from unnest(${uses.map((use) => use.entry_id)}::uuid[], ${uses.map((use) => use.day)}::date[],
          ${uses.map((use) => use.reads)}::int[], ${uses.map((use) => use.searches)}::int[]) u (entry_id, day, reads, searches)
        join diary_entries e on e.id = u.entry_id
        order by e.id, u.day
      on conflict (entry_id, day) do update set reads = a.reads + excluded.reads,
        searches = a.searches + excluded.searches`.execute(db);
  },

  page: async (
    db: Db,
    sees: SeesEntry,
    diary_id: string,
    page: { since: string; limit: number; after: { value: number; id: string } | null },
  ): Promise<UsedEntry[]> =>
    (
      await sql<UsedEntry>`select * from (
          select a.entry_id, e.title, sum(a.reads)::int as reads, sum(a.searches)::int as searches, max(a.day)::text as last_day
          from diary_access a join diary_entries e on e.id = a.entry_id join diary_diaries d on d.id = e.diary_id
          where a.diary_id = ${diary_id} and a.day >= ${page.since}::date and ${sees('e', 'd')}
          group by a.entry_id, e.title) u
        where ${
          page.after === null
            ? sql`true`
            : sql`(u.reads + u.searches, u.entry_id) < (${page.after.value}::int, ${page.after.id}::uuid)`
        }
        order by u.reads + u.searches desc, u.entry_id desc limit ${page.limit}`.execute(db)
    ).rows,

  forget: async (db: Db, before: string): Promise<void> => {
    await sql`delete from diary_access where day < ${before}::date`.execute(db);
  },
};
