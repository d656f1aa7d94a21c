import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type CatalogueTable, listTables } from './catalogue.ts';
import type { BackupManifest, BackupTable } from './manifest.ts';
import { ArchiveProblem } from './tar.ts';

/** What came of the rows of one table. */
export interface PartCounts {
  table: string;
  added: number;
  replaced: number;
  /** Were there already and stayed as they are. */
  kept: number;
  /** Refer to something that is not here any more. */
  skipped: number;
}

interface Key {
  /** Quoted, of the table itself and of the one that it refers to. */
  columns: string[];
  target: string;
  target_columns: string[];
}

const foreignKeys = async (client: pg.ClientBase, table: CatalogueTable): Promise<Key[]> => {
  const { rows } = await client.query<Key>(
    `select format('%I.%I', n.nspname, p.relname) as target,
       (select array_agg(format('%I', a.attname) order by k.place) from unnest(c.conkey) with ordinality k(num, place)
          join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num) as columns,
       (select array_agg(format('%I', a.attname) order by k.place) from unnest(c.confkey) with ordinality k(num, place)
          join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num) as target_columns
     from pg_constraint c join pg_class p on p.oid = c.confrelid join pg_namespace n on n.oid = p.relnamespace
     where c.contype = 'f' and c.conrelid = $1::regclass and c.confrelid <> c.conrelid`,
    [table.sql],
  );
  return rows;
};

const primaryKey = async (client: pg.ClientBase, table: CatalogueTable): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I', a.attname) as name from pg_index i
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
     where i.indisprimary and i.indrelid = $1::regclass order by array_position(i.indkey::int2[], a.attnum)`,
    [table.sql],
  );
  return rows.map(({ name }) => name);
};

interface Wanted {
  saved: BackupTable;
  table: CatalogueTable;
  scratch: string;
}

/**
 * Brings chosen tables of a backup back among rows that are here, in the caller's transaction. Everything of the server
 * goes on: triggers run, foreign keys hold, and rows whose owner is gone are left out.
 */
export class PartLoad {
  readonly #client: pg.ClientBase;
  readonly #wanted: readonly Wanted[];
  readonly #owners: Map<string, Wanted>;
  #copying: { wanted: Wanted; stream: ReturnType<typeof copyFrom> } | null = null;

  private constructor(client: pg.ClientBase, wanted: readonly Wanted[]) {
    this.#client = client;
    this.#wanted = wanted;
    this.#owners = new Map(wanted.flatMap((one) => one.saved.parts.map((part) => [part.name, one])));
  }

  /** `tables` in an order in which each comes after those that it refers to. */
  static async begin(client: pg.ClientBase, manifest: BackupManifest, tables: readonly string[]): Promise<PartLoad> {
    const present = new Map((await listTables(client)).map((table) => [`${table.schema}.${table.name}`, table]));
    const wanted: Wanted[] = [];
    for (const [index, name] of tables.entries()) {
      const saved = manifest.tables.find((one) => one.schema === 'public' && one.name === name);
      const table = present.get(`public.${name}`);
      // A backup of an older version knows fewer tables.
      if (saved === undefined || table === undefined) continue;
      const missing = saved.columns.find((column) => !table.columns.includes(column));
      if (missing !== undefined)
        throw new ArchiveProblem(`The column ${missing} of ${name} in the backup does not exist in this version.`);
      const scratch = `pg_temp.restored_${index}`;
      await client.query(
        `create temp table restored_${index} (like ${table.sql} including defaults including generated) on commit drop`,
      );
      wanted.push({ saved, table, scratch });
    }
    return new PartLoad(client, wanted);
  }

  static #columns({ saved, table }: Wanted): string {
    return saved.columns.map((column) => table.column_sql[table.columns.indexOf(column)]!).join(', ');
  }

  /** Takes the next piece of a table, in the order of the archive. */
  async take(member: string, content: AsyncIterable<Buffer>): Promise<void> {
    const wanted = this.#owners.get(member);
    if (wanted === undefined) return;
    if (this.#copying?.wanted !== wanted) {
      await this.#endCopy();
      const stream = this.#client.query(copyFrom(`copy ${wanted.scratch} (${PartLoad.#columns(wanted)}) from stdin`));
      stream.on('error', () => {});
      this.#copying = { wanted, stream };
    }
    const { stream } = this.#copying!;
    for await (const chunk of content) if (!stream.write(chunk)) await once(stream, 'drain');
  }

  async #endCopy(): Promise<void> {
    if (this.#copying === null) return;
    const { stream } = this.#copying;
    this.#copying = null;
    stream.end();
    await finished(stream);
  }

  async finish(overwrite: (table: string) => boolean): Promise<PartCounts[]> {
    await this.#endCopy();
    const counts: PartCounts[] = [];
    for (const wanted of this.#wanted) counts.push(await this.#merge(wanted, overwrite(wanted.table.name)));
    return counts;
  }

  async #merge(wanted: Wanted, overwrite: boolean): Promise<PartCounts> {
    const { table, scratch, saved } = wanted;
    const columns = PartLoad.#columns(wanted);
    const keys = await foreignKeys(this.#client, table);
    const held = keys.map(
      ({ columns: own, target, target_columns: theirs }) =>
        `(${own.map((column) => `r.${column} is null`).join(' or ')} or exists (select from ${target} p where ${own
          .map((column, index) => `p.${theirs[index]} = r.${column}`)
          .join(' and ')}))`,
    );
    const where = held.length === 0 ? 'true' : held.join(' and ');
    const primary = await primaryKey(this.#client, table);
    const others = saved.columns
      .map((column) => table.column_sql[table.columns.indexOf(column)]!)
      .filter((column) => !primary.includes(column));
    const clash =
      overwrite && primary.length > 0 && others.length > 0
        ? `on conflict (${primary.join(', ')}) do update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
        : 'on conflict do nothing';
    const total = await this.#client.query<{ all: number; held: number }>(
      `select count(*)::int as all, (count(*) filter (where ${where}))::int as held from ${scratch} r`,
    );
    // A row that was updated carries the transaction that locked it.
    const { rows } = await this.#client.query<{ added: boolean }>(
      `insert into ${table.sql} (${columns}) select ${columns} from ${scratch} r where ${where} ${clash} returning xmax = 0 as added`,
    );
    const added = rows.filter((row) => row.added).length;
    const { all, held: possible } = total.rows[0]!;
    return {
      ...{ table: table.name, added, replaced: rows.length - added },
      ...{ kept: possible - rows.length, skipped: all - possible },
    };
  }
}
