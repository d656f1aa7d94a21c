import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../telemetry/logger.ts';
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts';
import { type MigrationSource, migrate } from './migrate.ts';
import { createPool } from './pool.ts';
import { versionProblem } from './server-version.ts';

// Whole servers start and stop here, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const logger = createLogger('silent');
const directory = mkdtempSync(join(tmpdir(), 'atrium-migrate-'));
chmodSync(directory, 0o755);
let database: EmbeddedDatabase;
let pool: pg.Pool;
let sources: MigrationSource[];
let round = 0;

const write = (source: string, file: string, sql: string) =>
  writeFileSync(join(directory, String(round), source, file), sql);
const tables = async () =>
  (
    await pool.query(`select table_name from information_schema.tables where table_schema = 'public' order by 1`)
  ).rows.map((row) => row.table_name);
const applied = async () =>
  (await pool.query('select source, number from core_migrations order by applied_at, source')).rows;

beforeAll(async () => {
  database = await startEmbedded({ dataDir: join(directory, 'data'), logger });
  pool = createPool({ url: database.connectionString.reveal(), max: 4 });
});

afterAll(async () => {
  await pool.end();
  await database.stop();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  await pool.query('drop schema public cascade; create schema public');
  round += 1;
  sources = ['core', 'inbox'].map((name) => ({ name, directory: join(directory, String(round), name) }));
  for (const source of sources) mkdirSync(source.directory, { recursive: true });
  write('core', '001-orgs.sql', 'create table core_orgs (id int primary key);');
  write(
    'inbox',
    '001-items.sql',
    'create table inbox_items (org int references core_orgs (id)); insert into core_orgs values (1);',
  );
});

it('applies sources in the given order, each file once', async () => {
  expect((await migrate(pool, sources)).map(({ source, number }) => `${source}/${number}`)).toEqual([
    'core/1',
    'inbox/1',
  ]);
  expect(await migrate(pool, sources)).toEqual([]);
  write('core', '002-names.sql', 'alter table core_orgs add name text;');
  expect(await migrate(pool, sources)).toMatchObject([{ source: 'core', number: 2, name: 'names' }]);
  expect(await tables()).toEqual(['core_migrations', 'core_orgs', 'inbox_items']);
});

it('applies each file once when several replicas start together', async () => {
  const results = await Promise.all([1, 2, 3].map(() => migrate(pool, sources)));
  expect(results.map((done) => done.length).toSorted()).toEqual([0, 0, 2]);
});

it('rolls a failing file back, says where it failed, keeps the files before it and can go on', async () => {
  write('inbox', '002-broken.sql', 'create table inbox_half (n int);\nselect wrong from inbox_half;');
  await expect(migrate(pool, sources)).rejects.toThrow(
    'Migration inbox/002-broken.sql, line 2 failed and was rolled back: column "wrong" does not exist.',
  );
  expect(await tables()).not.toContain('inbox_half');
  expect(await applied()).toHaveLength(2);
  write('inbox', '002-broken.sql', 'create table inbox_half (n int);');
  expect(await migrate(pool, sources)).toHaveLength(1);
});

it('refuses a file that was changed after it was applied, but not new line ends', async () => {
  await migrate(pool, sources);
  write('core', '001-orgs.sql', 'create table core_orgs (id int primary key);\r\n'.replace('\r\n', ''));
  await migrate(pool, sources);
  write('core', '001-orgs.sql', 'create table core_orgs (id bigint primary key);');
  await expect(migrate(pool, sources)).rejects.toThrow('core/001-orgs.sql was changed after it had been applied');
});

it('refuses gaps, doubles and foreign files before it touches anything', async () => {
  write('inbox', '003-late.sql', 'select 1;');
  await expect(migrate(pool, sources)).rejects.toThrow(
    'Migration 2 of inbox is missing: the next file is inbox/003-late.sql',
  );
  write('inbox', '002-a.sql', 'select 1;');
  write('inbox', '002-b.sql', 'select 1;');
  await expect(migrate(pool, sources)).rejects.toThrow(
    'Two migrations of inbox have the number 2: inbox/002-a.sql and inbox/002-b.sql',
  );
  write('inbox', 'notes.sql', 'select 1;');
  await expect(migrate(pool, sources)).rejects.toThrow('is not named like a migration');
  expect(await tables()).toEqual([]);
});

it('refuses a database that is newer than the code', async () => {
  write('inbox', '002-future.sql', 'create table inbox_future (n int);');
  await migrate(pool, sources);
  const inbox = sources[1]!.directory;
  renameSync(join(inbox, '002-future.sql'), join(directory, 'gone.sql'));
  await expect(migrate(pool, sources)).rejects.toThrow(
    'The database is newer than this Atrium: it holds migration inbox/002-future.sql',
  );
  await expect(migrate(pool, sources.slice(0, 1))).rejects.toThrow('The database is newer than this Atrium');
});

it('refuses PostgreSQL older than 15 in one sentence', () => {
  expect(versionProblem(140_012)).toContain(
    'DATABASE_URL leads to PostgreSQL 14, and Atrium needs version 15 or newer.',
  );
  expect(versionProblem(150_000)).toBeNull();
});
