import { createHmac } from 'node:crypto';
import { rotationProof } from '@atrium/protocol';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeKey } from '../../support/agent-key.ts';
import { type HookCall, type HookServer, startHookServer } from '../../support/hook-server.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { ok } from '../../support/people.ts';
import { createRestClient, type Json, type RestAnswer, someAddress } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const secret = 'what calls to hooks are signed with';
let tokens: HookServer;
let webhooks: HookServer;
let world: KeyWorld;
beforeAll(async () => {
  tokens = await startHookServer();
  webhooks = await startHookServer();
  world = await openKeyWorld({
    env: {
      ATRIUM_HOOK_TOKEN_ISSUING_URL: tokens.url,
      ATRIUM_HOOK_AGENT_URLS: webhooks.url,
      ATRIUM_HOOK_SECRET: secret,
      ATRIUM_HOOK_TIMEOUT: '1s',
      ATRIUM_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1/32',
    },
  });
});
afterAll(async () => {
  await world.close();
  await tokens.close();
  await webhooks.close();
});
beforeEach(() => {
  tokens.reply = () => ({ status: 204 });
  webhooks.reply = () => ({ status: 204 });
});

const isSigned = ({ id, at, signature, text }: HookCall): void => {
  const expected = createHmac('sha256', secret).update(`${id}.${at}.${text}`).digest('base64');
  expect(signature).toBe(`v1,${expected}`);
};

const issuer = (): string => world.url.replace('127.0.0.1', 'localhost');
const ask = async (
  agent: { client_id: string; client_secret: string },
  more: Record<string, string> = {},
): Promise<RestAnswer> => {
  const { client_id, client_secret } = agent;
  const response = await fetch(`${issuer()}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id, client_secret, resource: `${issuer()}/api/v1` },
      ...{ scope: 'crypto:sign diary:read', ...more },
    }),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
};
/** The engine answers what is not plain; a request is plain unless it says something that nobody asked for. */
const byEngine = { not_plain: '1' };

/** The door of MCP, by the credential headers. */
const knock = async ({ client_id, client_secret }: KeyedAgent): Promise<number> => {
  const response = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'x-forwarded-for': someAddress(),
      'x-client-id': client_id,
      'x-client-secret': client_secret,
    },
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: {
        ...{ protocolVersion: '2025-06-18', capabilities: {} },
        clientInfo: { name: 'hooks', version: '1' },
      },
    }),
  });
  await response.body?.cancel();
  return response.status;
};

const claimsOf = (answer: RestAnswer): Json => {
  const { jti: _jti, iat: _iat, exp: _exp, ...claims } = decodeJwt(ok(answer).access_token);
  return claims;
};

describe('56: the token.issuing hook', () => {
  it('56: adds its claims to every token of an agent, by the quick way and by the engine, and they open nothing', async () => {
    const agent = await world.agent();
    tokens.reply = () => ({ status: 200, body: { claims: { tier: 'gold', sub: 'root', scope: 'org:admin' } } });
    const before = tokens.calls.length;
    const quick = await ask(agent);
    const names = { identity_id: agent.id, public_key: agent.key.public_key, fingerprint: agent.key.fingerprint };
    const prefixed = Object.fromEntries(Object.entries(names).map(([name, value]) => [`moltnet:${name}`, value]));
    expect(claimsOf(quick)).toMatchObject({
      ...{ sub: agent.id, scope: 'crypto:sign diary:read', ...names, ...prefixed },
      ext: { tier: 'gold', sub: 'root', scope: 'org:admin' },
    });
    const engine = claimsOf(await ask(agent, byEngine));
    expect({ ...engine, scope: engine.scope.split(' ').sort().join(' ') }).toEqual(claimsOf(quick));
    const calls = tokens.calls.slice(before);
    expect(calls.map(({ body }) => [body.type, body.data.client_id, body.data.agent.fingerprint])).toEqual(
      Array.from({ length: 2 }, () => ['token.issuing', agent.client_id, agent.key.fingerprint]),
    );
    for (const call of calls) {
      isSigned(call);
      expect(call.body.data).toMatchObject({ resource: `${issuer()}/api/v1`, scopes: ['crypto:sign', 'diary:read'] });
      expect(call.text).not.toContain(agent.client_secret);
    }
    const me = createRestClient(world.url, ok(quick).access_token);
    expect((await me.get('/api/v1/crypto/signing-requests')).status).toBe(200);
    expect((await me.get('/api/v1/agents')).status).toBe(403);
    // Whoever asks about the token hears of them, too.
    const { client_id, client_secret } = agent;
    const introspected = await fetch(`${issuer()}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: ok(quick).access_token, client_id, client_secret }),
    });
    expect(await introspected.json()).toMatchObject({ active: true, ext: { tier: 'gold' } });
  });

  it('56: refuses a token by 403, at every door', async () => {
    const agent = await world.agent();
    tokens.reply = () => ({ status: 403, body: {} });
    for (const more of [{}, byEngine]) {
      const answer = await ask(agent, more);
      expect([answer.status, answer.body.error]).toEqual([400, 'access_denied']);
    }
    expect(await knock(agent)).toBe(401);
    tokens.reply = () => ({ status: 204 });
    expect(await knock(agent)).toBe(200);
  });

  it('56: that does not answer is given up in its time, and with the policy closed there is no token', async () => {
    const agent = await world.agent();
    tokens.reply = () => 'hang';
    for (const more of [{}, byEngine]) {
      const answer = await ask(agent, more);
      expect([answer.status, answer.body.error]).toEqual([400, 'temporarily_unavailable']);
    }
    expect(await knock(agent)).toBe(503);
    await until(() => tokens.abandoned() >= 3, 'the server hangs up');
    // People's tokens and those of other doors do not wait for it.
    expect((await world.org.owner.get('/api/v1/orgs/current')).status).toBe(200);
    tokens.reply = () => ({ status: 204 });
    expect((await ask(agent)).status).toBe(200);
  });
});

describe('webhooks about agents', () => {
  const about = (id: string): HookCall[] => webhooks.calls.filter(({ body }) => body.data.identity_id === id);

  it('tell of a registration and of a changed key, signed, with nothing secret', async () => {
    const agent = await world.agent();
    const fresh = await makeKey();
    const proof = rotationProof(agent.id, agent.key.public_key, fresh.public_key);
    ok(
      await agent.post('/api/v1/agents/rotate-key', {
        public_key: fresh.public_key,
        old_signature: await agent.key.sign(proof),
        new_signature: await fresh.sign(proof),
      }),
    );
    await until(() => about(agent.id).length >= 2, 'both are told');
    const told = about(agent.id).map(({ body }) => [body.type, body.data.change, body.data.fingerprint]);
    expect(told.sort()).toEqual([
      ['agent.key_changed', 'rotated', fresh.fingerprint],
      ['agent.registered', 'registered', agent.key.fingerprint],
    ]);
    for (const call of about(agent.id)) {
      isSigned(call);
      expect(call.body.data).toMatchObject({ org_id: world.org.id, public_key: expect.stringMatching(/^ed25519:/) });
      expect(call.text).not.toContain(agent.client_secret);
    }
  });

  it('come again under the same id until they are heard, also across a restart', async () => {
    webhooks.reply = () => ({ status: 500 });
    const agent = await world.agent();
    await until(() => about(agent.id).length >= 1, 'a first attempt');
    await world.server.kill();
    webhooks.reply = () => ({ status: 200, body: {} });
    const before = about(agent.id).length;
    await world.restart();
    await until(() => about(agent.id).length > before, 'it comes again', 45_000);
    expect(new Set(about(agent.id).map(({ id }) => id)).size).toBe(1);
    const { rows } = await world.database.query(
      "select inputs from dbos.workflow_input where workflow_uuid like 'agent-webhook-%'",
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(JSON.stringify(rows)).not.toContain('of-the-operator');
  });
});

it('56: the log holds neither the secret nor what stands in the address of a hook', () => {
  for (const text of [secret, 'of-the-operator']) expect(world.server.output()).not.toContain(text);
});
