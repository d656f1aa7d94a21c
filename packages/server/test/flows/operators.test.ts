import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lettersIn, tokenOf } from '../support/letters.ts';
import { openSocket } from '../support/live-socket.ts';
import { connectByHand } from '../support/mcp-drivers.ts';
import { type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import { createRestClient, type Json } from '../support/rest-client.ts';
import { until } from '../support/until.ts';

const clientsPath = '/api/v1/admin/oauth/clients';
const webClient = { name: 'Books', redirect_uris: ['https://books.example/done'], scopes: ['openid', 'inbox:read'] };

let world: World;
let org: Org;
let operator: Person;
beforeAll(async () => {
  world = await openWorld();
  org = await world.makeOrg('House');
  operator = world.operator;
});
afterAll(() => world.close());

const makeClient = async (parts: object = {}): Promise<Json> =>
  ok(await operator.post(clientsPath, { ...webClient, ...parts }));

/** A token as the engine would have stored it. */
const issueToken = async (client_id: string, person: Person, parts: { grant_id?: string } = {}): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into oauth_access_tokens (id, hash, format, kind, grant_id, client_id, subject, org_id, scopes, created_at, expires_at)
     values ($1, $2, 'jwt', 'AccessToken', $3, $4, $5, $6, '{inbox:read}', now(), now() + interval '1 hour')`,
    [id, crypto.randomUUID(), parts.grant_id ?? null, client_id, person.id, person.org_id],
  );
  return id;
};

const allow = async (client_id: string, person: Person): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into oauth_grants (id, client_id, subject, org_id, scopes, payload, created_at, last_used_at, expires_at)
     values ($1, $2, $3, $4, '{openid,inbox:read}', '{}', now(), now(), now() + interval '1 day')`,
    [id, client_id, person.id, person.org_id],
  );
  return id;
};

const auditOf = async (action: string): Promise<Json[]> =>
  ok(await operator.get(`/api/v1/admin/audit?action=${action}`)).items;

describe('clients', () => {
  it('have a secret that is shown once and stored as a hash', async () => {
    const { client, client_secret } = await makeClient();
    expect(client_secret).toMatch(/^acs_[A-Za-z0-9_-]{43}$/);
    expect(client).toMatchObject({
      origin: 'operator',
      secret_prefix: client_secret.slice(0, 8),
      enabled: true,
      version: 1,
    });
    const shown = JSON.stringify(ok(await operator.get(`${clientsPath}/${client.id}`)));
    expect(shown).not.toContain(client_secret);
    const stored = await world.database.query('select to_jsonb(c)::text as row from oauth_clients c where id = $1', [
      client.id,
    ]);
    expect(stored.rows[0].row).not.toContain(client_secret);
    expect(await auditOf('clients.create')).toMatchObject([{ target_id: client.id, actor: { id: operator.id } }]);
  });

  it('are found by name and by id, page by page', async () => {
    for (const n of [1, 2, 3]) await makeClient({ name: `Paged ${n}` });
    const first = ok(await operator.get(`${clientsPath}?q=paged&limit=2`));
    expect(first.items.map((one: Json) => one.name)).toEqual(['Paged 3', 'Paged 2']);
    const second = ok(await operator.get(`${clientsPath}?q=paged&limit=2&cursor=${first.next_cursor}`));
    expect(second).toMatchObject({ items: [{ name: 'Paged 1' }], next_cursor: null });
    const id = first.items[0].client_id;
    expect(ok(await operator.get(`${clientsPath}?q=${id}`)).items).toHaveLength(1);
  });

  it.each([
    [
      'an address to return to that is plain http elsewhere',
      { redirect_uris: ['http://books.example/done'] },
      'redirect_uris.0',
    ],
    ['no address to return to', { redirect_uris: [] }, 'redirect_uris'],
    ['an address with a fragment', { redirect_uris: ['https://books.example/#x'] }, 'redirect_uris.0'],
    [
      'a public client that acts by itself',
      { auth_method: 'none', grant_types: ['client_credentials'], redirect_uris: [] },
      'grant_types',
    ],
    ['keys that are missing', { auth_method: 'private_key_jwt' }, 'jwks'],
    ['a private key', { auth_method: 'private_key_jwt', jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, 'jwks.keys.0'],
    ['an unknown scope', { scopes: ['everything'] }, 'scopes.0'],
  ])('are refused with %s', async (_what, parts, path) => {
    const refused = await operator.post(clientsPath, { ...webClient, ...parts });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, path]);
  });

  it('situation 97: of two operators who edit one client at once the second is told the version, and no setting is lost', async () => {
    const { client } = await makeClient();
    const first = await operator.patch(`${clientsPath}/${client.id}`, { version: client.version, require_state: true });
    expect(first.body).toMatchObject({ require_state: true, version: client.version + 1 });
    const second = await operator.patch(`${clientsPath}/${client.id}`, { version: client.version, name: 'Other' });
    expect([second.status, second.body.code, second.body.current_version]).toEqual([
      409,
      'generation_conflict',
      client.version + 1,
    ]);
    expect(ok(await operator.get(`${clientsPath}/${client.id}`))).toMatchObject({ name: 'Books', require_state: true });
  });

  it('lose their tokens when disabled, and enabling brings none back', async () => {
    const { client } = await makeClient();
    const grant = await allow(client.client_id, org.owner);
    const token = await issueToken(client.client_id, org.owner, { grant_id: grant });
    expect(ok(await operator.get(`${clientsPath}/${client.id}`))).toMatchObject({ live_tokens: 1, live_grants: 1 });
    ok(await operator.post(`${clientsPath}/${client.id}/disable`));
    ok(await operator.post(`${clientsPath}/${client.id}/enable`));
    expect(ok(await operator.get(`/api/v1/admin/oauth/tokens/${token}`))).toMatchObject({ state: 'revoked' });
    expect(ok(await operator.get(`${clientsPath}/${client.id}`))).toMatchObject({
      enabled: true,
      live_tokens: 0,
      live_grants: 0,
    });
    const revoked = await world.database.query("select from oauth_revocations where kind = 'client' and value = $1", [
      client.client_id,
    ]);
    expect(revoked.rowCount).toBe(1);
  });

  it('get a new secret, and one without a secret is told so', async () => {
    const { client, client_secret } = await makeClient();
    const rotated = ok(await operator.post(`${clientsPath}/${client.id}/rotate-secret`));
    expect(rotated.client_secret).not.toBe(client_secret);
    const open = await makeClient({ auth_method: 'none', redirect_uris: ['http://127.0.0.1/done'] });
    expect(open).toMatchObject({ client_secret: null, client: { application_type: 'native' } });
    expect((await operator.post(`${clientsPath}/${open.client.id}/rotate-secret`)).status).toBe(422);
  });

  it('are deleted with everything they held', async () => {
    const { client } = await makeClient();
    const token = await issueToken(client.client_id, org.owner);
    expect((await operator.delete(`${clientsPath}/${client.id}`)).status).toBe(204);
    expect((await operator.get(`${clientsPath}/${client.id}`)).status).toBe(404);
    expect(ok(await operator.get(`/api/v1/admin/oauth/tokens/${token}`))).toMatchObject({ state: 'revoked' });
  });
});

describe('situation 90: the tool register_client', () => {
  it('answers with a link that shows the secret once, to that operator only, and never with the secret', async () => {
    const other = await world.makePerson('Second operator');
    ok(await operator.post(`/api/v1/admin/identity/users/${other.id}/role`, { is_operator: true }));
    const tools = await connectByHand(world.url, operator.token);
    expect(await tools.tools()).toEqual(
      expect.arrayContaining([
        'register_client',
        'list_clients',
        'rotate_key',
        'list_audit',
        'revoke_grant',
        'get_openid_config',
      ]),
    );
    const result = await tools.call('register_client', {
      client_name: 'By a tool',
      redirect_uris: ['https://tool.example/done'],
      grant_types: ['authorization_code'],
    });
    await tools.close();
    const told = JSON.stringify(result);
    expect(told).not.toMatch(/acs_[A-Za-z0-9_-]{43}/);
    const url = new URL((result.structuredContent as Json).reveal_url);
    expect(url.pathname).toBe('/server/reveal');
    const token = url.hash.slice(1);
    const open = '/api/v1/admin/oauth/secret-reveals/open';
    expect((await other.post(open, { token })).status).toBe(404);
    const shown = ok(await operator.post(open, { token }));
    expect(shown).toMatchObject({ client: { name: 'By a tool' } });
    expect(shown.client_secret).toMatch(/^acs_[A-Za-z0-9_-]{43}$/);
    expect((await operator.post(open, { token })).status).toBe(404);
    ok(await operator.post(`/api/v1/admin/identity/users/${other.id}/role`, { is_operator: false }));
  });

  it('tools that would move a secret are refused with what to do instead', async () => {
    const tools = await connectByHand(world.url, operator.token);
    for (const name of ['get_token', 'exchange_code', 'refresh_token']) {
      const refused = await tools.call(name, { client_id: 'c', client_secret: 's' });
      expect(refused.isError).toBe(true);
      expect(refused.content[0]!.text).toContain('/oauth/token');
    }
    for (const name of ['get_health', 'get_readiness', 'get_metrics'])
      expect((await tools.call(name, {})).isError).not.toBe(true);
    await tools.close();
  });
});

describe('tokens and grants', () => {
  it('are found by the name of their person and by their client, and end by id', async () => {
    const { client } = await makeClient({ name: 'Ledger' });
    const reader = await org.member('Rosalind');
    const token = await issueToken(client.client_id, reader);
    const list = ok(await operator.get('/api/v1/admin/oauth/tokens?q=rosalind'));
    expect(list.items).toMatchObject([
      {
        id: token,
        client: { name: 'Ledger' },
        subject: { id: reader.id, type: 'user', name: 'Rosalind' },
        org: { name: 'House' },
        state: 'active',
      },
    ]);
    expect(ok(await operator.get('/api/v1/admin/oauth/tokens?q=ledger&state=revoked')).items).toEqual([]);
    expect(ok(await operator.post(`/api/v1/admin/oauth/tokens/${token}/revoke`))).toMatchObject({ state: 'revoked' });
    expect(ok(await operator.get('/api/v1/admin/oauth/tokens?q=ledger&state=revoked')).items).toHaveLength(1);
    const text = await world.database.query(
      'select kind from oauth_revocations where value = (select hash from oauth_access_tokens where id = $1)',
      [token],
    );
    expect(text.rows).toEqual([{ kind: 'jti' }]);
  });

  it('of one person or one client end all at once', async () => {
    const { client } = await makeClient();
    const person = await org.member('Leaving');
    const grant = await allow(client.client_id, person);
    await issueToken(client.client_id, person, { grant_id: grant });
    const ended = ok(await operator.post('/api/v1/admin/oauth/tokens/revoke-by-user', { user_id: person.id }));
    expect(ended).toEqual({ tokens: 1, grants: 1 });
    expect(
      ok(await operator.post('/api/v1/admin/oauth/tokens/revoke-by-client', { client_id: client.client_id })),
    ).toEqual({ tokens: 0, grants: 0 });
  });

  it('situation 26: a person withdraws one application, and only that one ends', async () => {
    const { client } = await makeClient({ name: 'Calendar', client_uri: 'https://calendar.example' });
    const other = await makeClient({ name: 'Mail' });
    const person = await org.member('Withdrawer');
    const grant = await allow(client.client_id, person);
    const kept = await allow(other.client.client_id, person);
    const token = await issueToken(client.client_id, person, { grant_id: grant });
    const stays = await issueToken(other.client.client_id, person, { grant_id: kept });
    const apps = ok(await person.get('/api/v1/me/grants')).items;
    expect(apps.map((app: Json) => app.client)).toEqual([
      { client_id: other.client.client_id, name: 'Mail', host: 'books.example', verified: true },
      { client_id: client.client_id, name: 'Calendar', host: 'books.example', verified: true },
    ]);
    expect(apps[0].scopes).toContain('openid');
    const stranger = await org.member('Stranger');
    expect((await stranger.delete(`/api/v1/me/grants/${grant}`)).status).toBe(404);
    expect((await person.delete(`/api/v1/me/grants/${grant}`)).status).toBe(204);
    expect((await person.delete(`/api/v1/me/grants/${grant}`)).status).toBe(404);
    expect(ok(await person.get('/api/v1/me/grants')).items).toHaveLength(1);
    expect(ok(await operator.get(`/api/v1/admin/oauth/tokens/${token}`)).state).toBe('revoked');
    expect(ok(await operator.get(`/api/v1/admin/oauth/tokens/${stays}`)).state).toBe('active');
  });

  it('a grant ended by an operator takes its tokens with it', async () => {
    const { client } = await makeClient();
    const grant = await allow(client.client_id, org.owner);
    const token = await issueToken(client.client_id, org.owner, { grant_id: grant });
    expect(ok(await operator.get(`/api/v1/admin/oauth/grants?client_id=${client.client_id}`)).items).toMatchObject([
      { id: grant, live_tokens: 1 },
    ]);
    const ended = ok(await operator.post(`/api/v1/admin/oauth/grants/${grant}/revoke`));
    expect(ended.revoked_at).not.toBeNull();
    expect(ok(await operator.get(`/api/v1/admin/oauth/tokens/${token}`)).state).toBe('revoked');
    expect(
      ok(await operator.get(`/api/v1/admin/oauth/grants?client_id=${client.client_id}&state=ended`)).items,
    ).toHaveLength(1);
  });
});

describe('people of the server', () => {
  it('situation 73: the last operator cannot give up their own rights, nor be disabled', async () => {
    const path = `/api/v1/admin/identity/users/${operator.id}`;
    const given = await operator.post(`${path}/role`, { is_operator: false });
    expect([given.status, given.body.code]).toEqual([409, 'identity_last_operator']);
    const disabled = await operator.post(`${path}/disable`);
    expect([disabled.status, disabled.body.code]).toEqual([409, 'identity_last_operator']);
    expect(ok(await operator.get('/api/v1/me')).is_operator).toBe(true);
  });

  it('an account is made by name and address, and its person sets the password by the letter', async () => {
    const path = '/api/v1/admin/identity/users';
    const email = 'grace@example.org';
    const made = await operator.post(path, { name: 'Grace', email });
    expect(made).toMatchObject({ status: 201, body: { name: 'Grace', email, email_verified: false, state: 'active' } });
    const again = await operator.post(path, { name: 'Grace', email: email.toUpperCase() });
    expect([again.status, again.body.code]).toEqual([409, 'name_taken']);
    expect((await org.owner.post(path, { name: 'Grace', email: 'g@example.org' })).body.code).toBe('operator_required');
    const directory = join(world.server.dataDir, 'mail');
    const letter = await until(() => lettersIn(directory).find(({ to }) => to.includes(email)), 'the letter');
    const token = tokenOf(letter.link);
    const stranger = createRestClient(() => world.url);
    ok(await stranger.post('/auth/password-reset/complete', { token, new_password: 'a sentence of her own' }));
    expect((await stranger.post('/auth/login', { email, password: 'a sentence of her own' })).status).toBe(200);
    expect(ok(await operator.get(`${path}/${made.body.id}`))).toMatchObject({ email_verified: true });
    expect((await auditOf('users.create'))[0]).toMatchObject({ target_id: made.body.id });
  });

  it('an operator may do it with a session at once, and no longer once another took it back', async () => {
    const second = await world.makePerson('Deputy');
    expect((await second.get(clientsPath)).status).toBe(403);
    ok(await operator.post(`/api/v1/admin/identity/users/${second.id}/role`, { is_operator: true }));
    expect((await second.get(clientsPath)).status).toBe(200);
    const own = await second.post(`/api/v1/admin/identity/users/${second.id}/role`, { is_operator: false });
    expect([own.status, own.body.code]).toEqual([403, 'permission_denied']);
    ok(await operator.post(`/api/v1/admin/identity/users/${second.id}/role`, { is_operator: false }));
    expect((await second.get(clientsPath)).status).toBe(403);
  });

  it('situation 91: a key that belongs to an operator calls no operator endpoint', async () => {
    const { api_key } = ok(
      await operator.post('/api/v1/me/api-keys', { name: 'Key', scopes: ['org:admin', 'account:write'] }),
    );
    const refused = await createRestClient(() => world.url, api_key).get('/api/v1/admin/identity/users');
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
  });

  it('who is disabled is out at once everywhere and comes back when enabled', async () => {
    const person = await world.makePerson('Shut out');
    ok(await operator.post(`/api/v1/admin/identity/users/${person.id}/disable`));
    expect((await person.get('/api/v1/me')).status).toBe(401);
    const found = ok(await operator.get('/api/v1/admin/identity/users?q=shutout&state=disabled')).items;
    expect(found).toMatchObject([{ id: person.id, state: 'disabled', live_sessions: 0 }]);
    ok(await operator.post(`/api/v1/admin/identity/users/${person.id}/enable`));
    const again = await world.anonymous.post('/auth/login', {
      email: person.email,
      password: 'correct horse battery staple',
    });
    expect(again.status).toBe(200);
  });

  it('sessions are listed with their person and end by id', async () => {
    const person = await world.makePerson('Sessioned');
    const [session] = ok(await operator.get(`/api/v1/admin/identity/sessions?user_id=${person.id}`)).items;
    expect(session).toMatchObject({ user: { name: 'Sessioned' }, methods: ['pwd'], current: false });
    expect((await operator.delete(`/api/v1/admin/identity/sessions/${session.id}`)).status).toBe(204);
    expect((await person.get('/api/v1/me')).status).toBe(401);
  });
});

describe('situation 81: a denied address', () => {
  it('is refused before any counter moves, and answered again without a restart', async () => {
    const from = { headers: { 'x-forwarded-for': '203.0.113.77' } };
    expect((await world.anonymous.get('/api/v1/setup', from)).status).toBe(200);
    const added = ok(await operator.post('/api/v1/admin/ip-denylist', { range: '203.0.113.70/28', reason: 'Scanner' }));
    expect(added).toMatchObject({ range: '203.0.113.64/28', live: true });
    const counters = "select coalesce(sum(current), 0) as sum from core_rate_counters where key like '%203.0.113.77%'";
    const before = await world.database.query(counters);
    const refused = await world.anonymous.get('/api/v1/setup', from);
    expect([refused.status, refused.body.code]).toEqual([403, 'address_denied']);
    expect(refused.headers.get('x-ratelimit-remaining')).toBeNull();
    expect((await world.anonymous.get('/sign-in', from)).status).toBe(403);
    expect((await world.database.query(counters)).rows).toEqual(before.rows);
    expect(
      (await world.anonymous.get('/api/v1/setup', { headers: { 'x-forwarded-for': '203.0.113.80' } })).status,
    ).toBe(200);
    expect((await operator.delete(`/api/v1/admin/ip-denylist/${added.id}`)).status).toBe(204);
    expect((await world.anonymous.get('/api/v1/setup', from)).status).toBe(200);
  });

  it('is never the address of the operator, nor this machine', async () => {
    const from = { headers: { 'x-forwarded-for': '198.51.100.9' } };
    const own = await operator.post('/api/v1/admin/ip-denylist', { range: '198.51.100.0/24' }, from);
    expect([own.status, own.body.errors?.[0]?.path]).toEqual([422, 'range']);
    expect((await operator.post('/api/v1/admin/ip-denylist', { range: '127.0.0.0/8' }, from)).status).toBe(422);
  });
});

describe('keys, resources, issuers, registration tokens', () => {
  it('a rotated key goes into grace, and one whose tokens live is retired only by force', async () => {
    const before = ok(await operator.get('/api/v1/admin/oauth/keys')).items;
    const active = before.find((key: Json) => key.state === 'active');
    const next = before.find((key: Json) => key.state === 'next');
    const refused = await operator.post(`/api/v1/admin/oauth/keys/${active.kid}/retire`);
    expect([refused.status, refused.body.code]).toEqual([409, 'oauth_key_in_use']);
    const { client } = await makeClient();
    await issueToken(client.client_id, org.owner);
    const after = ok(await operator.post('/api/v1/admin/oauth/keys/rotate')).items;
    const stateOf = (kid: string) => after.find((key: Json) => key.kid === kid).state;
    expect([stateOf(active.kid), stateOf(next.kid)]).toEqual(['grace', 'active']);
    expect(JSON.stringify(after)).not.toContain('"d"');
    const live = await operator.post(`/api/v1/admin/oauth/keys/${active.kid}/retire`);
    expect([live.status, live.body.code]).toEqual([409, 'oauth_key_in_use']);
    const retired = ok(await operator.post(`/api/v1/admin/oauth/keys/${active.kid}/retire`, { force: true })).items;
    expect(retired.find((key: Json) => key.kid === active.kid).state).toBe('retired');
  });

  it('resources are registered once each, changed by version and deleted', async () => {
    const path = '/api/v1/admin/oauth/resources';
    const made = ok(
      await operator.post(path, { audience: 'https://api.example/v2', name: 'Orders', scopes: ['orders:read'] }),
    );
    expect((await operator.post(path, { audience: 'https://api.example/v2', name: 'Again' })).body.code).toBe(
      'name_taken',
    );
    expect(
      (await operator.post(path, { audience: `${world.url.replace('127.0.0.1', 'localhost')}/mcp`, name: 'Own' }))
        .status,
    ).toBe(422);
    const changed = ok(await operator.patch(`${path}/${made.id}`, { version: 1, format: 'opaque', enabled: false }));
    expect(changed).toMatchObject({ format: 'opaque', enabled: false, version: 2, scopes: ['orders:read'] });
    const late = await operator.patch(`${path}/${made.id}`, { version: 1, name: 'Late' });
    expect([late.status, late.body.current_version]).toEqual([409, 2]);
    expect((await operator.delete(`${path}/${made.id}`)).status).toBe(204);
    expect((await operator.patch(`${path}/${made.id}`, { version: 2 })).status).toBe(404);
  });

  it('an issuer that vouches for addresses names its domains', async () => {
    const path = '/api/v1/admin/oauth/trusted-issuers';
    const issuer = { issuer: 'https://idp.example', name: 'Partner', jwks_uri: 'https://idp.example/jwks' };
    const refused = await operator.post(path, { ...issuer, subject_mapping: 'email' });
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'email_domains']);
    const made = ok(
      await operator.post(path, { ...issuer, subject_mapping: 'email', email_domains: ['partner.example'] }),
    );
    expect(made).toMatchObject({ org: { id: operator.org_id }, algs: ['ES256', 'EdDSA'], known_subjects: 0 });
    expect((await operator.patch(`${path}/${made.id}`, { version: 1, email_domains: [] })).status).toBe(422);
    expect((await operator.delete(`${path}/${made.id}`)).status).toBe(204);
  });

  it('a registration token is shown once and ends by id', async () => {
    const path = '/api/v1/admin/oauth/registration-tokens';
    const made = ok(await operator.post(path, { note: 'Partner rollout', expires_in_hours: 2 }));
    expect(made.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const { items } = ok(await operator.get(path));
    expect(items).toMatchObject([{ note: 'Partner rollout', used_at: null, created_by: { name: 'Operator' } }]);
    expect(JSON.stringify(items)).not.toContain(made.token);
    expect((await operator.delete(`${path}/${items[0].id}`)).status).toBe(204);
    expect(ok(await operator.get(path)).items).toEqual([]);
  });

  it('device codes that wait are listed masked, and one that is ended waits no more', async () => {
    const { client } = await makeClient();
    const hash = 'a'.repeat(64);
    await world.database.query(
      `insert into oauth_device_codes (id_hash, payload, user_code, user_code_hint, client_id, expires_at)
       values ($1, jsonb_build_object('exp', extract(epoch from now())::bigint + 600, 'params', jsonb_build_object('scope', 'openid inbox:read')),
               'hash of the code', 'BD', $2, now() + interval '20 minutes')`,
      [hash, client.client_id],
    );
    const path = '/api/v1/admin/oauth/device-codes';
    expect(ok(await operator.get(path)).items).toMatchObject([
      { id: hash, user_code_hint: 'BD', client: { name: 'Books' }, scopes: ['openid', 'inbox:read'], state: 'pending' },
    ]);
    expect((await operator.post(`${path}/${hash}/expire`)).status).toBe(204);
    expect((await operator.post(`${path}/${hash}/expire`)).status).toBe(404);
    expect(ok(await operator.get(path)).items).toEqual([]);
  });
});

describe('the server as a whole', () => {
  it('counts people, clients and what happened by the hour', async () => {
    const overview = ok(await operator.get('/api/v1/admin/overview?hours=24'));
    expect(overview.hours).toHaveLength(24);
    expect(overview.totals.users).toBeGreaterThan(3);
    expect(overview.totals.clients).toBeGreaterThan(3);
    expect(overview.signing_key.alg).toBe('ES256');
    const last = overview.hours.at(-1);
    expect(last.sign_ins).toBeGreaterThan(0);
    expect(last.tokens_revoked).toBeGreaterThan(0);
    expect(last.refused).toBeGreaterThan(0);
  });

  it('shows events and the audit trail of every organisation, and no line about an item', async () => {
    ok(await org.owner.post('/api/v1/inbox/notify', { title: 'Private matter of the house' }));
    const events = ok(await operator.get('/api/v1/admin/events/recent?limit=200'));
    expect(events.items.every((one: Json) => /^(identity|oauth)\./.test(one.kind))).toBe(true);
    expect(events.items.some((one: Json) => one.org?.name === 'House')).toBe(true);
    const some = ok(await operator.get('/api/v1/admin/events/recent?limit=3'));
    const more = ok(await operator.get(`/api/v1/admin/events/recent?limit=3&cursor=${some.next_cursor}`));
    expect([...some.items, ...more.items].map((one: Json) => one.seq + one.at)).toEqual(
      events.items.slice(0, 6).map((one: Json) => one.seq + one.at),
    );
    const trail = ok(await operator.get('/api/v1/admin/audit?limit=200'));
    expect(JSON.stringify(trail)).not.toContain('inbox.');
    expect(trail.items.some((line: Json) => line.action === 'clients.create' && line.org === null)).toBe(true);
  });

  it('operators hear of each other by the socket; nobody else does', async () => {
    const [hears, deaf] = [await openSocket(world.url, operator.token), await openSocket(world.url, org.owner.token)];
    await makeClient({ name: 'Heard' });
    const event = await hears.event((one) => one.kind === 'oauth.admin.changed');
    expect(event.body).toEqual({ thing: 'client' });
    expect(deaf.events.some((one) => one.kind.startsWith('oauth.'))).toBe(false);
    hears.close();
    deaf.close();
  });
});
