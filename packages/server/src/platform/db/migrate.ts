import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { StartupError } from '../errors/startup-error.ts';
import { assertServer } from './server-version.ts';

/** Migrations of one part: `core` for the platform, otherwise the name of the module. */
export interface MigrationSource {
  name: string;
  /** Holds `001-name.sql`, `002-name.sql`, … */
  directory: string;
}

export interface Migration {
  source: string;
  number: number;
  name: string;
  sha256: string;
}

interface MigrationFile extends Migration {
  sql: string;
}

/** One number for every Atrium, so that replicas that start together take turns. */
const advisoryLock = '4400000001';

/**
 * Brings the schema up to date and says what was applied. Sources go in the order given, lower modules first. Nothing is
 * touched when a file is missing, doubled or changed since it was applied, or when the database is newer than the code.
 */
export async function migrate(
  pool: pg.Pool,
  sources: readonly MigrationSource[],
  options: {
    /** Stops where another database stood, to take its rows. */
    only?: readonly Pick<Migration, 'source' | 'number'>[];
    /** Ends it between two migrations. */
    signal?: AbortSignal | undefined;
  } = {},
): Promise<Migration[]> {
  const { only, signal } = options;
  const files = sources
    .flatMap(readSource)
    .filter((file) => only?.some((one) => one.source === file.source && one.number === file.number) ?? true);
  const client = await pool.connect();
  let broken = true;
  try {
    await assertServer(client);
    await client.query(`select pg_advisory_lock(${advisoryLock})`);
    await createTable(client);
    const applied = await readApplied(client);
    const pending = planMigrations(files, applied);
    for (const file of pending) {
      signal?.throwIfAborted();
      await apply(client, file);
    }
    await client.query(`select pg_advisory_unlock(${advisoryLock})`);
    broken = false;
    return pending.map(({ sql, ...migration }) => migration);
  } finally {
    // Closing the connection is what gives the lock back after a failure.
    client.release(broken);
  }
}

/** What is still to be applied, in order; throws when files and database contradict each other. */
function planMigrations<F extends Migration>(files: readonly F[], applied: readonly Migration[]): F[] {
  const keyOf = (migration: Migration) => `${migration.source} ${migration.number}`;
  const known = new Map(files.map((file) => [keyOf(file), file]));
  for (const row of applied) {
    const file = known.get(keyOf(row));
    if (file === undefined) {
      throw new StartupError(
        `The database is newer than this Atrium: it holds migration ${fileName(row)}, which this version does not have. Start the newer version, or restore a backup made by this one.`,
      );
    }
    if (file.sha256 !== row.sha256) {
      throw new StartupError(
        `Migration ${fileName(file)} was changed after it had been applied as ${fileName(row)}. Restore the file; a change of the schema takes a new migration.`,
      );
    }
  }
  const done = new Set(applied.map(keyOf));
  const pending = files.filter((file) => !done.has(keyOf(file)));
  for (const file of pending) {
    const later = applied.find((row) => row.source === file.source && row.number > file.number);
    if (later === undefined) continue;
    throw new StartupError(
      `Migration ${fileName(file)} is not applied, although ${fileName(later)} is. The table core_migrations is damaged.`,
    );
  }
  return pending;
}

const fileName = ({ source, number, name }: Migration): string =>
  `${source}/${String(number).padStart(3, '0')}-${name}.sql`;

function readSource(source: MigrationSource): MigrationFile[] {
  const files = readdirSync(source.directory)
    .toSorted()
    .map((entry) => readFile(source, entry));
  files.sort((a, b) => a.number - b.number);
  for (const [index, file] of files.entries()) {
    if (file.number === index + 1) continue;
    const twin = files[index - 1];
    if (twin?.number === file.number) {
      throw new StartupError(
        `Two migrations of ${source.name} have the number ${file.number}: ${fileName(twin)} and ${fileName(file)}.`,
      );
    }
    throw new StartupError(`Migration ${index + 1} of ${source.name} is missing: the next file is ${fileName(file)}.`);
  }
  return files;
}

function readFile(source: MigrationSource, entry: string): MigrationFile {
  const [, number, name] = /^(\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/.exec(entry) ?? [];
  if (number === undefined || name === undefined) {
    throw new StartupError(`${join(source.directory, entry)} is not named like a migration: 001-what-it-does.sql.`);
  }
  // Git may check files out with CRLF; that is no change.
  const sql = readFileSync(join(source.directory, entry), 'utf8').replaceAll('\r\n', '\n');
  return {
    source: source.name,
    number: Number(number),
    name,
    sha256: createHash('sha256').update(sql).digest('hex'),
    sql,
  };
}

async function createTable(client: pg.ClientBase): Promise<void> {
  await client.query(`
    create table if not exists core_migrations (
      source text not null,
      number integer not null,
      name text not null,
      sha256 text not null,
      applied_at timestamptz not null default now(),
      primary key (source, number)
    )`);
}

async function readApplied(client: pg.ClientBase): Promise<Migration[]> {
  const { rows } = await client.query<Migration>(
    'select source, number, name, sha256 from core_migrations order by source, number',
  );
  return rows;
}

async function apply(client: pg.ClientBase, file: MigrationFile): Promise<void> {
  await client.query('begin');
  try {
    await client.query(file.sql);
    await client.query('insert into core_migrations (source, number, name, sha256) values ($1, $2, $3, $4)', [
      file.source,
      file.number,
      file.name,
      file.sha256,
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback').catch(() => undefined);
    const { message, position } = cause as { message: string; position?: string };
    const line = position === undefined ? '' : `, line ${file.sql.slice(0, Number(position)).split('\n').length}`;
    throw new StartupError(`Migration ${fileName(file)}${line} failed and was rolled back: ${message}.`, { cause });
  }
}
