import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FirstOwner, setUp } from '../../support/first-owner.ts';
import { FormBrowser } from '../../support/form-browser.ts';
import { pkce, redirect } from '../../support/oauth-world.ts';
import { makeReplicas, type Replicas, services } from '../../support/replicas.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import type { RunningServer } from '../../support/start-server.ts';

/** Both answer under one public address; tests reach each by its own. */
const issuer = 'http://atrium.test:4400';

describe.runIf(services.wanted)('two servers on one database', () => {
  let replicas: Replicas;
  let servers: RunningServer[];
  let people: FirstOwner;
  let client: string;

  const form = async (server: RunningServer, path: string, fields: Record<string, string>) => {
    const response = await fetch(`${server.url}${path}`, { method: 'POST', body: new URLSearchParams(fields) });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Json };
  };

  beforeAll(async () => {
    replicas = await makeReplicas({ ATRIUM_PUBLIC_URL: issuer, ATRIUM_RATE_LIMIT_ADDRESS: '1000000' });
    servers = await Promise.all([replicas.start(), replicas.start()]);
    people = await setUp({ url: servers[0]!.url, setupToken: replicas.setupToken });
    const response = await fetch(`${servers[0]!.url}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: [redirect],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      }),
    });
    client = ((await response.json()) as Json).client_id;
  }, 120_000);
  afterAll(() => replicas.close(), 60_000);

  /** Pages name the public address; the browser goes to the server that is asked. */
  const codeAt = async (server: RunningServer) => {
    const { verifier, challenge } = pkce();
    const browser = new FormBrowser(server.url);
    browser.setCookie('atrium_session', people.owner.token);
    let page = await browser.get(
      `/oauth/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: client,
        redirect_uri: redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        resource: `${issuer}/api/v1`,
      })}`,
    );
    while (page.leaves?.startsWith(issuer) === true) page = await browser.get(page.leaves.slice(issuer.length));
    page = await browser.submit(page, { decision: 'allow' });
    while (page.leaves?.startsWith(issuer) === true) page = await browser.get(page.leaves.slice(issuer.length));
    return { code: new URL(page.leaves!).searchParams.get('code')!, verifier };
  };

  const redeem = (server: RunningServer, { code, verifier }: { code: string; verifier: string }) =>
    form(server, '/oauth/token', {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: redirect,
      client_id: client,
    });

  const me = async (server: RunningServer, token: string) =>
    (await createRestClient(server.url, token).get('/api/v1/me')).status;

  it('serve each other’s keys, and both made one set of them (33)', async () => {
    const sets = await Promise.all(
      servers.map(async ({ url }) => ((await (await fetch(`${url}/oauth/jwks`)).json()) as Json).keys),
    );
    expect(sets[0]).toEqual(sets[1]);
    expect(sets[0]).toHaveLength(2);
    const rows = await replicas.database.query('select state, count(*)::int as n from oauth_keys group by state');
    expect(Object.fromEntries(rows.rows.map(({ state, n }) => [state, n]))).toEqual({ active: 1, next: 1 });
  });

  it('8: one code at both in the same moment: one success each time, and its family ends', async () => {
    for (let count = 0; count < 10; count += 1) {
      const code = await codeAt(servers[0]!);
      const answers = await Promise.all(servers.map((server) => redeem(server, code)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
      const won = answers.find(({ status }) => status === 200)!;
      for (const server of servers) await expect.poll(() => me(server, won.body.access_token)).toBe(401);
    }
  }, 120_000);

  it('23: a token that ends on one is refused by the other at once', async () => {
    const tokens = (await redeem(servers[0]!, await codeAt(servers[0]!))).body;
    expect(await me(servers[1]!, tokens.access_token)).toBe(200);
    const revoked = await form(servers[0]!, '/oauth/revoke', { token: tokens.access_token, client_id: client });
    expect(revoked.status).toBe(200);
    await expect.poll(() => me(servers[1]!, tokens.access_token), { interval: 5 }).toBe(401);
    expect(await me(servers[0]!, tokens.access_token)).toBe(401);
  });

  it('24: with the listening connection cut, a revoked token is refused all the same', async () => {
    const tokens = (await redeem(servers[0]!, await codeAt(servers[0]!))).body;
    expect(await me(servers[1]!, tokens.access_token)).toBe(200);
    await replicas.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'atrium oauth' and datname = current_database()",
    );
    await form(servers[0]!, '/oauth/revoke', { token: tokens.access_token, client_id: client });
    expect(await me(servers[1]!, tokens.access_token)).toBe(401);
  });
});
