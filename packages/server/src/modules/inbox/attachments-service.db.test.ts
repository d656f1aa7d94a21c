import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { makeItem } from '../../../test/support/make-item.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { refusal } from '../../../test/support/test-inbox.ts';
import { deleteUnreferencedBlobs } from '../../platform/files/blob-references.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { createInboxEventFilter } from './inbox-event-filter.ts';
import { insertItem } from './items-store.ts';

let db: TestSurroundings;
let org: TestOrg;
let ada: Caller;
let bob: Caller;
let item: string;

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

beforeAll(async () => {
  db = await createTestSurroundings();
});
beforeEach(async () => {
  org = await makeOrg(db.pool);
  ada = await org.person('Ada');
  bob = await org.person('Bob');
  const payroll = await org.channel('payroll', { mode: 'private', members: [ada] });
  item = await itemIn(payroll);
});
afterAll(() => db.drop());

const itemIn = async (channel_id: string | null) =>
  (await insertItem(db.database.read, makeItem(ada, db.clock.now(), { channel_id }))).row.id;
const chunksOf = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
const attach = (caller: Caller, to: string, name: string | null, bytes: Buffer, chunk = 1000) =>
  db.around.attachments.attach(
    callBy(caller, {
      raw: {
        stream: Readable.from(chunksOf(bytes, chunk), { objectMode: false }),
        content_type: 'image/png',
        length: null,
        file_name: name,
        headers: {},
      },
    }),
    to,
  );
const refcount = async (sha256: string): Promise<number | null> =>
  (
    await sql<{ refcount: string }>`select refcount from core_blobs where sha256 = ${sha256}`.execute(db.database.read)
  ).rows.map((row) => Number(row.refcount))[0] ?? null;

test('a file comes back byte for byte, with its hash as tag, shown in place only when it is a picture', async () => {
  const bytes = Buffer.concat([png, Buffer.alloc(9000, 7)]);
  const file = await attach(ada, item, 'photo.png', bytes, 3000);
  expect(file).toMatchObject({ name: 'photo.png', size: bytes.length, mime: 'image/png', uploaded_by: { id: ada.id } });
  const answer = await db.around.attachments.download(callBy(ada), file.id);
  expect(await buffer(answer.stream)).toEqual(bytes);
  expect(answer).toMatchObject({ content_type: 'image/png', inline: true, etag: file.sha256, file_name: 'photo.png' });
  const listed = await db.around.attachments.list(callBy(ada), { id: item, limit: 50 });
  expect(listed).toEqual({ items: [file], next_cursor: null });
  expect((await db.inbox.items.get(callBy(ada), item)).attachment_count).toBe(1);
});

test('a picture that holds a page is refused by its bytes and nothing of it is kept (situation 42)', async () => {
  const page = Buffer.from(`<!doctype html><script>alert(${newId()})</script>`);
  const refused = await refusal(attach(ada, item, 'x.png', page));
  expect(refused.code).toBe('unsupported_type');
  expect((await db.around.attachments.list(callBy(ada), { id: item, limit: 50 })).items).toEqual([]);
  const kept: string[] = [];
  for await (const file of db.files.list()) kept.push(file.sha256);
  const { createHash } = await import('node:crypto');
  expect(kept).not.toContain(createHash('sha256').update(page).digest('hex'));
});

test('a page under its own name is kept but only ever sent as bytes to save (situation 42)', async () => {
  for (const [name, content] of [
    ['report.html', '<html><script>alert(1)</script></html>'],
    ['logo.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
  ] as const) {
    const file = await attach(ada, item, name, Buffer.from(content));
    const answer = await db.around.attachments.download(callBy(ada), file.id);
    answer.stream.destroy();
    expect(answer).toMatchObject({ content_type: 'application/octet-stream', inline: false });
  }
});

test('who does not see the item neither lists, sends, gets nor removes its files (situations 30 and 31)', async () => {
  const file = await attach(ada, item, 'a.txt', Buffer.from('secret'));
  const stranger = await (await makeOrg(db.pool)).person('Stranger', 'owner');
  const { attachments } = db.around;
  for (const caller of [bob, stranger]) {
    const acts = [
      () => attachments.list(callBy(caller), { id: item, limit: 50 }),
      () => attach(caller, item, 'b.txt', Buffer.from('b')),
      () => attachments.download(callBy(caller), file.id),
      () => attachments.remove(callBy(caller), file.id),
    ];
    for (const act of acts) expect((await refusal(act())).code).toBe('not_found');
  }
  const event = db.events.find((one) => one.kind === 'inbox.attachment.created' && one.id === file.id)!;
  const heard = await createInboxEventFilter(db.database).fanOut(event, [ada, bob]);
  expect(heard.map((body) => body !== null)).toEqual([true, false]);
});

test('a file over the limit, and a twenty-first file, are refused', async () => {
  expect((await refusal(attach(ada, item, 'big.bin', Buffer.alloc(1_000_001, 1), 60_000))).code).toBe('too_large');
  for (let i = 0; i < 20; i += 1) await attach(ada, item, `${i}.txt`, Buffer.from(`file ${i}`));
  expect((await refusal(attach(ada, item, '21.txt', Buffer.from('21')))).code).toBe('validation_failed');
  const first = await db.around.attachments.list(callBy(ada), { id: item, limit: 15 });
  const rest = await db.around.attachments.list(callBy(ada), { id: item, limit: 15, cursor: first.next_cursor! });
  expect([...first.items, ...rest.items].map((file) => file.name)).toEqual(
    Array.from({ length: 20 }, (_, i) => `${i}.txt`),
  );
  expect(rest.next_cursor).toBeNull();
});

test('files sent at once never exceed twenty', async () => {
  for (let i = 0; i < 18; i += 1) await attach(ada, item, `${i}.txt`, Buffer.from(`file ${i}`));
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => attach(ada, item, `late ${i}.txt`, Buffer.from(`late ${i}`))),
  );
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(2);
});

test('the same bytes are stored once and go when the last reference went', async () => {
  const other = await itemIn(null);
  const bytes = Buffer.from(`shared ${newId()}`);
  const one = await attach(ada, item, 'one.txt', bytes);
  const two = await attach(ada, other, 'two.txt', bytes);
  expect(two.sha256).toBe(one.sha256);
  expect(await refcount(one.sha256)).toBe(2);
  await db.around.attachments.remove(callBy(ada), one.id);
  expect(await refcount(one.sha256)).toBe(1);
  expect((await refusal(db.around.attachments.remove(callBy(ada), one.id))).code).toBe('not_found');
  expect((await refusal(db.around.attachments.remove(callBy(bob), two.id))).code).toBe('permission_denied');
  await db.around.attachments.remove(callBy(ada), two.id);
  expect(await refcount(one.sha256)).toBe(0);
});

test('files of a deleted item are given up', async () => {
  const file = await attach(ada, item, 'a.txt', Buffer.from(`gone ${newId()}`));
  await db.pool.query('update inbox_items set deleted_at = now() where id = $1', [item]);
  expect((await refusal(db.around.attachments.download(callBy(ada), file.id))).code).toBe('not_found');
  await db.around.attachments.sweep();
  expect(await refcount(file.sha256)).toBe(0);
  expect(await db.inbox.hooks.storageBytes(org.id)).toBe(0);
});

test('the files of a deleted organisation go from the store (situation 60)', async () => {
  const full = await itemIn(null);
  const bytes = Buffer.from(`late ${newId()}`);
  const { size, sha256 } = await attach(ada, full, 'a.txt', bytes);
  expect(await db.inbox.hooks.storageBytes(org.id)).toBe(size);
  await db.database.transaction(callBy(ada), (tx) => db.inbox.hooks.orgDeleting(tx, { id: org.id }));
  expect(await refcount(sha256)).toBe(0);
  // The file's own time is real, the database's is the test's: two hours after both it is unreferenced for long.
  const later = { now: () => new Date(Date.now() + 2 * 60 * 60 * 1000) };
  expect(await deleteUnreferencedBlobs(db.database.read, db.files, later)).toBeGreaterThan(0);
  expect(await db.files.stat(sha256)).toBeNull();
});
