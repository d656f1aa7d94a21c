import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { internalCall } from '../../../src/platform/operations/call.ts';
import { systemCaller } from '../../../src/platform/operations/caller.ts';
import { basic, type OauthWorld, openOauthWorld, redirect, type TokenAnswer } from '../../support/oauth-world.ts';
import type { Agent } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { withKeyRing } from '../../support/server-key-ring.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

const masterKey = randomBytes(32);
const nobody = '00000000-0000-0000-0000-000000000000';

/** One issuer, two processes behind it. */
let one: OauthWorld;
let two: RunningServer;
let api: string;
let agent: Agent;
beforeAll(async () => {
  const port = await freePort();
  const env = {
    ATRIUM_MASTER_KEY: masterKey.toString('base64'),
    ATRIUM_PUBLIC_URL: `http://localhost:${port}`,
    ATRIUM_RATE_LIMIT_ADDRESS: '100000',
  };
  one = await openOauthWorld({ port, env });
  two = await startServer({ env: { ...env, DATABASE_URL: serverDatabaseUrl(one.server.dataDir) } });
  api = `${one.issuer}/api/v1`;
  agent = await one.org.agent('Courier');
}, 180_000);
afterAll(async () => {
  await two?.stop();
  if (two !== undefined) removeDataDir(two.dataDir);
  await one?.close();
}, 60_000);

const post = async (at: string, path: string, form: Record<string, string>, headers = {}): Promise<TokenAnswer> => {
  const response = await fetch(`${at}${path}`, { method: 'POST', body: new URLSearchParams(form), headers });
  const text = await response.text();
  return { status: response.status, body: text === '' ? '' : (JSON.parse(text) as Json), headers: response.headers };
};

const byAgent = () => basic(agent.client_id, agent.client_secret);
const agentToken = async (at: string): Promise<string> => {
  const form = { grant_type: 'client_credentials', resource: api, scope: 'inbox:read' };
  const { status, body } = await post(at, '/oauth/token', form, byAgent());
  expect(status, JSON.stringify(body)).toBe(200);
  return body.access_token;
};
const statusAt = async (at: string, token: string): Promise<number> =>
  (await createRestClient(at, token).get('/api/v1/me')).status;

it('a token of one is good at the other; given back at one it is refused by the other at once', async () => {
  const took: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const token = await agentToken(n % 2 === 0 ? one.url : two.url);
    expect([await statusAt(one.url, token), await statusAt(two.url, token)]).toEqual([200, 200]);
    const introspected = await post(two.url, '/oauth/introspect', { token }, byAgent());
    expect(introspected.body).toMatchObject({ active: true, sub: agent.id });
    expect((await post(one.url, '/oauth/revoke', { token }, byAgent())).status).toBe(200);
    const began = performance.now();
    await until(async () => (await statusAt(two.url, token)) === 401, 'the other refuses it', 5000);
    took.push(performance.now() - began);
    expect(await statusAt(one.url, token)).toBe(401);
    expect((await post(two.url, '/oauth/introspect', { token }, byAgent())).body).toEqual({ active: false });
  }
  // The middle one: a single pause of a busy machine says nothing about the way that the news takes.
  // Held to 100 ms where nothing else runs; a figure to read, no assertion.
  console.log(`refused by the other server after ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
}, 60_000);

it('a consent that is withdrawn at one ends its tokens at the other', async () => {
  const client = await one.register();
  const tokens = await one.tokensFor(client, { resource: api });
  expect(await statusAt(two.url, tokens.access_token)).toBe(200);
  const form = { token: tokens.refresh_token, client_id: client };
  expect((await post(one.url, '/oauth/revoke', form)).status).toBe(200);
  await until(async () => (await statusAt(two.url, tokens.access_token)) === 401, 'the other refuses it', 1000);
  const again = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: client };
  expect((await post(two.url, '/oauth/token', again)).body.error).toBe('invalid_grant');
}, 60_000);

const rotateKeys = (): Promise<string> =>
  withKeyRing(one.server.dataDir, masterKey, (ring) =>
    ring.rotate(internalCall(systemCaller({ id: nobody }), 'rotation')),
  );

it('keys that are rotated are used by both at once, and what the old one signed stays good', async () => {
  const before = await agentToken(two.url);
  const kid = await rotateKeys();
  expect(decodeProtectedHeader(before).kid).not.toBe(kid);
  for (const { url } of [one, two]) {
    const newest = async () => decodeProtectedHeader(await agentToken(url)).kid;
    await until(async () => (await newest()) === kid, 'it signs with the new key', 5000);
    const { keys } = (await (await fetch(`${url}/oauth/jwks`)).json()) as { keys: { kid: string }[] };
    expect(keys.map((key) => key.kid)).toEqual(expect.arrayContaining([kid, decodeProtectedHeader(before).kid]));
  }
  const after = await agentToken(one.url);
  for (const token of [before, after])
    expect([await statusAt(one.url, token), await statusAt(two.url, token)]).toEqual([200, 200]);
}, 60_000);

it('7: a code that is redeemed twice ends the tokens of its first redemption at both within a second', async () => {
  const client = await one.register();
  const { code, verifier } = await one.codeFor(client, { resource: api });
  const form = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirect,
    client_id: client,
  };
  const first = await post(one.url, '/oauth/token', form);
  expect(first.status).toBe(200);
  const token: string = first.body.access_token;
  expect([await statusAt(one.url, token), await statusAt(two.url, token)]).toEqual([200, 200]);
  expect(await post(two.url, '/oauth/token', form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  for (const { url } of [one, two])
    await until(async () => (await statusAt(url, token)) === 401, `${url} refuses it`, 1000);
  for (const { url } of [one, two]) {
    const again = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token, client_id: client };
    expect(await post(url, '/oauth/token', again)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  }
}, 60_000);

it('8: of one code sent to both at the same moment one request wins, a hundred times, and its family ends', async () => {
  const back = 'https://app.example/cb';
  const made = await one.operatorClient({ redirect_uris: [back] });
  const browser = one.browser();
  browser.setCookie('atrium_session', one.person.token);
  const verifier = 'a'.repeat(43);
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const url = one.authorizeUrl(made.client_id, challenge, { redirect_uri: back, resource: api, scope: 'account:read' });
  // Allowed once by hand; from then on each request for the same is answered with a code at once.
  await browser.submit(await browser.get(url), { decision: 'allow' });
  for (let n = 0; n < 100; n += 1) {
    const code = new URL((await browser.get(url)).leaves!).searchParams.get('code')!;
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: back };
    const answers = await Promise.all(
      [one, two].map((server) => post(server.url, '/oauth/token', form, basic(made.client_id, made.secret!))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    const won = answers.find(({ status }) => status === 200)!;
    const at = n % 2 === 0 ? one.url : two.url;
    await until(async () => (await statusAt(at, won.body.access_token)) === 401, 'its family ends', 2000);
  }
}, 120_000);

it('24: while the listening connections are cut again and again, what was revoked at one is refused by the other', async () => {
  const tokens = await Promise.all(Array.from({ length: 8 }, () => agentToken(one.url)));
  for (const token of tokens) expect(await statusAt(two.url, token)).toBe(200);
  const listening = "select pid from pg_stat_activity where application_name = 'atrium oauth'";
  let cutting = true;
  const cutter = (async () => {
    while (cutting) await one.database.query(`select pg_terminate_backend(pid) from (${listening}) as l`);
  })();
  try {
    for (const token of tokens) {
      expect((await post(one.url, '/oauth/revoke', { token }, byAgent())).status).toBe(200);
      // At the very first question: no notice can have come.
      expect(await statusAt(two.url, token)).toBe(401);
      expect((await post(two.url, '/oauth/introspect', { token }, byAgent())).body).toEqual({ active: false });
    }
  } finally {
    cutting = false;
    await cutter;
  }
  await until(async () => (await one.database.query(listening)).rowCount === 2, 'both listen again');
}, 60_000);

it('wrong secrets are counted together', async () => {
  const guessed = await one.org.agent('Guessed');
  const form = { grant_type: 'client_credentials', resource: api, scope: 'inbox:read' };
  const statuses: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    const at = n % 2 === 0 ? one.url : two.url;
    statuses.push((await post(at, '/oauth/token', form, basic(guessed.client_id, 'wrong'))).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});

it('a person who signed in at one is known at the other, and gone from both after the sign-out', async () => {
  const { person } = one;
  expect(await statusAt(two.url, person.token)).toBe(200);
  expect((await createRestClient(two.url, person.token).post('/auth/logout', {})).status).toBeLessThan(300);
  await until(async () => (await statusAt(one.url, person.token)) === 401, 'the other refuses it', 1000);
});
