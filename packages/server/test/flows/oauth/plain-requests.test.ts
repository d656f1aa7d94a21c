import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, type OauthWorld, openOauthWorld, type TokenAnswer } from '../../support/oauth-world.ts';
import { ok } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';

let world: OauthWorld;
let api: string;
let agent: { id: string; client_id: string; client_secret: string };
beforeAll(async () => {
  world = await openOauthWorld({ env: { ATRIUM_RATE_LIMIT_ADDRESS: '100000' } });
  api = `${world.issuer}/api/v1`;
  agent = await makeAgent('Plain');
}, 120_000);
afterAll(() => world.close());

const makeAgent = async (name: string) => {
  const { body } = await world.org.owner.post('/api/v1/agents', { name });
  return { id: body.agent.id, client_id: body.client_id, client_secret: body.client_secret };
};

const grant_type = 'client_credentials';

/** A parameter that nobody knows is ignored, and keeps a request from being a plain one. */
const byEngine = (form: Record<string, string>): Record<string, string> => ({ ...form, not_plain: '1' });

/** What differs from one answer to the next by nature. */
const comparable = ({ status, body, headers }: TokenAnswer) => {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive'].includes(name));
  if (status !== 200) return { status, body, headers: kept.sort() };
  const { access_token, ...rest } = body;
  const { jti, iat, exp, ...claims } = decodeJwt(access_token);
  return {
    status,
    headers: kept.filter(([name]) => name !== 'content-length').sort(),
    rest,
    header: decodeProtectedHeader(access_token),
    claims,
    lives: exp! - iat!,
    form: [typeof jti, jti!.length, access_token.split('.')[2].length],
  };
};

const bothWays = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
  const quick = await world.token(form, headers);
  const engine = await world.token(byEngine(form), headers);
  expect(comparable(quick)).toEqual(comparable(engine));
  return quick;
};

const own = () => basic(agent.client_id, agent.client_secret);

describe('plain client_credentials requests and the same ones answered by the engine', () => {
  it.each<[string, Record<string, string>]>([
    ['one scope', { scope: 'inbox:read' }],
    ['several scopes, in the order they were asked in', { scope: 'inbox:write inbox:read' }],
  ])('agree on %s', async (_name, more) => {
    const answer = await bothWays({ grant_type, resource: api, ...more }, own());
    expect(answer).toMatchObject({ status: 200, body: { scope: more['scope'], token_type: 'Bearer' } });
    const me = await createRestClient(world.issuer, answer.body.access_token).get('/api/v1/me');
    expect(me.status).toBe(200);
  });

  it('agree on a secret in the form', async () => {
    const { client_id, client_secret } = agent;
    const answer = await bothWays({ grant_type, resource: api, scope: 'inbox:read', client_id, client_secret });
    expect(answer.status).toBe(200);
  });

  it('agree on an operator client and a resource of its own', async () => {
    const audience = 'https://reports.example/api';
    await world.database.query(
      `insert into oauth_resources (id, audience, name, scopes, ttl_s, created_at, updated_at)
       values (gen_random_uuid(), $1, 'Reports', '{reports:read,reports:write}', 90, now(), now())`,
      [audience],
    );
    const client = await world.operatorClient({
      grant_types: [grant_type],
      redirect_uris: [],
      scopes: ['reports:read'],
    });
    const headers = basic(client.client_id, client.secret!);
    const form = { grant_type, resource: audience, scope: 'reports:read' };
    expect((await bothWays(form, headers)).body).toMatchObject({ expires_in: 90, scope: 'reports:read' });
    await bothWays({ ...form, scope: 'reports:read reports:write' }, headers);
    await bothWays({ ...form, resource: api, scope: 'inbox:read' }, headers);
    await world.database.query('update oauth_clients set allowed_resources = $1 where client_id = $2', [
      ['https://other.example'],
      client.client_id,
    ]);
    await expect.poll(async () => (await bothWays(form, headers)).body.error).toBe('invalid_target');
    await world.database.query(
      "update oauth_clients set allowed_resources = '{}', enabled = false where client_id = $1",
      [client.client_id],
    );
    await expect.poll(async () => (await world.token(form, headers)).status).toBe(401);
  });

  it.each<[string, Record<string, string>, () => Record<string, string>]>([
    ['no scope', { resource: api }, own],
    ['no resource', { scope: 'inbox:read' }, own],
    ['an empty scope', { resource: api, scope: '' }, own],
    ['a scope twice', { resource: api, scope: 'inbox:read inbox:read' }, own],
    ['a scope nobody knows', { resource: api, scope: 'inbox:read moon:land' }, own],
    ['a scope in no form of scopes', { resource: api, scope: 'inbox:read "x"' }, own],
    ['openid', { resource: api, scope: 'openid inbox:read' }, own],
    ['an unknown resource', { resource: 'https://elsewhere.example', scope: 'inbox:read' }, own],
    ['a resource with a fragment', { resource: 'https://a.example/#b', scope: 'inbox:read' }, own],
    ['another grant type', { grant_type: 'password', resource: api, scope: 'inbox:read' }, own],
    ['a client id that is not the one of the header', { client_id: 'other', resource: api, scope: 'inbox:read' }, own],
    ['two ways to authenticate', { client_secret: 'x', resource: api, scope: 'inbox:read' }, own],
    ['no client', { resource: api, scope: 'inbox:read' }, () => ({})],
    ['an unknown client', { resource: api, scope: 'inbox:read' }, () => basic('agent_unknown', 'secret')],
    ['a header that is no Basic', { resource: api, scope: 'inbox:read' }, () => ({ authorization: 'Basic ???' })],
  ])('agree on %s', async (_name, more, headers) => {
    await bothWays({ grant_type, ...more }, headers());
  });

  it('a wrong secret is refused and counted, and then the right one from there waits too', async () => {
    const guessed = await makeAgent('Guessed');
    const form = { grant_type, resource: api, scope: 'inbox:read' };
    const guess = () => world.token(form, basic(guessed.client_id, 'wrong'));
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await guess()).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await world.token(form, basic(guessed.client_id, guessed.client_secret))).status).toBe(429);
    expect((await world.token(form, own())).status).toBe(200);
  });

  it('write one row and one event for each token, before it is answered', async () => {
    const busy = await makeAgent('Busy');
    const form = { grant_type, resource: api, scope: 'inbox:read' };
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => world.token(form, basic(busy.client_id, busy.client_secret))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const rows = await world.database.query(
      `select t.id, t.subject, t.org_id, e.seq from oauth_access_tokens t
       left join core_events e on e.org_id = t.org_id and e.subject_id = t.id and e.kind = 'oauth.token.issued'
       where t.client_id = $1`,
      [busy.client_id],
    );
    expect(rows.rows).toHaveLength(60);
    expect(new Set(rows.rows.map((row) => row.seq)).size).toBe(60);
    expect(rows.rows.every((row) => row.subject === busy.id && row.org_id === world.org.id)).toBe(true);
  });

  it('an agent that is removed gets no more tokens, and its secret that is rotated is over', async () => {
    const gone = await makeAgent('Gone');
    const form = { grant_type, resource: api, scope: 'inbox:read' };
    const ask = () => world.token(form, basic(gone.client_id, gone.client_secret));
    expect((await ask()).status).toBe(200);
    expect((await world.org.owner.delete(`/api/v1/agents/${gone.id}`)).status).toBeLessThan(300);
    expect((await ask()).status).toBe(401);
  });
});

/** Both ways of one introspection; the answers must not differ in anything but the moment. */
const introspectBothWays = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
  const [quick, engine] = [
    await world.post('/oauth/introspect', form, headers),
    await world.post('/oauth/introspect', byEngine(form), headers),
  ];
  const kept = (answer: TokenAnswer) =>
    [...answer.headers]
      .filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive', 'content-length'].includes(name))
      .sort();
  expect([quick.status, quick.body]).toEqual([engine.status, engine.body]);
  expect(kept(quick)).toEqual(kept(engine));
  return quick;
};

describe('plain introspections and the same ones answered by the engine', () => {
  const issue = async (scope = 'inbox:read') =>
    (await world.token({ grant_type, resource: api, scope }, own())).body.access_token as string;

  it('agree on the token of a machine, by its client, with a hint and with the secret in the form', async () => {
    const token = await issue('inbox:read inbox:write');
    const answer = await introspectBothWays({ token }, own());
    expect(answer).toMatchObject({
      status: 200,
      body: { active: true, sub: agent.id, client_id: agent.client_id, aud: api, token_type: 'Bearer' },
    });
    await introspectBothWays({ token, token_type_hint: 'access_token' }, own());
    await introspectBothWays({ token, client_id: agent.client_id, client_secret: agent.client_secret });
  });

  it('agree on the token of a person, asked about by an operator client for that', async () => {
    const asker = await world.operatorClient({ scopes: ['token:introspect'] });
    const { access_token: token } = await world.tokensFor(await world.register(), {
      resource: api,
      scope: 'inbox:read',
    });
    const answer = await introspectBothWays({ token }, basic(asker.client_id, asker.secret!));
    expect(answer.body).toMatchObject({ active: true, sub: world.person.id, org: world.org.id, scope: 'inbox:read' });
    await introspectBothWays({ token }, own());
  });

  it('agree on what is refused, ended or no token', async () => {
    const token = await issue();
    const cases: [Record<string, string>, Record<string, string>][] = [
      [{ token }, basic(agent.client_id, 'wrong')],
      [{ token }, basic('agent_unknown', 'secret')],
      [{ token }, {}],
      [{}, own()],
      [{ token: '' }, own()],
      [{ token: 'unknown' }, own()],
      [{ token: `${token.slice(0, -4)}AAAA` }, own()],
      [{ token: `${token}.x` }, own()],
      [{ token }, { ...own(), accept: 'application/token-introspection+jwt;q=0.1, application/json' }],
    ];
    for (const [form, headers] of cases) await introspectBothWays(form, headers);
    await world.post('/oauth/revoke', { token }, own());
    expect((await introspectBothWays({ token }, own())).body).toEqual({ active: false });
  });

  it('agree on a client whose secret was replaced, and on one that is disabled', async () => {
    const clients = '/api/v1/admin/oauth/clients';
    const { client, client_secret } = ok(
      await world.operator.post(clients, {
        name: 'Asker',
        grant_types: ['client_credentials'],
        scopes: ['token:introspect'],
      }),
    );
    const token = await issue();
    const ask = (secret: string) => introspectBothWays({ token }, basic(client.client_id, secret));
    expect((await ask(client_secret)).body.active).toBe(true);
    const renewed = ok(await world.operator.post(`${clients}/${client.id}/rotate-secret`)).client_secret;
    expect([(await ask(client_secret)).status, (await ask(renewed)).status]).toEqual([401, 200]);
    ok(await world.operator.post(`${clients}/${client.id}/disable`));
    expect((await ask(renewed)).status).toBe(401);
  });
});
