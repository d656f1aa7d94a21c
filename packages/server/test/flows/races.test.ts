import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../support/live-socket.ts';
import { connectV1, rpcErrorOf } from '../support/mcp-drivers.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json, RestAnswer } from '../support/rest-client.ts';

let world: World;
let org: Org;
let a: Person;
let b: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  [a, b] = [await org.member('A'), await org.member('B')];
  g = await org.agent('G');
});
afterAll(() => world.close());

const form = { fields: [{ type: 'text', id: 'x' }] };

/** Runs `count` repetitions, `width` at a time. */
const repeat = async (count: number, width: number, act: (i: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const i = next;
      next += 1;
      await act(i);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
};

it('situation 11: of two answers at the same instant exactly one wins and the other hears who, 1,000 times', async () => {
  const wins = { a: 0, b: 0 };
  await repeat(1000, 10, async (i) => {
    const { id } = ok(await g.post('/api/v1/inbox/ask', { title: `Race ${i}`, form }));
    const waiting = i % 50 === 0 ? g.get(`/api/v1/inbox/items/${id}/wait?timeout=20`) : null;
    const send = (by: Person, x: string) => by.post(`/api/v1/inbox/items/${id}/answer`, { values: { x } });
    // Each person is the first to be sent half of the time.
    const first = i % 2 === 0;
    const racing = first ? [send(a, 'from a'), send(b, 'from b')] : [send(b, 'from b'), send(a, 'from a')];
    const [one, two] = await Promise.all(racing);
    const [ofA, ofB] = first ? [one!, two!] : [two!, one!];
    expect([ofA.status, ofB.status].sort()).toEqual([200, 409]);
    const [winner, value, loser] = ofA.status === 200 ? [a, 'from a', ofB] : [b, 'from b', ofA];
    wins[winner === a ? 'a' : 'b'] += 1;
    expect(loser.body).toMatchObject({
      code: 'item_closed',
      item_status: 'answered',
      answered_by: { id: winner.id, name: winner.name },
    });
    const seen = waiting === null ? await g.get(`/api/v1/inbox/items/${id}/wait?timeout=0`) : await waiting;
    expect(ok(seen)).toMatchObject({ status: 'answered', values: { x: value }, answered_by: { id: winner.id } });
  });
  const rows = await world.database.query<{ n: number; items: number }>(
    `select count(*)::int as n, count(distinct item_id)::int as items from inbox_responses r
       join inbox_items i on i.id = r.item_id where i.title like 'Race %'`,
  );
  expect(rows.rows).toEqual([{ n: 1000, items: 1000 }]);
  // A race that one side always wins is none.
  expect(Math.min(wins.a, wins.b)).toBeGreaterThan(50);
}, 240_000);

it('situation 12: an answer and the TTL meet within a millisecond; the item ends once, and the waiting agent hears how, 1,000 times', async () => {
  const agents = await Promise.all(Array.from({ length: 10 }, (_, i) => org.agent(`Waiting ${i}`)));
  const ended: Record<string, number> = {};
  // A timer fires up to a second after its moment, so no client can aim at it. The timers of a batch fire one after the
  // other, though: from the first one on, answers go to the others from both ends, and meet the rest half-way.
  const socket = await openSocket(world.url, a.token);
  for (let batch = 0; batch < 5; batch += 1) {
    const items: { id: string; agent: Agent }[] = [];
    const waits: Promise<RestAnswer>[] = [];
    await repeat(200, 10, async (i) => {
      const agent = agents[i % agents.length]!;
      const made = ok(await agent.post('/api/v1/inbox/ask', { title: `Meets ${batch}-${i}`, form, ttl_ms: 1000 }));
      items.push({ id: made.id, agent });
      waits.push(agent.get(`/api/v1/inbox/items/${made.id}/wait?timeout=60`));
    });
    const mine = new Set(items.map((one) => one.id));
    await socket.event((one) => one.kind === 'inbox.item.expired' && mine.has(one.id), 'the first timer', 20_000);
    const order = items.map((_, i) => (i % 2 === 0 ? i / 2 : items.length - (i + 1) / 2));
    const answers: { id: string; status: number; code: string | undefined; item_status: string }[] = [];
    await repeat(items.length, 12, async (i) => {
      const { id } = items[order[i]!]!;
      const given = await a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'in time?' } });
      answers.push({ id, status: given.status, code: given.body.code, item_status: given.body.item_status });
    });
    const outcomes = (await Promise.all(waits)).map(ok);
    const rows = await world.database.query(
      `select i.id, i.status, (select count(*)::int from inbox_responses r where r.item_id = i.id) as responses
         from inbox_items i where i.id = any($1)`,
      [items.map((one) => one.id)],
    );
    for (const [i, { id }] of items.entries()) {
      const row = rows.rows.find((one: Json) => one.id === id);
      const given = answers.find((one) => one.id === id)!;
      expect(['answered', 'expired']).toContain(row.status);
      expect(outcomes[i].status).toBe(row.status);
      expect(row.responses).toBe(row.status === 'answered' ? 1 : 0);
      expect(given.status).toBe(row.status === 'answered' ? 200 : 409);
      if (given.status === 409) expect(given).toMatchObject({ code: 'item_closed', item_status: 'expired' });
      ended[row.status] = (ended[row.status] ?? 0) + 1;
    }
  }
  const events = await world.database.query(
    `select subject_id, count(*) as n from core_events e join inbox_items i on i.id = e.subject_id
      where i.title like 'Meets %' and e.kind in ('inbox.item.answered', 'inbox.item.expired') group by 1 having count(*) <> 1`,
  );
  expect(events.rows).toEqual([]);
  socket.close();
  expect(ended['answered']! + ended['expired']!).toBe(1000);
  expect(ended['answered']).toBeGreaterThan(0);
  expect(ended['expired']).toBeGreaterThan(0);
}, 240_000);

it('situation 13: withdrawing and answering race; who lost sees that it was taken back, and keeps the draft', async () => {
  const won = { answer: 0, withdraw: 0 };
  await repeat(60, 3, async (i) => {
    const { id } = ok(await g.post('/api/v1/inbox/ask', { title: `Taken back ${i}`, form }));
    ok(await a.put(`/api/v1/inbox/items/${id}/draft`, { values: { x: 'half a thou' } }));
    const answering = () => a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'a thought' } });
    const withdrawing = () => g.post(`/api/v1/inbox/items/${id}/withdraw`, { reason: 'solved it myself' });
    const racing = i % 2 === 0 ? [answering(), withdrawing()] : [withdrawing(), answering()];
    const both = await Promise.all(racing);
    const [answered, withdrawn] = i % 2 === 0 ? [both[0]!, both[1]!] : [both[1]!, both[0]!];
    expect([answered.status, withdrawn.status].sort()).toEqual([200, 409]);
    if (withdrawn.status === 200) {
      won.withdraw += 1;
      expect(answered.body).toMatchObject({
        code: 'item_closed',
        item_status: 'withdrawn',
        withdrawn_reason: 'solved it myself',
      });
      expect(ok(await a.get(`/api/v1/inbox/items/${id}/draft`))).toMatchObject({ values: { x: 'half a thou' } });
    } else {
      won.answer += 1;
      expect(withdrawn.body).toMatchObject({ code: 'item_closed', item_status: 'answered', answered_by: { id: a.id } });
    }
  });
  expect(Math.min(won.answer, won.withdraw)).toBeGreaterThan(0);
});

it('situation 14: two Owners demote each other at once; one stays Owner', async () => {
  for (let i = 0; i < 10; i += 1) {
    const shared = await world.makeOrg(`Two owners ${i}`);
    const other = await shared.member('Second', { role: 'owner' });
    const demote = (by: Person, whom: Person) =>
      by.post(`/api/v1/orgs/current/members/${whom.id}/role`, { role: 'member' });
    const both = await Promise.all([demote(shared.owner, other), demote(other, shared.owner)]);
    const lost = both.find((one) => one.status !== 200)!;
    expect(both.filter((one) => one.status === 200)).toHaveLength(1);
    // Whoever was demoted before their own call was looked at is a member by then, and hears that; only one can lose so.
    if (lost.status === 409)
      expect(lost.body).toMatchObject({ code: 'last_owner', error: 'cannot demote the last Owner' });
    else
      expect(lost).toMatchObject({
        status: 403,
        body: { code: expect.stringMatching(/^(escalation|permission)_denied$/) },
      });
    const owners = await world.database.query(
      `select 1 from identity_members m join identity_roles r on r.id = m.role_id where m.org_id = $1 and r.system = 'owner'`,
      [shared.id],
    );
    expect(owners.rowCount).toBe(1);
  }
  const alone = await org.owner.post(`/api/v1/orgs/current/members/${org.owner.id}/role`, { role: 'member' });
  expect([alone.status, alone.body.code, alone.body.error]).toEqual([
    409,
    'last_owner',
    'cannot demote the last Owner',
  ]);
}, 60_000);

it('situation 15: a link for five is accepted by twenty at once: five memberships, fifteen uniform 404s', async () => {
  const shared = await world.makeOrg('Popular');
  const { invite_code, invitation } = ok(
    await shared.owner.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 5 }),
  );
  const crowd: Person[] = [];
  await repeat(20, 2, async (i) => void crowd.push(await world.makePerson(`Crowd ${i}`)));
  const answers = await Promise.all(crowd.map((one) => one.post('/auth/invitations/accept', { invite_code })));
  expect(answers.filter((one) => one.status === 200)).toHaveLength(5);
  const refused = answers.filter((one) => one.status === 404);
  expect(refused).toHaveLength(15);
  const uniform = ({ request_id: _mine, ...rest }: Json) => JSON.stringify(rest);
  const unknown = await crowd[0]!.post('/auth/invitations/accept', { invite_code: 'nobodyhasthiscode-nobodyhasthisc' });
  const person = answers[0]!.status === 200 ? crowd.find((_, i) => answers[i]!.status === 404)! : crowd[0]!;
  const known =
    unknown.status === 401
      ? await person.post('/auth/invitations/accept', { invite_code: 'nobodyhasthiscode-nobodyhasthisc' })
      : unknown;
  expect(new Set([...refused, known].map((one) => uniform(one.body))).size).toBe(1);
  const members = await world.database.query('select user_id from identity_members where org_id = $1', [shared.id]);
  expect(members.rowCount).toBe(6);
  const [listed] = ok(await shared.owner.get('/api/v1/orgs/current/invitations')).items;
  expect(listed).toMatchObject({ id: invitation.id, uses: 5, state: 'used_up' });
}, 60_000);

it('situation 15: the same person accepting twice gets one membership and takes one use', async () => {
  const shared = await world.makeOrg('Twice');
  const { invite_code } = ok(
    await shared.owner.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 5 }),
  );
  const guest = await world.makePerson('Guest');
  const first = await guest.post('/auth/invitations/accept', { invite_code });
  expect(first.status).toBe(200);
  // Accepting issues a session in the new organisation; the second time is by that one.
  const again = await world.anonymous.post(
    '/auth/invitations/accept',
    { invite_code },
    { headers: { authorization: `Bearer ${first.body.access_token}` } },
  );
  expect(again.status).toBe(200);
  const members = await world.database.query('select 1 from identity_members where org_id = $1 and user_id = $2', [
    shared.id,
    guest.id,
  ]);
  expect(members.rowCount).toBe(1);
  expect(ok(await shared.owner.get('/api/v1/orgs/current/invitations')).items[0].uses).toBe(1);
});

describe('situation 16: an organisation at 999 of 1,000 notifications', () => {
  const nearlyFull = async (name: string): Promise<{ org: Org; agent: Agent }> => {
    const full = await world.makeOrg(name);
    const agent = await full.agent('Chatty');
    await world.database.query(
      `update identity_subscriptions set plan = 'free', limits = '{"monthly_notifications": 1000}' where org_id = $1`,
      [full.id],
    );
    ok(await agent.post('/api/v1/inbox/notify', { title: 'One' }));
    await world.database.query(
      "update identity_usage set count = 999 where org_id = $1 and key = 'monthly_notifications'",
      [full.id],
    );
    return { org: full, agent };
  };
  const used = async (one: Org) => ok(await one.owner.get('/api/v1/orgs/current/usage')).notifications_this_month;

  it('of ten parallel creates one is made and nine get 402, naming the limit', async () => {
    const { org: full, agent } = await nearlyFull('Nearly full');
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, i) => agent.post('/api/v1/inbox/notify', { title: `N ${i}` })),
    );
    expect(all.filter((one) => one.status === 201)).toHaveLength(1);
    const refused = all.filter((one) => one.status === 402);
    expect(refused).toHaveLength(9);
    for (const one of refused)
      expect(one.body).toMatchObject({
        code: 'plan_limit_exceeded',
        limit: 'monthly_notifications',
        current: 1000,
        max: 1000,
      });
    expect(await used(full)).toBe(1000);
    expect(ok(await full.owner.get('/api/v1/inbox/items')).items).toHaveLength(2);
  });

  it('over MCP the nine get -32002 with the limit named', async () => {
    const { org: full, agent } = await nearlyFull('Nearly full too');
    const client = await connectV1(world.url, agent.token);
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => client.call('inbox_notify', { title: `N ${i}` })),
    );
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const refused = all.filter((one) => one.status === 'rejected');
    for (const one of refused)
      expect(one.reason).toMatchObject({
        code: -32002,
        data: { code: 'plan_limit_exceeded', limit: 'monthly_notifications' },
      });
    expect(refused).toHaveLength(9);
    expect(await used(full)).toBe(1000);
    // An approval must not hang its agent: it ends at once with what on_timeout says. Situation 51 in part.
    const asked = await client.call('inbox_ask', {
      title: 'May I?',
      approval: { tool: 'x', arguments: {} },
      wait_s: 5,
    });
    expect(asked.structuredContent.outcome).toMatchObject({ status: 'expired', source: 'quota', decision: 'deny' });
    const notice = await rpcErrorOf(client.call('inbox_notify', { title: 'Too much' }));
    expect(notice.code).toBe(-32002);
    await client.close();
  });
});

it('situation 18: twenty identical alerts with one dedupe_key are one open item with 20 occurrences', async () => {
  const all = await Promise.all(
    Array.from({ length: 20 }, () =>
      g.post('/api/v1/inbox/notify', { title: 'Disk is full', dedupe_key: 'disk-1', level: 'error' }),
    ),
  );
  expect(all.map((one) => one.status)).toEqual(Array(20).fill(201));
  expect(new Set(all.map((one) => one.body.id)).size).toBe(1);
  const item = ok(await a.get(`/api/v1/inbox/items/${all[0]!.body.id}`));
  expect(item).toMatchObject({ status: 'open', occurrences: 20 });
  const events = await world.database.query(
    'select kind, count(*)::int as n from core_events where subject_id = $1 group by 1 order by 1',
    [item.id],
  );
  // One creation is one push: deliveries start from it alone.
  expect(events.rows).toEqual([
    { kind: 'inbox.item.created', n: 1 },
    { kind: 'inbox.item.updated', n: 19 },
  ]);
  // Once it is dismissed the next alert is a new item.
  ok(await a.post(`/api/v1/inbox/items/${item.id}/dismiss`));
  expect(ok(await g.post('/api/v1/inbox/notify', { title: 'Disk is full', dedupe_key: 'disk-1' }))).toMatchObject({
    occurrences: 1,
  });
});
