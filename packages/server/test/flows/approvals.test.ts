import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../support/live-socket.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';

let world: World;
let org: Org;
let a: Person;
let b: Person;
let c: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  [a, b, c] = [await org.member('A'), await org.member('B'), await org.member('C')];
  g = await org.agent('G');
});
afterAll(() => world.close());

const shell = (command: string) => ({ tool: 'shell', arguments: { command } });
const ask = async (input: Record<string, unknown>): Promise<Json> =>
  ok(await g.post('/api/v1/inbox/ask', { title: 'May I?', ...input }));
const reply = (by: Person, id: string, given: Record<string, unknown>) =>
  by.post(`/api/v1/inbox/items/${id}/answer`, { reply: given });
const outcome = async (id: string, seconds = 20): Promise<Json> =>
  ok(await g.get(`/api/v1/inbox/items/${id}/wait?timeout=${seconds}`));

describe('situation 17: two of three approvers must accept', () => {
  it('two accepts in parallel close the item once and both are kept; a third reply gets 409', async () => {
    const { id } = await ask({ approval: shell('git push'), require: { any_of: [a.id, b.id, c.id], n: 2 } });
    const waiting = outcome(id);
    const both = await Promise.all([reply(a, id, { kind: 'accept' }), reply(b, id, { kind: 'accept' })]);
    expect(both.map((one) => one.status)).toEqual([200, 200]);
    expect(both.map((one) => one.body.status).sort()).toEqual(['answered', 'open']);
    const third = await reply(c, id, { kind: 'reject' });
    expect([third.status, third.body.code, third.body.item_status]).toEqual([409, 'item_closed', 'answered']);
    expect(await waiting).toMatchObject({ status: 'answered', decision: 'accept', source: 'person' });
    const kept = ok(await a.get(`/api/v1/inbox/items/${id}/responses`)).items;
    expect(kept.map((one: Json) => one.by.id).sort()).toEqual([a.id, b.id].sort());
    const events = ok(await a.get('/api/v1/events?limit=200&since=0')).items.filter((one: Json) => one.id === id);
    expect(events.filter((one: Json) => one.kind === 'inbox.item.answered')).toHaveLength(1);
  });

  it('one person accepting twice is one approver', async () => {
    const { id } = await ask({ approval: shell('git push'), require: { any_of: [a.id, b.id, c.id], n: 2 } });
    await Promise.all([reply(a, id, { kind: 'accept' }), reply(a, id, { kind: 'accept' })]);
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`)).status).toBe('open');
  });
});

describe('situation 38: an approval marked four-eyes', () => {
  it('cannot be approved by the owner of the agent; a second person can', async () => {
    const { id } = await ask({ approval: shell('rm -r build'), require: { four_eyes: true } });
    const own = await reply(org.owner, id, { kind: 'accept' });
    expect([own.status, own.body.code]).toEqual([403, 'four_eyes_required']);
    const edited = await reply(org.owner, id, { kind: 'edit', arguments: { command: 'ls' } });
    expect([edited.status, edited.body.code]).toEqual([403, 'four_eyes_required']);
    expect((await org.owner.post('/api/v1/inbox/items/bulk', { ids: [id], op: 'approve' })).body).toMatchObject({
      changed: [],
      failed: [{ id, code: 'four_eyes_required' }],
    });
    ok(await reply(a, id, { kind: 'accept' }));
    expect(await outcome(id)).toMatchObject({ decision: 'accept', answered_by: { id: a.id } });
  });

  it('neither by the person who asked', async () => {
    const made = ok(
      await a.post('/api/v1/inbox/ask', { title: 'Mine', approval: shell('x'), require: { four_eyes: true } }),
    );
    expect((await reply(a, made.id, { kind: 'accept' })).body.code).toBe('four_eyes_required');
    expect((await reply(org.owner, made.id, { kind: 'accept' })).status).toBe(200);
  });
});

describe('situation 49: always allow "git status" for an hour', () => {
  it('lets just that pass by rule, with audit, until the hour is over', async () => {
    const first = await ask({ approval: shell('git status') });
    ok(
      await reply(a, first.id, { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git status' } }),
    );

    const passed = await ask({ approval: shell('git status --short'), wait_s: 5 });
    expect(passed.outcome).toMatchObject({ status: 'answered', source: 'rule', decision: 'accept' });
    const used = ok(await org.owner.get('/api/v1/audit?action=always_rules.use')).items;
    expect(used.map((line: Json) => line.item_id)).toContain(passed.id);

    for (const command of [
      'git push',
      'git status; rm -rf x',
      'git status && id',
      'git status | sh',
      'git status\nid',
      'git statusx',
      'git status $(id)',
    ]) {
      expect((await ask({ approval: shell(command) })).outcome.status, command).toBe('pending');
    }
    expect(
      (await ask({ approval: { tool: 'shell', arguments: { command: 'git status', cwd: '/' } } })).outcome.status,
    ).toBe('pending');
    const other = await org.agent('Other');
    const theirs = ok(await other.post('/api/v1/inbox/ask', { title: 'Theirs', approval: shell('git status') }));
    expect(theirs.outcome.status).toBe('pending');

    const [rule] = ok(await a.get('/api/v1/inbox/always-rules')).items;
    expect(rule).toMatchObject({ tool: 'shell', argument_prefix: 'git status', uses: 1, created_by: { id: a.id } });
    await world.database.query("update inbox_always_rules set expires_at = now() - interval '1 second' where id = $1", [
      rule.id,
    ]);
    expect((await ask({ approval: shell('git status') })).outcome.status).toBe('pending');
  });

  it('a rule that is revoked, or whose answer is corrected, asks again', async () => {
    const first = await ask({ approval: shell('git log') });
    ok(await reply(a, first.id, { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git log' } }));
    expect((await ask({ approval: shell('git log -1') })).outcome.source).toBe('rule');
    ok(await a.post(`/api/v1/inbox/items/${first.id}/correct`, { reply: { kind: 'reject' } }));
    expect((await ask({ approval: shell('git log -1') })).outcome.status).toBe('pending');

    const second = await ask({ approval: shell('git diff') });
    ok(
      await reply(b, second.id, { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git diff' } }),
    );
    const [rule] = ok(await b.get('/api/v1/inbox/always-rules')).items;
    expect((await a.delete(`/api/v1/inbox/always-rules/${rule.id}`)).status).toBe(404);
    expect((await b.delete(`/api/v1/inbox/always-rules/${rule.id}`)).status).toBe(204);
    expect((await ask({ approval: shell('git diff') })).outcome.status).toBe('pending');
  });
});

describe('situation 50: time is over', () => {
  it('an approval without policy is denied with source timeout', async () => {
    const { id } = await ask({ approval: shell('make'), ttl_ms: 1000 });
    expect(await outcome(id)).toMatchObject({ status: 'expired', source: 'timeout', decision: 'deny' });
    const late = await reply(a, id, { kind: 'accept' });
    expect([late.status, late.body.code, late.body.item_status]).toEqual([409, 'item_closed', 'expired']);
  });

  it('a question without policy expires; with default it submits its defaults as a system response', async () => {
    const form = {
      fields: [{ type: 'select', id: 'x', options: [{ value: 'a' }, { value: 'b' }], default: 'b', required: true }],
    };
    const [plain, filled] = [
      await ask({ form, ttl_ms: 1000 }),
      await ask({ form, ttl_ms: 1000, on_timeout: 'default' }),
    ];
    expect(await outcome(plain.id)).toMatchObject({
      status: 'expired',
      source: 'timeout',
      values: null,
      decision: null,
    });
    expect(await outcome(filled.id)).toMatchObject({
      status: 'answered',
      source: 'timeout',
      values: { x: 'b' },
      answered_by: { type: 'system' },
    });
  });

  it('escalate reaches person, team and channel in turn, each after its delay', async () => {
    const [team, channel] = [await org.team('Night shift', [b]), await org.channel('pager')];
    const socket = await openSocket(world.url, a.token);
    const steps = [
      { after_s: 1, to: { kind: 'user', id: a.id } },
      { after_s: 2, to: { kind: 'team', id: team } },
      { after_s: 3, to: { kind: 'channel', id: channel } },
    ];
    const { id } = await ask({ approval: shell('reboot'), on_timeout: 'escalate', escalation: steps, ttl_ms: 60_000 });
    const asked = Date.now();
    try {
      await socket.event(
        (one) => one.id === id && one.kind === 'inbox.item.escalated' && one.body['step'] === 2,
        'the third step',
        30_000,
      );
      const escalated = socket.events.filter((one) => one.id === id && one.kind === 'inbox.item.escalated');
      expect(escalated.map((one) => one.body['to'])).toEqual(steps.map((step) => step.to));
      expect(escalated[0]!.body['reached']).toEqual([a.id]);
      expect(escalated[1]!.body['reached']).toEqual([b.id]);
      for (const [i, one] of escalated.entries())
        expect(Date.parse(one.at) - asked).toBeGreaterThan(steps[i]!.after_s * 1000 - 1000);
      expect(ok(await a.get(`/api/v1/inbox/items/${id}`))).toMatchObject({
        status: 'open',
        escalated_steps: 3,
        assignee: { id: a.id },
      });
    } finally {
      socket.close();
    }
  });

  it('the first answer cancels the steps that are left', async () => {
    const steps = [
      { after_s: 1, to: { kind: 'user', id: a.id } },
      { after_s: 3, to: { kind: 'user', id: b.id } },
    ];
    const { id } = await ask({ approval: shell('halt'), on_timeout: 'escalate', escalation: steps });
    const socket = await openSocket(world.url, a.token);
    await socket.event((one) => one.id === id && one.kind === 'inbox.item.escalated', 'the first step', 20_000);
    ok(await reply(b, id, { kind: 'reject' }));
    // Another item with a later timer tells when the step would have been due.
    const marker = await ask({ title: 'Marker', approval: shell('x'), ttl_ms: 5000 });
    await socket.event((one) => one.id === marker.id && one.kind === 'inbox.item.expired', 'the marker', 20_000);
    expect(socket.events.filter((one) => one.id === id && one.kind === 'inbox.item.escalated')).toHaveLength(1);
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`))).toMatchObject({ status: 'answered', escalated_steps: 1 });
    socket.close();
  });
});

describe('situation 52: a correction', () => {
  const form = { fields: [{ type: 'text', id: 'x' }] };

  it('within the window supersedes the answer and reaches the agent; another person cannot correct', async () => {
    const socket = await openSocket(world.url, g.token);
    const { id } = await ask({ form });
    ok(await a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'first' } }));
    const stranger = await b.post(`/api/v1/inbox/items/${id}/correct`, { values: { x: 'theirs' } });
    expect([stranger.status, stranger.body.code]).toEqual([409, 'correction_closed']);
    const item = ok(await a.post(`/api/v1/inbox/items/${id}/correct`, { values: { x: 'second' } }));
    expect(item).toMatchObject({ status: 'answered', response: { x: 'second' } });
    await socket.event((one) => one.id === id && one.kind === 'inbox.item.corrected');
    expect(await outcome(id, 1)).toMatchObject({ status: 'answered', values: { x: 'second' }, corrected: true });
    const responses = ok(await a.get(`/api/v1/inbox/items/${id}/responses`)).items;
    const first = responses.find((one: Json) => one.values.x === 'first');
    expect(responses.find((one: Json) => one.values.x === 'second').supersedes).toBe(first.id);
    socket.close();
  });

  it('after the window gives 409', async () => {
    const { id } = await ask({ form });
    ok(await a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'first' } }));
    await world.database.query(
      "update inbox_items set correctable_until = now() - interval '1 millisecond' where id = $1",
      [id],
    );
    const late = await a.post(`/api/v1/inbox/items/${id}/correct`, { values: { x: 'late' } });
    expect([late.status, late.body.code]).toEqual([409, 'correction_closed']);
    expect(await outcome(id, 1)).toMatchObject({ values: { x: 'first' }, corrected: false });
  });
});
