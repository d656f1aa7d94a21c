import type { Actor, Form } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface TemplateRow {
  id: string;
  org_id: string;
  name: string;
  description: string;
  form: Form;
  created_by_type: Actor['type'];
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  updated_at: Date;
}

const columns = sql.raw(
  't.id, t.org_id, t.name, t.description, t.form, t.created_by_type, t.created_by_id, t.created_by_name, t.created_at, t.updated_at',
);

export const listTemplates = async (
  db: Db,
  org_id: string,
  page: { limit: number; after: { key: string; id: string } | null; q: string | undefined },
): Promise<TemplateRow[]> =>
  (
    await sql<TemplateRow>`select ${columns} from inbox_templates t where t.org_id = ${org_id}
      and ${page.q === undefined || page.q === '' ? sql`true` : sql`strpos(lower(t.name), lower(${page.q})) > 0`}
      and ${page.after === null ? sql`true` : sql`(lower(t.name), t.id) > (${page.after.key}, ${page.after.id}::uuid)`}
      order by lower(t.name), t.id limit ${page.limit}`.execute(db)
  ).rows;

export const findTemplate = async (db: Db, org_id: string, id: string): Promise<TemplateRow | null> =>
  (
    await sql<TemplateRow>`select ${columns} from inbox_templates t where t.org_id = ${org_id} and t.id = ${id}`.execute(
      db,
    )
  ).rows[0] ?? null;

export const lockTemplate = async (db: Db, org_id: string, id: string): Promise<TemplateRow | null> =>
  (
    await sql<TemplateRow>`select ${columns} from inbox_templates t where t.org_id = ${org_id} and t.id = ${id} for update`.execute(
      db,
    )
  ).rows[0] ?? null;

export const insertTemplate = async (db: Db, row: TemplateRow): Promise<void> => {
  await sql`insert into inbox_templates (id, org_id, name, description, form, created_by_type, created_by_id, created_by_name, created_at, updated_at)
    values (${row.id}, ${row.org_id}, ${row.name}, ${row.description}, ${JSON.stringify(row.form)}::jsonb, ${row.created_by_type}::actor_type,
      ${row.created_by_id}, ${row.created_by_name}, ${row.created_at}, ${row.updated_at})`.execute(db);
};

export const updateTemplate = async (
  db: Db,
  row: Pick<TemplateRow, 'id' | 'name' | 'description' | 'form' | 'updated_at'>,
): Promise<void> => {
  await sql`update inbox_templates set name = ${row.name}, description = ${row.description}, form = ${JSON.stringify(row.form)}::jsonb,
    updated_at = ${row.updated_at} where id = ${row.id}`.execute(db);
};

export const deleteTemplate = async (db: Db, org_id: string, id: string): Promise<string | null> =>
  (
    await sql<{
      name: string;
    }>`delete from inbox_templates where org_id = ${org_id} and id = ${id} returning name`.execute(db)
  ).rows[0]?.name ?? null;
