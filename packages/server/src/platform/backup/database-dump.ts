import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { ArchiveWriter } from './archive-writer.ts';
import { type CatalogueTable, listSequences, listTables } from './catalogue.ts';
import type { BackupManifest, BackupTable, StoredMember } from './manifest.ts';

/** A member's size stands before its bytes, so a table of unknown size goes out in pieces that fit in memory. */
const pieceBytes = 8 * 2 ** 20;

export interface Dump extends Pick<BackupManifest, 'tables' | 'sequences' | 'foreign_tables'> {
  /** Files that the rows of the same snapshot refer to. */
  files: { sha256: string; size: number }[];
}

/** Table names carry the prefix of their module; others share the database with Atrium and are not its business. */
const isOurs = (table: CatalogueTable, prefixes: readonly string[]): boolean =>
  table.schema === 'dbos' || prefixes.some((prefix) => table.name.startsWith(`${prefix}_`));

const dumpTable = async (
  client: pg.ClientBase,
  table: CatalogueTable,
  index: number,
  archive: ArchiveWriter,
): Promise<BackupTable> => {
  const folder = `database/${String(index).padStart(4, '0')}-${table.name}`.slice(0, 80);
  const parts: StoredMember[] = [];
  let pending: Buffer[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (size === 0) return;
    const name = `${folder}/${String(parts.length + 1).padStart(6, '0')}.copy`;
    parts.push(await archive.add(name, Buffer.concat(pending)));
    pending = [];
    size = 0;
  };
  const stream = client.query(copyTo(`copy ${table.sql} (${table.column_sql.join(', ')}) to stdout`));
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    pending.push(chunk);
    size += chunk.length;
    if (size >= pieceBytes) await flush();
  }
  await flush();
  return { schema: table.schema, name: table.name, columns: table.columns, rows: stream.rowCount, parts };
};

/**
 * Writes every row of one snapshot. The caller holds a read-only transaction at repeatable read, so what commits
 * meanwhile is neither seen nor hindered.
 */
export const dumpDatabase = async (
  client: pg.ClientBase,
  archive: ArchiveWriter,
  prefixes: readonly string[],
  onTable: (done: number, total: number) => void = () => {},
): Promise<Dump> => {
  const found = await listTables(client);
  const ours = found.filter((table) => isOurs(table, prefixes));
  // A migration that starts now waits instead of changing a table that was listed but not yet copied.
  await client.query(`lock table ${ours.map((table) => table.sql).join(', ')} in access share mode`);
  const tables: BackupTable[] = [];
  for (const [index, table] of ours.entries()) {
    tables.push(await dumpTable(client, table, index, archive));
    onTable(index + 1, ours.length);
  }
  const sequences: BackupManifest['sequences'] = [];
  for (const { schema, name, sql } of await listSequences(client)) {
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value::text, is_called from ${sql}`,
    );
    sequences.push({ schema, name, ...rows[0]! });
  }
  const files = await client.query<{ sha256: string; size: string }>(
    'select sha256, size::text from public.core_blobs where refcount > 0 order by sha256',
  );
  return {
    tables,
    sequences,
    foreign_tables: found.filter((table) => !isOurs(table, prefixes)).map((table) => table.name),
    files: files.rows.map((file) => ({ sha256: file.sha256, size: Number(file.size) })),
  };
};
