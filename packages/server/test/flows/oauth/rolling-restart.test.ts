import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FirstOwner, setUp } from '../../support/first-owner.ts';
import { FormBrowser } from '../../support/form-browser.ts';
import { freePort } from '../../support/free-port.ts';
import { basic, pkce, redirect } from '../../support/oauth-world.ts';
import type { Json } from '../../support/rest-client.ts';
import { type RetryingProxy, startRetryingProxy } from '../../support/retrying-proxy.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

/** Two servers on one database behind one address. */
let database: TestDatabase;
let proxy: RetryingProxy;
const servers: RunningServer[] = [];
let env: Record<string, string>;
let people: FirstOwner;
let agent: Json;
let client: string;
beforeAll(async () => {
  database = await createTestDatabase();
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  env = {
    DATABASE_URL: database.url,
    ATRIUM_SETUP_TOKEN: `setup-${randomBytes(8).toString('hex')}`,
    ATRIUM_MASTER_KEY: randomBytes(32).toString('base64'),
    ATRIUM_PUBLIC_URL: issuer,
    ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
    ATRIUM_RATE_LIMIT_ADDRESS: '1000000',
    ATRIUM_RATE_LIMIT_REST: '1000000',
  };
  servers.push(await startServer({ env }));
  servers.push(await startServer({ env, port: await freePort() }));
  proxy = await startRetryingProxy(port, () => servers.map(({ url }) => url));
  people = await setUp({ url: issuer, setupToken: env['ATRIUM_SETUP_TOKEN']! });
  agent = (await people.owner.post('/api/v1/agents', { name: 'Loader' })).body;
  const registered = await fetch(`${issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [redirect],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    }),
  });
  client = ((await registered.json()) as Json).client_id;
}, 180_000);
afterAll(async () => {
  for (const server of servers) {
    await server.stop();
    removeDataDir(server.dataDir);
  }
  await proxy?.close();
  await database?.drop();
}, 60_000);

interface Answered {
  status: number;
  body: Json;
}
const token = async (form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answered> => {
  const response = await fetch(`${proxy.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  });
  return { status: response.status, body: await response.json() };
};

const firstRefresh = async (): Promise<string> => {
  const { verifier, challenge } = pkce();
  const browser = new FormBrowser(proxy.url);
  browser.setCookie('atrium_session', people.owner.token);
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: redirect,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    resource: `${proxy.url}/api/v1`,
  });
  const answer = await browser.submit(await browser.get(`/oauth/authorize?${query}`), { decision: 'allow' });
  const { body } = await token({
    grant_type: 'authorization_code',
    code: new URL(answer.leaves!).searchParams.get('code')!,
    code_verifier: verifier,
    redirect_uri: redirect,
    client_id: client,
  });
  return body.refresh_token;
};
const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token, client_id: client });

it('87: servers that are restarted one after the other under load fail no request, and spend no refresh token twice', async () => {
  const chains = await Promise.all(Array.from({ length: 4 }, firstRefresh));
  const raced = await Promise.all(Array.from({ length: 20 }, firstRefresh));
  const failed: Answered[] = [];
  let [answered, rotated, going] = [0, 0, true];
  const successes = new Map<string, number>();

  const machine = async (): Promise<void> => {
    const form = { grant_type: 'client_credentials', resource: `${proxy.url}/api/v1`, scope: 'inbox:read' };
    while (going) {
      const [answer] = await Promise.all([token(form, basic(agent.client_id, agent.client_secret)), delay(40)]);
      answered += 1;
      if (answer.status !== 200) failed.push(answer);
    }
  };
  const chain = async (first: string): Promise<void> => {
    let held = first;
    while (going) {
      const [answer] = await Promise.all([refresh(held), delay(40)]);
      answered += 1;
      if (answer.status !== 200) return void failed.push(answer);
      rotated += 1;
      successes.set(held, (successes.get(held) ?? 0) + 1);
      held = answer.body.refresh_token;
    }
  };
  /** Each once from two sides at the same moment, all along. */
  const race = async (): Promise<void> => {
    for (const held of raced) {
      const answers = await Promise.all([refresh(held), refresh(held)]);
      answered += 2;
      successes.set(held, answers.filter(({ status }) => status === 200).length);
      for (const answer of answers)
        if (answer.status !== 200 && answer.body.error !== 'invalid_grant') failed.push(answer);
      await delay(200);
    }
  };

  const load = [...Array.from({ length: 6 }, machine), ...chains.map(chain), race()];
  for (const index of servers.keys()) {
    const old = servers[index]!;
    expect(await old.stop()).toBe(0);
    const port = Number(new URL(old.url).port);
    servers[index] = await startServer({ env, port, dataDir: old.dataDir });
  }
  const after = answered;
  await expect.poll(() => answered).toBeGreaterThan(after + 50);
  going = false;
  await Promise.all(load);

  expect(failed).toEqual([]);
  expect(rotated).toBeGreaterThan(20);
  // Connections were refused meanwhile, so the restarts were under load.
  expect(proxy.retries()).toBeGreaterThan(0);
  expect(new Set(successes.values())).toEqual(new Set([1]));
  const { rows } = await database.pool.query<{ count: number }>(
    "select count(*)::int as count from oauth_access_tokens where client_id = $1 and kind = 'AccessToken'",
    [client],
  );
  // One access token for each code and each rotation, none of an answer that was given twice.
  expect(rows[0]!.count).toBe(chains.length + raced.length + successes.size);
}, 180_000);
