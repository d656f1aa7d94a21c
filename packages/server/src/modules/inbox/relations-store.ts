import { type RawBuilder, sql } from 'kysely';
import type { PresentableItem } from './items-rows.ts';
import { type Db, presentableItems } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;

/** Newest first, without those the reader does not see. */
export const listRelated = (
  db: Db,
  reader: { id: string; visible: On },
  related: readonly string[],
  page: { limit: number; before: { at: Date; id: string } | null },
): Promise<PresentableItem[]> =>
  presentableItems(
    db,
    reader,
    sql`where i.id = any(${[...related]}::uuid[]) and ${reader.visible('i')}
      and ${page.before === null ? sql`true` : sql`(i.created_at, i.id) < (${page.before.at}, ${page.before.id}::uuid)`}
      order by i.created_at desc, i.id desc limit ${page.limit}`,
  );

/** Writes or takes away one link on both rows, in one statement. */
export const setLink = async (db: Db, a: string, b: string, linked: boolean, at: Date): Promise<void> => {
  const other = sql`(case when i.id = ${a}::uuid then ${b}::uuid else ${a}::uuid end)`;
  const rest = sql`array_remove(i.related_to, ${other})`;
  await sql`update inbox_items i set updated_at = ${at}, related_to = ${linked ? sql`array_append(${rest}, ${other})` : rest}
    where i.id = any(${[a, b]}::uuid[])`.execute(db);
};
