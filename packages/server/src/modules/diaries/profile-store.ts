import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { EntryRow } from './diaries-rows.ts';
import { entryColumns, matches, type SeesEntry } from './entries-store.ts';

type Db = Kysely<Schema>;

export const profileStore = {
  /**
   * The newest pinned entry of each type that somebody wrote about themselves. Whoever may write into a private diary
   * could otherwise tell its owner who they are, so the last change must be the owner's as well.
   */
  pinned: async (
    db: Db,
    own: (d: string) => RawBuilder<boolean>,
    sees: SeesEntry,
    principal_id: string,
    now: Date,
  ): Promise<EntryRow[]> => {
    const current = {
      status: ['active' as const],
      entry_types: ['identity' as const, 'soul' as const],
      tags: ['system'],
      include_superseded: false,
      include_expired: false,
      exclude_suspicious: false,
      author_id: principal_id,
    };
    return (
      await sql<EntryRow>`select distinct on (e.entry_type) ${entryColumns}
        from diary_entries e join diary_diaries d on d.id = e.diary_id
        where ${own('d')} and d.visibility = 'private' and ${sees('e', 'd')} and ${matches(current, now)}
          and (select r.actor_id from diary_entry_revisions r where r.entry_id = e.id order by r.version desc limit 1)
            = ${principal_id}::uuid
        order by e.entry_type, (d.name = 'Private') desc, e.created_at desc, e.id desc`.execute(db)
    ).rows;
  },
};
