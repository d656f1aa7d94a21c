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
import type { Caller } from '../../platform/operations/caller.ts';
import * as to from './item-transitions.ts';

let t: TestInbox;
let org: TestOrg;
let [a, b, c, agent]: Caller[] = [];
const create = async (input = noticing(), by = agent!) => (await t.inbox.creation.create(callBy(by), input)).item.id;
const view = (id: string, by = a!) => t.inbox.items.get(callBy(by), id);
const act = (id: string, transition: to.Transition, by = a!) =>
  t.inbox.lifecycle.act(callBy(by), id, 'test', transition);
const kindsOf = (id: string) =>
  t.events.filter((event) => event.id === id).map((event) => event.kind.replace('inbox.item.', ''));
const later = (ms: number) => new Date(t.clock.now().getTime() + ms);
const jobs = async (id: string) =>
  (
    await t.pool.query(
      "select workflow_uuid as id, status from dbos.workflow_status where workflow_uuid like '%' || $1 || '%' order by 1",
      [id],
    )
  ).rows.map((row) => row.id.replace(id, '*'));

beforeAll(async () => {
  t = await createTestInbox({ limits: { per_principal: 20, progress_ms: 20 } });
  org = await makeOrg(t.pool);
  [a, b, c] = [await org.person('A'), await org.person('B'), await org.person('C')];
  agent = await org.agent('G', { owner: a });
});
afterAll(() => t.drop());

test('timers are jobs of the same transaction, with ids that cannot start twice', async () => {
  const id = await create(
    asking({
      ttl_ms: 60_000,
      deadline_at: later(50_000).toISOString(),
      reminders_s: [10, 20],
      escalation: [{ after_s: 5, to: { kind: 'user', id: b!.id } }],
    }),
  );
  expect(await jobs(id)).toEqual(['inbox-escalate-*-1-0', 'inbox-expire-*-1', 'inbox-remind-*-1-0']);
  await act(id, to.snooze(later(1000)));
  expect(await jobs(id)).toContain('inbox-snooze-*-1');
});

test('situation 10: a snoozed item leaves the lists, comes back with one event, and pins, tags and moves', async () => {
  const id = await create(noticing({ title: 'Snoozer' }));
  const list = async (include_snoozed: boolean) =>
    (
      await t.inbox.items.list(callBy(a!), { q: 'snoozer', limit: 50, include_archived: false, include_snoozed })
    ).items.map((one) => one.id);
  await act(id, to.snooze(later(60_000)));
  expect(await list(false)).toEqual([]);
  expect(await list(true)).toEqual([id]);
  expect((await t.inbox.items.counts(callBy(a!))).snoozed).toBe(2);
  t.clock.advance(60_000);
  await Promise.all([
    t.inbox.timers.sweepDue(),
    t.inbox.timers.wake({ org_id: org.id, item_id: id, snooze_generation: 1 }),
  ]);
  expect(await list(false)).toEqual([id]);
  expect(kindsOf(id)).toEqual(['created', 'snoozed', 'woken']);
  expect((await act(id, to.pin)).pinned_at).not.toBeNull();
  expect((await t.inbox.items.update(callBy(a!), { id, tags: ['x', 'x', 'y'] })).tags).toEqual(['x', 'y']);
});

test('situation 19: timers of earlier lives change nothing in a later one', async () => {
  const id = await create(asking({ ttl_ms: 1000, escalation: [{ after_s: 1, to: { kind: 'user', id: b!.id } }] }));
  for (const life of [1, 2]) {
    t.clock.advance(1000);
    await t.inbox.timers.expire({ org_id: org.id, item_id: id, generation: life });
    expect((await view(id)).status).toBe('expired');
    expect((await act(id, to.restore)).generation).toBe(life + 1);
  }
  for (const generation of [1, 2]) {
    await t.inbox.timers.expire({ org_id: org.id, item_id: id, generation });
    await t.inbox.timers.escalate({ org_id: org.id, item_id: id, generation, step: 0 });
  }
  // Even the timer of this life does nothing before its time.
  await t.inbox.timers.expire({ org_id: org.id, item_id: id, generation: 3 });
  expect(await view(id)).toMatchObject({ status: 'open', generation: 3, escalated_steps: 0 });
});

test('situation 22: the sweep does what fell due while nobody ran, once, and waiting agents hear of it', async () => {
  const expiring = await Promise.all(Array.from({ length: 10 }, () => create(asking({ ttl_ms: 10_000 }))));
  const snoozed = await Promise.all(Array.from({ length: 3 }, () => create(asking())));
  for (const id of snoozed) await act(id, to.snooze(later(10_000)));
  const reminded = await create(asking({ deadline_at: later(20_000).toISOString(), reminders_s: [10] }));
  t.clock.advance(3_600_000);
  const waiting = t.inbox.waits.wait(callBy(agent!), expiring[0]!, 30, null);
  await Promise.all([t.inbox.timers.sweepDue(), t.inbox.timers.sweepDue()]);
  expect((await waiting).status).toBe('expired');
  for (const id of expiring) expect(kindsOf(id).filter((kind) => kind === 'expired')).toHaveLength(1);
  for (const id of snoozed) expect(kindsOf(id).filter((kind) => kind === 'woken')).toHaveLength(1);
  expect(kindsOf(reminded).filter((kind) => kind === 'reminded')).toHaveLength(1);
});

test('situation 50: an escalation reaches person, team and channel in turn, and an answer ends it', async () => {
  const team = await org.team('Night', [b!, c!]);
  const channel = await org.channel('incidents', { members: [c!] });
  const escalation = [
    { after_s: 60, to: { kind: 'user' as const, id: b!.id } },
    { after_s: 120, to: { kind: 'team' as const, id: team } },
    { after_s: 180, to: { kind: 'channel' as const, id: channel } },
  ];
  const id = await create(approving({}, { escalation, on_timeout: 'escalate', ttl_ms: 30_000 }));
  const answered = await create(approving({}, { escalation, on_timeout: 'escalate', ttl_ms: 30_000 }));
  const steps: unknown[] = [];
  for (let minute = 1; minute <= 3; minute += 1) {
    t.clock.advance(60_000);
    await t.inbox.timers.sweepDue();
    const { escalated_steps, status, assignee } = await view(id);
    steps.push([escalated_steps, status, assignee?.name]);
    if (minute === 1) await t.inbox.answers.answer(callBy(c!), { id: answered, reply: { kind: 'accept' } });
  }
  expect(steps).toEqual([
    [1, 'open', 'B'],
    [2, 'open', 'B'],
    [3, 'open', 'B'],
  ]);
  const reached = t.events
    .filter((event) => event.id === id && event.kind === 'inbox.item.escalated')
    .map((event) => (event.body['reached'] as string[]).toSorted());
  expect(reached).toEqual([[b!.id], [b!.id, c!.id].toSorted(), [c!.id]]);
  t.clock.advance(30_000);
  await t.inbox.timers.sweepDue();
  expect(await t.inbox.waits.takeOutcome(callBy(agent!), id)).toMatchObject({
    status: 'expired',
    decision: 'deny',
    source: 'timeout',
  });
  expect(await view(answered)).toMatchObject({ status: 'answered', escalated_steps: 1 });
});

test('a person who lost sight of the item is not brought in by an escalation', async () => {
  const channel = await org.channel('inner', { mode: 'private', members: [a!, b!] });
  const id = await create(asking({ channel, escalation: [{ after_s: 60, to: { kind: 'user', id: b!.id } }] }), a!);
  await t.pool.query('delete from inbox_channel_members where channel_id = $1 and user_id = $2', [channel, b!.id]);
  t.clock.advance(60_000);
  await t.inbox.timers.sweepDue();
  expect(await view(id)).toMatchObject({ escalated_steps: 1, assignee: null });
});

test('what was answered long ago is archived, pinned things stay', async () => {
  const [old, pinned] = [await create(asking()), await create(asking())];
  for (const id of [old, pinned]) await t.inbox.answers.answer(callBy(a!), { id, values: { ok: true } });
  await act(pinned, to.pin);
  t.clock.advance(31 * 86_400_000);
  await t.inbox.timers.sweepOld();
  expect((await view(old)).archived_at).not.toBeNull();
  expect((await view(pinned)).archived_at).toBeNull();
});

test('a life has its rules: answered is final, only who asked takes back, a claim is held for two minutes', async () => {
  const id = await create(asking());
  await t.inbox.lifecycle.claim(callBy(a!), id);
  expect(await refusal(t.inbox.lifecycle.claim(callBy(b!), id))).toMatchObject({ code: 'already_claimed' });
  t.clock.advance(120_001);
  expect((await t.inbox.lifecycle.claim(callBy(b!), id)).claimed_by?.name).toBe('B');
  expect(await refusal(act(id, to.withdraw(undefined), b!))).toMatchObject({ code: 'permission_denied' });
  expect((await t.inbox.lifecycle.delegate(callBy(b!), { id, to: c!.id, note: 'please' })).assignee?.name).toBe('C');
  await t.inbox.answers.answer(callBy(c!), { id, values: { ok: true } });
  expect(await refusal(act(id, to.restore))).toMatchObject({
    code: 'invalid_transition',
    extensions: { item_status: 'answered' },
  });
  expect(await refusal(act(id, to.dismiss))).toMatchObject({ code: 'item_closed' });
});

test('a deleted item is gone for everybody, and who waits for it gets an end', async () => {
  const id = await create(asking());
  const held = Promise.withResolvers<void>();
  const waiting = t.inbox.waits.wait(callBy(agent!, { progress: () => held.resolve() }), id, 30, null);
  await held.promise;
  await t.inbox.lifecycle.remove(callBy(a!), id, to.remove);
  expect((await waiting).status).toBe('withdrawn');
  expect(await refusal(view(id))).toMatchObject({ code: 'not_found' });
});
