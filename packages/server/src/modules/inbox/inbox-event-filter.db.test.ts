import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import {
  approving,
  asking,
  createTestInbox,
  noticing,
  refusal,
  type TestInbox,
} from '../../../test/support/test-inbox.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { StoredEvent } from '../../platform/module.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { createInboxEventFilter } from './inbox-event-filter.ts';
import { inboxResources } from './inbox-mcp.ts';
import * as to from './item-transitions.ts';

let t: TestInbox;
let org: TestOrg;
let [owner, a, b, c, stranger, agent, other]: Caller[] = [];
const create = async (input = noticing(), by = a!) => (await t.inbox.creation.create(callBy(by), input)).item.id;
const filter = () => createInboxEventFilter(t.database);
const since = (mark: number) => t.events.slice(mark);
const hearing = async (event: StoredEvent, receivers: Caller[]) => {
  const bodies = await filter().fanOut(event, receivers);
  return receivers.filter((_, i) => bodies[i] !== null).map((one) => one.name);
};

beforeAll(async () => {
  t = await createTestInbox({ reachable: ['127.0.0.1'] });
  org = await makeOrg(t.pool);
  owner = await org.person('Owner', 'owner');
  [a, b, c] = [await org.person('A'), await org.person('B'), await org.person('C')];
  stranger = await (await makeOrg(t.pool, 'Other')).person('X', 'owner');
  await org.channel('payroll', { mode: 'private', members: [a, c] });
  agent = await org.agent('G', { owner: a });
  other = await org.agent('H');
});
afterAll(() => t.drop());

test('situation 30: nothing about an item of a private channel reaches somebody outside it', async () => {
  const mark = t.events.length;
  const id = await create(approving({}, { channel: 'payroll', title: 'Salaries', tags: ['secret'] }), a!);
  const open = await create(noticing({ title: 'Lunch' }));
  for (const event of since(mark)) {
    expect(await hearing(event, [owner!, a!, b!, stranger!]), event.kind).toEqual(
      event.id === id ? ['A'] : ['Owner', 'A', 'B'],
    );
    for (const caller of [owner!, a!, b!, stranger!]) {
      const [live] = await filter().fanOut(event, [caller]);
      const [replayed] = await filter().replay(caller, [event]);
      expect(replayed, `${event.kind} for ${caller.name}`).toEqual(live);
    }
  }
  const call = callBy(b!);
  const flags = { limit: 200, include_archived: true, include_snoozed: true };
  expect((await t.inbox.items.list(call, flags)).items.map((one) => one.id)).toEqual([open]);
  expect((await t.inbox.items.list(call, { ...flags, q: 'salaries' })).items).toEqual([]);
  expect((await t.inbox.items.list(call, { ...flags, channel: ['payroll'] })).items).toEqual([]);
  expect((await t.inbox.items.counts(call)).all).toBe(1);
  const [hidden, unknown] = [
    await refusal(t.inbox.items.get(call, id)),
    await refusal(t.inbox.items.get(call, newId())),
  ];
  expect({ ...hidden }).toEqual({ ...unknown });
  expect(await refusal(t.inbox.answers.answer(call, { id, reply: { kind: 'accept' } }))).toMatchObject({
    code: 'not_found',
  });
  expect(
    await refusal(inboxResources(t.inbox).read(call, `atrium://inbox/item/${id}`) as Promise<unknown>),
  ).toMatchObject({ code: 'not_found' });
  expect(JSON.stringify(await inboxResources(t.inbox).read(call, 'klaxon/open'))).not.toContain('Salaries');
});

test('situation 31: another organisation gets the same 404 from every act, and no row changes', async () => {
  const id = await create(asking());
  const call = callBy(stranger!);
  const before = (await t.pool.query('select * from inbox_items where id = $1', [id])).rows;
  const acts: (() => Promise<unknown>)[] = [
    () => t.inbox.items.get(call, id),
    () => t.inbox.items.update(call, { id, title: 'Mine' }),
    () => t.inbox.waits.wait(call, id, 1, null),
    () => t.inbox.waits.takeOutcome(call, id),
    () => t.inbox.answers.answer(call, { id, values: { ok: true } }),
    () => t.inbox.answers.correct(call, { id, values: { ok: true } }),
    () => t.inbox.lifecycle.ack(call, id),
    () => t.inbox.lifecycle.claim(call, id),
    () => t.inbox.lifecycle.assign(call, id, a!.id),
    () => t.inbox.lifecycle.delegate(call, { id, to: a!.id }),
    () => t.inbox.lifecycle.remove(call, id, to.remove),
    () => t.inbox.drafts.get(call, id),
    () => t.inbox.drafts.save(call, { id, values: {}, page: null }),
    () => t.inbox.responses.list(call, { id, limit: 50 }),
    () => t.inbox.actions.press(call, { id, action_id: 'x' }),
    ...[
      to.dismiss,
      to.withdraw(undefined),
      to.unsnooze,
      to.restore,
      to.archive,
      to.unarchive,
      to.pin,
      to.unpin,
      to.release,
    ].map((transition) => () => t.inbox.lifecycle.act(call, id, 'test', transition)),
  ];
  for (const act of acts) expect(await refusal(act())).toMatchObject({ code: 'not_found' });
  expect(await t.inbox.bulk.run(call, { ids: [id], op: 'dismiss', args: {} })).toEqual({
    changed: [],
    not_found: [id],
    failed: [],
  });
  expect((await t.pool.query('select * from inbox_items where id = $1', [id])).rows).toEqual(before);
});

test('situation 32: who is taken out of a channel hears nothing from the next event on, live or replayed', async () => {
  const channel = await org.channel('leaving', { mode: 'private', members: [a!, b!] });
  const mark = t.events.length;
  await create(noticing({ channel: 'leaving' }));
  expect(await hearing(since(mark)[0]!, [b!])).toEqual(['B']);
  await t.pool.query('delete from inbox_channel_members where channel_id = $1 and user_id = $2', [channel, b!.id]);
  await create(noticing({ channel: 'leaving' }));
  for (const event of since(mark)) expect(await hearing(event, [b!, a!])).toEqual(['A']);
  expect(await filter().replay(b!, since(mark))).toEqual(since(mark).map(() => null));
});

test('events of a deleted item still reach who could see it, and a token without the scope hears nothing', async () => {
  const id = await create();
  await t.inbox.lifecycle.remove(callBy(a!), id, to.remove);
  const event = t.events.at(-1)!;
  expect(event.kind).toBe('inbox.item.deleted');
  expect(
    await hearing(event, [b!, agent!, { ...b!, name: 'narrow', scopes: ['org:read'] }, systemCaller({ id: org.id })]),
  ).toEqual(['B', 'Atrium']);
});

test('an agent hears of its own items only, unless its scope is wider', async () => {
  const mark = t.events.length;
  await create(noticing(), agent!);
  expect(await hearing(since(mark)[0]!, [agent!, other!, b!])).toEqual(['G', 'B']);
});

test('situation 55: of 200 ids 150 change, 50 are not found, and the event names only what its receiver sees', async () => {
  const visible = await Promise.all(Array.from({ length: 100 }, () => create()));
  const members = await Promise.all(Array.from({ length: 50 }, () => create(noticing({ channel: 'payroll' }))));
  const hidden = await org.channel('hidden', { mode: 'private', members: [b!] });
  const unseen = await Promise.all(Array.from({ length: 50 }, () => create(noticing({ channel: hidden }), b!)));
  const result = await t.inbox.bulk.run(callBy(c!), {
    ids: [...visible, ...unseen, ...members],
    op: 'dismiss',
    args: {},
  });
  expect(result.changed.toSorted()).toEqual([...visible, ...members].toSorted());
  expect(result.not_found.toSorted()).toEqual(unseen.toSorted());
  const event = t.events.at(-1)!;
  const [forB, forA, forStranger] = await filter().fanOut(event, [b!, a!, stranger!]);
  expect((forB!['ids'] as string[]).toSorted()).toEqual(visible.toSorted());
  expect(forA?.['ids']).toHaveLength(150);
  expect(forStranger).toBeNull();
  expect(await filter().replay(b!, [event])).toEqual([forB]);
});

test('a bulk act says of each item why it failed, and wakes who waits for one of them', async () => {
  const question = await create(asking(), agent!);
  const closed = await create();
  await t.inbox.lifecycle.act(callBy(a!), closed, 'test', to.dismiss);
  const waiting = t.inbox.waits.wait(callBy(agent!), question, 30, null);
  const result = await t.inbox.bulk.run(callBy(a!), { ids: [question, closed], op: 'dismiss', args: {} });
  expect(result).toMatchObject({ changed: [question], failed: [{ id: closed, code: 'item_closed' }] });
  expect((await waiting).status).toBe('dismissed');
  const approvals = await Promise.all([1, 2].map(() => create(approving(), agent!)));
  expect(
    (await t.inbox.bulk.run(callBy(a!), { ids: [...approvals, closed], op: 'approve', args: {} })).changed.toSorted(),
  ).toEqual(approvals.toSorted());
  const viewer = callBy({ ...b!, permissions: ['items.read', 'items.write'] });
  expect(
    await refusal(Promise.resolve().then(() => t.inbox.bulk.run(viewer, { ids: [closed], op: 'archive', args: {} }))),
  ).toMatchObject({ code: 'permission_denied' });
});

test('situation 33: channels of a deleted team become private with its people, and only Owners and Admins are told', async () => {
  const team = await org.team('Platform', [b!]);
  const channel = await org.channel('platform', { team_id: team });
  const inner = await org.channel('inner-platform', { mode: 'private', team_id: team, members: [c!] });
  const item = await create(noticing({ channel: 'platform', title: 'Team talk' }), b!);
  const mark = t.events.length;
  await t.database.transaction(callBy(owner!), async (tx) => {
    const facts = { id: team, org_id: org.id, name: 'Platform', member_ids: [b!.id] };
    await t.inbox.hooks.teamDeleting(tx, callBy(owner!), facts);
  });
  expect((await t.inbox.items.get(callBy(b!), item)).id).toBe(item);
  for (const outsider of [owner!, a!])
    expect(await refusal(t.inbox.items.get(callBy(outsider), item))).toMatchObject({ code: 'not_found' });
  const modes = await t.pool.query('select id, mode, team_id from inbox_channels where id = any($1) order by id', [
    [channel, inner],
  ]);
  expect(modes.rows).toEqual([channel, inner].toSorted().map((id) => ({ id, mode: 'private', team_id: null })));
  const members = await t.pool.query('select user_id from inbox_channel_members where channel_id = $1', [inner]);
  expect(members.rows.map((row) => row.user_id)).toEqual([c!.id]);
  const notice = since(mark).find((event) => event.kind === 'inbox.item.created')!;
  expect(await hearing(notice, [owner!, a!, b!, c!])).toEqual(['Owner']);
});

test('an org begins with the channel general', async () => {
  const fresh = await makeOrg(t.pool, 'Fresh');
  const person = await fresh.person('P', 'owner');
  await t.database.transaction(callBy(person), (tx) => t.inbox.hooks.orgCreated(tx, { id: fresh.id }));
  expect((await create(noticing({ channel: 'general' }), person)).length).toBe(36);
});

test('situation 40: an http button is sent after the press is recorded, and an inner address is refused', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['x-k']}`);
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('moved');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const actions = [
    { kind: 'http' as const, id: 'go', label: 'Go', url: `http://127.0.0.1:${port}/hook`, headers: { 'X-K': 'v' } },
    { kind: 'http' as const, id: 'metadata', label: 'No', url: 'http://169.254.169.254/latest' },
    { kind: 'run_tool' as const, id: 'tool', label: 'Tool', tool: 'deploy', arguments: { env: 'prod' } },
  ];
  const id = await create(noticing({ actions }));
  const pressed = await t.inbox.actions.press(callBy(a!), { id, action_id: 'go' });
  expect(pressed.http).toEqual({ status: 302, body: 'moved' });
  expect(seen).toEqual(['POST /hook v']);
  expect(await refusal(t.inbox.actions.press(callBy(a!), { id, action_id: 'metadata' }))).toMatchObject({
    code: 'validation_failed',
  });
  expect((await t.inbox.actions.press(callBy(a!), { id, action_id: 'tool' })).run_tool).toEqual({
    tool: 'deploy',
    arguments: { env: 'prod' },
  });
  const lines = await t.pool.query(
    "select details from core_audit where item_id = $1 and action = 'inbox.action.http' order by seq",
    [id],
  );
  expect(lines.rows.map((row) => row.details)).toEqual([
    { action: 'go', status: 302 },
    { action: 'metadata', failed: 'refused' },
  ]);
  await new Promise((resolve) => server.close(resolve));
});
