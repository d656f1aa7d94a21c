import type { Form } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Db } from './items-store.ts';

type On = (alias: string) => RawBuilder<boolean>;

/** Titles of those of these items that the reader sees. */
export const findVisibleTitles = async (db: Db, visible: On, ids: readonly string[]): Promise<Map<string, string>> => {
  const found = await sql<{ id: string; title: string }>`select i.id, i.title from inbox_items i
    where i.id = any(${[...ids]}::uuid[]) and ${visible('i')}`.execute(db);
  return new Map(found.rows.map(({ id, title }) => [id, title]));
};

/** Which of these items the reader sees. */
export const findVisibleIds = async (db: Db, visible: On, ids: readonly string[]): Promise<string[]> =>
  (
    await sql<{
      id: string;
    }>`select i.id from inbox_items i where i.id = any(${[...ids]}::uuid[]) and ${visible('i')}`.execute(db)
  ).rows.map((row) => row.id);

/** Writes the other half of new links. In order of id, so that two items linking each other cannot deadlock. */
export const addBackLinks = async (db: Db, id: string, others: readonly string[]): Promise<void> => {
  if (others.length === 0) return;
  await sql`with others as (select i.id from inbox_items i where i.id = any(${[...others]}::uuid[]) order by i.id for update)
    update inbox_items i set related_to = array_append(i.related_to, ${id}::uuid) from others
    where i.id = others.id and not (i.related_to @> array[${id}::uuid])`.execute(db);
};

export const findTemplateForm = async (db: Db, org_id: string, name: string): Promise<Form | null> =>
  (
    await sql<{
      form: Form;
    }>`select form from inbox_templates where org_id = ${org_id} and lower(name) = ${name.toLowerCase()}`.execute(db)
  ).rows[0]?.form ?? null;
