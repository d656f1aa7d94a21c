import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { basic, type OauthWorld, openOauthWorld, sha256, type TokenAnswer } from '../../support/oauth-world.ts';
import { ok, type Person, password } from '../../support/people.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const approvalGrant = 'urn:atrium:params:oauth:grant-type:approval';
const cibaGrant = 'urn:openid:params:grant-type:ciba';
const payment = { type: 'transaction', title: 'Pay 120 EUR to Bob', amount: '120.00', currency: 'EUR' };

let world: OauthWorld;
beforeAll(async () => {
  // A port that stays, because the issuer must after a restart.
  const port = await freePort();
  world = await openOauthWorld({
    env: {
      ...{ ATRIUM_OAUTH_APPROVALS: 'true', ATRIUM_OAUTH_CIBA: 'true' },
      ATRIUM_PUBLIC_URL: `http://localhost:${port}`,
    },
    port,
  });
}, 120_000);
afterAll(() => world.close());

interface Shop {
  client_id: string;
  secret: string;
  headers: Record<string, string>;
  ask(person: { id: string } | null, more?: Record<string, string>): Promise<TokenAnswer>;
  poll(approval_id: string): Promise<TokenAnswer>;
  /** Any request to one approval. */
  about(method: string, id: string, body?: Record<string, string>): Promise<{ status: number; body: Json }>;
}

const shopOf = (client_id: string, secret: string): Shop => {
  const headers = basic(client_id, secret);
  return {
    ...{ client_id, secret, headers },
    ask: (person, more = {}) =>
      world.post(
        '/oauth/approvals',
        {
          ...(person === null ? {} : { sub: person.id }),
          authorization_details: JSON.stringify([payment]),
          resource: `${world.issuer}/api/v1`,
          ...more,
        },
        headers,
      ),
    poll: (approval_id) => world.token({ grant_type: approvalGrant, approval_id }, headers),
    about: async (method, id, body) => {
      const response = await fetch(`${world.issuer}/oauth/approvals/${id}`, {
        method,
        headers: body === undefined ? headers : { 'content-type': 'application/x-www-form-urlencoded' },
        ...(body === undefined ? {} : { body: new URLSearchParams(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
  };
};

const openShop = async (more: Record<string, unknown> = {}): Promise<Shop> => {
  const made = await world.operatorClient({
    name: 'Shop',
    grant_types: [approvalGrant, cibaGrant],
    redirect_uris: ['https://shop.example/callback'],
    ...more,
  });
  return shopOf(made.client_id, made.secret!);
};

const begun = (answer: TokenAnswer): { id: string; approval_id: string } => {
  if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

/** As if the time between two polls were over. */
const later = () => world.database.query('update oauth_approvals set polled_at = null');
const signedInLongAgo = (person: Person) =>
  world.database.query(`update identity_sessions set auth_time = now() - interval '1 hour' where user_id = $1`, [
    person.id,
  ]);

const itemsOf = async (person: RestClient): Promise<Json[]> =>
  ok(await person.get('/api/v1/inbox/items?include_archived=true')).items.filter((item: Json) => item.step_up);
const openItemOf = async (person: RestClient): Promise<Json> => {
  const open = (await itemsOf(person)).filter((item) => item.status === 'open');
  if (open.length !== 1) throw new Error(`${open.length} open requests`);
  return open[0];
};
const answer = (person: RestClient, item: Json, kind: 'accept' | 'reject' = 'accept') =>
  person.post(`/api/v1/inbox/items/${item.id}/answer`, { reply: { kind } });
/** The session goes on under another token. */
const proven = async (person: Person): Promise<RestClient> =>
  createRestClient(() => world.url, ok(await person.post('/auth/step-up', { password })).access_token);
const reading = (item: Json, token: string) =>
  fetch(`${world.issuer}/api/v1/inbox/items/${item.id}`, { headers: { authorization: `Bearer ${token}` } });
const approve = async (person: RestClient) => ok(await answer(person, await openItemOf(person)));

const configOf = (shop: Shop) =>
  oidc.discovery(new URL(world.issuer), shop.client_id, shop.secret, oidc.ClientSecretBasic(shop.secret), {
    execute: [oidc.allowInsecureRequests],
  });

describe('the approval of one transaction', () => {
  it('53: counts only after a step-up, and gives one token that carries what was approved', async () => {
    const shop = await openShop();
    const person = await world.org.member('Ada');
    const asked = begun(await shop.ask(person, { scope: 'inbox:read', binding_message: 'Order 4711' }));
    expect((await shop.poll(asked.approval_id)).body.error).toBe('authorization_pending');
    expect((await shop.poll(asked.approval_id)).body.error).toBe('slow_down');

    const item = await openItemOf(person);
    expect(item).toMatchObject({ kind: 'approval', title: 'Shop: Pay 120 EUR to Bob', assignee: { id: person.id } });
    for (const words of ['Shop', 'shop\\.example', 'Amount: 120\\.00', 'Order 4711', 'Read items, channels'])
      expect(item.message).toContain(words);

    await signedInLongAgo(person);
    const refused = await answer(person, item);
    expect([refused.status, refused.body.code]).toEqual([403, 'identity_step_up_required']);
    expect((await answer(person, item, 'reject')).body.code).toBe('identity_step_up_required');
    await later();
    expect((await shop.poll(asked.approval_id)).body.error).toBe('authorization_pending');

    ok(await answer(await proven(person), item));
    await later();
    const given = await shop.poll(asked.approval_id);
    expect(given.body).toMatchObject({ token_type: 'Bearer', scope: 'inbox:read', authorization_details: [payment] });
    expect(given.body.refresh_token).toBeUndefined();
    const claims = decodeJwt(given.body.access_token);
    expect(claims).toMatchObject({
      sub: person.id,
      client_id: shop.client_id,
      aud: `${world.issuer}/api/v1`,
      org: world.org.id,
      authorization_details: [payment],
      acr: 'aal1',
    });
    expect(Math.abs(Date.now() / 1000 - (claims['auth_time'] as number))).toBeLessThan(60);
    expect(claims.exp! - claims.iat!).toBeLessThanOrEqual(300);
    expect((await reading(item, given.body.access_token)).status).toBe(200);
    await later();
    expect((await shop.poll(asked.approval_id)).body.error).toBe('invalid_grant');
  });

  it('53: a denial is access_denied to who polls, and no answer is expired_token', async () => {
    const shop = await openShop();
    const person = await world.org.member('Ben');
    const denied = begun(await shop.ask(person));
    ok(await answer(person, await openItemOf(person), 'reject'));
    expect((await shop.poll(denied.approval_id)).body.error).toBe('access_denied');
    await later();
    expect((await shop.poll(denied.approval_id)).body.error).toBe('invalid_grant');

    const silent = begun(await shop.ask(person, { requested_expiry: '1' }));
    await until(async () => (await shop.about('GET', silent.id)).body.state === 'expired', 'the end of the request');
    expect((await shop.poll(silent.approval_id)).body.error).toBe('expired_token');
    const gone = await until(
      async () => (await itemsOf(person)).find((one) => one.status === 'expired'),
      'the end of the item',
    );
    expect((await answer(person, gone)).body.code).toBe('item_closed');
  });

  it('54: the item of a request that waited through a restart still resolves the poll, once', async () => {
    const shop = await openShop();
    const person = await world.org.member('Cleo');
    const asked = begun(await shop.ask(person));
    await world.server.kill();
    await world.restart();
    await approve(person);
    const answers = await Promise.all(Array.from({ length: 10 }, () => shop.poll(asked.approval_id)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers)
      if (status !== 200) expect(['slow_down', 'invalid_grant']).toContain(body.error);
  }, 60_000);

  it('is for one person, who can neither hand it on nor let it vanish', async () => {
    const shop = await openShop();
    const [person, other] = [await world.org.member('Dora', { role: 'admin' }), await world.org.member('Emil')];
    begun(await shop.ask(person));
    const item = await openItemOf(person);
    const at = `/api/v1/inbox/items/${item.id}`;
    for (const stranger of [other, world.org.owner])
      expect((await answer(stranger, item)).status, 'of somebody else').toBe(404);
    const letIn = await person.post(`/api/v1/inbox/channels/${item.channel.id}/members`, { user_id: other.id });
    expect(letIn.status).toBe(403);
    await world.database.query(
      'insert into inbox_channel_members (org_id, channel_id, user_id, added_at) values ($1, $2, $3, now())',
      [world.org.id, item.channel.id, other.id],
    );
    expect((await answer(other, item)).body.code).toBe('permission_denied');
    const refused: [string, () => Promise<{ body: Json }>][] = [
      ['dismiss', () => person.post(`${at}/dismiss`)],
      ['delegate', () => person.post(`${at}/delegate`, { to: other.id })],
      ['delete', () => person.delete(at)],
      ['move', () => person.patch(at, { channel: null })],
      ['edit', () => person.post(`${at}/answer`, { reply: { kind: 'edit', arguments: {} } })],
      [
        'always allow',
        () =>
          person.post(`${at}/answer`, {
            reply: { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: {} } },
          }),
      ],
    ];
    for (const [name, act] of refused) expect((await act()).body.code, name).toMatch(/denied|transition|failed/);
    const bulk = ok(await person.post('/api/v1/inbox/items/bulk', { ids: [item.id], op: 'approve' }));
    expect(bulk).toMatchObject({ changed: [], failed: [{ id: item.id }] });
    const key = ok(await person.post('/api/v1/me/api-keys', { name: 'script', scopes: ['inbox:read', 'inbox:write'] }));
    const script = await fetch(`${world.issuer}${at}/answer`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.api_key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reply: { kind: 'accept' } }),
    });
    expect([script.status, ((await script.json()) as Json).code]).toEqual([403, 'permission_denied']);
    expect((await openItemOf(person)).id).toBe(item.id);
    ok(await answer(person, item));
    expect((await person.post(`${at}/correct`, { reply: { kind: 'reject' } })).body.code).toBe('correction_closed');
    // The next request takes whoever was let into the channel out again.
    begun(await shop.ask(person));
    expect((await other.get(at)).status).toBe(404);
  });

  it('of two decisions at the same moment one counts, and the token follows it', async () => {
    const shop = await openShop();
    const person = await world.org.member('Finn');
    const asked = begun(await shop.ask(person));
    const item = await openItemOf(person);
    const answers = await Promise.all(
      (['accept', 'reject', 'accept', 'reject'] as const).map(async (kind) => ({
        kind,
        status: (await answer(person, item, kind)).status,
      })),
    );
    const [won, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    const polled = await shop.poll(asked.approval_id);
    expect(polled.status === 200 ? 'accept' : polled.body.error).toBe(
      won!.kind === 'accept' ? 'accept' : 'access_denied',
    );
  });

  it('belongs to its client, which reads it and takes it back', async () => {
    const [shop, rival] = [await openShop(), await openShop()];
    const body = await openShop({ auth_method: 'client_secret_post' });
    const person = await world.org.member('Gus');
    const asked = begun(await shop.ask(person));
    expect((await rival.poll(asked.approval_id)).body.error).toBe('invalid_grant');
    for (const method of ['GET', 'DELETE']) expect((await rival.about(method, asked.id)).status).toBe(404);
    expect((await fetch(`${world.issuer}/oauth/approvals/${asked.id}`)).status).toBe(401);
    expect((await shop.about('GET', asked.id)).body).toMatchObject({
      ...{ id: asked.id, state: 'pending', subject: person.id, authorization_details: [payment], decided_at: null },
    });
    expect((await shop.about('DELETE', asked.id)).status).toBe(204);
    expect((await shop.poll(asked.approval_id)).body.error).toBe('invalid_grant');
    expect((await shop.about('DELETE', asked.id)).status).toBe(409);
    const [item] = await itemsOf(person);
    expect(item).toMatchObject({ status: 'withdrawn' });
    expect((await answer(person, item)).body.code).toBe('item_closed');
    expect((await person.post(`/api/v1/inbox/items/${item.id}/restore`)).body.code).toBe('invalid_transition');

    const credentials = { client_id: body.client_id, client_secret: body.secret };
    const own = begun(
      await world.post('/oauth/approvals', {
        ...credentials,
        ...{ sub: person.id, authorization_details: JSON.stringify([payment]), resource: `${world.issuer}/api/v1` },
      }),
    );
    expect((await body.about('POST', own.id, credentials)).body.state).toBe('pending');
    expect((await body.about('DELETE', own.id, credentials)).status).toBe(204);
  });

  it('gives a token bound to the key of a client that proves one, and nothing once that client is shut out', async () => {
    const shop = await openShop({ dpop_required: true });
    const person = await world.org.member('Greta');
    const config = await configOf(shop);
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
    const asked = begun(await shop.ask(person));
    await approve(person);
    const tokens = await oidc.genericGrantRequest(config, approvalGrant, { approval_id: asked.approval_id }, { DPoP });
    expect(tokens.token_type).toBe('dpop');
    expect(decodeJwt(tokens.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });

    begun(await shop.ask(person));
    const item = await openItemOf(person);
    await world.database.query('update oauth_clients set enabled = false where client_id = $1', [shop.client_id]);
    await until(async () => (await shop.poll('x')).body.error === 'invalid_client', 'the end of the client');
    expect((await answer(person, item)).body.code).toBe('item_closed');
  });

  it('asked for by an agent goes to its owner, and the token says who acts', async () => {
    const agent = await world.org.agent('Robo');
    const shop = shopOf(agent.client_id, agent.client_secret);
    const asked = begun(await shop.ask(null, { scope: 'inbox:read' }));
    const item = await openItemOf(world.org.owner);
    expect(item.message).toContain('**Robo**, an agent of this organisation');
    ok(await answer(world.org.owner, item));
    const { access_token } = (await shop.poll(asked.approval_id)).body;
    expect(decodeJwt(access_token)).toMatchObject({
      sub: world.org.owner.id,
      act: { sub: agent.id, client_id: agent.client_id },
    });
    const elsewhere = await (await world.makeOrg('Elsewhere')).member('Hilda');
    expect((await shop.ask(elsewhere)).body.error).toBe('unknown_user_id');
  });

  it('shows text of the client as text', async () => {
    const shop = await openShop({ name: '[Bank](https://evil.example)' });
    const person = await world.org.member('Ida');
    const evil = { type: 'transaction', title: 'Pay\n\n# **now** <img src=x> [here](https://evil.example)' };
    begun(await shop.ask(person, { authorization_details: JSON.stringify([evil]) }));
    const { message, title } = await openItemOf(person);
    expect(title).not.toMatch(/\p{C}/u);
    for (const mark of ['](', '**now', '\n# ', '<img']) expect(message.replace(/\\./g, ''), mark).not.toContain(mark);
  });

  it('is refused in words when the request is wrong', async () => {
    const shop = await openShop();
    const person = await world.org.member('Jan');
    const viewer = await world.org.member('Kim', { role: 'viewer' });
    const wrong: [string, { id: string } | null, Record<string, string>][] = [
      ['invalid_request', null, {}],
      ['invalid_request', person, { login_hint: person.email }],
      ['unknown_user_id', { id: shop.client_id }, {}],
      ['unknown_user_id', viewer, {}],
      ['invalid_scope', person, { scope: 'org:admin' }],
      ['invalid_target', person, { resource: 'https://unknown.example' }],
      ['invalid_request', person, { authorization_details: '[]' }],
      ['invalid_authorization_details', person, { authorization_details: JSON.stringify([payment, payment]) }],
      ['invalid_authorization_details', person, { authorization_details: JSON.stringify([{ type: 'other' }]) }],
      ['invalid_binding_message', person, { binding_message: 'x'.repeat(201) }],
      ['invalid_binding_message', person, { binding_message: 'a\nb' }],
      ['invalid_request', person, { requested_expiry: '0' }],
    ];
    for (const [error, who, more] of wrong) {
      const refused = await shop.ask(who, more);
      expect([refused.status, refused.body.error], JSON.stringify(more)).toEqual([400, error]);
    }
    const guessing = await world.post('/oauth/approvals', { sub: person.id }, basic(shop.client_id, 'wrong'));
    expect([guessing.status, guessing.body.error]).toEqual([401, 'invalid_client']);
    const plain = await openShop({ grant_types: ['client_credentials'] });
    expect((await plain.ask(person)).status).toBe(400);
    expect(await itemsOf(person)).toEqual([]);
  });

  it('cannot bury a person: three of a client wait, five in all, and no client asks without end', async () => {
    const person = await world.org.member('Lou');
    const shops = [await openShop(), await openShop()] as const;
    const answers = await Promise.all(Array.from({ length: 6 }, () => shops[0].ask(person)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 429, 429, 429]);
    const late = answers.find(({ status }) => status === 429)!;
    expect(late.body.error).toBe('temporarily_unavailable');
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    const more = [await shops[1].ask(person), await shops[1].ask(person), await shops[1].ask(person)];
    expect(more.map(({ status }) => status)).toEqual([201, 201, 429]);
    const many = await Promise.all(Array.from({ length: 30 }, () => shops[0].ask({ id: shops[0].client_id })));
    expect(many.some(({ status }) => status === 429)).toBe(true);
  });

  it('leaves no usable secret in the tables, and tells the person and the trail what happened', async () => {
    const shop = await openShop();
    const person = await world.org.member('Mia');
    const asked = begun(await shop.ask(person));
    await approve(person);
    const rows = await world.database.query('select a::text as row, id_hash from oauth_approvals a where id = $1', [
      asked.id,
    ]);
    expect(rows.rows[0].row).not.toContain(asked.approval_id);
    expect(rows.rows[0].id_hash).toBe(sha256(asked.approval_id));
    const told = await world.database.query('select kind, body from core_events where subject_id = $1 order by seq', [
      asked.id,
    ]);
    expect(told.rows.map(({ kind }) => kind)).toEqual(['oauth.approval.requested', 'oauth.approval.decided']);
    expect(told.rows[1].body).toMatchObject({ decision: 'approved', subject: person.id, client_id: shop.client_id });
    const trail = await world.database.query('select action from core_audit where target_id = $1 order by seq', [
      asked.id,
    ]);
    expect(trail.rows.map(({ action }) => action)).toEqual(['oauth.approvals.request', 'oauth.approvals.decide']);
  });
});

const requests = '/api/v1/admin/oauth/approval-requests';

describe('requests for approval, as operators see them', () => {
  it('are listed by person, client and state, with the title and nothing else of what the client wants', async () => {
    const shop = await openShop({ name: 'Bookshop' });
    const agent = await world.org.agent('Robin');
    const robot = shopOf(agent.client_id, agent.client_secret);
    const person = await world.org.member('Quentin');
    const first = begun(await shop.ask(person, { scope: 'inbox:read', binding_message: 'Order 4711' }));
    const second = begun(await robot.ask(person));
    ok(await answer(person, (await itemsOf(person)).find(({ title }) => title.startsWith('Bookshop'))!, 'reject'));
    const { operator } = world;
    const page = ok(await operator.get(`${requests}?q=quentin&limit=1`));
    expect(page.items).toMatchObject([
      { id: second.id, client: { id: agent.client_id, name: 'Robin' }, state: 'pending', decided_at: null },
    ]);
    const next = ok(await operator.get(`${requests}?q=quentin&limit=1&cursor=${page.next_cursor}`));
    expect(next).toEqual({
      items: [
        {
          ...{ id: first.id, kind: 'transaction', title: payment.title, state: 'denied' },
          person: { id: person.id, name: 'Quentin' },
          client: { id: shop.client_id, name: 'Bookshop' },
          org: { id: world.org.id, name: world.org.name },
          ...{ scopes: ['inbox:read'], resources: [`${world.issuer}/api/v1`] },
          ...{ created_at: expect.any(String), expires_at: expect.any(String), decided_at: expect.any(String) },
        },
      ],
      next_cursor: null,
    });
    expect(JSON.stringify(next)).not.toMatch(/4711|120\.00|apr_/);
    const inState = async (state: string) =>
      ok(await operator.get(`${requests}?q=quentin&state=${state}`)).items.map(({ id }: Json) => id);
    expect([await inState('pending'), await inState('denied'), await inState('expired')]).toEqual([
      [second.id],
      [first.id],
      [],
    ]);
    await world.database.query(`update oauth_approvals set expires_at = now() where id = $1`, [second.id]);
    expect([await inState('pending'), await inState('expired')]).toEqual([[], [second.id]]);
    expect(ok(await operator.get(`${requests}?q=bookshop`)).items).toHaveLength(1);
    expect((await operator.get(`${requests}?state=lost`)).status).toBe(422);
    for (const other of [person, world.org.owner])
      expect((await other.get(requests)).body.code).toBe('operator_required');
  });

  it('end by an operator: the item goes, the client is refused, and what was decided stays decided', async () => {
    const shop = await openShop();
    const person = await world.org.member('Rita');
    const { operator } = world;
    const asked = begun(await shop.ask(person));
    const item = await openItemOf(person);
    expect((await person.post(`${requests}/${asked.id}/cancel`)).body.code).toBe('operator_required');
    expect(ok(await operator.post(`${requests}/${asked.id}/cancel`))).toMatchObject({ state: 'withdrawn' });
    expect(ok(await operator.post(`${requests}/${asked.id}/cancel`))).toMatchObject({ state: 'withdrawn' });
    expect((await answer(person, item)).body).toMatchObject({
      ...{ code: 'item_closed', item_status: 'withdrawn' },
      withdrawn_reason: 'Somebody who runs this server ended the request.',
    });
    expect((await shop.poll(asked.approval_id)).body.error).toBe('invalid_grant');
    const trail = await world.database.query(
      'select action, org_id = $2 as of_org from core_audit where target_id = $1 order by action',
      [asked.id, world.org.id],
    );
    expect(trail.rows).toEqual([
      { action: 'approval_requests.cancel', of_org: false },
      { action: 'oauth.approvals.request', of_org: true },
      { action: 'oauth.approvals.withdraw', of_org: true },
    ]);

    const decided = begun(await shop.ask(person));
    await approve(person);
    const late = await operator.post(`${requests}/${decided.id}/cancel`);
    expect([late.status, late.body.code, late.body.approval_state]).toEqual([409, 'oauth_approval_closed', 'approved']);
    expect((await shop.poll(decided.approval_id)).status).toBe(200);
    expect((await operator.post(`${requests}/${crypto.randomUUID()}/cancel`)).status).toBe(404);
  });

  it('cannot be both answered and ended', async () => {
    const shop = await openShop();
    const person = await world.org.member('Sven');
    const asked = begun(await shop.ask(person));
    const item = await openItemOf(person);
    const [answered, ended] = await Promise.all([
      answer(person, item),
      world.operator.post(`${requests}/${asked.id}/cancel`),
    ]);
    expect([answered.status, ended.status].sort()).toEqual([200, 409]);
    expect((await shop.poll(asked.approval_id)).status).toBe(answered.status === 200 ? 200 : 400);
  });
});

describe('CIBA', () => {
  const start = (shop: Shop, form: Record<string, string>) =>
    world.post('/oauth/ciba', { scope: 'openid profile', ...form }, shop.headers);
  const poll = (shop: Shop, auth_req_id: string) => world.token({ grant_type: cibaGrant, auth_req_id }, shop.headers);

  it('openid-client signs a person in who answers in the inbox', async () => {
    const shop = await openShop();
    const person = await world.org.member('Nora');
    const config = await configOf(shop);
    expect(config.serverMetadata()).toMatchObject({
      backchannel_authentication_endpoint: `${world.issuer}/oauth/ciba`,
      backchannel_token_delivery_modes_supported: ['poll'],
      approval_endpoint: `${world.issuer}/oauth/approvals`,
      grant_types_supported: expect.arrayContaining([approvalGrant, cibaGrant]),
    });
    const request = await oidc.initiateBackchannelAuthentication(config, {
      scope: 'openid profile inbox:read',
      resource: `${world.issuer}/api/v1`,
      login_hint: person.id,
      binding_message: 'W4SCT',
      authorization_details: JSON.stringify([payment]),
    });
    const item = await openItemOf(person);
    expect(item.title).toBe('Shop wants to sign you in');
    for (const words of ['W4SCT', 'See your name', 'Read items, channels', 'Pay 120 EUR to Bob'])
      expect(item.message).toContain(words);
    await signedInLongAgo(person);
    expect((await answer(person, item)).body.code).toBe('identity_step_up_required');
    const returned = await proven(person);
    ok(await answer(returned, item));
    const tokens = await oidc.pollBackchannelAuthenticationGrant(config, request);
    expect(tokens.claims()).toMatchObject({ sub: person.id, aud: shop.client_id });
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      ...{ sub: person.id, org: world.org.id, scope: 'inbox:read', acr: 'aal1' },
      authorization_details: [payment],
    });
    expect((await start(shop, { id_token_hint: tokens.id_token! })).status).toBe(200);
    const again = await poll(shop, request.auth_req_id);
    expect(again.body.error).toMatch(/invalid_grant|slow_down/);
    const apps = ok(await returned.get('/api/v1/me/grants')).items;
    expect(apps.map((app: Json) => app.client.client_id)).toContain(shop.client_id);
    ok(await returned.delete(`/api/v1/me/grants/${apps[0].id}`));
    const api = await fetch(`${world.issuer}/api/v1/inbox/items`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(api.status).toBe(401);
  }, 30_000);

  it('53: tells the client of a denial, of no answer and of polling too fast', async () => {
    const shop = await openShop();
    const person = await world.org.member('Otto');
    const denied = (await start(shop, { login_hint: person.id })).body;
    expect(denied).toMatchObject({ interval: 5, expires_in: 300 });
    expect((await poll(shop, denied.auth_req_id)).body.error).toBe('authorization_pending');
    expect((await poll(shop, denied.auth_req_id)).body.error).toBe('slow_down');
    ok(await answer(person, await openItemOf(person), 'reject'));
    await later();
    expect((await poll(shop, denied.auth_req_id)).body.error).toBe('access_denied');

    const silent = (await start(shop, { login_hint: person.id, requested_expiry: '1' })).body;
    await until(async () => {
      await later();
      return (await poll(shop, silent.auth_req_id)).body.error === 'expired_token';
    }, 'the end of the request');
  });

  it('tells the client when an operator ended its request', async () => {
    const shop = await openShop();
    const person = await world.org.member('Tara');
    const { auth_req_id } = (await start(shop, { login_hint: person.id, scope: 'openid profile' })).body;
    const [waiting] = ok(await world.operator.get(`${requests}?q=tara`)).items;
    expect(waiting).toMatchObject({ kind: 'ciba', title: null, scopes: ['openid', 'profile'], state: 'pending' });
    ok(await world.operator.post(`${requests}/${waiting.id}/cancel`));
    expect((await poll(shop, auth_req_id)).body.error).toBe('access_denied');
    expect(await itemsOf(person)).toMatchObject([{ status: 'withdrawn' }]);
  });

  it('refuses unknown people, hints of other kinds, public clients and requests without openid', async () => {
    const shop = await openShop();
    const person = await world.org.member('Pia');
    const errorOf = async (form: Record<string, string>) => (await start(shop, form)).body.error;
    expect(await errorOf({ login_hint: 'nobody@example.org' })).toBe('unknown_user_id');
    expect(await errorOf({})).toBe('invalid_request');
    expect(await errorOf({ login_hint_token: 'x' })).toBe('invalid_request');
    expect(await errorOf({ login_hint: person.id, user_code: '1' })).toBe('invalid_request');
    expect(await errorOf({ login_hint: person.id, scope: 'inbox:read' })).toBe('invalid_request');
    expect(await errorOf({ login_hint: person.id, binding_message: 'x'.repeat(201) })).toBe('invalid_binding_message');
    expect((await world.post('/oauth/ciba', { login_hint: person.id })).status).toBe(401);
    const open = [1, 2, 3, 4].map(() => start(shop, { login_hint: person.id }));
    expect((await Promise.all(open)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 429]);
    const stored = await world.database.query('select payload::text as row from oauth_backchannel_requests');
    const known = (await Promise.all(open)).flatMap(({ body }) =>
      body.auth_req_id === undefined ? [] : [body.auth_req_id],
    );
    for (const id of known) for (const { row } of stored.rows) expect(row).not.toContain(id);
    expect(world.server.output()).not.toMatch(/oidc-provider (NOTICE|WARNING)/);
    for (const id of known) expect(world.server.output()).not.toContain(id);
  });
});
