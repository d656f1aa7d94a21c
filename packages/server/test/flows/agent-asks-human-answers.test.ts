import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../support/live-socket.ts';
import { connectV1, connectV2, everyClient } from '../support/mcp-drivers.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import { until } from '../support/until.ts';

const deploy = { fields: [{ type: 'yesno', id: 'deploy', label: 'Deploy to production?', required: true }] };

let world: World;
let org: Org;
let a: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

const openItem = (title: string) =>
  until(
    async () =>
      ok(await a.get('/api/v1/inbox/items?limit=20')).items.find((item: { title: string }) => item.title === title),
    title,
  );

it('situation 2: a title is enough for inbox_notify, and the item is on an open socket within a second', async () => {
  const socket = await openSocket(world.url, a.token);
  const client = await connectV2()(world.url, g.token);
  try {
    const sent = Date.now();
    const result = await client.call('inbox_notify', { title: 'The build is done' });
    expect(result.structuredContent).toMatchObject({ id: expect.any(String), status: 'created' });
    const { id } = result.structuredContent;
    const event = await socket.event((one) => one.kind === 'inbox.item.created' && one.id === id, 'the card', 1000);
    expect(Date.now() - sent).toBeLessThan(1500);
    expect(event).toMatchObject({ actor: { type: 'agent', id: g.id, name: 'G' }, body: { status: 'open' } });
    const item = ok(await a.get(`/api/v1/inbox/items/${id}`));
    // No channel: the whole organisation sees it, as in an open one.
    expect(item).toMatchObject({
      level: 'info',
      kind: 'notice',
      status: 'open',
      channel: null,
      created_by: { id: g.id },
    });
  } finally {
    socket.close();
    await client.close();
  }
});

it('situation 3: klaxon.notify does what inbox_notify does, and tools/list shows only the new name', async () => {
  const client = await connectV1(world.url, g.token);
  try {
    const tools = await client.tools();
    expect(tools).toContain('inbox_notify');
    expect(tools.filter((tool) => tool.startsWith('klaxon'))).toEqual([]);
    const result = await client.call('klaxon.notify', { title: 'By the old name' });
    expect(result.structuredContent).toMatchObject({ status: 'created' });
    expect(ok(await a.get(`/api/v1/inbox/items/${result.structuredContent.id}`))).toMatchObject({
      title: 'By the old name',
      level: 'info',
      created_by: { id: g.id },
    });
    // The result is one text item with the same JSON, for clients that pass only content to the model.
    expect(JSON.parse(result.content[0]!.text!)).toEqual(result.structuredContent);
  } finally {
    await client.close();
  }
});

it('situation 4: inbox_ask waits for a person, hears progress at least every 15 s, and gets the typed answer (two progress notes instead of 70 s)', async () => {
  const client = await connectV2()(world.url, g.token);
  try {
    const began = Date.now();
    const progress: number[] = [];
    const asking = client.call(
      'inbox_ask',
      { title: 'Deploy to production?', form: deploy, wait_s: 120 },
      { onprogress: () => progress.push(Date.now() - began), timeout: 60_000, resetTimeoutOnProgress: true },
    );
    const item = await openItem('Deploy to production?');
    // One may come when the wait begins; what keeps a client connected are those that come later.
    await until(() => progress.filter((at) => at > 10_000).length >= 2, 'two progress notes', 40_000);
    expect((await a.post(`/api/v1/inbox/items/${item.id}/answer`, { values: { deploy: true } })).status).toBe(200);
    const { structuredContent } = await asking;
    expect(structuredContent).toMatchObject({
      id: item.id,
      outcome: { status: 'answered', source: 'person', values: { deploy: true }, answered_by: { id: a.id, name: 'A' } },
    });
    for (const [i, at] of progress.entries()) expect(at - (progress[i - 1] ?? 0)).toBeLessThan(17_000);
  } finally {
    await client.close();
  }
}, 60_000);

it('situation 5: a client that lost its connection repeats the call with its key and gets the answer given meanwhile', async () => {
  const used = async () => ok(await org.owner.get('/api/v1/orgs/current/usage')).notifications_this_month;
  const before = await used();
  const call = {
    title: 'Which region?',
    form: { fields: [{ type: 'text', id: 'region', required: true }] },
    idempotency_key: 'region-1',
    wait_s: 120,
  };
  const dropping = new AbortController();
  const first = await connectV1(world.url, g.token);
  const lost = first.call('inbox_ask', call, { signal: dropping.signal }).catch((error: Error) => error);
  const item = await openItem('Which region?');
  dropping.abort('the network went away');
  expect(await lost).toBeInstanceOf(Error);
  await first.close();
  ok(await a.post(`/api/v1/inbox/items/${item.id}/answer`, { values: { region: 'eu-north' } }));

  const again = await connectV1(world.url, g.token);
  const began = Date.now();
  const result = await again.call('inbox_ask', call);
  await again.close();
  expect(Date.now() - began).toBeLessThan(5000);
  expect(result.structuredContent).toMatchObject({
    id: item.id,
    outcome: { status: 'answered', values: { region: 'eu-north' } },
  });
  const list = ok(await a.get('/api/v1/inbox/items?q=region')).items.filter(
    (one: { title: string }) => one.title === 'Which region?',
  );
  expect(list).toHaveLength(1);
  expect((await used()) - before).toBe(1);
});

it('situation 6: the same key with another title is refused with 409 and creates nothing', async () => {
  ok(await g.post('/api/v1/inbox/notify', { title: 'One', idempotency_key: 'k6' }));
  const count = async () => (await world.database.query('select count(*)::int as n from inbox_items')).rows[0].n;
  const before = await count();
  const rest = await g.post('/api/v1/inbox/notify', { title: 'Two', idempotency_key: 'k6' });
  expect([rest.status, rest.body.code]).toEqual([409, 'idempotency_key_reused']);
  const header = await g.post('/api/v1/inbox/notify', { title: 'Three' }, { headers: { 'idempotency-key': 'k6' } });
  expect([header.status, header.body.code]).toEqual([409, 'idempotency_key_reused']);
  const client = await connectV2()(world.url, g.token);
  const tool = await client.call('inbox_notify', { title: 'Four', idempotency_key: 'k6' });
  await client.close();
  expect([tool.isError, tool.content[0]!.text]).toEqual([true, expect.stringContaining('idempotency_key_reused')]);
  expect(await count()).toBe(before);
  // Another agent's keys are its own.
  const h = await org.agent('H');
  expect((await h.post('/api/v1/inbox/notify', { title: 'Two', idempotency_key: 'k6' })).status).toBe(201);
});

describe('situation 56: every generation of MCP client completes ask and answer on /mcp', () => {
  it.each(everyClient)('%s', async (name, connect) => {
    const client = await connect(world.url, g.token);
    try {
      const title = `Asked by ${name}`;
      const asking = client.call('inbox_ask', { title, form: JSON.stringify(deploy), tags: '["deploy"]', wait_s: 60 });
      const item = await openItem(title);
      expect(item).toMatchObject({ tags: ['deploy'], form: { fields: [{ id: 'deploy', type: 'yesno' }] } });
      ok(await a.post(`/api/v1/inbox/items/${item.id}/answer`, { values: { deploy: false } }));
      expect((await asking).structuredContent).toMatchObject({
        outcome: { status: 'answered', values: { deploy: false } },
      });
      const seen = async () => ok(await org.owner.get(`/api/v1/agents/${g.id}`)).last_tool === 'inbox_ask';
      await until(seen, 'the agent is known by its last tool');
    } finally {
      await client.close();
    }
  });
});
