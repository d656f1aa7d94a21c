import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey, newRegistrationKey } from '../../support/agent-key.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { ok } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let world: KeyWorld;
beforeAll(async () => {
  world = await openKeyWorld();
});
afterAll(() => world.close());

/** Kills the server while the request waits for what `hold` has taken, and starts it again. */
const killWhile = async (
  hold: (client: pg.PoolClient) => Promise<unknown>,
  waits: RegExp,
  send: () => Promise<unknown>,
): Promise<void> => {
  const holding = await world.database.connect();
  await holding.query('begin');
  await hold(holding);
  const lost = send().catch((error: Error) => error);
  await until(async () => {
    const { rows } = await world.database.query<{ query: string }>(
      "select query from pg_stat_activity where wait_event_type = 'Lock' and pid <> pg_backend_pid()",
    );
    return rows.some(({ query }) => waits.test(query));
  }, `the request waits at ${waits}`);
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
};

const headOfOrg = (client: pg.PoolClient) =>
  client.query('select 1 from core_event_heads where org_id = $1 for update', [world.org.id]);

it('6: killed at each step of a registration nothing is left, the voucher works, and the same request completes', async () => {
  const steps: [string, (client: pg.PoolClient, key: string, fingerprint: string) => Promise<unknown>, RegExp][] = [
    ['redeeming the voucher', (c) => c.query('select 1 from identity_vouchers for update'), /update identity_vouchers/],
    [
      'counting the agents',
      (c) => c.query('select 1 from identity_orgs where id = $1 for update', [world.org.id]),
      /identity_orgs/,
    ],
    [
      'storing the key',
      (c, key, fingerprint) =>
        c.query(
          `insert into identity_agent_keys (id, org_id, agent_id, public_key, fingerprint, origin, created_at)
           select gen_random_uuid(), org_id, id, $1, $2, 'attached', now() from identity_agents limit 1`,
          [key, fingerprint],
        ),
      /insert into identity_agent_keys/,
    ],
    ['committing', headOfOrg, /core_commit/],
  ];
  await world.org.agent('Somebody');
  await world.database.query(`update identity_subscriptions set limits = '{"agents": 100}' where org_id = $1`, [
    world.org.id,
  ]);
  for (const [what, hold, waits] of steps) {
    const [key, idempotencyKey, voucher_code] = [await makeKey(), newRegistrationKey(), await world.voucher()];
    const send = () => world.register(key, { idempotencyKey, voucher_code });
    await killWhile((client) => hold(client, key.public_key, key.fingerprint), waits, send);
    const left = await world.row(
      `select (select count(*)::int from identity_agents where name = $1) as agents,
         (select count(*)::int from identity_agent_keys where fingerprint = $2) as keys,
         (select count(*)::int from core_idempotency_keys where key = $3) as answers,
         (select count(*)::int from identity_vouchers where redeemed_at is null) as open`,
      [`agent-${key.fingerprint}`, key.fingerprint, idempotencyKey],
    );
    expect([what, left]).toEqual([what, { agents: 0, keys: 0, answers: 0, open: 1 }]);
    await world.restart();
    const made = await send();
    expect([what, made.status]).toEqual([what, 201]);
    expect((await world.tokenAnswer(made.body)).status).toBe(200);
  }
}, 240_000);

it('6: killed after the commit, the lost answer is there for whoever asks again', async () => {
  const [key, idempotencyKey, voucher_code] = [await makeKey(), newRegistrationKey(), await world.voucher()];
  const send = () => world.register(key, { idempotencyKey, voucher_code });
  const first = ok(await send());
  await world.server.kill();
  await world.restart();
  expect(ok(await send())).toEqual(first);
  expect((await world.tokenAnswer(first)).status).toBe(200);
}, 120_000);

const path = '/api/v1/crypto/signing-requests';

it('18: killed while a request waits, it is signed before its end and expires after it', async () => {
  const agent = await world.agent();
  const [signed, late] = [
    ok(await agent.post(path, { message: 'signed' })),
    ok(await agent.post(path, { message: 'late' })),
  ];
  await world.server.kill();
  // Its five minutes pass, in the row and in its durable timer.
  await world.database.query(
    "update identity_signing_requests set expires_at = expires_at - interval '301 s', created_at = created_at - interval '301 s' where id = $1",
    [late.id],
  );
  const { rows } = await world.database.query<{ column_name: string }>(
    "select column_name from information_schema.columns where table_schema = 'dbos' and table_name = 'workflow_status' and column_name like 'delay%'",
  );
  for (const { column_name } of rows)
    await world.database.query(
      `update dbos.workflow_status set "${column_name}" = "${column_name}" - 301000 where workflow_uuid = $1`,
      [`signing-${late.id}`],
    );
  await world.restart();
  const me = createRestClient(() => world.url, ok(await world.tokenAnswer(agent)).access_token);
  const sign = async (request: { id: string; nonce: string }, message: string) =>
    me.post(`${path}/${request.id}/sign`, { signature: await agent.key.signMessage(message, request.nonce) });
  expect(ok(await sign(signed, 'signed'))).toMatchObject({ status: 'completed', valid: true });
  const refused = await sign(late, 'late');
  expect([refused.status, refused.body.code]).toEqual([409, 'signing_request_expired']);
  await until(
    async () =>
      (
        await world.row(
          "select count(*)::int as n from core_events where kind = 'identity.signing.expired' and subject_id = $1",
          [late.id],
        )
      ).n === 1,
    'it expires once',
    40_000,
  );
}, 120_000);

it('18: killed while a signature is taken, it is not taken, and comes through when it is sent again', async () => {
  const agent = await world.agent();
  const asked = ok(await agent.post(path, { message: 'cut off' }));
  const signature = await agent.key.signMessage('cut off', asked.nonce);
  await killWhile(headOfOrg, /core_commit/, () => agent.post(`${path}/${asked.id}/sign`, { signature }));
  const row = 'select status, signature, valid from identity_signing_requests where id = $1';
  expect(await world.row(row, [asked.id])).toEqual({ status: 'pending', signature: null, valid: null });
  await world.restart();
  const me = createRestClient(() => world.url, ok(await world.tokenAnswer(agent)).access_token);
  expect(ok(await me.post(`${path}/${asked.id}/sign`, { signature }))).toMatchObject({
    ...{ status: 'completed', valid: true },
  });
  // What was committed is verified already: there is nothing between the two that a kill could fall into.
  await world.server.kill();
  await world.restart();
  expect(await world.row(row, [asked.id])).toEqual({ status: 'completed', signature, valid: true });
}, 120_000);
