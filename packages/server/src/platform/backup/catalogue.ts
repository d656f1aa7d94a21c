import type pg from 'pg';

export interface CatalogueTable {
  schema: string;
  name: string;
  /** Quoted, ready for a statement. */
  sql: string;
  /** Those that COPY can write: generated columns are left out. */
  columns: string[];
  /** The same, quoted. */
  column_sql: string[];
}

/** Schemas that hold what Atrium knows: its own tables, and the durable work of DBOS. */
const schemas = ['public', 'dbos'];

/** Says which version of its schema a database holds; belongs to the code that reads it, never to the data. */
export const jobsSchemaTable = 'dbos_migrations';

/** All plain tables of both schemas, in a stable order. */
export const listTables = async (client: pg.ClientBase): Promise<CatalogueTable[]> => {
  const { rows } = await client.query<CatalogueTable>(
    `select n.nspname as schema, c.relname as name, format('%I.%I', n.nspname, c.relname) as sql,
       array_agg(a.attname::text order by a.attnum) as columns,
       array_agg(format('%I', a.attname) order by a.attnum) as column_sql
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where n.nspname = any($1) and c.relkind = 'r' and not (n.nspname = 'dbos' and c.relname = $2)
     group by n.nspname, c.relname order by n.nspname, c.relname`,
    [schemas, jobsSchemaTable],
  );
  return rows;
};

export const listSequences = async (client: pg.ClientBase) => {
  const { rows } = await client.query<{ schema: string; name: string; sql: string }>(
    `select n.nspname as schema, c.relname as name, format('%I.%I', n.nspname, c.relname) as sql
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($1) and c.relkind = 'S' order by 1, 2`,
    [schemas],
  );
  return rows;
};

const exists = async (client: pg.ClientBase, table: string): Promise<boolean> => {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [table]);
  return rows[0]!.found;
};

export interface AppliedMigration {
  source: string;
  number: number;
  name: string;
  sha256: string;
}

/** Empty when Atrium never used the database. */
export const listMigrations = async (client: pg.ClientBase): Promise<AppliedMigration[]> => {
  if (!(await exists(client, 'public.core_migrations'))) return [];
  const { rows } = await client.query<AppliedMigration>(
    'select source, number, name, sha256 from public.core_migrations order by source, number',
  );
  return rows;
};

export const jobsSchemaVersion = async (client: pg.ClientBase): Promise<number | null> => {
  if (!(await exists(client, `dbos.${jobsSchemaTable}`))) return null;
  const { rows } = await client.query<{ version: string | number }>(
    `select version from dbos.${jobsSchemaTable} order by version desc limit 1`,
  );
  return rows[0] === undefined ? null : Number(rows[0].version);
};

/** True when somebody has used it: every change by an organisation leaves a row in core_event_heads. */
export const holdsData = async (client: pg.ClientBase): Promise<boolean> => {
  if (!(await exists(client, 'public.core_event_heads'))) return false;
  const { rows } = await client.query<{ used: boolean }>(
    'select exists (select from public.core_event_heads) or exists (select from public.core_blobs) as used',
  );
  return rows[0]!.used;
};
