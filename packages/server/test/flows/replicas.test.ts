import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FirstOwner, ownerPassword, setUp } from '../support/first-owner.ts';
import { openSocket } from '../support/live-socket.ts';
import { post } from '../support/mcp-wire.ts';
import { makeReplicas, type Replicas, services } from '../support/replicas.ts';
import { createRestClient, type RestClient } from '../support/rest-client.ts';
import type { RunningServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

/** The same people at the door of another server. */
const at = (server: RunningServer, token: string): RestClient => createRestClient(server.url, token);

/** The JSON-RPC answer of one tool call. */
const toolCall = async (server: RunningServer, token: string, name: string, args: object) => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const response = await post(
    `${server.url}/mcp`,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta: meta } },
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    token,
  );
  const text = await response.text();
  const data = /^data: (\{.*"id":1.*)$/m.exec(text)?.[1] ?? text;
  return JSON.parse(data);
};

describe.runIf(services.wanted)('one server on a PostgreSQL and a Redis of the machine', () => {
  let replicas: Replicas;
  afterAll(() => replicas.close(), 60_000);

  it('set-up, an agent, a question over MCP, its event on a socket, and the answer over REST', async () => {
    replicas = await makeReplicas({ REDIS_URL: services.redis });
    const server = await replicas.start();
    const people = await setUp({ ...server, setupToken: replicas.setupToken });
    const socket = await openSocket(server.url, people.owner.token);
    const form = { fields: [{ type: 'yesno', id: 'go', required: true }] };
    const asking = toolCall(server, people.agent.token, 'inbox_ask', { title: 'Deploy?', form, wait_s: 60 });
    const { id } = await socket.event((event) => event.kind === 'inbox.item.created');
    const answered = await people.owner.post(`/api/v1/inbox/items/${id}/answer`, { values: { go: true } });
    expect(answered.status).toBe(200);
    expect((await asking).result.structuredContent.outcome).toMatchObject({ status: 'answered', values: { go: true } });
    socket.close();
    expect((await createRestClient(server.url).get('/ready')).status).toBe(200);
    // No database of its own beside the one it was given.
    expect(server.output()).not.toContain('"part":"postgres"');
  }, 90_000);
});

describe.runIf(services.wanted).each([
  ['with Redis', { REDIS_URL: services.redis }],
  ['without Redis', {}],
])('two servers on one database %s', (_name, shared) => {
  let replicas: Replicas;
  let one: RunningServer;
  let two: RunningServer;
  let people: FirstOwner;
  beforeAll(async () => {
    replicas = await makeReplicas({ ATRIUM_RATE_LIMIT_REST: '1000000', ATRIUM_RATE_LIMIT_TOOLS: '12', ...shared });
    // Both at once on an empty database: one migrates, the other waits for it.
    [one, two] = await Promise.all([replicas.start(), replicas.start()]);
    people = await setUp({ ...one, setupToken: replicas.setupToken });
  }, 120_000);
  afterAll(() => replicas.close(), 60_000);

  it('an item made on one reaches a socket on the other, and an answer on one ends a wait on the other', async () => {
    const socket = await openSocket(two.url, people.owner.token);
    const item = await people.ask();
    expect((await socket.event((event) => event.id === item)).kind).toBe('inbox.item.created');
    const waiting = at(two, people.agent.token).get(`/api/v1/inbox/items/${item}/wait?timeout_s=60`);
    await people.owner.post(`/api/v1/inbox/items/${item}/answer`, { values: { go: false } });
    expect((await waiting).body).toMatchObject({ status: 'answered', values: { go: false } });
    socket.close();
  }, 60_000);

  it('a session that ends on one is refused on the other within a second, and its socket there closes', async () => {
    const login = await createRestClient(one.url).post('/auth/login', {
      email: 'ada@example.org',
      password: ownerPassword,
    });
    const token: string = login.body.access_token;
    expect((await at(two, token).get('/api/v1/me')).status).toBe(200);
    const socket = await openSocket(two.url, token);
    expect((await at(one, token).post('/auth/logout', {})).status).toBeLessThan(300);
    await until(async () => (await at(two, token).get('/api/v1/me')).status === 401, 'it is refused', 1000);
    expect([4401, 4403]).toContain(await socket.closing(1000));
  }, 60_000);

  it('guesses of a password and tool calls are counted together', async () => {
    const guess = (server: RunningServer) =>
      createRestClient(server.url).post('/auth/login', { email: 'ada@example.org', password: 'a wrong password' });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await guess(n % 2 === 0 ? one : two)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);

    // The counts of tool calls are exchanged once a second, so the sum is caught soon, not at the exact call.
    const made = await people.owner.post('/api/v1/agents', { name: 'Busy' });
    const call = async (server: RunningServer): Promise<boolean> =>
      (await toolCall(server, made.body.api_key, 'inbox_notify', { title: 'Busy' })).error?.code === -32003;
    let passed = 0;
    const refused = await until(async () => {
      // Neither server sees more than half of the limit by itself.
      if (passed >= 11) return (await call(one)) || (await call(two));
      passed += 1;
      const was = await call(passed % 2 === 0 ? one : two);
      if (was) throw new Error(`refused after ${passed} calls`);
      return false;
    }, 'the sum is over the limit');
    expect(refused).toBe(true);
  }, 60_000);

  it('kill -9 of one loses nothing: the other has its items and ends its timers', async () => {
    const acknowledged: string[] = [];
    const write = async (): Promise<void> => {
      for (;;) {
        const answer = await people.agent.post('/api/v1/inbox/notify', { title: 'Written' }).catch(() => null);
        if (answer?.status !== 201) return;
        acknowledged.push(answer.body.id);
      }
    };
    const item = await people.ask({ ttl_ms: 2000 });
    const writers = [write(), write(), write()];
    await until(() => acknowledged.length >= 30, 'some are acknowledged');
    await one.kill();
    await Promise.all(writers);
    const there = await replicas.database.query<{ count: number }>(
      'select count(*)::int as count from inbox_items where id = any($1::uuid[])',
      [acknowledged],
    );
    expect(there.rows[0]!.count).toBe(acknowledged.length);
    await until(
      async () => (await at(two, people.owner.token).get(`/api/v1/inbox/items/${item}`)).body.status === 'expired',
      'the timer of the killed one ends the item',
      30_000,
    );
    one = await replicas.start();
    expect((await at(one, people.owner.token).get(`/api/v1/inbox/items/${item}`)).body.status).toBe('expired');
  }, 90_000);

  it('a server with another master key is refused', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    await expect(replicas.start({ ATRIUM_MASTER_KEY: key })).rejects.toThrow('needs the same ATRIUM_MASTER_KEY');
  }, 60_000);
});

describe.runIf(services.wanted)('an api server and a worker', () => {
  let replicas: Replicas;
  afterAll(() => replicas.close(), 60_000);

  it('the api server answers and leaves timers to the worker', async () => {
    replicas = await makeReplicas();
    const api = await replicas.start({ ATRIUM_ROLE: 'api' });
    const people = await setUp({ ...api, setupToken: replicas.setupToken });
    expect((await people.owner.get('/ready')).status).toBe(200);
    const item = await people.ask({ ttl_ms: 1000 });
    const status = async () => (await people.owner.get(`/api/v1/inbox/items/${item}`)).body.status;
    const runs = async () => {
      const found = await replicas.database.query('select 1 from dbos.workflow_status where status = $1', ['SUCCESS']);
      return found.rowCount;
    };
    expect([await status(), await runs()]).toEqual(['open', 0]);

    const waiting = people.agent.get(`/api/v1/inbox/items/${item}/wait?timeout_s=60`);
    const worker = await replicas.start({ ATRIUM_ROLE: 'worker' });
    expect((await waiting).body).toMatchObject({ status: 'expired' });
    expect((await createRestClient(worker.url).get('/ready')).status).toBe(200);
  }, 90_000);
});
