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
import { AppError } from '../../platform/errors/app-error.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { dismiss } from './item-transitions.ts';

let t: TestInbox;
let org: TestOrg;
let [a, b, agent]: Caller[] = [];
let payroll: string;
let left = Number.POSITIVE_INFINITY;
let metered = 0;
const create = (input = noticing(), by = agent!) => t.inbox.creation.create(callBy(by), input);
const count = async (query: string, values: unknown[]) => Number((await t.pool.query(query, values)).rows[0].count);

beforeAll(async () => {
  t = await createTestInbox({
    max: 25,
    parts: {
      meterNotification: async () => {
        if (left <= 0)
          throw new AppError('plan_limit_exceeded', 'used up', { extensions: { limit: 'monthly_notifications' } });
        left -= 1;
        metered += 1;
      },
    },
  });
  org = await makeOrg(t.pool);
  [a, b] = [await org.person('A'), await org.person('B')];
  agent = await org.agent('G', { owner: a });
  payroll = await org.channel('payroll', { mode: 'private', members: [a] });
  await org.channel('deploys');
});
afterAll(() => t.drop());

test('situation 2: a title is enough', async () => {
  const { item } = await create(noticing({ title: 'Built' }));
  expect(await t.inbox.items.get(callBy(b!), item.id)).toMatchObject({
    title: 'Built',
    level: 'info',
    status: 'open',
    kind: 'notice',
    channel: null,
  });
  expect(t.events.at(-1)).toMatchObject({
    kind: 'inbox.item.created',
    id: item.id,
    body: { status: 'open', title: 'Built' },
  });
});

test('an item keeps with what credential it was asked, for the line that says so', async () => {
  const by = (kind: Caller['credential']['kind']): Caller => ({
    ...agent!,
    credential: { kind, id: null, expires_at: null },
  });
  const seen = async (kind: Caller['credential']['kind']) =>
    (await t.inbox.items.get(callBy(b!), (await create(noticing(), by(kind))).item.id)).asked_with;
  expect(await seen('api_key')).toBe('api_key');
  expect(await seen('access_token')).toBe('access_token');
  expect(await seen('session')).toBe('session');
  expect(await seen('internal')).toBeNull();
});

test('situation 5: repeating a call by its key gives the same item, one unit of quota, and the answer if it came', async () => {
  const input = asking({ idempotency_key: 'k1', state: 'opaque \u0000'.slice(0, 6) });
  const before = metered;
  const first = await t.inbox.asking.ask(callBy(agent!), input);
  await t.inbox.answers.answer(callBy(a!), { id: first.id, values: { ok: true } });
  const again = await t.inbox.asking.ask(callBy(agent!), { ...input, wait_s: 30 });
  expect(again).toMatchObject({ id: first.id, outcome: { status: 'answered', values: { ok: true }, state: 'opaque' } });
  expect(metered - before).toBe(1);
});

test('situation 5: twenty calls with one key at once make one item', async () => {
  const before = metered;
  const made = await Promise.all(Array.from({ length: 20 }, () => create(noticing({ idempotency_key: 'storm' }))));
  expect(new Set(made.map((one) => one.item.id)).size).toBe(1);
  expect(made.filter((one) => one.fresh)).toHaveLength(1);
  expect(metered - before).toBe(1);
});

test('situation 6: the same key with another title is refused and creates nothing', async () => {
  await create(noticing({ idempotency_key: 'k2' }));
  const before = await count('select count(*) from inbox_items', []);
  expect(await refusal(create(noticing({ idempotency_key: 'k2', title: 'Other' })))).toMatchObject({
    code: 'idempotency_key_reused',
  });
  expect(await count('select count(*) from inbox_items', [])).toBe(before);
  expect((await create(noticing({ idempotency_key: 'k2' }), a!)).fresh).toBe(true);
});

test('situation 8: an unknown field type and a pattern that does not compile are refused', async () => {
  const bad = { fields: [{ type: 'text', id: 'x', pattern: '(' }] } as never;
  expect(await refusal(create({ ...noticing(), form: bad }))).toMatchObject({ code: 'validation_failed' });
  const hologram = { fields: [{ type: 'hologram', id: 'x' }] } as never;
  expect(await refusal(create({ ...noticing(), form: hologram }))).toMatchObject({ code: 'validation_failed' });
});

test('situation 18: twenty identical alerts at once are one item with twenty occurrences', async () => {
  const before = metered;
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) => create(noticing({ dedupe_key: 'disk', level: n === 7 ? 'error' : 'info' }))),
  );
  expect(new Set(made.map((one) => one.item.id)).size).toBe(1);
  const id = made[0]!.item.id;
  expect(await t.inbox.items.get(callBy(a!), id)).toMatchObject({ occurrences: 20, level: 'error' });
  expect(t.events.filter((event) => event.id === id && event.kind === 'inbox.item.created')).toHaveLength(1);
  expect(metered - before).toBe(1);
});

test('a folded call that is repeated under its key is not counted twice, and a closed item is not folded into', async () => {
  const first = await create(noticing({ dedupe_key: 'd2' }));
  await create(noticing({ dedupe_key: 'd2', idempotency_key: 'f1' }));
  await create(noticing({ dedupe_key: 'd2', idempotency_key: 'f1' }));
  expect((await t.inbox.items.get(callBy(a!), first.item.id)).occurrences).toBe(2);
  await t.inbox.lifecycle.act(callBy(a!), first.item.id, 'inbox.dismiss', dismiss);
  expect((await create(noticing({ dedupe_key: 'd2' }))).item.id).not.toBe(first.item.id);
});

test('an unknown or hidden channel gives channel_not_found with near matches that the caller sees', async () => {
  const near = await refusal(create(noticing({ channel: 'deploy' }), b!));
  expect(near).toMatchObject({ code: 'channel_not_found', extensions: { suggestions: ['deploys'] } });
  const hidden = await refusal(create(noticing({ channel: 'payrol' }), b!));
  expect(hidden).toMatchObject({ code: 'channel_not_found', extensions: { suggestions: [] } });
  expect(await refusal(create(noticing({ channel: payroll }), b!))).toMatchObject({ code: 'channel_not_found' });
  expect((await create(noticing({ channel: 'Deploys' }))).item.channel_id).not.toBeNull();
});

test('with auto_create_channels an unknown channel is made, a hidden one is not opened', async () => {
  t.settings.auto_create_channels = true;
  try {
    const [one, two] = await Promise.all([
      create(noticing({ channel: 'fresh' })),
      create(noticing({ channel: 'fresh' })).catch(() => null),
    ]);
    const channel = one.item.channel_id;
    expect(channel).not.toBeNull();
    if (two !== null) expect(two.item.channel_id).toBe(channel);
    expect((await create(noticing({ channel: 'fresh' }))).item.channel_id).toBe(channel);
    expect(await refusal(create(noticing({ channel: 'payroll' }), b!))).toMatchObject({ code: 'channel_not_found' });
  } finally {
    t.settings.auto_create_channels = false;
  }
});

test('situation 34: naming somebody who cannot see the item is refused alike for hidden and unknown people', async () => {
  const unknown = '00000000-0000-7000-8000-00000000dead';
  const texts = new Set<string>();
  for (const id of [b!.id, unknown]) {
    const error = await refusal(create(noticing({ channel: 'payroll', assignee: id }), a!));
    expect(error).toMatchObject({ code: 'validation_failed', errors: [{ path: 'assignee' }] });
    texts.add((error as unknown as Error).message);
  }
  expect(texts.size).toBe(1);
  const { item } = await create(noticing({ channel: 'payroll' }), a!);
  expect(await refusal(t.inbox.lifecycle.assign(callBy(a!), item.id, b!.id))).toMatchObject({
    code: 'validation_failed',
  });
  expect(await refusal(create(approving({}, { channel: 'payroll', require: { all_of: [b!.id] } }), a!))).toMatchObject({
    errors: [{ path: 'require.all_of.0' }],
  });
});

test('situation 35: an agent of its own scope finds no item of another agent', async () => {
  const other = await org.agent('Other');
  const { item } = await create(asking(), other);
  const call = callBy(agent!);
  const acts = [
    () => t.inbox.items.get(call, item.id),
    () => t.inbox.waits.wait(call, item.id, 1, null),
    () => t.inbox.waits.takeOutcome(call, item.id),
    () => t.inbox.lifecycle.ack(call, item.id),
    () => t.inbox.items.update(call, { id: item.id, level: 'error' }),
  ];
  for (const act of acts) expect(await refusal(act())).toMatchObject({ code: 'not_found' });
  const { items } = await t.inbox.items.list(call, { limit: 200, include_archived: true, include_snoozed: true });
  expect(items.map((one) => one.created_by.id)).not.toContain(other.id);
  expect(items.length).toBeGreaterThan(0);
});

test('situation 51: with the quota used up a notice is refused, a question and an approval get their outcome at once', async () => {
  left = 0;
  try {
    expect(await refusal(create(noticing()))).toMatchObject({ code: 'plan_limit_exceeded' });
    const approval = await t.inbox.asking.ask(callBy(agent!), approving({}, { wait_s: 100 }));
    expect(approval.outcome).toMatchObject({ status: 'expired', decision: 'deny', source: 'quota' });
    const question = await t.inbox.asking.ask(callBy(agent!), asking({ wait_s: 100 }));
    expect(question.outcome).toMatchObject({ status: 'expired', source: 'quota' });
    const fields = [{ type: 'number' as const, id: 'n', default: 3 }];
    const defaults = await t.inbox.asking.ask(callBy(agent!), asking({ form: { fields }, on_timeout: 'default' }));
    expect(defaults.outcome).toMatchObject({ status: 'answered', values: { n: 3 }, source: 'quota' });
  } finally {
    left = Number.POSITIVE_INFINITY;
  }
});

test('links are written on both sides, and only to items that the caller sees', async () => {
  const one = (await create()).item.id;
  const two = (await create(noticing({ related_to: [one] }))).item.id;
  expect((await t.inbox.items.get(callBy(a!), one)).related_to).toEqual([two]);
  const hidden = (await create(noticing({ channel: 'payroll' }), a!)).item.id;
  expect(await refusal(create(noticing({ related_to: [hidden] }), b!))).toMatchObject({
    errors: [{ path: 'related_to.0' }],
  });
  expect(await refusal(create(noticing({ parent_id: hidden }), b!))).toMatchObject({ errors: [{ path: 'parent_id' }] });
});

test('policies that cannot work are refused at creation', async () => {
  const soon = new Date(t.clock.now().getTime() + 60_000).toISOString();
  const wrong: [string, () => Promise<unknown>][] = [
    ['escalation', () => create(asking({ on_timeout: 'escalate' }))],
    ['on_timeout', () => create(asking({ on_timeout: 'default' }))],
    ['on_timeout', () => create(asking({ on_timeout: 'deny' }))],
    ['reminders_s', () => create(asking({ reminders_s: [10] }))],
    ['deadline_at', () => create(asking({ deadline_at: '2020-01-01T00:00:00Z' }))],
    ['require.n', () => create(approving({}, { require: { any_of: [a!.id], n: 2 }, deadline_at: soon }))],
    [
      'escalation.1.after_s',
      () =>
        create(
          asking({
            escalation: [
              { after_s: 5, to: { kind: 'user', id: a!.id } },
              { after_s: 5, to: { kind: 'user', id: b!.id } },
            ],
          }),
        ),
    ],
  ];
  for (const [path, act] of wrong) {
    const error = (await refusal(act())) as unknown as AppError;
    expect(
      error.errors?.map((one) => one.path),
      path,
    ).toContain(path);
  }
});
