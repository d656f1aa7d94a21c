import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../src/platform/config/secret.ts';
import { binariesIn, findBinaries } from '../../src/platform/db/embedded/binaries.ts';
import { isAlive } from '../../src/platform/db/embedded/leftover.ts';
import { placeCluster } from '../../src/platform/db/embedded/placement.ts';
import { startEmbedded } from '../../src/platform/db/embedded.ts';
import { createPool } from '../../src/platform/db/pool.ts';
import { createLogger } from '../../src/platform/telemetry/logger.ts';
import { compileCache } from '../support/compile-cache.ts';

// Whole servers start and stop here, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const logger = createLogger('silent');
const isRoot = process.getuid?.() === 0;

/** Under root, postgres runs as another user, who must be able to walk here. */
const directory = mkdtempSync(join(tmpdir(), 'atrium-embedded-'));
chmodSync(directory, 0o755);
const template = join(directory, 'template');
const children: ChildProcess[] = [];
let copies = 0;

const childCode = `
const { startEmbedded } = await import(${JSON.stringify(new URL('../../src/platform/db/embedded.ts', import.meta.url).href)});
const { createLogger } = await import(${JSON.stringify(new URL('../../src/platform/telemetry/logger.ts', import.meta.url).href)});
process.on('SIGINT', () => process.send({ kind: 'interrupted' }));
process.on('message', () => database.stop().then(() => process.disconnect()));
let database;
try {
  database = await startEmbedded({ dataDir: process.argv[1], logger: createLogger('silent') });
  process.send({ kind: 'ready', url: database.connectionString.reveal(), pid: database.pid });
} catch (error) {
  process.send({ kind: 'refused', name: error.name, message: error.message }, () => process.disconnect());
}`;

type Message =
  | { kind: 'ready'; url: string; pid: number }
  | { kind: 'refused'; name: string; message: string }
  | { kind: 'interrupted' };

/** A server process of its own, so that it can be killed. */
function spawnServer(dataDir: string, uid?: number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', childCode, dataDir], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
    cwd: '/',
    env: { ...process.env, ...compileCache },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  children.push(child);
  return child;
}

async function next<K extends Message['kind']>(child: ChildProcess, kind: K): Promise<Extract<Message, { kind: K }>> {
  const [message] = (await once(child, 'message')) as [Message];
  expect(message).toMatchObject({ kind });
  return message as Extract<Message, { kind: K }>;
}

async function killServer(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function stopServer(child: ChildProcess): Promise<void> {
  child.send('stop');
  await once(child, 'exit');
}

async function query<R extends pg.QueryResultRow>(url: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A data directory with a cluster, copied from the template that holds one note. */
function copyTemplate(): string {
  const dataDir = join(directory, `data-${++copies}`);
  cpSync(template, dataDir, { recursive: true });
  return dataDir;
}

const isGone = (pid: number) => vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 20 });

beforeAll(async () => {
  const database = await startEmbedded({ dataDir: template, logger });
  await query(database.connectionString.reveal(), `create table notes (text text); insert into notes values ('first')`);
  await database.stop();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null)
      await stopServer(child).catch(() => child.kill('SIGKILL'));
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('startEmbedded', () => {
  it('makes a UTF-8 cluster that is durable, guarded by a password, and there again after a restart', async () => {
    const dataDir = join(directory, 'fresh');
    const first = await startEmbedded({ dataDir, logger });
    const url = first.connectionString.reveal();
    const [settings] = await query(
      url,
      `select current_database() as database, current_setting('fsync') as fsync, current_setting('server_encoding') as encoding,
        current_setting('password_encryption') as password, lower('ÄŽ') as lower`,
    );
    expect(settings).toEqual({
      database: 'atrium',
      fsync: 'on',
      encoding: 'UTF8',
      password: 'scram-sha-256',
      lower: 'äž',
    });
    await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
    expect(statSync(join(first.cluster, 'atrium.password')).mode & 0o777).toBe(0o600);
    await query(url, 'create table kept (n int)');
    await first.stop();
    await first.stop();
    expect(existsSync(join(first.cluster, 'postmaster.pid'))).toBe(false);

    const second = await startEmbedded({ dataDir, logger });
    expect(await query(second.connectionString.reveal(), 'select * from kept')).toEqual([]);
    await second.stop();
    expect(readdirSync(dataDir).toSorted()).toEqual(['postgres', 'server.lock']);
  });

  it('stops the postgres that a killed server left running, and loses nothing that was committed', async () => {
    const dataDir = copyTemplate();
    const server = spawnServer(dataDir);
    const { url, pid } = await next(server, 'ready');
    const open = new pg.Client({ connectionString: url });
    const closed = new Promise((resolve) => open.on('error', resolve));
    await open.connect();
    await open.query(`begin; insert into notes values ('open')`);
    await query(url, `insert into notes values ('committed')`);
    await killServer(server);
    expect(isAlive(pid)).toBe(true);

    const again = await startEmbedded({ dataDir, logger });
    await closed;
    expect(isAlive(pid)).toBe(false);
    const notes = await query(again.connectionString.reveal(), 'select text from notes');
    expect(notes).toEqual([{ text: 'first' }, { text: 'committed' }]);
    await again.stop();
  });

  it('recovers when server and postgres were both killed', async () => {
    const dataDir = copyTemplate();
    const server = spawnServer(dataDir);
    const { url, pid } = await next(server, 'ready');
    await query(url, `insert into notes values ('committed')`);
    await killServer(server);
    process.kill(pid, 'SIGKILL');
    await isGone(pid);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(true);

    const again = await startEmbedded({ dataDir, logger });
    expect(await query(again.connectionString.reveal(), 'select * from notes')).toHaveLength(2);
    await again.stop();
  });

  it.each([
    ['another program', 'echo $$; exec sleep 600'],
    ['a zombie', 'true & echo $!; exec sleep 600'],
  ])(
    'starts although the process id of a stale pid file now belongs to %s, which it leaves alone',
    async (_, script) => {
      const dataDir = copyTemplate();
      const cluster = join(dataDir, 'postgres');
      const other = spawn('sh', ['-c', script], {
        stdio: ['ignore', 'pipe', 'ignore'],
        ...(isRoot ? postgresIds() : {}),
      });
      const [pid] = await once(other.stdout!, 'data');
      const stale = [Number(pid), cluster, 1_700_000_000, 5432, cluster, '', '  1234567  7654321', 'ready   '];
      for (const name of ['postmaster.pid', '.s.PGSQL.5432.lock'])
        writeFileSync(join(cluster, name), `${stale.join('\n')}\n`);
      const database = await startEmbedded({ dataDir, logger });
      expect(await query(database.connectionString.reveal(), 'select * from notes')).toHaveLength(1);
      expect(other.exitCode).toBeNull();
      await database.stop();
      other.kill();
    },
  );

  it('starts with a pid file that a full disk cut off', async () => {
    const dataDir = copyTemplate();
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), '');
    await (await startEmbedded({ dataDir, logger })).stop();
  });

  it('leaves the postgres alone from whose live data directory it was copied', async () => {
    const dataDir = copyTemplate();
    const original = await startEmbedded({ dataDir, logger });
    const copy = join(directory, 'live-copy');
    const isPlain = (source: string) => !source.includes('.s.PGSQL');
    cpSync(dataDir, copy, { recursive: true, filter: isPlain });
    const database = await startEmbedded({ dataDir: copy, logger });
    expect(isAlive(original.pid)).toBe(true);
    await database.stop();
    await original.stop();
  });

  it('refuses a second server on one data directory, and admits it once the first is killed', async () => {
    const dataDir = copyTemplate();
    const first = spawnServer(dataDir);
    const { pid } = await next(first, 'ready');
    const refused = await next(spawnServer(dataDir), 'refused');
    expect(refused.name).toBe('StartupError');
    expect(refused.message).toBe(
      `Another Atrium server (process ${first.pid}) already uses the data directory ${dataDir}. Stop it, or give this one its own ATRIUM_DATA_DIR.`,
    );
    expect(isAlive(pid)).toBe(true);
    await killServer(first);
    await next(spawnServer(dataDir), 'ready');
  });

  it('refuses a second server in the same process, too, without loosening the lock of the first', async () => {
    const dataDir = copyTemplate();
    const database = await startEmbedded({ dataDir, logger });
    await expect(startEmbedded({ dataDir, logger })).rejects.toThrow('Another Atrium server');
    await next(spawnServer(dataDir), 'refused');
    await database.stop();
  });

  it('lets exactly one of several servers win that start at the same moment', async () => {
    const dataDir = join(directory, 'race');
    const messages = await Promise.all(
      Array.from({ length: 3 }, async () => ((await once(spawnServer(dataDir), 'message')) as [Message])[0].kind),
    );
    expect(messages.toSorted()).toEqual(['ready', 'refused', 'refused']);
  });

  it('begins again when the first start was killed during initdb', async () => {
    const dataDir = join(directory, 'interrupted');
    const drafts = () => (existsSync(dataDir) ? readdirSync(dataDir).filter((name) => name.includes('.init-')) : []);
    const server = spawnServer(dataDir);
    const halfDone = () => drafts().some((name) => existsSync(join(dataDir, name, 'cluster', 'PG_VERSION')));
    await vi.waitUntil(halfDone, { timeout: 10_000, interval: 5 });
    await killServer(server);
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);

    const database = await startEmbedded({ dataDir, logger });
    expect(await query(database.connectionString.reveal(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(drafts()).toEqual([]);
    await database.stop();
  });

  it('survives a Ctrl-C that reaches the whole process group', async () => {
    const server = spawnServer(copyTemplate());
    const { url, pid } = await next(server, 'ready');
    const interrupted = next(server, 'interrupted');
    process.kill(-server.pid!, 'SIGINT');
    await interrupted;
    // The signal may not have been handled yet, so the query alone would prove little.
    const group = execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' });
    expect(Number(group)).not.toBe(server.pid);
    expect(await query(url, 'select * from notes')).toHaveLength(1);
  });

  it('starts postgres again when it is killed, and pools reconnect', async () => {
    const database = await startEmbedded({ dataDir: copyTemplate(), logger });
    const pool = createPool({
      url: database.connectionString.reveal(),
      onError: (error) => logger.warn({ err: error }),
    });
    for (const text of ['before the first', 'before the second']) {
      await pool.query('insert into notes values ($1)', [text]);
      const killed = database.pid;
      process.kill(killed, 'SIGKILL');
      await vi.waitUntil(() => database.pid !== killed, { timeout: 20_000, interval: 20 });
      const count = async () => (await pool.query('select 1 from notes')).rowCount;
      await vi.waitFor(count, { timeout: 10_000, interval: 50 });
    }
    expect((await pool.query('select * from notes')).rowCount).toBe(3);
    await pool.end();
    await database.stop();
  });

  it('stops for good when it is stopped while postgres is being started again', async () => {
    const dataDir = copyTemplate();
    const database = await startEmbedded({ dataDir, logger });
    process.kill(database.pid, 'SIGKILL');
    await database.stop();
    expect(isAlive(database.pid)).toBe(false);
    await (await startEmbedded({ dataDir, logger })).stop();
  });

  it('says what to do about a cluster of another PostgreSQL, one that is none, and one without its password', async () => {
    const dataDir = copyTemplate();
    const start = () => startEmbedded({ dataDir, logger });
    rmSync(join(dataDir, 'postgres', 'atrium.password'));
    await expect(start()).rejects.toThrow('Restore it from a backup');
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow('was made by PostgreSQL 17, but this Atrium brings PostgreSQL 18');
    rmSync(join(dataDir, 'postgres', 'PG_VERSION'));
    await expect(start()).rejects.toThrow('is not a PostgreSQL cluster');
    expect(existsSync(join(dataDir, 'server.pid'))).toBe(false);
  });

  it('uses a loopback port where the path is too long for a socket', async () => {
    const dataDir = join(directory, 'a-very-long-name-'.repeat(6));
    cpSync(template, dataDir, { recursive: true });
    const database = await startEmbedded({ dataDir, logger });
    const url = new URL(database.connectionString.reveal());
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.search).toBe('');
    expect(await query(url.href, 'select * from notes')).toHaveLength(1);
    await database.stop();
  });

  it('hides the password from whoever prints the result', async () => {
    const database = await startEmbedded({ dataDir: copyTemplate(), logger });
    expect(database.connectionString).toBeInstanceOf(Secret);
    expect(JSON.stringify(database)).not.toContain(new URL(database.connectionString.reveal()).password);
    await database.stop();
  });
});

function postgresIds(): { uid: number; gid: number } {
  const { uid, gid } = statSync(join(template, 'postgres'));
  return { uid, gid };
}

describe.skipIf(!isRoot)('startEmbedded as root', () => {
  it('keeps the database elsewhere when postgres cannot enter the data directory, and finds it again', async () => {
    const home = join(directory, 'closed-home');
    mkdirSync(home, { mode: 0o700 });
    const dataDir = join(home, 'data');
    const first = await startEmbedded({ dataDir, logger });
    await query(first.connectionString.reveal(), 'create table kept (n int)');
    await first.stop();
    expect(lstatSync(join(dataDir, 'postgres')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(dataDir, 'postgres'))).toBe(first.cluster);
    expect(first.cluster).toMatch(/^\/var\/lib\/atrium\//);

    const second = await startEmbedded({ dataDir, logger });
    expect(await query(second.connectionString.reveal(), 'select * from kept')).toEqual([]);
    await second.stop();
    rmSync(first.cluster, { recursive: true });
    await expect(startEmbedded({ dataDir, logger })).rejects.toThrow('is a link to a database that is not there');
  });

  it('names the closed directory above a cluster that already lies there', async () => {
    const home = join(directory, 'closed-later');
    mkdirSync(home);
    cpSync(template, join(home, 'data'), { recursive: true });
    chmodSync(home, 0o700);
    await expect(startEmbedded({ dataDir: join(home, 'data'), logger })).rejects.toThrow(
      `cannot enter ${home}. Set ATRIUM_DATA_DIR`,
    );
  });

  it('copies the programs when postgres cannot reach them', async () => {
    const found = findBinaries();
    const home = join(directory, 'closed-programs');
    mkdirSync(home, { mode: 0o700 });
    const version = `${found.version}-test.${process.pid}`;
    cpSync(found.root, join(home, 'native'), { recursive: true, verbatimSymlinks: true });
    const { binaries } = placeCluster(copyTemplate(), binariesIn(join(home, 'native'), version));
    expect(binaries.root).toBe(`/var/lib/atrium/postgresql-${version}`);
    expect(existsSync(binaries.postgres)).toBe(true);
    rmSync(binaries.root, { recursive: true });
  });

  it('runs for an ordinary user too, as whom root then continues', async () => {
    const uid = 65_534;
    const dataDir = join(directory, 'of-nobody');
    mkdirSync(dataDir);
    chownSync(dataDir, uid, uid);
    const server = spawnServer(dataDir, uid);
    const { url } = await next(server, 'ready');
    await query(url, 'create table kept (n int)');
    await stopServer(server);
    const database = await startEmbedded({ dataDir, logger });
    expect(await query(database.connectionString.reveal(), 'select * from kept')).toEqual([]);
    await database.stop();
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(uid);
    const { url: again } = await next(spawnServer(dataDir, uid), 'ready');
    expect(await query(again, 'select * from kept')).toEqual([]);
  });

  it('tells an ordinary user that the directory belongs to somebody else', async () => {
    const dataDir = copyTemplate();
    await (await startEmbedded({ dataDir, logger })).stop();
    const refused = await next(spawnServer(dataDir, 65_534), 'refused');
    expect(refused).toMatchObject({ name: 'StartupError', message: expect.stringContaining('belong') });
  });

  it('says clearly that the disk is full, before and after the first start', async (context) => {
    const disk = join(directory, 'disk');
    mkdirSync(disk);
    const mounted = spawn('mount', ['-t', 'tmpfs', '-o', 'size=100m,mode=755', 'tmpfs', disk], { stdio: 'ignore' });
    const [status] = await once(mounted, 'exit');
    if (status !== 0) return context.skip('this machine does not let root mount');
    try {
      await expect(startEmbedded({ dataDir: join(disk, 'new'), logger })).rejects.toThrow(/is full: \d+ MiB are free/);
      cpSync(template, join(disk, 'old'), { recursive: true });
      try {
        writeFileSync(join(disk, 'filler'), Buffer.alloc(100 * 2 ** 20));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
      await expect(startEmbedded({ dataDir: join(disk, 'old'), logger })).rejects.toThrow(
        'is full, so the database cannot start',
      );
      rmSync(join(disk, 'filler'));
      const database = await startEmbedded({ dataDir: join(disk, 'old'), logger });
      expect(await query(database.connectionString.reveal(), 'select * from notes')).toHaveLength(1);
      await database.stop();
    } finally {
      await once(spawn('umount', [disk], { stdio: 'ignore' }), 'exit');
    }
  });
});
