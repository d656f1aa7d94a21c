import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { joinAs } from '../support/companion.ts';
import { createMovedClock } from '../support/moved-clock.ts';
import { ok, openWorld, type Person, type World } from '../support/people.ts';
import { createRestClient, type Json } from '../support/rest-client.ts';
import { runServer } from '../support/run-server.ts';
import { serverDatabaseUrl } from '../support/server-database.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'atrium-test-backups-'));
const passphrase = 'nine brown foxes in a row';
const clock = createMovedClock();
const app = createServer((request, answer) => {
  answer.setHeader('set-cookie', 'kept=yes; Path=/');
  answer.end(request.headers.cookie ?? 'no cookie');
});
let world: World;
let operator: Person;
let member: Person;

beforeAll(async () => {
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  world = await openWorld({ env: { ...clock.env, ATRIUM_BACKUP_DIRECTORY: folder } });
  operator = world.operator;
  const invited = ok(await operator.post('/api/v1/orgs/current/invitations', { role: 'admin', max_uses: 1 }));
  member = await world.makePerson('Mia', invited.invite_code);
});
afterAll(async () => {
  await world.close();
  app.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (path: string): Promise<Json> => ok(await operator.get(path));
const ended = (id: string): Promise<Json> =>
  until(async () => {
    const found = await get(`/api/v1/backups/${id}`);
    return found.state === 'running' ? null : found;
  }, 'the backup ends');
const make = async (body: Json = {}): Promise<Json> => {
  const made = ok(await operator.post('/api/v1/backups', body));
  const done = await ended(made.id);
  expect(done).toMatchObject({ state: 'done', error: null, present: true });
  return done;
};
const restore = (id: string, body: Json) => operator.post(`/api/v1/backups/${id}/restore`, body);
const makeApp = async (slug: string): Promise<Json> =>
  ok(
    await operator.post('/api/v1/apps', {
      ...{ slug, name: slug },
      route: { access: 'public', targets: [{ url: `http://127.0.0.1:${(app.address() as AddressInfo).port}` }] },
    }),
  );
const opens = async (slug: string): Promise<number> => (await fetch(`${world.url}/apps/${slug}/`)).status;
const events = async (kind: string): Promise<Json[]> =>
  (await world.database.query('select body from core_events where kind = $1 order by seq', [kind])).rows.map(
    (row) => row.body,
  );
const halves = (): string[] => readdirSync(folder).filter((name) => name.includes('.part-'));

it('only people who run the server see or make backups', async () => {
  for (const path of ['/api/v1/backups', '/api/v1/backups/schedule']) {
    expect((await world.anonymous.get(path)).status).toBe(401);
    expect((await member.get(path)).body.code).toBe('operator_required');
  }
  expect((await member.post('/api/v1/backups', {})).status).toBe(403);
});

it('G56: an encrypted backup brings everything back in place: apps, keys, devices, certificates, diaries, files', async () => {
  await makeApp('notes');
  const key = ok(
    await operator.post('/api/v1/me/api-keys', { name: 'Script', scopes: ['diary:read', 'gateway:read'] }),
  );
  const script = createRestClient(() => world.url, key.secret ?? key.api_key ?? key.token);
  const pairing = ok(await operator.post('/api/v1/devices/pairings', {}));
  const phone = await joinAs(pairing.url, { name: 'Phone' });
  const certificate = ok(await operator.post('/api/v1/certificates', { kind: 'internal', names: ['files.lan'] }));
  const diary = ok(await operator.post('/api/v1/diaries', { name: 'Trips' }));
  ok(await operator.post(`/api/v1/diaries/${diary.id}/entries`, { content: 'The ferry leaves at nine.' }));
  const item = ok(await operator.post('/api/v1/inbox/notify', { title: 'With a file' }));
  const form = new FormData();
  form.append('file', new Blob(['bytes of a file'], { type: 'text/plain' }), 'a.txt');
  const attachment = ok(await operator.post(`/api/v1/inbox/items/${item.id}/attachments`, form));
  expect(await opens('notes')).toBe(200);
  const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  ok(
    await operator.post('/api/v1/apps', {
      ...{ slug: 'jar', name: 'Jar' },
      route: { persist_cookies: true, targets: [{ url }] },
    }),
  );
  const jar = async (): Promise<string> =>
    (await fetch(`${world.url}/apps/jar/`, { headers: { authorization: `Bearer ${operator.token}` } })).text();
  await until(async () => (await jar()) === 'kept=yes', 'the cookie is kept');

  const made = await make({ passphrase });
  expect(made).toMatchObject({ encrypted: true, lost_files: 0 });
  expect(made.files).toBeGreaterThan(0);
  const path = join(folder, made.file_name);
  expect(readFileSync(path).subarray(0, 8).toString()).toBe('ATRIUMB1');
  const download = await fetch(`${world.url}/api/v1/backups/${made.id}/download`, {
    headers: { authorization: `Bearer ${operator.token}` },
  });
  expect(Buffer.from(await download.arrayBuffer()).equals(readFileSync(path))).toBe(true);

  for (const slug of ['notes', 'jar']) ok(await operator.delete(`/api/v1/apps/${slug}`));
  ok(await operator.delete(`/api/v1/me/api-keys/${key.key.id}`));
  ok(await operator.delete(`/api/v1/devices/${phone.paired.device_id}`));
  ok(await operator.delete(`/api/v1/diaries/${diary.id}`));
  ok(await operator.delete(`/api/v1/certificates/${certificate.id}`));
  expect([await opens('notes'), (await script.get('/api/v1/diaries')).status]).toEqual([404, 401]);

  expect((await restore(made.id, { dry_run: true })).body.code).toBe('backup_passphrase');
  expect((await restore(made.id, { dry_run: true, passphrase: 'another one' })).body.code).toBe('backup_passphrase');
  expect(ok(await restore(made.id, { dry_run: true, passphrase }))).toMatchObject({
    outcome: 'checked',
    rows: made.rows,
  });
  expect((await restore(made.id, { passphrase })).body.code).toBe('validation_failed');
  const before = world.server.output().length;
  expect(ok(await restore(made.id, { passphrase, confirm: made.file_name })).outcome).toBe('restarting');
  await until(() => world.server.output().slice(before).includes('is ready'), 'the server is there again', 60_000);

  expect(await opens('notes')).toBe(200);
  expect(await jar()).toBe('kept=yes');
  expect(ok(await script.get('/api/v1/diaries')).items.map(({ name }: Json) => name)).toEqual(['Trips']);
  expect(await phone.get('/api/v1/apps')).toMatchObject({ status: 200 });
  expect((await get(`/api/v1/certificates/${certificate.id}`)).names).toEqual(['files.lan']);
  const file = await fetch(`${world.url}/api/v1/inbox/attachments/${attachment.id}`, {
    headers: { authorization: `Bearer ${operator.token}` },
  });
  expect(await file.text()).toBe('bytes of a file');
  const lines = ok(await operator.get('/api/v1/audit?action=backups.*')).items;
  expect(lines[0]).toMatchObject({ action: 'backups.restored', details: { asked_by: { name: 'Operator' } } });
  expect(ok(await operator.get('/api/v1/audit/verify')).intact).toBe(true);
  // The restored rows say that this very backup still runs; its file is whole, so it is settled.
  expect(await ended(made.id)).toMatchObject({ state: 'done', sha256: made.sha256 });
  for (const secret of [passphrase, key.secret ?? key.api_key]) expect(world.server.output()).not.toContain(secret);
});

it('parts of a backup join what is there, and a dry run changes nothing', async () => {
  await makeApp('wiki');
  const made = await make();
  ok(await operator.delete('/api/v1/apps/wiki'));
  await makeApp('later');
  const tried = ok(await restore(made.id, { parts: ['apps'], dry_run: true }));
  expect(tried.tables.find(({ table }: Json) => table === 'gateway_apps')).toMatchObject({ added: 1, kept: 2 });
  expect(await opens('wiki')).toBe(404);
  expect(ok(await restore(made.id, { parts: ['apps'] })).outcome).toBe('restored');
  await until(async () => (await opens('wiki')) === 200, 'the app is back');
  expect([await opens('later'), await opens('notes')]).toEqual([200, 200]);
  const again = ok(await restore(made.id, { parts: ['apps'], overwrite: true }));
  expect(again.tables.find(({ table }: Json) => table === 'gateway_apps')).toMatchObject({ added: 0, replaced: 3 });
  // Another app took the name meanwhile: both cannot be.
  ok(await operator.delete('/api/v1/apps/wiki'));
  await makeApp('wiki');
  expect((await restore(made.id, { parts: ['apps'], overwrite: true })).body.code).toBe('backup_conflict');
  expect(await opens('wiki')).toBe(200);
});

it('G56: a cut, changed or foreign archive is refused before anything is written', async () => {
  const made = await make({ passphrase });
  const whole = readFileSync(join(folder, made.file_name));
  const put = async (name: string, bytes: Buffer): Promise<Json> => {
    writeFileSync(join(folder, name), bytes);
    return (await get('/api/v1/backups')).items.find((one: Json) => one.file_name === name);
  };
  const cut = await put('cut.tar.zst.enc', whole.subarray(0, whole.length - 40));
  const changed = Buffer.from(whole);
  changed[whole.length - 100]! ^= 1;
  const tampered = await put('tampered.tar.zst.enc', changed);
  const other = await put('other.tar.zst', Buffer.from('no archive at all'));
  expect([cut.cause, cut.encrypted, other.encrypted]).toEqual(['found', true, false]);
  for (const { id } of [cut, tampered, other]) {
    const answer = await restore(id, { passphrase, dry_run: true });
    expect([answer.status, answer.body.code]).toEqual([422, 'backup_unusable']);
    ok(await operator.delete(`/api/v1/backups/${id}`));
  }
  expect(existsSync(join(folder, 'cut.tar.zst.enc'))).toBe(false);

  // The same file under another master key, with the program that restores into an empty directory.
  const dataDir = mkdtempSync(join(tmpdir(), 'atrium-test-backups-data-'));
  writeFileSync(join(dataDir, 'master.key'), `${Buffer.alloc(32, 9).toString('base64')}\n`, { mode: 0o600 });
  writeFileSync(join(dataDir, 'words'), `${passphrase}\n`);
  const refused = await runServer({
    ...{ cwd: dataDir, env: { ATRIUM_DATA_DIR: dataDir }, program: 'src/backup-main.ts' },
    args: ['restore', join(folder, made.file_name), '--passphrase-file', join(dataDir, 'words')],
  });
  expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('made under the master key')]);
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  rmSync(dataDir, { recursive: true, force: true });
});

it('a backup that is under way keeps out a second one, and leaves no half when its server is killed', async () => {
  const locker = new pg.Client({ connectionString: serverDatabaseUrl(world.server.dataDir) });
  locker.on('error', () => {});
  await locker.connect();
  await locker.query('begin; lock table inbox_items in access exclusive mode');
  const made = ok(await operator.post('/api/v1/backups', {}));
  await until(() => halves().length === 1, 'the file is begun');
  expect((await operator.post('/api/v1/backups', {})).body.code).toBe('backup_running');
  expect((await operator.post('/api/v1/backups/schedule/run', {})).body.code).toBe('backup_running');
  expect((await operator.get(`/api/v1/backups/${made.id}/download`)).body.code).toBe('backup_running');
  await world.server.kill();
  await locker.end();
  await world.restart();
  clock.move(240_000);
  expect(await ended(made.id)).toMatchObject({
    state: 'failed',
    present: false,
    error: expect.stringContaining('ended'),
  });
  expect(halves()).toEqual([]);
  expect(readdirSync(folder)).not.toContain(made.file_name);
  expect((await events('admin.backup.failed')).at(-1)).toMatchObject({ file_name: made.file_name });
  await make();
});

it('what is due is made by itself, encrypted by a sealed passphrase, restored in a test, and old ones go', async () => {
  const set = async (body: Json): Promise<Json> => ok(await operator.post('/api/v1/backups/schedule', body));
  expect(await get('/api/v1/backups/schedule')).toMatchObject({ enabled: true, every_s: 86_400, retention: 7 });
  expect((await operator.post('/api/v1/backups/schedule', { cron: 'nonsense here x y z' })).status).toBe(422);
  expect(await set({ cron: '30 3 * * *', time_zone: 'Europe/Berlin' })).toMatchObject({
    every_s: null,
    cron: '30 3 * * *',
  });
  const kept = await set({ every_s: 3600, retention: 1, passphrase });
  expect(kept).toMatchObject({ cron: null, encrypted: true });
  expect(JSON.stringify(kept)).not.toContain(passphrase);
  const stored = await world.database.query('select passphrase_sealed from admin_backup_schedule');
  expect(stored.rows[0].passphrase_sealed).toMatch(/^v1\./);

  const scheduled = async (): Promise<Json[]> =>
    (await get('/api/v1/backups')).items.filter((one: Json) => one.cause === 'schedule' && one.state === 'done');
  clock.move(3_600_000 + 300_000);
  const first = await until(async () => (await scheduled())[0], 'a backup is made by itself', 30_000);
  expect(first).toMatchObject({ encrypted: true, created_by: { type: 'system' } });
  const tested = await until(
    async () => {
      const { test } = await get(`/api/v1/backups/${first.id}`);
      return test !== null && test.state !== 'running' ? test : null;
    },
    'it is restored in a test',
    60_000,
  );
  expect(tested).toMatchObject({ state: 'passed', error: null });
  const left = await world.database.query("select datname from pg_database where datname like 'atrium_restore%'");
  expect(left.rows).toEqual([]);

  clock.move(2 * 3_600_000 + 600_000);
  await until(
    async () => {
      const now = await scheduled();
      return now.length === 1 && now[0].id !== first.id;
    },
    'the next one takes its place',
    30_000,
  );
  expect(existsSync(join(folder, first.file_name))).toBe(false);
  const metrics = await (await fetch(`${world.url}/metrics`)).text();
  expect(metrics).toMatch(/atrium_backups_total\{result="done"\} \d/);

  // A directory that cannot be written: whoever runs the organisation is told.
  const notices = async () =>
    ok(await operator.get('/api/v1/inbox/items?q=backup&box=all')).items.map(({ title }: Json) => title);
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(folder, 'no directory');
  ok(await operator.post('/api/v1/backups/schedule/run', {}));
  await until(async () => (await notices()).includes('The scheduled backup failed'), 'a notice comes');
  expect(await get('/api/v1/backups/schedule')).toMatchObject({ last_state: 'failed' });
  rmSync(folder);
});
