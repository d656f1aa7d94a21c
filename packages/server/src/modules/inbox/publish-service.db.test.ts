import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { refusal } from '../../../test/support/test-inbox.ts';
import { anonymousCaller } from '../../platform/http/anonymous-caller.ts';
import type { Caller } from '../../platform/operations/caller.ts';

let db: TestSurroundings;
let org: TestOrg;
let admin: Caller;
let bob: Caller;
let channel: string;

beforeAll(async () => {
  db = await createTestSurroundings();
  org = await makeOrg(db.pool);
  admin = await org.person('Admin', 'admin');
  bob = await org.person('Bob');
  channel = await org.channel('alerts', { mode: 'private', members: [admin] });
});
afterAll(() => db.drop());

const publish = (token: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  db.around.publish.publish(
    callBy(anonymousCaller, {
      raw: {
        stream: Readable.from([Buffer.from(body)], { objectMode: false }),
        content_type: 'text/plain',
        length: null,
        file_name: null,
        headers,
      },
    }),
    token,
  );
const newAddress = async () => (await db.around.publish.createToken(callBy(admin), channel)).topic_token;

test('one curl line makes a notice in the channel, by a service that is its author', async () => {
  const { topic_token, url } = await db.around.publish.createToken(callBy(admin), channel);
  expect(url).toBe(`https://atrium.test/api/v1/inbox/publish/${topic_token}`);
  const latin1 = (text: string) => Buffer.from(text).toString('latin1');
  const { id } = await publish(topic_token, 'Disk is full\nreally', {
    title: latin1('Grüße'),
    priority: '3',
    tags: 'disk, db1 ,',
  });
  expect(await db.inbox.items.get(callBy(admin), id)).toMatchObject({
    kind: 'notice',
    title: 'Grüße',
    message: 'Disk is full\nreally',
    priority: 3,
    tags: ['disk', 'db1'],
    channel: { id: channel },
    created_by: { type: 'service', name: '#alerts' },
  });
  expect((await refusal(db.inbox.items.get(callBy(bob), id))).code).toBe('not_found');
  const line = await publish(topic_token, 'Backup done');
  expect(await db.inbox.items.get(callBy(admin), line.id)).toMatchObject({ title: 'Backup done', message: '' });
});

test('only the hash of an address is kept, and a new address ends the old one', async () => {
  const first = await newAddress();
  const rows = await sql<{ row: string }>`select c::text as row from inbox_channels c where id = ${channel}`.execute(
    db.database.read,
  );
  expect(rows.rows[0]!.row).not.toContain(first);
  const second = await newAddress();
  expect((await refusal(publish(first, 'x'))).code).toBe('not_found');
  await publish(second, 'x');
  await db.around.publish.revokeToken(callBy(admin), channel);
  expect((await refusal(publish(second, 'x'))).code).toBe('not_found');
  expect((await refusal(publish('', 'x'))).code).toBe('not_found');
  expect((await refusal(db.around.publish.revokeToken(callBy(admin), channel))).code).toBe('not_found');
  const audit = await sql<{
    all: string;
  }>`select coalesce(string_agg(a::text, ''), '') as all from core_audit a where org_id = ${org.id}`.execute(
    db.database.read,
  );
  expect(audit.rows[0]!.all).not.toContain(second);
});

test('what is wrong with a publication is named, and nothing is created', async () => {
  const token = await newAddress();
  const refused = async (body: string | Buffer, headers: Record<string, string> = {}) => {
    const { code, errors } = await refusal(publish(token, body, headers));
    return [code, (errors as { path: string }[] | undefined)?.[0]?.path];
  };
  const before = await db.inbox.items.counts(callBy(admin));
  expect(await refused('')).toEqual(['validation_failed', 'body']);
  expect(await refused('x', { priority: '9' })).toEqual(['validation_failed', 'priority']);
  expect(await refused('x', { title: 'y'.repeat(201) })).toEqual(['validation_failed', 'title']);
  expect(await refused('x', { tags: Array.from({ length: 21 }, (_, i) => i).join(',') })).toEqual([
    'validation_failed',
    'tags',
  ]);
  expect(await refused(Buffer.from([0xff, 0xfe, 0x00]))).toEqual(['validation_failed', 'body']);
  expect((await refused('x'.repeat(65_537)))[0]).toBe('too_large');
  expect(await db.inbox.items.counts(callBy(admin))).toEqual(before);
});

test('an address takes sixty publications a minute', async () => {
  const token = await newAddress();
  for (let i = 0; i < 60; i += 1) await publish(token, `n ${i}`);
  const refused = await refusal(publish(token, 'one more'));
  expect(refused.code).toBe('rate_limited');
  expect(refused.extensions['retry_after']).toBeGreaterThan(0);
});

test('the address ends with its channel', async () => {
  const token = await newAddress();
  await db.around.channels.remove(callBy(admin), channel);
  expect((await refusal(publish(token, 'x'))).code).toBe('not_found');
});
