import { CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { type ItemRow, itemColumns, jsonColumns, type PresentableItem, presentedColumns } from './items-rows.ts';

/** A transaction or the pool. */
export type Db = Kysely<Schema>;
type On = (alias: string) => RawBuilder<boolean>;

const columnTexts = new Map<string, RawBuilder<unknown>>();

const columnsOf = (alias: string, columns: readonly string[]): RawBuilder<unknown> =>
  sql.raw(columns.map((column) => `${alias}."${column}"`).join(', '));

/** All columns of an item as one text: sixty nodes fewer for the query builder to walk at every call. */
export const itemColumnsOf = (alias: string): RawBuilder<unknown> => {
  let columns = columnTexts.get(alias);
  if (columns === undefined) {
    columns = columnsOf(alias, itemColumns);
    columnTexts.set(alias, columns);
  }
  return columns;
};

const presented = columnsOf('i', presentedColumns);

const parameter = (column: string, value: unknown) =>
  value !== null && jsonColumns.has(column) ? sql`${JSON.stringify(value)}::jsonb` : sql`${value}`;

const one = async <Row>(statement: RawBuilder<Row>, db: Db): Promise<Row | null> =>
  (await statement.execute(db)).rows[0] ?? null;

/** The row if the condition lets the reader see it. */
export const findItem = (db: Db, visible: On, id: string): Promise<ItemRow | null> =>
  one(sql<ItemRow>`select ${itemColumnsOf('i')} from inbox_items i where i.id = ${id} and ${visible('i')}`, db);

/** The same, locked until the transaction ends; all changes of an item queue here. */
export const lockItem = (db: Db, visible: On, id: string): Promise<ItemRow | null> =>
  one(
    sql<ItemRow>`select ${itemColumnsOf('i')} from inbox_items i where i.id = ${id} and ${visible('i')} for update of i`,
    db,
  );

/** Visible ones among many, locked in order of id so that two bulk changes cannot deadlock. */
export const lockItems = async (db: Db, visible: On, ids: readonly string[]): Promise<ItemRow[]> =>
  (
    await sql<ItemRow>`select ${itemColumnsOf('i')} from inbox_items i
      where i.id = any(${[...ids]}::uuid[]) and ${visible('i')} order by i.id for update of i`.execute(db)
  ).rows;

interface Reader {
  id: string;
  visible: On;
}

type Details = Pick<PresentableItem, 'assignee_name' | 'visible_parent_id' | 'visible_related' | 'approvals'>;

const noDetails: Details = { assignee_name: null, visible_parent_id: null, visible_related: [], approvals: [] };

/** Replies are shown where several may be needed; a plain question has its one answer in the row. */
const countsReplies = (row: PresentableRow): boolean => row.kind === 'approval' || row.require !== null;

const needsDetails = (row: PresentableRow): boolean =>
  row.assignee_id !== null || row.parent_id !== null || row.related_to.length > 0 || countsReplies(row);

const findDetails = async (db: Db, reader: Reader, ids: readonly string[]): Promise<Map<string, Details>> => {
  const found = await sql<Details & { id: string }>`
    select i.id, assignee.name as assignee_name,
      case when i.parent_id is null then null else (
        select parent.id from inbox_items parent where parent.id = i.parent_id and ${reader.visible('parent')}) end as visible_parent_id,
      case when i.related_to = '{}' then '{}' else coalesce((
        select array_agg(related.id order by related.id) from inbox_items related
        where related.id = any(i.related_to) and ${reader.visible('related')}), '{}') end as visible_related,
      case when i.kind <> 'approval' and i.require is null then '[]'::jsonb else coalesce((
        select jsonb_agg(jsonb_build_object('by', jsonb_build_object('type', r.by_type, 'id', r.by_id, 'name', r.by_name),
            'decision', coalesce(r.decision, 'accept'), 'at', r.created_at) order by r.created_at, r.id)
        from inbox_responses r where r.org_id = i.org_id and r.item_id = i.id and r.generation = i.generation), '[]') end as approvals
    from inbox_items i
    left join lateral (select p.name from identity_principals p
      where p.org_id = i.org_id and p.id = i.assignee_id limit 1) assignee on i.assignee_id is not null
    where i.id = any(${[...ids]}::uuid[])`.execute(db);
  return new Map(found.rows.map(({ id, ...details }) => [id, details]));
};

type PresentableRow = Omit<PresentableItem, keyof Details>;

/** Three scalar subqueries instead of joins: the executor then carries the wide row through one node, not four. */
const presentableRows = (
  readerId: string,
  rest: RawBuilder<unknown>,
): RawBuilder<PresentableRow> => sql<PresentableRow>`
    select ${presented}, i.comment_count, i.attachment_count,
      (select c.name from inbox_channels c where c.id = i.channel_id) as channel_name,
      (select v.viewed_at from inbox_item_views v where v.item_id = i.id and v.principal_id = ${readerId}::uuid) as viewed_at,
      exists (select from inbox_watchers w where w.item_id = i.id and w.principal_id = ${readerId}::uuid) as watching
    from inbox_items i ${rest}`;

const withDetails = async (db: Db, reader: Reader, rows: PresentableRow[]): Promise<PresentableItem[]> => {
  const needy = rows.filter(needsDetails).map((row) => row.id);
  const details = needy.length === 0 ? null : await findDetails(db, reader, needy);
  return rows.map((row) => Object.assign(row, details?.get(row.id) ?? noDetails));
};

/**
 * Everything a presenter shows, for rows chosen by the rest of the statement (`from inbox_items i …` is written here).
 * What few items have is fetched by a second statement, and only when the page holds such an item: reading one plain item
 * is the most frequent call there is.
 */
export const presentableItems = async (db: Db, reader: Reader, rest: RawBuilder<unknown>): Promise<PresentableItem[]> =>
  withDetails(db, reader, (await presentableRows(reader.id, rest).execute(db)).rows);

/** A reader whose condition differs from those of others of the same shape only in the two ids. */
export interface ShapedReader extends Reader {
  org_id: string;
  shape: string | null;
  /** The same condition for other ids. */
  visibleAs: (id: string, orgId: string) => On;
}

/** Stand in a compiled statement where the values of a call go. */
const marks = { item: 'item id', reader: 'reader id', org: 'organisation id' } as const;
interface OneItem {
  text: string;
  values: readonly unknown[];
}
const compiled = new Map<string, OneItem>();

/** The query builder gives each value a number of its own, although the reader comes five times. */
const withEachValueOnce = ({ sql: text, parameters }: CompiledQuery): OneItem => {
  const values = [...new Set(parameters)];
  const numbered = text.replaceAll(/\$(\d+)/g, (_, n) => `$${values.indexOf(parameters[n - 1]) + 1}`);
  return { text: numbered, values };
};

/** Building the statement takes longer than running it, so it is built once for each shape of reader. */
const oneItem = (db: Db, reader: ShapedReader, shape: string): OneItem => {
  let statement = compiled.get(shape);
  if (statement === undefined) {
    const visible = reader.visibleAs(marks.reader, marks.org);
    statement = withEachValueOnce(
      presentableRows(marks.reader, sql`where i.id = ${marks.item} and ${visible('i')}`).compile(db),
    );
    compiled.set(shape, statement);
  }
  return statement;
};

export const findPresentable = async (db: Db, reader: ShapedReader, id: string): Promise<PresentableItem | null> => {
  if (reader.shape === null)
    return (await presentableItems(db, reader, sql`where i.id = ${id} and ${reader.visible('i')}`))[0] ?? null;
  const { text, values } = oneItem(db, reader, reader.shape);
  const given = { [marks.item]: id, [marks.reader]: reader.id, [marks.org]: reader.org_id };
  const found = await db.executeQuery<PresentableRow>(
    CompiledQuery.raw(
      text,
      values.map((value) => given[value as keyof typeof given] ?? value),
    ),
  );
  return (await withDetails(db, reader, found.rows))[0] ?? null;
};

/**
 * Inserts an item, or counts an open one of the same creator and dedupe key up. `inserted` tells which; two callers at
 * the same instant get one insert and one count.
 */
export const insertItem = async (db: Db, row: ItemRow): Promise<{ row: ItemRow; inserted: boolean }> => {
  const columns = sql.join(itemColumns.map((column) => sql.ref(column)));
  const values = sql.join(itemColumns.map((column) => parameter(column, row[column as keyof ItemRow])));
  const found = await sql<ItemRow & { inserted: boolean }>`
    insert into inbox_items as i (${columns}) values (${values})
    on conflict (org_id, created_by_id, dedupe_key) where dedupe_key is not null and status = 'open' and deleted_at is null
    do update set occurrences = i.occurrences + 1, last_occurred_at = greatest(i.last_occurred_at, excluded.last_occurred_at),
      level = greatest(i.level, excluded.level), priority = greatest(i.priority, excluded.priority), updated_at = excluded.updated_at
    returning ${itemColumnsOf('i')}, (xmax = 0) as inserted`.execute(db);
  const { inserted, ...kept } = found.rows[0]!;
  return { row: kept, inserted };
};

/** What may be set by `updateItem`; a changed column brings `updated_at` along. */
export type ItemChange = Partial<Omit<ItemRow, 'id' | 'org_id' | 'created_at'>>;

/** Changes the row if `condition` still holds, and returns it as it is then; null when it no longer held. */
export const updateItem = async (
  db: Db,
  id: string,
  change: ItemChange & { updated_at: Date },
  condition: RawBuilder<unknown> = sql`true`,
): Promise<ItemRow | null> => {
  const assignments = Object.entries(change).map(
    ([column, value]) => sql`${sql.ref(column)} = ${parameter(column, value)}`,
  );
  return one(
    sql<ItemRow>`update inbox_items i set ${sql.join(assignments)} where i.id = ${id} and ${condition} returning ${itemColumnsOf('i')}`,
    db,
  );
};

/** The first writer wins: only an open item of this generation changes. */
export const updateOpenItem = (
  db: Db,
  item: { id: string; generation: number },
  change: ItemChange & { updated_at: Date },
): Promise<ItemRow | null> =>
  updateItem(
    db,
    item.id,
    change,
    sql`i.status = 'open' and i.deleted_at is null and i.generation = ${item.generation}`,
  );

/** The item made by an earlier call with this key, or the open item that the call was folded into. */
export const findByIdempotencyKey = (
  db: Db,
  org_id: string,
  created_by_id: string,
  key: string,
): Promise<(ItemRow & { key_hash: string }) | null> =>
  one(
    sql<ItemRow & { key_hash: string }>`
      select ${itemColumnsOf('i')}, i.request_hash as key_hash from inbox_items i
      where i.org_id = ${org_id} and i.created_by_id = ${created_by_id} and i.idempotency_key = ${key}
      union all
      select ${itemColumnsOf('i')}, r.request_hash from inbox_repeats r join inbox_items i on i.id = r.item_id
      where r.org_id = ${org_id} and r.created_by_id = ${created_by_id} and r.idempotency_key = ${key}
      limit 1`,
    db,
  );

export const insertRepeat = async (
  db: Db,
  repeat: {
    org_id: string;
    created_by_id: string;
    idempotency_key: string;
    request_hash: string;
    item_id: string;
    at: Date;
  },
): Promise<void> => {
  await sql`insert into inbox_repeats (org_id, created_by_id, idempotency_key, request_hash, item_id, at)
    values (${repeat.org_id}, ${repeat.created_by_id}, ${repeat.idempotency_key}, ${repeat.request_hash}, ${repeat.item_id}, ${repeat.at})`.execute(
    db,
  );
};

/** Two calls with one key run one after the other, so that the second finds what the first made. */
export const lockIdempotencyKey = async (db: Db, org_id: string, principal_id: string, key: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`inbox:${org_id}:${principal_id}:${key}`}, 0))`.execute(db);
};

/** Which of these principals see the item; `may` is the audience rule over alias `p`. */
export const findAudience = async (
  db: Db,
  item_id: string,
  ids: readonly string[],
  may: (i: string, p: string) => RawBuilder<boolean>,
): Promise<{ id: string; type: string; name: string; owner_id: string | null }[]> =>
  (
    await sql<{ id: string; type: string; name: string; owner_id: string | null }>`
      select p.id, p.type, p.name, p.owner_id from inbox_items i
      join identity_principals p on p.org_id = i.org_id and p.id = any(${[...ids]}::uuid[])
      where i.id = ${item_id} and ${may('i', 'p')}`.execute(db)
  ).rows;

export const addWatchers = async (
  db: Db,
  item: { id: string; org_id: string },
  watchers: readonly { id: string; type: string }[],
  at: Date,
): Promise<void> => {
  if (watchers.length === 0) return;
  await sql`insert into inbox_watchers (org_id, item_id, principal_type, principal_id, added_at)
    select ${item.org_id}, ${item.id}, w.type::actor_type, w.id, ${at}
    from jsonb_to_recordset(${JSON.stringify(watchers)}::jsonb) as w(id uuid, type text)
    on conflict do nothing`.execute(db);
};

/** Notes that the principal saw these items; returns those it had not seen before. */
export const markViewed = async (
  db: Db,
  org_id: string,
  ids: readonly string[],
  principal_id: string,
  at: Date,
): Promise<string[]> =>
  (
    await sql<{ item_id: string }>`insert into inbox_item_views (org_id, item_id, principal_id, viewed_at)
      select ${org_id}, id, ${principal_id}, ${at} from unnest(${[...ids]}::uuid[]) as id
      on conflict do nothing returning item_id`.execute(db)
  ).rows.map((row) => row.item_id);

/** Only an answer whose window is open at `updated_at` is replaced. */
export const updateCorrectable = (
  db: Db,
  item: { id: string; generation: number },
  change: ItemChange & { updated_at: Date },
): Promise<ItemRow | null> =>
  updateItem(
    db,
    item.id,
    change,
    sql`i.status = 'answered' and i.deleted_at is null and i.generation = ${item.generation} and i.correctable_until > ${change.updated_at}`,
  );
