import { afterAll, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveRegistration } from '../support/agent-key.ts';
import { ownerPassword, setUp } from '../support/first-owner.ts';
import { openSocket } from '../support/live-socket.ts';
import { createRestClient } from '../support/rest-client.ts';
import { openServerDatabase } from '../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

let server: RunningServer;
afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

/** Every text column of every table, as one text a table; the places where a secret must not be readable. */
const readTables = async (dataDir: string): Promise<Map<string, string>> => {
  const pool = openServerDatabase(dataDir);
  try {
    const { rows } = await pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'dbos')`,
    );
    const texts = new Map<string, string>();
    for (const { name } of rows) {
      const found = await pool.query<{ all: string | null }>(
        `select string_agg(t::text, E'\\n') as all from ${name} t`,
      );
      texts.set(name, found.rows[0]!.all ?? '');
    }
    return texts;
  } finally {
    await pool.end();
  }
};

it('situation 48: no secret that was used is readable in the output of the server, at its most talkative, nor in a table', async () => {
  server = await startServer({ env: { ATRIUM_LOG: 'trace', ATRIUM_METRICS_TOKEN: 'metrics-token-of-the-scraper' } });
  const people = await setUp(server);
  const anonymous = createRestClient(server.url);
  const secrets = new Map([
    ['setup token', server.setupToken],
    ['password', ownerPassword],
    ['session token', people.owner.token],
    ['API key', people.agent.token],
    ['metrics token', 'metrics-token-of-the-scraper'],
  ]);
  const use = (name: string, value: string): string => {
    secrets.set(name, value);
    return value;
  };

  await anonymous.post('/auth/login', { email: 'ada@example.org', password: use('wrong password', 'wrong-pass-7391') });
  await anonymous.post('/auth/login', { email: 'ada@example.org', password: 7391_000_111, extra: 'wrong-pass-7391' });
  await anonymous.send('POST', '/auth/login', '{"email":"ada@example.org","password":"wrong-pass-7391"');
  await anonymous.post('/api/v1/setup', {
    token: use('wrong setup token', 'guess-of-a-setup-token'),
    email: 'eve@example.org',
    password: use('password of nobody', 'never-stored-password'),
    name: 'Eve',
  });
  for (const name of ['token', 'access_token', 'api_key', 'code', 'key', 'ticket'])
    await anonymous.get(`/api/v1/me?${name}=${use(`${name} in the query`, `in-query-${name}-5521`)}`);
  await anonymous.get('/api/v1/me', {
    headers: { authorization: `Bearer ${use('bad bearer', 'atk_notakeyatall-8812')}` },
  });
  await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer metrics-token-of-the-scraper' } });
  const changed = await people.owner.post('/api/v1/me/password', {
    current_password: ownerPassword,
    new_password: use('new password', 'another long enough secret'),
  });
  expect(changed.status).toBeLessThan(300);
  const ticket = (await people.owner.post('/auth/ticket', {})).body.ticket as string;
  (await openSocket(server.url, use('ticket', ticket))).close();
  await openSocket(server.url, use('bad socket token', 'not-a-socket-token-1290')).catch(() => {});
  const invitation = await people.owner.post('/api/v1/orgs/current/invitations', { role: 'member', max_uses: 1 });
  await anonymous.get(`/auth/invitations/${use('invitation', invitation.body.invite_code)}`);
  await anonymous.get(`/auth/invitations/${use('wrong invitation', 'inv-no-such-code-3381')}`);
  const agent = await people.owner.post(
    '/api/v1/agents',
    { name: 'Second' },
    { headers: { 'idempotency-key': 'agent-once' } },
  );
  use('second API key', agent.body.api_key);
  use('client secret', agent.body.client_secret);

  const voucher_code = use('voucher', (await people.owner.post('/api/v1/vouchers')).body.code);
  use('open voucher', (await people.owner.post('/api/v1/vouchers')).body.code);
  use('enrolment token', (await people.owner.post(`/api/v1/agents/${agent.body.agent.id}/enrol`)).body.enrolment_token);
  const [key, once] = [await makeKey(), newRegistrationKey()];
  use('private key', key.private_key);
  const newcomer = await anonymous.post(
    '/api/v1/agents/register',
    { public_key: key.public_key, voucher_code, proof: await proveRegistration(key, once) },
    { headers: { 'idempotency-key': once } },
  );
  use('client secret of a newcomer', newcomer.body.client_secret);
  const { public_key } = key;
  const { challenge, hmac } = (await anonymous.post('/api/v1/recovery/challenge', { public_key })).body;
  const signature = await key.sign(challenge);
  const proven = await anonymous.post('/api/v1/recovery/verify', { challenge, hmac, signature, public_key });
  const recovery_code = use('recovery code', proven.body.recovery_code);
  const recovered = await anonymous.post('/api/v1/recovery/reset-secret', { recovery_code, public_key });
  use('recovered client secret', recovered.body.client_secret);

  const form = { fields: [{ type: 'text', id: 'password', sealed: true, required: true, max_len: 40 }] };
  const item = await people.ask({ form });
  const sealed = use('sealed answer', 'sealed-answer-9925');
  await people.owner.put(`/api/v1/inbox/items/${item}/draft`, {
    values: { password: use('sealed draft', 'draft-8827') },
  });
  const tooLong = use('refused sealed answer', `refused-${'y'.repeat(60)}`);
  expect(
    (await people.owner.post(`/api/v1/inbox/items/${item}/answer`, { values: { password: tooLong } })).status,
  ).toBe(422);
  const answered = await people.owner.post(`/api/v1/inbox/items/${item}/answer`, { values: { password: sealed } });
  expect(answered.status).toBe(200);
  expect(JSON.stringify(answered.body)).not.toContain(sealed);
  expect(JSON.stringify((await people.owner.get(`/api/v1/inbox/items/${item}`)).body)).not.toContain(sealed);
  expect((await people.agent.post(`/api/v1/inbox/items/${item}/outcome`, {})).body.values).toEqual({
    password: sealed,
  });
  expect(JSON.stringify((await people.agent.post(`/api/v1/inbox/items/${item}/outcome`, {})).body)).not.toContain(
    sealed,
  );
  const trail = await people.owner.get('/api/v1/audit/export?format=ndjson');
  expect(trail.status).toBe(200);
  await until(() => server.output().includes('/api/v1/audit/export'), 'the last request is logged');

  const tables = await readTables(server.dataDir);
  expect(await server.stop()).toBe(0);
  tables.set('the output', server.output());
  tables.set('the export of the audit trail', String(trail.body));
  expect([...tables.keys()]).toEqual(
    expect.arrayContaining(['public.core_audit', 'public.core_events', 'dbos.workflow_status']),
  );
  // What is no secret is found this way, so the search can find.
  expect(tables.get('public.inbox_items')).toContain('Deploy to production?');
  const readable = [...secrets].flatMap(([name, value]) =>
    [...tables].filter(([, text]) => text.includes(value)).map(([place]) => `${name} in ${place}`),
  );
  // The reader of /api/v1/audit is told what was denied, never with what.
  expect(readable).toEqual([]);
}, 90_000);
