import { inboxComment } from '@atrium/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { makeItem } from '../../../test/support/make-item.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { noticing, refusal } from '../../../test/support/test-inbox.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { createInboxEventFilter } from './inbox-event-filter.ts';
import { insertItem } from './items-store.ts';

let db: TestSurroundings;
let org: TestOrg;
let ada: Caller;
let bob: Caller;
let stranger: Caller;
let payroll: string;
let hidden: string;
let open: string;

beforeAll(async () => {
  db = await createTestSurroundings();
});
beforeEach(async () => {
  org = await makeOrg(db.pool);
  ada = await org.person('Ada');
  bob = await org.person('Bob');
  stranger = await (await makeOrg(db.pool)).person('Stranger', 'owner');
  payroll = await org.channel('payroll', { mode: 'private', members: [ada] });
  hidden = await itemIn(payroll);
  open = await itemIn(null);
  db.events.length = 0;
});
afterAll(() => db.drop());

const itemIn = async (channel_id: string | null) => {
  db.clock.advance(1000);
  return (await insertItem(db.database.read, makeItem(ada, db.clock.now(), { channel_id }))).row.id;
};
const comment = (caller: Caller, id: string, body: string, mentions: string[] = []) =>
  db.around.comments.add(callBy(caller), inboxComment.input.parse({ id, body, mentions }));
const page = { limit: 50 };

test('mentioning or assigning somebody on an item they do not see is refused with one text for all (situation 34)', async () => {
  const refusals = [];
  for (const id of [bob.id, stranger.id, newId()]) {
    const { code, errors } = await refusal(comment(ada, hidden, 'look', [id]));
    refusals.push({ code, errors });
  }
  expect(new Set(refusals.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(refusals[0]).toEqual({
    code: 'validation_failed',
    errors: [{ path: 'mentions.0', message: 'is nobody who can see this item' }],
  });
  expect((await refusal(db.inbox.lifecycle.assign(callBy(ada), hidden, bob.id))).code).toBe('validation_failed');
  expect((await db.around.comments.list(callBy(ada), { id: hidden, ...page })).items).toEqual([]);
  expect((await refusal(db.around.watchers.watch(callBy(ada), { id: hidden, user_id: bob.id }))).code).toBe(
    'validation_failed',
  );
  expect((await refusal(db.around.watchers.watch(callBy(bob), { id: hidden }))).code).toBe('not_found');
});

test('comments are listed oldest first, and those mentioned follow the item', async () => {
  const first = await comment(ada, open, '  one\u0000 ', [bob.id]);
  expect(first).toMatchObject({ body: 'one\ufffd', author: { type: 'user', id: ada.id, name: 'Ada' } });
  db.clock.advance(1000);
  await comment(bob, open, 'two');
  const one = await db.around.comments.list(callBy(bob), { id: open, limit: 1 });
  const two = await db.around.comments.list(callBy(bob), { id: open, limit: 1, cursor: one.next_cursor! });
  expect([one.items[0]!.body, two.items[0]!.body, two.next_cursor]).toEqual(['one\ufffd', 'two', null]);
  const view = await db.inbox.items.get(callBy(bob), open);
  expect(view).toMatchObject({ watching: true, comment_count: 2 });
  const event = db.events.find((one_) => one_.kind === 'inbox.comment.created')!;
  expect(event.body).toEqual({ item_id: open, author: { type: 'user', id: ada.id, name: 'Ada' }, mentions: [bob.id] });
});

test('nothing below a hidden item answers anything but 404 (situations 30 and 31)', async () => {
  const { comments, watchers, relations, history } = db.around;
  for (const caller of [bob, stranger]) {
    const call = callBy(caller);
    const acts = [
      () => comments.list(call, { id: hidden, ...page }),
      () => comment(caller, hidden, 'x'),
      () => watchers.list(call, { id: hidden, ...page }),
      () => watchers.watch(call, { id: hidden }),
      () => watchers.unwatch(call, { id: hidden }),
      () => relations.list(call, { id: hidden, ...page }),
      () => relations.relate(call, { id: hidden, other_id: open }),
      () => relations.unrelate(call, { id: hidden, other_id: open }),
      () => history.list(call, { id: hidden, ...page }),
      () => db.inbox.responses.list(call, { id: hidden, ...page }),
    ];
    for (const act of acts) expect((await refusal(act())).code).toBe('not_found');
  }
  expect((await refusal(relations.relate(callBy(bob), { id: open, other_id: hidden }))).code).toBe('not_found');
});

test('a link stands on both rows, and unlinking clears both (situation 10)', async () => {
  const other = await itemIn(null);
  const links = async () =>
    (
      await sql<{
        id: string;
        related_to: string[];
      }>`select id, related_to from inbox_items where id = any(${[open, other]}::uuid[]) order by created_at`.execute(
        db.database.read,
      )
    ).rows.map((row) => row.related_to);
  expect((await db.around.relations.relate(callBy(ada), { id: open, other_id: other })).related_to).toEqual([other]);
  await db.around.relations.relate(callBy(ada), { id: other, other_id: open });
  expect(await links()).toEqual([[other], [open]]);
  expect(db.events.map((event) => [event.kind, event.body['changed']])).toEqual([
    ['inbox.item.updated', ['related_to']],
    ['inbox.item.updated', ['related_to']],
  ]);
  expect((await db.around.relations.list(callBy(bob), { id: other, ...page })).items.map((one) => one.id)).toEqual([
    open,
  ]);
  expect((await db.around.relations.unrelate(callBy(ada), { id: other, other_id: open })).related_to).toEqual([]);
  expect(await links()).toEqual([[], []]);
  expect((await refusal(db.around.relations.unrelate(callBy(ada), { id: other, other_id: open }))).code).toBe(
    'not_found',
  );
  expect((await refusal(db.around.relations.relate(callBy(ada), { id: open, other_id: open }))).code).toBe(
    'validation_failed',
  );
});

test('two people linking the same items in both directions at once make one link', async () => {
  const other = await itemIn(null);
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      db.around.relations.relate(
        callBy(ada),
        i % 2 === 0 ? { id: open, other_id: other } : { id: other, other_id: open },
      ),
    ),
  );
  expect((await db.inbox.items.get(callBy(ada), open)).related_to).toEqual([other]);
  expect((await db.inbox.items.get(callBy(ada), other)).related_to).toEqual([open]);
});

test('links to what a reader does not see are absent for that reader, everywhere (situation 30)', async () => {
  await db.around.relations.relate(callBy(ada), { id: open, other_id: hidden });
  expect((await db.inbox.items.get(callBy(ada), open)).related_to).toEqual([hidden]);
  expect((await db.inbox.items.get(callBy(bob), open)).related_to).toEqual([]);
  expect((await db.around.relations.list(callBy(bob), { id: open, ...page })).items).toEqual([]);
  const history = await db.around.history.list(callBy(bob), { id: open, ...page });
  expect(JSON.stringify(history)).not.toContain(hidden);
  const heard = await createInboxEventFilter(db.database).fanOut(db.events.find((one) => one.id === open)!, [bob]);
  expect(JSON.stringify(heard)).not.toContain(hidden);
  expect(await createInboxEventFilter(db.database).fanOut(db.events.find((one) => one.id === hidden)!, [bob])).toEqual([
    null,
  ]);
});

test('people follow and stop; others are taken off by who may write', async () => {
  const viewer = await org.person('Viewer', 'viewer');
  const { watchers } = db.around;
  await watchers.watch(callBy(viewer), { id: open });
  await watchers.watch(callBy(viewer), { id: open });
  db.clock.advance(1);
  await watchers.watch(callBy(ada), { id: open, user_id: bob.id });
  const names = async () => (await watchers.list(callBy(ada), { id: open, ...page })).items.map((one) => one.name);
  expect(await names()).toEqual(['Viewer', 'Bob']);
  expect((await refusal(watchers.unwatch(callBy(viewer), { id: open, user_id: bob.id }))).code).toBe(
    'permission_denied',
  );
  await watchers.unwatch(callBy(ada), { id: open, user_id: viewer.id });
  await watchers.unwatch(callBy(bob), { id: open });
  await watchers.unwatch(callBy(bob), { id: open });
  expect(await names()).toEqual([]);
  const { items } = await db.around.history.list(callBy(ada), { id: open, ...page });
  expect(items.map((entry) => entry.action)).toEqual(['inbox.unwatch', 'inbox.unwatch', 'inbox.watch', 'inbox.watch']);
});

test('an item has at most a hundred watchers', async () => {
  for (let i = 0; i < 101; i += 1) {
    const person = await org.person(`P${i}`);
    if (i < 100) await db.around.watchers.watch(callBy(person), { id: open });
    else expect((await refusal(db.around.watchers.watch(callBy(person), { id: open }))).code).toBe('validation_failed');
  }
});

test('the history of an item is readable by who sees it, pages, and tells no address', async () => {
  const { item } = await db.inbox.creation.create(
    callBy(ada, { ip: '192.0.2.7', user_agent: 'curl' }),
    noticing({ channel: payroll }),
  );
  await comment(ada, item.id, 'a private word');
  const first = await db.around.history.list(callBy(ada), { id: item.id, limit: 1 });
  const rest = await db.around.history.list(callBy(ada), { id: item.id, limit: 1, cursor: first.next_cursor! });
  expect([first.items[0]!.action, rest.items[0]!.action]).toEqual(['inbox.comment', 'inbox.create']);
  expect(rest.items[0]).toMatchObject({ actor: { type: 'user', id: ada.id, name: 'Ada' } });
  expect(JSON.stringify([first, rest])).not.toMatch(/192\.0\.2\.7|curl|a private word/);
});
