import { channelsCreate, channelsUpdate, type InputOf } from '@atrium/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { makeItem } from '../../../test/support/make-item.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { noticing, refusal } from '../../../test/support/test-inbox.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { createInboxEventFilter } from './inbox-event-filter.ts';
import { insertItem } from './items-store.ts';

let db: TestSurroundings;
let org: TestOrg;
let owner: Caller;
let admin: Caller;
let ada: Caller;
let bob: Caller;
let stranger: Caller;
let agent: Caller;

const page = { limit: 50 };
const create = (caller: Caller, input: InputOf<typeof channelsCreate>, call: Partial<Call> = {}) =>
  db.around.channels.create(callBy(caller, call), channelsCreate.input.parse(input));
const update = (caller: Caller, input: InputOf<typeof channelsUpdate>) =>
  db.around.channels.update(callBy(caller), channelsUpdate.input.parse(input));
const namesFor = async (caller: Caller) =>
  (await db.around.channels.list(callBy(caller), page)).items.map((channel) => channel.name);
const codeOf = async (act: Promise<unknown>) => (await refusal(act)).code;
const itemIn = async (creator: Caller, channel_id: string | null, parts = {}) =>
  (await insertItem(db.database.read, makeItem(creator, db.clock.now(), { channel_id, ...parts }))).row.id;
const audited = async (action: string) =>
  (
    await sql<{
      details: object;
    }>`select details from core_audit where org_id = ${org.id} and action = ${action}`.execute(db.database.read)
  ).rows;

beforeAll(async () => {
  db = await createTestSurroundings();
});
beforeEach(async () => {
  org = await makeOrg(db.pool);
  const other = await makeOrg(db.pool, 'Other');
  [owner, admin, ada, bob, stranger] = (await Promise.all([
    org.person('Owner', 'owner'),
    org.person('Admin', 'admin'),
    org.person('Ada'),
    org.person('Bob'),
    other.person('Stranger', 'owner'),
  ])) as [Caller, Caller, Caller, Caller, Caller];
  agent = await org.agent('agent');
  db.events.length = 0;
});
afterAll(() => db.drop());

test('who makes a private channel is in it, and nobody else sees it (situation 30)', async () => {
  const payroll = await create(admin, { name: 'payroll', mode: 'private', members: [ada.id] });
  expect(payroll).toMatchObject({ name: 'payroll', mode: 'private', members: 2, can_manage: true, open_items: 0 });
  expect(await namesFor(admin)).toEqual(['payroll']);
  expect(await namesFor(ada)).toEqual(['payroll']);
  expect(await namesFor(owner)).toEqual([]);
  expect(await namesFor(bob)).toEqual([]);
  const hidden = await refusal(db.around.channels.get(callBy(bob), payroll.id));
  const unknown = await refusal(db.around.channels.get(callBy(bob), newId()));
  expect([hidden.code, (hidden as unknown as Error).message]).toEqual([
    unknown.code,
    (unknown as unknown as Error).message,
  ]);
  expect(await audited('channels.create')).toHaveLength(1);
  expect(db.events.map((event) => event.kind)).toEqual(['inbox.channel.updated']);
});

test('every operation on a hidden or foreign channel answers 404 and changes nothing (situations 30 and 31)', async () => {
  const { id } = await create(admin, { name: 'payroll', mode: 'private' });
  const { channels, members, rules, publish } = db.around;
  for (const caller of [owner, stranger]) {
    const call = callBy(caller);
    const acts = [
      () => channels.get(call, id),
      () => update(caller, { id, name: 'mine' }),
      () => channels.remove(call, id),
      () => members.list(call, { id, ...page }),
      () => members.add(call, { id, user_id: caller.id }),
      () => members.remove(call, { id, user: admin.id }),
      () => rules.get(call, id),
      () => rules.update(call, { id, muted: true }),
      () => publish.createToken(call, id),
      () => publish.revokeToken(call, id),
    ];
    for (const act of acts) expect(await codeOf(act())).toBe('not_found');
  }
  expect(await channels.get(callBy(admin), id)).toMatchObject({ name: 'payroll', members: 1 });
});

test('a name is taken once an organisation, whatever its letters', async () => {
  await create(admin, { name: 'deploys' });
  expect(await codeOf(create(admin, { name: 'deploys' }))).toBe('name_taken');
  await create(stranger, { name: 'deploys' });
  const other = await create(admin, { name: 'other' });
  expect(await codeOf(update(admin, { id: other.id, name: 'deploys' }))).toBe('name_taken');
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => create(admin, { name: 'race' })));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});

test('members must be people of the organisation, teams must be seen by who names them', async () => {
  const team = await org.team('Platform', [ada]);
  const refused = await refusal(
    create(admin, { name: 'a', mode: 'private', members: [bob.id, stranger.id, agent.id] }),
  );
  expect(refused).toMatchObject({ code: 'validation_failed', errors: [{ path: 'members.1' }, { path: 'members.2' }] });
  expect(await codeOf(create(bob, { name: 'b', team_id: team }))).toBe('not_found');
  expect(await codeOf(create(stranger, { name: 'b', team_id: team }))).toBe('not_found');
  expect(await create(ada, { name: 'b', team_id: team })).toMatchObject({
    team: { id: team, name: 'Platform' },
    members: 1,
  });
  expect(await codeOf(create(agent, { name: 'c', mode: 'private' }))).toBe('validation_failed');
  expect(await namesFor(bob)).toEqual([]);
  expect(await namesFor(owner)).toEqual(['b']);
});

test('a member who is taken out loses sight at once, in lists and in events (situation 32)', async () => {
  const { id } = await create(admin, { name: 'payroll', mode: 'private', members: [bob.id] });
  const item = await itemIn(admin, id, { assignee_id: bob.id });
  const { items } = db.inbox;
  expect((await items.get(callBy(bob), item)).id).toBe(item);
  await db.around.members.remove(callBy(admin), { id, user: bob.id });
  expect(await codeOf(items.get(callBy(bob), item))).toBe('not_found');
  expect(await namesFor(bob)).toEqual([]);
  expect((await items.get(callBy(admin), item)).assignee).toBeNull();
  db.events.length = 0;
  const { item: next } = await db.inbox.creation.create(callBy(admin), noticing({ channel: id }));
  const filter = createInboxEventFilter(db.database);
  const event = db.events.find((one) => one.id === next.id && one.kind === 'inbox.item.created')!;
  const bodies = await filter.fanOut(event, [admin, bob]);
  expect(bodies.map((body) => body !== null)).toEqual([true, false]);
  expect(await filter.replay(bob, [event])).toEqual([null]);
});

test('people leave by themselves, others are taken out by who may manage, and the last one stays', async () => {
  const { id } = await create(admin, { name: 'talk', mode: 'private', members: [ada.id, bob.id] });
  expect(await codeOf(db.around.members.remove(callBy(ada), { id, user: bob.id }))).toBe('permission_denied');
  await db.around.members.remove(callBy(bob), { id, user: bob.id });
  await db.around.members.remove(callBy(ada), { id, user: ada.id });
  expect(await codeOf(db.around.members.remove(callBy(admin), { id, user: admin.id }))).toBe('in_use');
  expect(await codeOf(db.around.members.remove(callBy(admin), { id, user: bob.id }))).toBe('not_found');
  expect((await db.around.members.list(callBy(admin), { id, ...page })).items).toMatchObject([{ user_id: admin.id }]);
  const again = await db.around.members.add(callBy(admin), { id, user_id: bob.id });
  expect(await db.around.members.add(callBy(admin), { id, user_id: bob.id })).toEqual(again);
  expect(await codeOf(db.around.members.add(callBy(admin), { id, user_id: stranger.id }))).toBe('not_found');
});

test('closing an open channel keeps who closed it in it; what others saw is gone for them', async () => {
  const { id } = await create(admin, { name: 'talk' });
  const item = await itemIn(agent, id);
  expect((await db.inbox.items.get(callBy(bob), item)).id).toBe(item);
  expect(await update(admin, { id, mode: 'private' })).toMatchObject({ mode: 'private', members: 1 });
  expect(await codeOf(db.inbox.items.get(callBy(bob), item))).toBe('not_found');
  expect((await db.inbox.items.get(callBy(admin), item)).id).toBe(item);
  expect((await db.inbox.items.get(callBy(agent), item)).id).toBe(item);
});

test('items of a deleted channel are archived and stay with those who saw them; its name is free again', async () => {
  const { id } = await create(admin, { name: 'payroll', mode: 'private', members: [ada.id] });
  const item = await itemIn(admin, id);
  await db.around.channels.remove(callBy(admin), id);
  expect(await namesFor(admin)).toEqual([]);
  const view = await db.inbox.items.get(callBy(ada), item);
  expect(view).toMatchObject({ channel: { id, name: 'payroll' }, status: 'open' });
  expect(view.archived_at).not.toBeNull();
  expect(await codeOf(db.inbox.items.get(callBy(bob), item))).toBe('not_found');
  expect(await codeOf(db.inbox.items.get(callBy(owner), item))).toBe('not_found');
  const again = await create(bob, { name: 'payroll' });
  expect(again.open_items).toBe(0);
  expect(await codeOf(db.inbox.items.get(callBy(bob), item))).toBe('not_found');
  expect(await codeOf(db.inbox.creation.create(callBy(ada), noticing({ channel: id })))).toBe('channel_not_found');
  const deleted = db.events.find((event) => event.kind === 'inbox.channel.deleted')!;
  const heard = await createInboxEventFilter(db.database).fanOut(deleted, [ada, bob]);
  expect(heard).toEqual([{ name: 'payroll', archived_items: 1 }, null]);
});

test('a deleted team leaves its channel private with the former team, and tells Owners and Admins alone (situation 33)', async () => {
  const team = await org.team('Platform', [ada]);
  const { id } = await create(admin, { name: 'deploys', team_id: team });
  const item = await itemIn(agent, id);
  await db.database.transaction(callBy(admin), (tx) =>
    db.inbox.hooks.teamDeleting(tx, callBy(admin), {
      id: team,
      org_id: org.id,
      name: 'Platform',
      member_ids: [ada.id],
    }),
  );
  await db.pool.query('delete from identity_teams where id = $1', [team]);
  expect((await db.inbox.items.get(callBy(ada), item)).id).toBe(item);
  for (const outsider of [bob, owner, admin, stranger]) {
    expect(await codeOf(db.inbox.items.get(callBy(outsider), item))).toBe('not_found');
  }
  const noticesOf = async (caller: Caller) =>
    (await db.inbox.items.list(callBy(caller), { include_archived: false, include_snoozed: false, limit: 50 })).items;
  expect(await noticesOf(owner)).toMatchObject([{ level: 'warning', created_by: { type: 'system' } }]);
  expect(await noticesOf(admin)).toHaveLength(1);
  expect(await noticesOf(bob)).toEqual([]);
  const [kept] = (await db.around.channels.list(callBy(owner), page)).items;
  expect(kept).toMatchObject({ mode: 'private', can_manage: false });
  expect(await codeOf(update(owner, { id: kept!.id, mode: 'open' }))).toBe('permission_denied');
  expect(await codeOf(db.around.members.add(callBy(owner), { id: kept!.id, user_id: bob.id }))).toBe(
    'permission_denied',
  );
});

test('the list pages by name, counts what is open and visible, and finds a part of a name', async () => {
  for (const name of ['c', 'a', 'b', 'ops.alerts']) await create(admin, { name });
  const first = await db.around.channels.list(callBy(bob), { limit: 3 });
  expect(first.items.map((one) => one.name)).toEqual(['a', 'b', 'c']);
  const rest = await db.around.channels.list(callBy(bob), { limit: 3, cursor: first.next_cursor! });
  expect(rest).toMatchObject({ items: [{ name: 'ops.alerts' }], next_cursor: null });
  expect((await db.around.channels.list(callBy(bob), { ...page, q: 'ALERT' })).items).toHaveLength(1);
  expect(await codeOf(db.around.channels.list(callBy(bob), { limit: 3, cursor: 'x' }))).toBe('bad_request');
  const { id } = first.items[0]!;
  await itemIn(admin, id);
  await itemIn(admin, id, { status: 'answered' });
  await itemIn(admin, id, { archived_at: db.clock.now() });
  await itemIn(agent, id);
  const openFor = async (caller: Caller) => (await db.around.channels.get(callBy(caller), id)).open_items;
  expect(await openFor(bob)).toBe(2);
  expect(await openFor(agent)).toBe(1);
});

test('preferences are one person’s own and begin as nothing special', async () => {
  const { id } = await create(admin, { name: 'a' });
  await db.around.rules.update(callBy(bob), { id, muted: true, min_level: 'error' });
  await db.around.rules.update(callBy(bob), { id, email_digest: true });
  expect(await db.around.rules.get(callBy(bob), id)).toEqual({
    muted: true,
    min_level: 'error',
    sound: 'default',
    email_enabled: false,
    email_digest: true,
  });
  expect(await db.around.rules.get(callBy(ada), id)).toMatchObject({ muted: false, min_level: 'info' });
  expect((await db.around.channels.get(callBy(bob), id)).rules.muted).toBe(true);
});

test('making a channel again with the same Idempotency-Key gives the first one', async () => {
  const idempotency = { key: 'k', operation: 'channels.create', request_hash: 'h' };
  const first = await create(admin, { name: 'once' }, { idempotency });
  expect(await create(admin, { name: 'once' }, { idempotency })).toEqual(first);
});
