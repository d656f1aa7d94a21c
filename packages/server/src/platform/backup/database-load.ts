import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type CatalogueTable, listSequences, listTables } from './catalogue.ts';
import type { BackupManifest, BackupTable } from './manifest.ts';
import { ArchiveProblem } from './tar.ts';

interface ForeignKey {
  table: string;
  name: string;
  definition: string;
}

const nameOf = (table: { schema: string; name: string }): string => `${table.schema}.${table.name}`;

/** Tables of the backup with their counterparts; throws when one is missing or lacks a column. */
const matchTables = async (client: pg.ClientBase, manifest: BackupManifest) => {
  const present = new Map((await listTables(client)).map((table) => [nameOf(table), table]));
  const matched = new Map<string, { saved: BackupTable; table: CatalogueTable }>();
  for (const saved of manifest.tables) {
    const table = present.get(nameOf(saved));
    const missing = saved.columns.find((column) => !table?.columns.includes(column));
    if (table === undefined || missing !== undefined) {
      const what = table === undefined ? 'table' : `column ${missing} of`;
      throw new ArchiveProblem(`The ${what} ${nameOf(saved)} of the backup does not exist in this version.`);
    }
    matched.set(nameOf(saved), { saved, table });
  }
  return matched;
};

const listForeignKeys = async (client: pg.ClientBase): Promise<ForeignKey[]> => {
  const { rows } = await client.query<ForeignKey>(
    `select format('%I.%I', n.nspname, c.relname) as table, format('%I', k.conname) as name,
       pg_get_constraintdef(k.oid) as definition
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where k.contype = 'f' and k.conparentid = 0 and n.nspname in ('public', 'dbos') order by 1, 2`,
  );
  return rows;
};

/** Triggers that are enabled in the ordinary way; those of constraints come and go with the foreign keys. */
const listTriggers = async (client: pg.ClientBase): Promise<{ table: string; name: string }[]> => {
  const { rows } = await client.query<{ table: string; name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as table, format('%I', t.tgname) as name
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where not t.tgisinternal and t.tgenabled = 'O' and n.nspname in ('public', 'dbos') order by 1, 2`,
  );
  return rows;
};

/**
 * Replaces the rows of every table inside the caller's transaction. Triggers are switched off and foreign keys taken
 * away until the rows are in: an owner of the tables may do both, while session_replication_role takes a superuser.
 */
export class DatabaseLoad {
  readonly #client: pg.ClientBase;
  readonly #manifest: BackupManifest;
  readonly #tables: Map<string, { saved: BackupTable; table: CatalogueTable }>;
  readonly #keys: ForeignKey[];
  readonly #triggers: { table: string; name: string }[];
  readonly #owners: Map<string, BackupTable>;
  #copying: { saved: BackupTable; stream: ReturnType<typeof copyFrom> } | null = null;

  private constructor(
    client: pg.ClientBase,
    manifest: BackupManifest,
    tables: Map<string, { saved: BackupTable; table: CatalogueTable }>,
    keys: ForeignKey[],
    triggers: { table: string; name: string }[],
  ) {
    this.#client = client;
    this.#manifest = manifest;
    this.#tables = tables;
    this.#keys = keys;
    this.#triggers = triggers;
    this.#owners = new Map(manifest.tables.flatMap((saved) => saved.parts.map((part) => [part.name, saved])));
  }

  static async begin(client: pg.ClientBase, manifest: BackupManifest): Promise<DatabaseLoad> {
    const tables = await matchTables(client, manifest);
    const keys = await listForeignKeys(client);
    const triggers = await listTriggers(client);
    for (const { table, name } of triggers) await client.query(`alter table ${table} disable trigger ${name}`);
    for (const { table, name } of keys) await client.query(`alter table ${table} drop constraint ${name}`);
    const all = [...tables.values()].map(({ table }) => table.sql);
    if (all.length > 0) await client.query(`truncate ${all.join(', ')}`);
    return new DatabaseLoad(client, manifest, tables, keys, triggers);
  }

  /** Takes the next piece of a table, in the order of the archive. False when it is no piece of a table. */
  async take(member: string, content: AsyncIterable<Buffer>): Promise<boolean> {
    const saved = this.#owners.get(member);
    if (saved === undefined) return false;
    if (this.#copying?.saved !== saved) {
      await this.#endCopy();
      const { table } = this.#tables.get(nameOf(saved))!;
      const columns = saved.columns.map((column) => table.column_sql[table.columns.indexOf(column)]!);
      const stream = this.#client.query(copyFrom(`copy ${table.sql} (${columns.join(', ')}) from stdin`));
      // Heard again by whoever writes or ends; an error between two pieces must not end the process.
      stream.on('error', () => {});
      this.#copying = { saved, stream };
    }
    const { stream } = this.#copying!;
    for await (const chunk of content) if (!stream.write(chunk)) await once(stream, 'drain');
    return true;
  }

  async #endCopy(): Promise<void> {
    if (this.#copying === null) return;
    const { saved, stream } = this.#copying;
    this.#copying = null;
    stream.end();
    await finished(stream);
    if (stream.rowCount !== saved.rows)
      throw new ArchiveProblem(`${nameOf(saved)} took ${stream.rowCount} rows instead of ${saved.rows}.`);
  }

  /** Brings keys and triggers back, which checks every reference, then counts. Returns the rows of all tables. */
  async finish(): Promise<number> {
    await this.#endCopy();
    for (const { table, name, definition } of this.#keys)
      await this.#client.query(`alter table ${table} add constraint ${name} ${definition}`);
    for (const { table, name } of this.#triggers)
      await this.#client.query(`alter table ${table} enable trigger ${name}`);
    await this.#setSequences();
    let total = 0;
    for (const { saved, table } of this.#tables.values()) {
      const { rows } = await this.#client.query<{ count: string }>(`select count(*)::text as count from ${table.sql}`);
      if (Number(rows[0]!.count) !== saved.rows)
        throw new ArchiveProblem(`${nameOf(saved)} holds ${rows[0]!.count} rows instead of ${saved.rows}.`);
      total += saved.rows;
    }
    return total;
  }

  async #setSequences(): Promise<void> {
    const present = new Map((await listSequences(this.#client)).map((sequence) => [nameOf(sequence), sequence.sql]));
    for (const saved of this.#manifest.sequences) {
      const sql = present.get(nameOf(saved));
      if (sql === undefined) throw new ArchiveProblem(`The sequence ${nameOf(saved)} does not exist in this version.`);
      await this.#client.query('select setval($1::regclass, $2::bigint, $3)', [sql, saved.last_value, saved.is_called]);
    }
  }
}
