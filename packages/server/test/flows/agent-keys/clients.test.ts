import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { connectV1 } from '../../support/mcp-drivers.ts';
import { ok } from '../../support/people.ts';
import { type Json, someAddress } from '../../support/rest-client.ts';

let world: KeyWorld;
beforeAll(async () => {
  world = await openKeyWorld();
});
afterAll(() => world.close());

const greeting = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'headers', version: '1' } },
};

/** One request to /mcp with the headers of a client, from one address. */
const knock = async (
  headers: Record<string, string>,
  from: string,
): Promise<{ status: number; wait: string | null }> => {
  const response = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'x-forwarded-for': from,
      ...headers,
    },
    body: JSON.stringify(greeting),
  });
  await response.body?.cancel();
  return { status: response.status, wait: response.headers.get('retry-after') };
};
const headersOf = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  'x-client-id': client_id,
  'x-client-secret': client_secret,
});

describe('54: a client id and secret in the headers of /mcp', () => {
  it('54: stand for their agent, its scopes and its key, without a token request of its own', async () => {
    const agent = await world.agent();
    const client = new Client({ name: 'headers', version: '1' });
    const requestInit = { headers: headersOf(agent) };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${world.url}/mcp`), { requestInit }) as never);
    const answer = (await client.callTool({ name: 'agent_whoami', arguments: {} })) as { structuredContent: Json };
    expect(answer.structuredContent).toMatchObject({
      ...{ identity_id: agent.id, fingerprint: agent.key.fingerprint, client_id: agent.client_id },
    });
    await client.close();
    const tokens = 'select count(*)::int as n from oauth_access_tokens where client_id = $1 and resource like $2';
    expect((await world.row(tokens, [agent.client_id, '%/mcp'])).n).toBe(1);
  });

  it('54: five bad secrets hold that client off for a minute, and no other', async () => {
    const [agent, other] = [await world.agent(), await world.agent()];
    const [here, elsewhere] = [someAddress(), someAddress()];
    const bad = headersOf({ client_id: agent.client_id, client_secret: 'acs_wrong' });
    for (let guess = 0; guess < 5; guess += 1) expect((await knock(bad, here)).status).toBe(401);
    const held = await knock(headersOf(agent), here);
    expect(held.status).toBe(429);
    expect(Number(held.wait)).toBeGreaterThan(0);
    expect(Number(held.wait)).toBeLessThanOrEqual(60);
    expect((await knock(headersOf(other), here)).status).toBe(200);
    // Whoever guesses elsewhere does not shut the agent out.
    expect((await knock(headersOf(agent), elsewhere)).status).toBe(200);
    const { items } = ok(await world.org.owner.get('/api/v1/audit?limit=200'));
    expect(JSON.stringify(items)).not.toContain('acs_wrong');
  });

  it('54: a client that nobody has fails as a wrong secret does, half a pair is no credential', async () => {
    const from = someAddress();
    const unknown = { client_id: 'agent_nobody', client_secret: 'acs_wrong' };
    expect(await knock(headersOf(unknown), from)).toEqual({ status: 401, wait: null });
    for (let guess = 0; guess < 4; guess += 1) await knock(headersOf(unknown), from);
    expect((await knock(headersOf(unknown), from)).status).toBe(429);
    expect((await knock({ 'x-client-id': 'agent_nobody' }, someAddress())).status).toBe(401);
  });

  it('54: a replaced secret, and an agent that is switched off, are refused with the next request', async () => {
    const agent = await world.agent();
    const from = someAddress();
    expect((await knock(headersOf(agent), from)).status).toBe(200);
    const rotated = ok(await agent.post('/api/v1/agents/rotate-secret', {}));
    expect((await knock(headersOf(agent), from)).status).toBe(401);
    expect((await knock(headersOf(rotated), from)).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false }));
    expect((await knock(headersOf(rotated), from)).status).toBe(401);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: true }));
    expect((await knock(headersOf(rotated), from)).status).toBe(200);
  });
});

describe('60: who am I', () => {
  it('60: is the same by the old name, which is not listed, and is answered to people as well', async () => {
    const agent = await world.agent();
    const client = await connectV1(world.url, ok(await world.tokenAnswer(agent, '/mcp')).access_token);
    const mine = (await client.call('agent_whoami')).structuredContent;
    expect(mine).toMatchObject({ kind: 'agent', public_key: agent.key.public_key });
    expect((await client.call('moltnet_whoami')).structuredContent).toEqual(mine);
    const tools = await client.tools();
    expect(tools).toContain('agent_whoami');
    expect(tools.filter((name) => name.startsWith('moltnet_'))).toEqual([]);
    await client.close();
    const owner = await connectV1(world.url, world.org.owner.token);
    expect((await owner.call('agent_whoami')).structuredContent).toMatchObject({ kind: 'user', public_key: null });
    await owner.close();
  });
});
