import { type RawBuilder, sql } from 'kysely';
import type { ItemKind, ItemLevel, ItemStatus, PresentableItem } from './items-rows.ts';
import { type Db, presentableItems } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;
interface Reader {
  id: string;
  org_id: string;
  visible: On;
}
type Box = 'needs_me' | 'watching' | 'snoozed' | 'done' | 'all';

export interface ItemFilter {
  box?: Box | undefined;
  status?: readonly ItemStatus[] | undefined;
  kind?: readonly ItemKind[] | undefined;
  channel_ids?: readonly string[] | undefined;
  level?: readonly ItemLevel[] | undefined;
  priority?: readonly number[] | undefined;
  tag?: readonly string[] | undefined;
  /** Null: assigned to nobody. */
  assignee?: string | null | undefined;
  agent?: string | undefined;
  q?: string | undefined;
  run_id?: string | undefined;
  parent_id?: string | undefined;
  include_archived: boolean;
  include_snoozed: boolean;
}

const and = (parts: RawBuilder<unknown>[]) => sql.join(parts, sql` and `);
const snoozed = (now: Date) => sql`(i.snoozed_until is not null and i.snoozed_until > ${now})`;

/**
 * Needs me: open, neither snoozed nor archived, nobody else's (assigned to another, or decided by named people without
 * me, or already answered by me), not asked by me unless of myself; a notice only until I have seen it.
 */
const needsMe = (
  reader_id: string,
  now: Date,
) => sql`(i.status = 'open' and i.archived_at is null and not ${snoozed(now)}
  and (i.created_by_id <> ${reader_id}::uuid or i.assignee_id = ${reader_id}::uuid)
  and (i.assignee_id is null or i.assignee_id = ${reader_id}::uuid)
  and (i.kind <> 'notice' or not exists (select 1 from inbox_item_views nv where nv.item_id = i.id and nv.principal_id = ${reader_id}::uuid))
  and (i.require is null or (
    (not (i.require ? 'all_of' or i.require ? 'any_of') or i.require->'all_of' ? ${reader_id}::text or i.require->'any_of' ? ${reader_id}::text)
    and not exists (select 1 from inbox_responses nr where nr.org_id = i.org_id and nr.item_id = i.id and nr.by_id = ${reader_id}::uuid and nr.generation = i.generation))))`;

// Uncorrelated, so that PostgreSQL finds the followed items once and looks them up by id.
const watching = (reader: Reader) => sql`(i.created_by_id = ${reader.id}::uuid or i.id = any(array(
  select ww.item_id from inbox_watchers ww where ww.org_id = ${reader.org_id}::uuid and ww.principal_id = ${reader.id}::uuid
  union select wc.item_id from inbox_comments wc where wc.org_id = ${reader.org_id}::uuid and wc.author_id = ${reader.id}::uuid)))`;

const boxCondition = (box: Box, reader: Reader, now: Date): RawBuilder<unknown> => {
  switch (box) {
    case 'needs_me':
      return needsMe(reader.id, now);
    case 'watching':
      return watching(reader);
    case 'snoozed':
      return sql`(i.status = 'open' and ${snoozed(now)})`;
    case 'done':
      return sql`i.status <> 'open'`;
    case 'all':
      return sql`true`;
    default:
      return box satisfies never;
  }
};

/** Words by their beginnings, all of which must occur. Null when nothing searchable is left. */
const searchQuery = (q: string): string | null => {
  const words = q
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu)
    ?.slice(0, 20);
  return words === undefined ? null : words.map((word) => `${word}:*`).join(' & ');
};

const conditionsOf = (filter: ItemFilter, reader: Reader, now: Date): RawBuilder<unknown>[] => {
  const parts: RawBuilder<unknown>[] = [];
  const add = (part: RawBuilder<unknown>): void => void parts.push(part);
  if (filter.box !== undefined) add(boxCondition(filter.box, reader, now));
  if (!filter.include_archived) add(sql`i.archived_at is null`);
  if (!filter.include_snoozed && filter.box !== 'snoozed') add(sql`not ${snoozed(now)}`);
  if (filter.status !== undefined) add(sql`i.status = any(${[...filter.status]}::inbox_item_status[])`);
  if (filter.kind !== undefined) add(sql`i.kind = any(${[...filter.kind]}::text[])`);
  if (filter.channel_ids !== undefined) add(sql`i.channel_id = any(${[...filter.channel_ids]}::uuid[])`);
  if (filter.level !== undefined) add(sql`i.level = any(${[...filter.level]}::inbox_item_level[])`);
  if (filter.priority !== undefined) add(sql`i.priority = any(${[...filter.priority]}::int[])`);
  if (filter.tag !== undefined) add(sql`i.tags @> ${[...filter.tag]}::text[]`);
  if (filter.assignee !== undefined)
    add(filter.assignee === null ? sql`i.assignee_id is null` : sql`i.assignee_id = ${filter.assignee}::uuid`);
  if (filter.agent !== undefined) add(sql`i.created_by_id = ${filter.agent}::uuid`);
  if (filter.run_id !== undefined) add(sql`i.run_id = ${filter.run_id}`);
  if (filter.parent_id !== undefined) add(sql`i.parent_id = ${filter.parent_id}::uuid`);
  if (filter.q !== undefined && filter.q !== '') {
    const query = searchQuery(filter.q);
    add(query === null ? sql`false` : sql`i.search @@ to_tsquery('simple', ${query})`);
  }
  return parts;
};

/** Newest first, one statement whatever the length of the page. */
export const listItems = (
  db: Db,
  reader: Reader,
  filter: readonly ItemFilter[],
  page: { limit: number; before: { at: Date; id: string } | null },
  now: Date,
): Promise<PresentableItem[]> => {
  const parts = [reader.visible('i'), ...filter.flatMap((one) => conditionsOf(one, reader, now))];
  if (page.before !== null) parts.push(sql`(i.created_at, i.id) < (${page.before.at}, ${page.before.id}::uuid)`);
  return presentableItems(
    db,
    reader,
    sql`where ${and(parts)} order by i.created_at desc, i.id desc limit ${page.limit}`,
  );
};

export interface BoxCounts {
  needs_me: number;
  watching: number;
  snoozed: number;
  done: number;
  all: number;
}

/** Nobody reads a larger number on a badge, and counting all of a long history would be the slowest statement here. */
const countLimit = 10_000;

/** The boxes as their lists would show them, each by its own index, each up to `countLimit`. */
export const countBoxes = async (db: Db, reader: Reader, now: Date): Promise<BoxCounts> => {
  const counted = (condition: RawBuilder<unknown>) => sql`(select count(*)::int from (select 1 from inbox_items i
    where ${reader.visible('i')} and i.archived_at is null and ${condition} limit ${countLimit}) counted)`;
  const awake = sql`not ${snoozed(now)}`;
  return (
    await sql<BoxCounts>`select ${counted(needsMe(reader.id, now))} as needs_me,
      ${counted(sql`${awake} and ${watching(reader)}`)} as watching,
      ${counted(sql`i.status = 'open' and ${snoozed(now)}`)} as snoozed,
      ${counted(sql`i.status <> 'open' and ${awake}`)} as done,
      ${counted(awake)} as "all"`.execute(db)
  ).rows[0]!;
};

export interface ViewFilterRow {
  filter: Record<string, unknown>;
}

/** The filter of one of the person's own saved views. */
export const findViewFilter = async (
  db: Db,
  org_id: string,
  user_id: string,
  id: string,
): Promise<Record<string, unknown> | null> =>
  (
    await sql<ViewFilterRow>`select filter from inbox_views where org_id = ${org_id} and user_id = ${user_id} and id = ${id}`.execute(
      db,
    )
  ).rows[0]?.filter ?? null;
