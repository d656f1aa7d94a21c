import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { verifyArchive } from '../../src/platform/backup/archive-reader.ts';
import { runningCluster } from '../../src/platform/backup/running-cluster.ts';
import { createClient } from '../../src/platform/db/pool.ts';
import { createDiskStore } from '../../src/platform/files/disk-store.ts';
import { compileCache } from '../support/compile-cache.ts';
import { type RunningServer, startServer } from '../support/start-server.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const entry = resolve(import.meta.dirname, '../../src/backup-main.ts');
const folder = mkdtempSync(join(tmpdir(), 'atrium-test-backup-'));
const file = join(folder, 'atrium.tar.zst');
const password = 'correct horse battery staple';

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const run = (args: readonly string[], dataDir: string, env: Record<string, string> = {}): Promise<Ended> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, ATRIUM_DATA_DIR: dataDir, ...compileCache, ...env },
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (text) => {
      said.out += text;
    });
    child.stderr.on('data', (text) => {
      said.err += text;
    });
    child.on('close', (code) => done({ code, ...said }));
  });

const call = async (server: RunningServer, token: string, method: string, path: string, body?: unknown) => {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
};

const newDataDir = (): string => {
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-test-backup-data-'));
  chmodSync(dataDir, 0o755);
  dataDirs.push(dataDir);
  return dataDir;
};

interface Item {
  id: string;
  title: string;
}
const listItems = async (server: RunningServer, token: string): Promise<Item[]> => {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query = `?limit=200&box=all${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = (await call(server, token, 'GET', `/api/v1/inbox/items${query}`)) as {
      items: Item[];
      next_cursor: string | null;
    };
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
};

const dataDirs: string[] = [];
let server: RunningServer;
let token: string;
let before: Item[];
let diary: { id: string };
let memory: { id: string; content_id: string };
/** Stored files: name and content. */
const stored = new Map<string, Buffer>();

const pathOf = (dataDir: string, hash: string): string =>
  join(dataDir, 'files', hash.slice(0, 2), hash.slice(2, 4), hash);

/** Stores a file as the server does: bytes under their hash, and a row that counts its uses. */
const storeFile = async (dataDir: string, content: Buffer): Promise<string> => {
  const files = await createDiskStore(join(dataDir, 'files'));
  const { sha256, size } = await files.put(Readable.from([content], { objectMode: false }), { max_bytes: 2 ** 30 });
  const client = createClient(runningCluster(dataDir)!, 'atrium-test');
  await client.connect();
  await client.query('insert into core_blobs (sha256, size, refcount, created_at) values ($1, $2, 1, now())', [
    sha256,
    size,
  ]);
  await client.end();
  return sha256;
};

beforeAll(async () => {
  server = await startServer({ dataDir: newDataDir(), env: { ATRIUM_RATE_LIMIT_REST: '1000000' } });
  const setup = { token: server.setupToken, email: 'ada@example.org', password, name: 'Ada' };
  token = (await call(server, '', 'POST', '/api/v1/setup', setup)).access_token;
  for (let n = 1; n <= 30; n++) {
    await call(server, token, 'POST', '/api/v1/inbox/ask', {
      title: `Question ${n} with a tab\t, a backslash \\N and ü`,
      form: { fields: [{ id: 'ok', type: 'yesno' }] },
    });
  }
  await call(server, token, 'POST', '/api/v1/diaries', { name: 'Trips' });
  for (const content of ['The ferry to the island leaves at nine.', 'The island has one hotel.'])
    await call(server, token, 'POST', '/api/v1/diaries/Trips/entries', { content });
  diary = await call(server, token, 'POST', '/api/v1/diaries', { name: 'Kept' });
  memory = await call(server, token, 'POST', `/api/v1/diaries/${diary.id}/entries`, { content: 'Kept as well' });
  before = await listItems(server, token);
  for (const content of [Buffer.alloc(0), Buffer.from('a'), randomBytes(3_000_001)])
    stored.set(await storeFile(server.dataDir, content), content);
});

afterAll(async () => {
  await server.stop();
  for (const dataDir of [folder, ...dataDirs]) rmSync(dataDir, { recursive: true, force: true });
});

it('a backup taken while writes go on restores into an empty directory, and the server shows the same items', async () => {
  let writing = true;
  let acknowledged = 0;
  const writer = (async () => {
    while (writing) {
      await call(server, token, 'POST', '/api/v1/inbox/notify', { title: `Meanwhile ${acknowledged}` });
      acknowledged += 1;
    }
  })();
  const made = await run(['backup', file], server.dataDir);
  writing = false;
  await writer;
  expect(made.err).toContain('holds the master key');
  expect(made).toMatchObject({ code: 0 });
  expect(acknowledged).toBeGreaterThan(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const target = newDataDir();
  const restored = await run(['restore', file], target);
  expect(restored).toMatchObject({ code: 0, err: '' });
  expect(restored.out).toMatch(/Audit +(\d+) of \1 chains intact/);
  expect(readFileSync(join(target, 'master.key'), 'utf8')).toBe(
    readFileSync(join(server.dataDir, 'master.key'), 'utf8'),
  );

  for (const [hash, content] of stored) expect(readFileSync(pathOf(target, hash)).equals(content)).toBe(true);

  const second = await startServer({ dataDir: target });
  try {
    // The session of the first server is known to the second: it is the same installation.
    const after = await listItems(second, token);
    const known = new Map(after.map((item) => [item.id, item.title]));
    for (const item of before) expect(known.get(item.id)).toBe(item.title);
    const all = new Map((await listItems(server, token)).map((item) => [item.id, item.title]));
    for (const [id, title] of known) expect(all.get(id)).toBe(title);
    const search = (at: RunningServer) => call(at, token, 'POST', '/api/v1/diaries/search', { query: 'ferry island' });
    // Ranks and scores come of counted words, which a restore must neither lose nor count again.
    const found = await search(second);
    expect(found.items).toHaveLength(2);
    expect(found).toEqual(await search(server));
    const verdict = await call(second, token, 'GET', '/api/v1/audit/verify');
    expect(verdict).toMatchObject({ intact: true });
    const asked = await call(second, token, 'POST', `/api/v1/inbox/items/${before[0]!.id}/answer`, {
      values: { ok: true },
    });
    expect(asked.status).toBe('answered');
    expect(await call(second, token, 'GET', `/api/v1/diaries/${diary.id}`)).toEqual(diary);
    const kept = await call(second, token, 'GET', `/api/v1/diaries/Kept/entries/${memory.id}`);
    expect([kept.content, kept.content_id]).toEqual(['Kept as well', memory.content_id]);
  } finally {
    await second.stop();
  }
});

it('the guard of the audit trail, the triggers and the foreign keys are back after a restore', async () => {
  const schema = async (dataDir: string): Promise<unknown> => {
    const client = createClient(runningCluster(dataDir)!, 'atrium-test');
    await client.connect();
    try {
      const triggers = await client.query(
        `select tgrelid::regclass::text as table, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2`,
      );
      const keys = await client.query(
        `select conrelid::regclass::text as table, conname, convalidated, pg_get_constraintdef(oid) as definition
         from pg_constraint order by 1, 2`,
      );
      await expect(client.query('delete from core_audit')).rejects.toThrow('append-only');
      return { triggers: triggers.rows, keys: keys.rows };
    } finally {
      await client.end();
    }
  };
  const target = newDataDir();
  expect(await run(['restore', file], target)).toMatchObject({ code: 0 });
  const second = await startServer({ dataDir: target });
  try {
    expect(await schema(target)).toEqual(await schema(server.dataDir));
  } finally {
    await second.stop();
  }
});

it('a flipped byte anywhere is refused before anything is touched', async () => {
  const plain = join(folder, 'plain.tar');
  expect(await run(['backup', plain], server.dataDir)).toMatchObject({ code: 0 });
  const whole = readFileSync(plain);
  const damaged = join(folder, 'damaged.tar');
  const flip = (place: number): void => {
    const copy = Buffer.from(whole);
    copy[place]! ^= 0x01;
    writeFileSync(damaged, copy);
  };
  const places = [0, 20, 513, Math.floor(whole.length / 3), Math.floor(whole.length / 2), whole.length - 200];
  for (let n = 0; n < 40; n++) places.push(Math.floor(Math.random() * whole.length));
  for (const place of places) {
    flip(place);
    await expect(verifyArchive(damaged), `byte ${place} of ${whole.length}`).rejects.toThrow(
      /damaged|cut off|changed|missing|wrong|never has|goes on|twice|manifest|does not belong/,
    );
  }
  flip(Math.floor(whole.length / 2));
  const target = newDataDir();
  const restored = await run(['restore', damaged], target);
  expect(restored.code).toBe(1);
  expect(restored.err).toMatch(/damaged|changed/);
  expect(existsSync(join(target, 'postgres'))).toBe(false);
});

it('a damaged or cut compressed file is refused, or holds every byte all the same', async () => {
  const whole = readFileSync(file);
  const sound = await verifyArchive(file);
  const damaged = join(folder, 'damaged.tar.zst');
  let refused = 0;
  const flips = 40;
  for (let n = 0; n < flips; n++) {
    const copy = Buffer.from(whole);
    copy[Math.floor((n / flips) * whole.length)]! ^= 0x01;
    writeFileSync(damaged, copy);
    // Some bits of a zstd frame decide nothing: with one of them flipped it unpacks to the very same members.
    const found = await verifyArchive(damaged).catch(() => null);
    if (found === null) refused += 1;
    else expect(found).toEqual(sound);
  }
  expect(refused).toBeGreaterThan(flips * 0.8);
  writeFileSync(damaged, whole.subarray(0, whole.length - 1000));
  expect(await run(['verify', damaged], folder)).toMatchObject({ code: 1 });
  expect(await run(['verify', file], folder)).toMatchObject({ code: 0 });
});

it('a target with data, and one whose server runs, are refused', async () => {
  const running = await run(['restore', file, '--force'], server.dataDir);
  expect(running).toMatchObject({ code: 1 });
  expect(running.err).toContain('Another Atrium server');

  const target = newDataDir();
  expect(await run(['restore', file], target)).toMatchObject({ code: 0 });
  const again = await run(['restore', file], target);
  expect(again).toMatchObject({ code: 1 });
  expect(again.err).toContain('already holds data');
  const forced = await run(['restore', file, '--force'], target);
  expect(forced).toMatchObject({ code: 0 });
  expect(forced.out).toMatch(/Audit +(\d+) of \1 chains intact/);
});

it('without the key the backup says so, and the restore names the key that is missing', async () => {
  const bare = join(folder, 'bare.tar.gz');
  const made = await run(['backup', bare, '--without-key'], server.dataDir);
  expect(made).toMatchObject({ code: 0 });
  expect(made.err).toContain('not in the file');
  const target = newDataDir();
  const restored = await run(['restore', bare], target);
  expect(restored.err).toContain('is not here');
  expect(existsSync(join(target, 'master.key'))).toBe(false);
});

it('an existing file is not overwritten unless asked, and a stopped server is backed up as well', async () => {
  expect(await run(['backup', file], server.dataDir)).toMatchObject({ code: 1 });
  const target = newDataDir();
  expect(await run(['restore', file], target)).toMatchObject({ code: 0 });
  const copy = join(folder, 'copy.tar');
  expect(await run(['backup', copy], target)).toMatchObject({ code: 0 });
  expect(await run(['verify', copy], folder)).toMatchObject({ code: 0 });
  expect(await run(['backup', copy, '--overwrite'], target)).toMatchObject({ code: 0 });
});

it('a stored file that is lost or damaged does not stop the backup, which says so', async () => {
  const target = newDataDir();
  expect(await run(['restore', file], target)).toMatchObject({ code: 0 });
  const [lost, , damaged] = [...stored.keys()];
  rmSync(pathOf(target, lost!));
  const content = readFileSync(pathOf(target, damaged!));
  content[5]! ^= 1;
  writeFileSync(pathOf(target, damaged!), content);
  const holed = join(folder, 'holed.tar');
  const made = await run(['backup', holed], target);
  expect(made).toMatchObject({ code: 0 });
  expect(made.err).toContain('2 stored files');
  expect(made.err).toContain(lost);
  const third = newDataDir();
  expect(await run(['restore', holed], third)).toMatchObject({ code: 0 });
  expect(existsSync(pathOf(third, damaged!))).toBe(false);
});
