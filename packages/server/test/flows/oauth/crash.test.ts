import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OauthWorld, openOauthWorld, redirect } from '../../support/oauth-world.ts';
import { until } from '../../support/until.ts';

let world: OauthWorld;
let client: string;
beforeAll(async () => {
  // A port that stays, because the issuer must after a restart.
  world = await openOauthWorld({ env: { ATRIUM_PUBLIC_URL: 'http://localhost:4999' }, port: 4999 });
  client = await world.register();
}, 120_000);
afterAll(() => world.close());

const redeem = (code: string, verifier: string) =>
  world.token({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirect,
    client_id: client,
  });

/** Holds what every token request takes at its end, so that the kill comes between spending and committing. */
const killAtCommit = async (send: () => Promise<unknown>): Promise<void> => {
  const holding = await world.database.connect();
  await holding.query('begin');
  await holding.query('select 1 from core_event_heads where org_id = $1 for update', [world.org.id]);
  const lost = send().catch((error: Error) => error);
  await until(
    async () =>
      (
        await world.database.query(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%core_commit%'",
        )
      ).rowCount! > 0,
    'the request waits for its commit',
  );
  await world.server.kill();
  await holding.query('rollback');
  holding.release();
  expect(await lost).toBeInstanceOf(Error);
  await until(
    async () =>
      (
        await world.database.query(
          "select 1 from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and state like '%transaction%'",
        )
      ).rowCount === 0,
    'the open transaction is over',
  );
  await world.restart();
};

it('10: killed between spending a code and committing, the code is unspent', async () => {
  const { code, verifier } = await world.codeFor(client);
  await killAtCommit(() => redeem(code, verifier));
  const spent = await world.database.query('select 1 from oauth_codes where consumed_at is not null');
  const tokens = await world.database.query('select 1 from oauth_access_tokens');
  expect([spent.rowCount, tokens.rowCount]).toEqual([0, 0]);
  expect((await redeem(code, verifier)).status).toBe(200);
}, 120_000);

it('22: killed between rotating and committing, the old refresh token works once', async () => {
  const tokens = await world.tokensFor(client);
  const refresh = () =>
    world.token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: client });
  await killAtCommit(refresh);
  expect((await refresh()).status).toBe(200);
  expect((await refresh()).body.error).toBe('invalid_grant');
}, 120_000);

it('revocations survive a restart', async () => {
  const tokens = await world.tokensFor(client, { resource: `${world.issuer}/api/v1` });
  await world.post('/oauth/revoke', { token: tokens.access_token, client_id: client });
  await world.server.kill();
  await world.restart();
  const answer = await fetch(`${world.issuer}/api/v1/me`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  expect(answer.status).toBe(401);
}, 120_000);
