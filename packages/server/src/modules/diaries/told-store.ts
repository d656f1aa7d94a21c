import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

/** What events said in words. Numbers and ids stay, so that a replay has no gaps. */
const silenced = sql`(body || case when body ? 'title' then '{"title": null}'::jsonb else '{}' end
  || case when body ? 'tags' then '{"tags": []}'::jsonb else '{}' end
  || case when body ? 'name' then '{"name": ""}'::jsonb else '{}' end)`;

/** The words of the index, without which every event of the server would be read. */
const ofDiaries = sql`starts_with(kind, 'diary.') and body ? 'diary_id'`;

/** Events outlive what they tell of; what is gone for good must not be read out of them. */
export const toldStore = {
  forgetEntries: async (db: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    await sql`update core_events set body = ${silenced} from diary_entries e where e.id = any(${[...ids]}::uuid[])
      and ${ofDiaries} and body->>'diary_id' = e.diary_id::text and subject_id = e.id`.execute(db);
  },

  forgetDiary: async (db: Db, id: string): Promise<void> => {
    await sql`update core_events set body = ${silenced} where ${ofDiaries} and body->>'diary_id' = ${id}
      and (body ? 'title' or body ? 'name')`.execute(db);
  },
};
