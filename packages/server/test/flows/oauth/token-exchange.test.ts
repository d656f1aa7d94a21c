import { randomBytes, randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretBox } from '../../../src/platform/secrets/secret-box.ts';
import {
  basic,
  type OauthWorld,
  type OperatorClient,
  ok,
  openOauthWorld,
  pkce,
  redirect,
} from '../../support/oauth-world.ts';
import { type Agent, password } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const masterKey = randomBytes(32);

let world: OauthWorld;
let api: string;
let app: string;

beforeAll(async () => {
  world = await openOauthWorld({ env: { ATRIUM_MASTER_KEY: masterKey.toString('base64') } });
  api = `${world.issuer}/api/v1`;
  app = await world.register();
}, 120_000);
afterAll(() => world.close());

const me = async (token: string) => (await createRestClient(world.issuer, token).get('/api/v1/me')).status;

/** A client that may exchange, and act itself unless told otherwise. */
const exchanger = async (more: Record<string, unknown> = {}): Promise<OperatorClient> => {
  const made = await world.operatorClient({ grant_types: [exchangeGrant], redirect_uris: [], ...more });
  if (more['allowed_actors'] === undefined)
    await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
      made.client_id,
      [made.client_id],
    ]);
  return made;
};

const exchange = (
  by: { client_id: string; secret: string | null },
  subject_token: string,
  more: Record<string, string> = {},
  headers: Record<string, string> = {},
) =>
  world.token(
    { grant_type: exchangeGrant, subject_token, subject_token_type: accessToken, ...more },
    { ...basic(by.client_id, by.secret!), ...headers },
  );

/** What the server itself would have signed. */
const signed = async (payload: JWTPayload): Promise<string> => {
  const { rows } = await world.database.query(`select kid, private_sealed from oauth_keys where state = 'active'`);
  const [{ kid, private_sealed }] = rows;
  const jwk = JSON.parse(new SecretBox([masterKey]).decrypt(private_sealed, `oauth_keys.private:${kid}`)) as JWK;
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: jwk.alg!, kid, typ: 'at+jwt' })
    .sign(await importJWK(jwk, jwk.alg));
};

const clientOf = ({ client_id, client_secret }: Agent) => ({ client_id, secret: client_secret });
const ownToken = async (agent: Agent, resource = api): Promise<string> =>
  (
    await world.token(
      { grant_type: 'client_credentials', resource, scope: 'inbox:read' },
      basic(agent.client_id, agent.client_secret),
    )
  ).body.access_token;

describe('the subject token', () => {
  it('55: is refused when it is expired, revoked, for a foreign audience, or none of ours', async () => {
    const gateway = await exchanger();
    const { access_token } = await world.tokensFor(app, { resource: api });
    const claims = decodeJwt(access_token);
    const now = Math.floor(Date.now() / 1000);
    const again = (more: JWTPayload) => signed({ ...claims, jti: randomUUID(), ...more });
    expect((await exchange(gateway, await again({}))).status).toBe(200);
    const revoked = (await world.tokensFor(app, { resource: api })).access_token;
    await world.post('/oauth/revoke', { token: revoked, client_id: app });
    const elsewhere = 'https://partner.example/api';
    ok(
      await world.operator.post('/api/v1/admin/oauth/resources', {
        ...{ audience: elsewhere, name: 'Partner', scopes: ['inbox:read'] },
      }),
    );
    for (const wrong of [
      await again({ iat: now - 120, exp: now - 60 }),
      await again({ iss: 'https://elsewhere.example' }),
      await again({ aud: elsewhere }),
      await again({ aud: 'https://unknown.example' }),
      revoked,
      access_token.replace(/\.[^.]+$/, `.${Buffer.alloc(64).toString('base64url')}`),
      'opaque-and-unknown',
    ])
      expect(await exchange(gateway, wrong)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    // The one whom it is for may pass it on.
    await world.database.query('update oauth_resources set client_id = $1 where audience = $2', [
      gateway.client_id,
      elsewhere,
    ]);
    expect((await exchange(gateway, await again({ aud: elsewhere }))).status).toBe(200);
  });

  it('58: outlives none of what came of it, and takes that along', async () => {
    const gateway = await exchanger();
    const subject = await world.tokensFor(app, { resource: api });
    const claims = decodeJwt(subject.access_token);
    const soon = Math.floor(Date.now() / 1000) + 100;
    const short = await signed({ ...claims, jti: randomUUID(), exp: soon });
    const brief = (await exchange(gateway, short)).body;
    expect(decodeJwt(brief.access_token).exp).toBeLessThanOrEqual(soon);
    expect(brief.expires_in).toBeLessThanOrEqual(100);
    const first = (await exchange(gateway, subject.access_token)).body.access_token;
    const second = (await exchange(gateway, first)).body.access_token;
    expect(decodeJwt(second).exp).toBeLessThanOrEqual(claims.exp!);
    expect([await me(first), await me(second), await me(brief.access_token)]).toEqual([200, 200, 200]);
    await world.post('/oauth/revoke', { token: subject.refresh_token, client_id: app });
    expect([await me(first), await me(second), await me(brief.access_token)]).toEqual([401, 401, 401]);
    expect((await exchange(gateway, second)).body.error).toBe('invalid_grant');
  });

  it('57: gives no wider scope and no wider audience', async () => {
    const gateway = await exchanger({ scopes: ['inbox:read', 'inbox:write'] });
    const subject = (await world.tokensFor(app, { resource: api, scope: 'inbox:read account:read' })).access_token;
    const narrow = await exchange(gateway, subject, { scope: 'inbox:read' });
    expect(narrow).toMatchObject({ status: 200, body: { scope: 'inbox:read', issued_token_type: accessToken } });
    // Without a wish: what both have.
    expect((await exchange(gateway, subject)).body.scope).toBe('inbox:read');
    for (const scope of ['inbox:write', 'account:read', 'admin:write'])
      expect(await exchange(gateway, subject, { scope })).toMatchObject({
        status: 400,
        body: { error: 'invalid_scope' },
      });
    for (const more of [
      { resource: `${world.issuer}/mcp` },
      { audience: `${world.issuer}/mcp` },
      { resource: world.issuer },
      { resource: `${api}/` },
      { resource: api, audience: `${world.issuer}/mcp` },
    ] as Record<string, string>[])
      expect(await exchange(gateway, subject, more)).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    expect((await exchange(gateway, subject, { resource: api, audience: api })).status).toBe(200);
    // Of everything on this server one door is a part.
    const whole = (await world.tokensFor(app, { resource: world.issuer, scope: 'inbox:read' })).access_token;
    const part = await exchange(gateway, whole, { resource: api });
    expect(decodeJwt(part.body.access_token).aud).toBe(api);
    const pinned = await exchanger({ allowed_resources: [`${world.issuer}/mcp`] });
    expect((await exchange(pinned, whole, { resource: api })).body.error).toBe('invalid_target');
  });
});

describe('the actor', () => {
  it('56: is one of those that the client may bring, which operators edit; a fifth one is too many', async () => {
    const agent = await world.org.agent('Courier', { scopes: ['inbox:read'] });
    const made = ok(
      await world.operator.post('/api/v1/admin/oauth/clients', {
        ...{ name: 'Relay', grant_types: [exchangeGrant], scopes: ['inbox:read'] },
      }),
    );
    const relay = { client_id: made.client.client_id, secret: made.client_secret };
    const { access_token: subject } = await world.tokensFor(app, { resource: api });
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    expect(await exchange(relay, subject)).toMatchObject(refused);
    const path = `/api/v1/admin/oauth/clients/${made.client.id}`;
    const edit = async (allowed_actors: string[]) => {
      const { version } = ok(await world.operator.get(path));
      expect(ok(await world.operator.patch(path, { version, allowed_actors })).allowed_actors).toEqual(allowed_actors);
    };
    await edit([relay.client_id]);
    let chain = (await exchange(relay, subject)).body.access_token;
    expect(decodeJwt(chain)['act']).toEqual({ sub: relay.client_id, client_id: relay.client_id });
    for (let depth = 2; depth <= 4; depth += 1) {
      const next = await exchange(await exchanger({ scopes: ['inbox:read'] }), chain);
      expect(next.status).toBe(200);
      expect((decodeJwt(next.body.access_token)['act'] as Json).act).toEqual(decodeJwt(chain)['act']);
      chain = next.body.access_token;
    }
    expect(await exchange(relay, chain)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    // Another actor has to show a token of its own, got by this very client.
    const actor_token = await ownToken(agent);
    const asActor = { actor_token, actor_token_type: accessToken };
    expect(await exchange(relay, subject, asActor)).toMatchObject(refused);
    await edit([agent.id]);
    expect(await exchange(relay, subject)).toMatchObject(refused);
    expect(await exchange(relay, subject, asActor)).toMatchObject(refused);
    expect((await exchange(relay, subject, { actor_token })).body.error).toBe('invalid_request');
  });

  it('is narrowed by its own rights, and gone with them', async () => {
    const agent = await world.org.agent('Helper', { scopes: ['inbox:read'] });
    const claims = decodeJwt((await world.tokensFor(app, { resource: api })).access_token);
    const subject = await signed({ ...claims, jti: randomUUID(), may_act: { sub: agent.id } });
    const given = await exchange(clientOf(agent), subject);
    expect(given.body.scope).toBe('inbox:read');
    const token = given.body.access_token;
    expect(decodeJwt(token)).toMatchObject({
      sub: world.person.id,
      act: { sub: agent.id, client_id: agent.client_id },
    });
    const items = () => createRestClient(world.issuer, token).get('/api/v1/inbox/items');
    expect((await items()).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { scopes: ['inbox:write'] }));
    expect((await items()).status).toBe(403);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { scopes: ['inbox:read'] }));
    expect((await items()).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false }));
    expect((await items()).status).toBe(401);
    const other = await world.org.agent('Stranger', { scopes: ['inbox:read'] });
    expect((await exchange(clientOf(other), subject)).body.error).toBe('invalid_grant');
    // An agent of another organisation acts in that of the subject.
    const outside = await (await world.makeOrg('Outside')).agent('Visitor', { scopes: ['inbox:read'] });
    const invited = await signed({ ...claims, jti: randomUUID(), may_act: { sub: outside.id } });
    const visit = (await exchange(clientOf(outside), invited)).body.access_token;
    expect((await createRestClient(world.issuer, visit).get('/api/v1/inbox/items')).status).toBe(200);
  });
});

it('binds the new token to the key of who exchanges, and gives no free one for a bound one', async () => {
  const gateway = await exchanger({ grant_types: [exchangeGrant, 'authorization_code'], redirect_uris: [redirect] });
  const insecure = { execute: [oidc.allowInsecureRequests] };
  const config = await oidc.discovery(
    new URL(world.issuer),
    gateway.client_id,
    { client_secret: gateway.secret! },
    undefined,
    insecure,
  );
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const params = (subject_token: string) => ({ subject_token, subject_token_type: accessToken, resource: api });
  const free = (await world.tokensFor(app, { resource: api })).access_token;
  const bound = await oidc.genericGrantRequest(config, exchangeGrant, params(free), { DPoP });
  expect(bound.token_type).toBe('dpop');
  expect(decodeJwt(bound.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
  expect(await me(bound.access_token)).toBe(401);
  const url = new URL(`${api}/me`);
  const proven = await oidc.fetchProtectedResource(config, bound.access_token, url, 'GET', undefined, undefined, {
    DPoP,
  });
  expect(proven.status).toBe(200);
  expect((await exchange(gateway, bound.access_token)).body.error).toBe('invalid_grant');
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const rebound = await oidc.genericGrantRequest(config, exchangeGrant, params(bound.access_token), { DPoP: other });
  expect(decodeJwt(rebound.access_token)['cnf']).toEqual({ jkt: await other.calculateThumbprint() });
});

it('gives nothing but access tokens until an operator wants more', async () => {
  const gateway = await exchanger();
  const { access_token } = await world.tokensFor(app, { resource: api });
  for (const requested_token_type of ['id-jag', 'txn_token', 'refresh_token'].map(
    (name) => `urn:ietf:params:oauth:token-type:${name}`,
  ))
    expect((await exchange(gateway, access_token, { requested_token_type })).body.error).toBe('invalid_request');
  expect(decodeJwt(access_token)).not.toHaveProperty('status');
  expect((await world.anonymous.get('/oauth/status-lists/0')).status).toBe(404);
});

describe('an agent that is named to the person (requested_actor)', () => {
  const ask = async (client_id: string, requested_actor: string, who = world.person) => {
    const { verifier, challenge } = pkce();
    const scope = 'inbox:read account:read';
    const url = world.authorizeUrl(client_id, challenge, { resource: api, scope, requested_actor });
    return { verifier, url, who };
  };
  const redeem = (client_id: string, code: string, code_verifier: string, more: Record<string, string> = {}) =>
    world.token({
      ...{ grant_type: 'authorization_code', code, code_verifier, redirect_uri: redirect, client_id, ...more },
    });

  it('stands on the consent page with its owner and limits, and in the token once it proves itself', async () => {
    const agent = await world.org.agent('Scribe <b>', { scopes: ['inbox:read'] });
    const client_id = await world.register({ client_name: 'Writer' });
    const browser = world.browser();
    browser.setCookie('atrium_session', world.person.token);
    const { url, verifier } = await ask(client_id, agent.id);
    const page = await browser.get(url);
    expect(page.text).toContain('It acts through the agent <strong>Scribe &lt;b&gt;</strong>');
    expect(page.text).toContain(world.org.owner.name);
    expect(page.text).toContain('its own items');
    // What the agent may not do is not even asked for.
    expect(page.text).toContain('value="inbox:read"');
    expect(page.text).not.toContain('value="account:read"');
    const answer = new URL((await browser.submit(page, { decision: 'allow' })).leaves!);
    const actor_token = await ownToken(agent);
    const given = await redeem(client_id, answer.searchParams.get('code')!, verifier, { actor_token });
    expect(given).toMatchObject({ status: 200, body: { scope: 'inbox:read' } });
    const named = { type: 'agent', id: agent.id, name: 'Scribe <b>' };
    const apps: Json[] = ok(await world.person.get('/api/v1/me/grants')).items;
    expect(apps.find((app) => app.client.client_id === client_id)?.agents).toEqual([named]);
    const admin = '/api/v1/admin/oauth';
    const [grant] = ok(await world.operator.get(`${admin}/grants?client_id=${client_id}`)).items;
    expect(grant).toMatchObject({ subject: { id: world.person.id }, actor: named });
    const [token] = ok(await world.operator.get(`${admin}/tokens?client_id=${client_id}`)).items;
    expect(token.actors).toEqual([named]);
    expect(decodeJwt(given.body.access_token)).toMatchObject({
      sub: world.person.id,
      client_id,
      act: { sub: agent.id, client_id: agent.client_id },
    });
    // Without its token the agent is not said to act: it may, and does so by an exchange of its own.
    const { refresh_token } = given.body;
    const renewed = await world.token({ grant_type: 'refresh_token', refresh_token, client_id });
    const claims = decodeJwt(renewed.body.access_token);
    expect(claims).toMatchObject({ may_act: { sub: agent.id } });
    expect(claims).not.toHaveProperty('act');
    const acting = await exchange(clientOf(agent), renewed.body.access_token);
    expect(decodeJwt(acting.body.access_token)['act']).toEqual({ sub: agent.id, client_id: agent.client_id });
    const stranger = await world.org.agent('Other', { scopes: ['inbox:read'] });
    expect((await exchange(clientOf(stranger), renewed.body.access_token)).body.error).toBe('invalid_grant');
    const renew = (token: string) =>
      world.token({
        ...{ grant_type: 'refresh_token', refresh_token: renewed.body.refresh_token, client_id, actor_token: token },
      });
    expect((await renew(await ownToken(stranger))).body.error).toBe('invalid_grant');
    // A wrong actor spends no refresh token: the right one may follow.
    const right = await renew(actor_token);
    expect(right.status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false }));
    expect(await me(right.body.access_token)).toBe(401);
  });

  it('is asked for by itself, each time anew for another one, and only within the own organisation', async () => {
    const agent = await world.org.agent('Second', { scopes: ['inbox:read'] });
    const own = await world.operatorClient({ skip_consent: true, auth_method: 'none' });
    const plain = world.browser();
    plain.setCookie('atrium_session', world.person.token);
    const without = world.authorizeUrl(own.client_id, pkce().challenge, { resource: api, scope: 'inbox:read' });
    await world.database.query(`update oauth_clients set redirect_uris = $2 where client_id = $1`, [
      own.client_id,
      ['https://app.example/done'],
    ]);
    const web = (url: string) =>
      url.replace(encodeURIComponent(redirect), encodeURIComponent('https://app.example/done'));
    expect((await plain.get(web(without))).leaves).toContain('code=');
    // Software that is trusted to ask nothing asks for an agent all the same.
    const { url } = await ask(own.client_id, agent.client_id);
    expect((await plain.get(web(url))).text).toContain('It acts through the agent <strong>Second</strong>');
    const stranger = await world.makePerson('Eve');
    const foreign = world.browser();
    const mine = await ask(app, agent.id, stranger);
    foreign.setCookie('atrium_session', stranger.token);
    const refused = await foreign.get(mine.url);
    expect(refused.status).toBe(403);
    expect(refused.text).not.toContain('Second');
    for (const wrong of ['nobody', randomUUID()]) {
      const page = await plain.get((await ask(app, wrong)).url);
      expect(page.leaves ?? page.text, wrong).toContain('invalid_request');
    }
  });

  it('needs no proof where an operator lets the client speak for it', async () => {
    const agent = await world.org.agent('Third', { scopes: ['inbox:read'] });
    const client = await world.operatorClient({ auth_method: 'none' });
    await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
      client.client_id,
      [agent.id],
    ]);
    const { url, verifier } = await ask(client.client_id, agent.id);
    const answer = await world.browser().authorize(url, { email: world.person.email, password });
    const given = await redeem(client.client_id, answer.searchParams.get('code')!, verifier);
    expect(decodeJwt(given.body.access_token)['act']).toEqual({ sub: agent.id, client_id: agent.client_id });
  });
});
