import { sql } from 'kysely';
import type { Db } from './items-store.ts';

interface SealedRow {
  item_id: string;
  user_id: string | null;
  sealed_values: string;
}

/** Everything encrypted in this module's tables, in pages by item; `user_id` is set for drafts. */
export async function* findSealed(db: Db): AsyncGenerator<SealedRow> {
  const pages = [
    (after: string) => sql<SealedRow>`select i.id as item_id, null as user_id, i.sealed_values from inbox_items i
      where i.sealed_values is not null and i.id > ${after}::uuid order by i.id limit 500`,
    // All drafts of one item are in one page, or the page after would begin behind some of them.
    (after: string) => sql<SealedRow>`select d.item_id, d.user_id, d.sealed_values from inbox_drafts d
      where d.sealed_values is not null and d.item_id in (select distinct p.item_id from inbox_drafts p
        where p.sealed_values is not null and p.item_id > ${after}::uuid order by p.item_id limit 100) order by d.item_id`,
  ];
  for (const page of pages) {
    for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
      const { rows } = await page(after).execute(db);
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.item_id;
    }
  }
}

/** Replaces an envelope, unless somebody wrote another one meanwhile. */
export const replaceSealed = async (db: Db, row: SealedRow, sealed_values: string): Promise<void> => {
  await (row.user_id === null
    ? sql`update inbox_items set sealed_values = ${sealed_values} where id = ${row.item_id} and sealed_values = ${row.sealed_values}`
    : sql`update inbox_drafts set sealed_values = ${sealed_values}
        where item_id = ${row.item_id} and user_id = ${row.user_id} and sealed_values = ${row.sealed_values}`
  ).execute(db);
};
