import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connect, connectByHand, connectV1, connectV2 } from '../support/mcp-drivers.ts';
import { messagesOf, openSession, post } from '../support/mcp-wire.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';
import { until } from '../support/until.ts';

const form = {
  fields: [
    { type: 'yesno', id: 'deploy', label: 'Deploy?', required: true },
    { type: 'text', id: 'note', label: 'Note' },
  ],
};

let world: World;
let org: Org;
let a: Person;
let g: Agent;
let mcp: string;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  mcp = `${world.url}/mcp`;
  org = await world.makeOrg();
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

const itemCalled = (title: string): Promise<Json> =>
  until(
    async () => ok(await a.get('/api/v1/inbox/items?limit=50')).items.find((one: Json) => one.title === title),
    title,
  );

describe('situation 56: the wire of the session revisions', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

  it('an unknown session id gives 409, a missing one 400', async () => {
    expect((await post(mcp, ping, { 'mcp-session-id': crypto.randomUUID() }, g.token)).status).toBe(409);
    expect((await post(mcp, ping, {}, g.token)).status).toBe(400);
    const other = await org.agent('Thief');
    const { headers } = await openSession(mcp, '2025-11-25', {}, g.token);
    expect((await post(mcp, ping, headers, other.token)).status).toBe(409);
  });

  it('a batch of 100 is answered under 2025-03-26, one of 101 is refused, and 2025-11-25 has none', async () => {
    const { send } = await openSession(mcp, '2025-03-26', {}, g.token);
    const batch = (count: number) => Array.from({ length: count }, (_, i) => ({ ...ping, id: i + 1 }));
    const answered = await messagesOf(await send(batch(100)));
    expect(answered.map((one) => one.id).sort((x, y) => Number(x) - Number(y))).toEqual(
      batch(100).map((one) => one.id),
    );
    expect((await send(batch(101))).status).toBe(400);
    const newer = await openSession(mcp, '2025-11-25', {}, g.token);
    expect((await newer.send(batch(2))).status).toBe(400);
  });

  it('arrays and objects sent as JSON strings are understood, wrong arguments are named', async () => {
    const client = await connectByHand(world.url, g.token);
    const made = await client.call('inbox_notify', {
      title: 'Lenient',
      tags: '["x","y"]',
      metadata: '{"a":[1]}',
      priority: '3',
    });
    expect(ok(await a.get(`/api/v1/inbox/items/${made.structuredContent.id}`))).toMatchObject({
      tags: ['x', 'y'],
      metadata: { a: [1] },
      priority: 3,
    });
    const wrong = await client.call('inbox_notify', { title: 'Wrong', level: 'loud', nonsense: 1 });
    expect(wrong.isError).toBe(true);
    expect(wrong.content[0]!.text).toMatch(/validation_failed[\s\S]*level/);
    await client.close();
  });

  it('without a credential the door names where to get one', async () => {
    const response = await fetch(mcp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('/.well-known/oauth-protected-resource/mcp');
  });
});

const mirrors: [string, Connect, boolean][] = [
  ['the v1 SDK', connectV1, false],
  ['the v2 SDK with sessions', connectV2('legacy'), false],
  ['the v2 SDK at 2026-07-28', connectV2({ pin: '2026-07-28' }), true],
];

describe.each(mirrors)('situation 57: the question mirrored in %s', (name, connect, stateless) => {
  it('an answer in the client closes the card', async () => {
    const title = `In the client of ${name}`;
    let shown: unknown;
    const client = await connect(world.url, g.token, async (message, schema) => {
      shown = { message, schema };
      return { action: 'accept', content: { deploy: true, note: 'from here' } as never };
    });
    const result = await client.call('inbox_ask', { title, form, wait_s: 30 });
    expect(result.structuredContent.outcome).toMatchObject({
      status: 'answered',
      source: 'client',
      values: { deploy: true, note: 'from here' },
    });
    expect(shown).toMatchObject({
      message: title,
      schema: { properties: { deploy: { type: 'boolean' }, note: { type: 'string' } }, required: ['deploy'] },
    });
    const item = await itemCalled(title);
    expect(item).toMatchObject({ status: 'answered', answer_source: 'client' });
    const late = await a.post(`/api/v1/inbox/items/${item.id}/answer`, { values: { deploy: false } });
    expect([late.status, late.body.code, late.body.item_status]).toEqual([409, 'item_closed', 'answered']);
    await client.close();
  });

  it('an answer on the web ends the call, and what the client sends later changes nothing', async () => {
    const title = `On the web before ${name}`;
    let closed = false;
    let shown = false;
    const client = await connect(world.url, g.token, async (_message, _schema, signal) => {
      signal.addEventListener('abort', () => {
        closed = true;
      });
      shown = true;
      const item = await itemCalled(title);
      ok(await a.post(`/api/v1/inbox/items/${item.id}/answer`, { values: { deploy: false } }));
      if (!stateless) await until(() => closed, 'the form is taken back');
      return { action: 'accept', content: { deploy: true } as never };
    });
    const result = await client.call('inbox_ask', { title, form, wait_s: 30 });
    expect(shown).toBe(true);
    expect(result.structuredContent.outcome).toMatchObject({
      status: 'answered',
      source: 'person',
      values: { deploy: false },
      answered_by: { id: a.id },
    });
    expect((await itemCalled(title)).response).toEqual({ deploy: false });
    const rows = await world.database.query(
      'select count(*)::int as n from inbox_responses r join inbox_items i on i.id = r.item_id where i.title = $1',
      [title],
    );
    expect(rows.rows[0].n).toBe(1);
    await client.close();
  });

  it('what four eyes must see is not mirrored', async () => {
    const title = `Four eyes, not ${name}`;
    let shown = false;
    const client = await connect(world.url, g.token, async () => {
      shown = true;
      return { action: 'accept', content: { decision: 'accept' } as never };
    });
    const approval = { tool: 'rm', arguments: {} };
    const result = await client.call('inbox_ask', { title, approval, require: { four_eyes: true }, wait_s: 1 });
    expect(result.structuredContent.outcome.status).toBe('pending');
    expect(shown).toBe(false);
    await client.close();
  });
});

it('situation 57: an organisation that switched the mirror off is asked on the web alone', async () => {
  const quiet = await world.makeOrg('No mirror');
  const agent = await quiet.agent('G');
  ok(await quiet.owner.patch('/api/v1/settings', { settings: { elicitation_mirror: false } }));
  let shown = false;
  const client = await connectV1(world.url, agent.token, async () => {
    shown = true;
    return { action: 'accept', content: { deploy: true } as never };
  });
  const result = await client.call('inbox_ask', { title: 'Only on the web', form, wait_s: 1 });
  expect([shown, result.structuredContent.outcome.status]).toEqual([false, 'pending']);
  await client.close();
});
