import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectionTrap, startConnectionTrap } from '../../support/connection-trap.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { basic, type OauthWorld, type OperatorClient, openOauthWorld, redirect } from '../../support/oauth-world.ts';
import { password } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';

const clock = createMovedClock();
let world: OauthWorld;
let api: string;
/** The server may connect to it, so that only what it wants decides whether it does. */
let trap: ConnectionTrap;
beforeAll(async () => {
  trap = await startConnectionTrap();
  world = await openOauthWorld({ env: { ...clock.env, ATRIUM_OAUTH_ALLOW_PRIVATE: '127.0.0.1/32' } });
  api = `${world.issuer}/api/v1`;
}, 120_000);
afterAll(async () => {
  trap.close();
  await world.close();
});

const insecure = { execute: [oidc.allowInsecureRequests] };
const discover = (client_id: string, metadata?: object | string, auth?: oidc.ClientAuth) =>
  oidc.discovery(new URL(world.issuer), client_id, metadata as never, auth, insecure);

const basicOf = ({ client_id, secret }: OperatorClient) => basic(client_id, secret!);

const consent = (url: URL, browser = world.browser()) =>
  browser.authorize(url.href, { email: world.person.email, password });

describe('openid-client', () => {
  it('discovers, signs in with PKCE, reads userinfo and refreshes', async () => {
    const made = await world.operatorClient();
    const config = await discover(made.client_id, { client_secret: made.secret });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope: 'openid profile email org offline_access',
      prompt: 'consent',
      code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const tokens = await oidc.authorizationCodeGrant(config, await consent(url), {
      pkceCodeVerifier: code_verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    expect(tokens.claims()).toMatchObject({ sub: world.person.id, iss: world.issuer, aud: made.client_id });
    const info = await oidc.fetchUserInfo(config, tokens.access_token, world.person.id);
    expect(info).toMatchObject({
      sub: world.person.id,
      name: 'Ada',
      email: world.person.email,
      org: { id: world.org.id, role: 'member' },
    });
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token!);
    expect(renewed.access_token).not.toBe(tokens.access_token);
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('17: signs its request; without a signature, or by reference, it is refused, and nobody is asked for it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const made = await world.operatorClient({ jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'jar' }] } });
    const config = await discover(made.client_id, { client_secret: made.secret });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const parameters = {
      redirect_uri: redirect,
      resource: api,
      state: 's',
      code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
    };
    const url = await oidc.buildAuthorizationUrlWithJAR(config, parameters, { key: privateKey, kid: 'jar' });
    const tokens = await oidc.authorizationCodeGrant(config, await consent(url), {
      pkceCodeVerifier: code_verifier,
      expectedState: 's',
    });
    expect(tokens.token_type).toBe('bearer');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(
      JSON.stringify({
        ...parameters,
        client_id: made.client_id,
        response_type: 'code',
        iss: made.client_id,
        aud: world.issuer,
      }),
    ).toString('base64url')}.`;
    const references = ['http', 'https'].map((scheme) => `${scheme}://127.0.0.1:${trap.port}/request.jwt`);
    // Also for a client that has registered them, as OpenID Connect let clients do.
    const registered = await world.operatorClient({ metadata: { request_uris: references } });
    for (const client_id of [made.client_id, registered.client_id])
      for (const more of [{ request: none }, ...references.map((request_uri) => ({ request_uri }))]) {
        const page = await world
          .browser()
          .get(`${world.issuer}/oauth/authorize?${new URLSearchParams({ client_id, ...more })}`);
        expect(page.leaves ?? page.text).toMatch(
          /invalid_request_object|request_uri_not_supported|invalid_request_uri/,
        );
        const form = { ...parameters, client_id: made.client_id, response_type: 'code' };
        const pushed = await world.post('/oauth/par', { ...form, ...more }, basicOf(made));
        expect([pushed.status, pushed.body.error]).toEqual([
          400,
          expect.stringMatching(/^(invalid_request|request_uri_not_supported)/),
        ]);
        expect((await world.post('/oauth/par', form, basicOf(made))).status).toBe(201);
      }
    expect(trap.connections()).toBe(0);
    // The trap is within reach of the server: the keys of a client are fetched from there.
    const keyed = await world.operatorClient({
      auth_method: 'private_key_jwt',
      jwks_uri: `http://127.0.0.1:${trap.port}/jwks`,
    });
    const signer = await discover(keyed.client_id, undefined, oidc.PrivateKeyJwt({ key: privateKey, kid: 'k' }));
    await expect(oidc.clientCredentialsGrant(signer, { resource: api })).rejects.toThrow();
    expect(trap.connections()).toBeGreaterThan(0);
  });

  it('18: binds its tokens to a key with a nonce of the server', async () => {
    const made = await world.operatorClient();
    const config = await discover(made.client_id, { client_secret: made.secret });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const keys = await oidc.randomDPoPKeyPair('ES256');
    const DPoP = oidc.getDPoPHandle(config, keys);
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      resource: api,
      state: 's',
      code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
    });
    const tokens = await oidc.authorizationCodeGrant(
      config,
      await consent(url),
      { pkceCodeVerifier: code_verifier, expectedState: 's' },
      undefined,
      { DPoP },
    );
    expect(tokens.token_type).toBe('dpop');
    const answer = await oidc.fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(`${api}/me`),
      'GET',
      undefined,
      undefined,
      { DPoP },
    );
    expect(answer.status).toBe(200);
    expect((await createRestClient(world.issuer, tokens.access_token).get('/api/v1/me')).status).toBe(401);
    const bare = await fetch(`${api}/me`, { headers: { authorization: `DPoP ${tokens.access_token}` } });
    expect(bare.status).toBe(401);
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token!, undefined, { DPoP });
    expect(renewed.token_type).toBe('dpop');
  });

  it('polls for a device until its person has decided', async () => {
    const made = await world.operatorClient({
      auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    });
    const config = await discover(made.client_id, undefined, oidc.None());
    const device = await oidc.initiateDeviceAuthorization(config, { scope: 'inbox:read', resource: api });
    expect(device.verification_uri).toBe(`${world.issuer}/device`);
    expect(device.user_code).toMatch(/^[A-Z]{5}-[A-Z]{5}$/);
    const waiting = oidc.pollDeviceAuthorizationGrant(config, device);
    const browser = world.browser();
    browser.setCookie('atrium_session', world.person.token);
    const typed = await browser.submit(await browser.get('/device'), { user_code: device.user_code });
    expect(typed.text).toContain('Is this your device?');
    const asked = await browser.submit(typed, { confirm: 'yes' });
    expect(asked.text).toContain('name="decision"');
    const done = await browser.submit(asked, { decision: 'allow' });
    expect(done.text).toContain('The device is connected');
    const tokens = await waiting;
    expect(tokens.scope).toBe('inbox:read');
    expect((await createRestClient(world.issuer, tokens.access_token).get('/api/v1/me')).status).toBe(200);
  }, 60_000);

  it('signs in with a key (private_key_jwt), introspects and revokes', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const made = await world.operatorClient({
      auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] },
    });
    const config = await discover(made.client_id, undefined, oidc.PrivateKeyJwt({ key: privateKey, kid: 'k' }));
    const code_verifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      resource: api,
      state: 's',
      code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
    });
    const tokens = await oidc.authorizationCodeGrant(config, await consent(url), {
      pkceCodeVerifier: code_verifier,
      expectedState: 's',
    });
    const facts = await oidc.tokenIntrospection(config, tokens.access_token);
    expect(facts).toMatchObject({ active: true, sub: world.person.id, org: world.org.id, aud: api });
    await oidc.tokenRevocation(config, tokens.access_token);
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
    expect(await oidc.tokenIntrospection(config, tokens.refresh_token!)).toMatchObject({ active: true });
  });

  it('77: logs out at the server, to an address it registered and no other', async () => {
    const made = await world.operatorClient({
      metadata: { post_logout_redirect_uris: ['http://127.0.0.1:53682/bye'] },
    });
    const config = await discover(made.client_id, { client_secret: made.secret });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const browser = world.browser();
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope: 'openid',
      state: 's',
      code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
    });
    const tokens = await oidc.authorizationCodeGrant(config, await consent(url, browser), {
      pkceCodeVerifier: code_verifier,
      expectedState: 's',
    });
    for (const evil of ['https://evil.example/', 'javascript:alert(1)']) {
      const refused = await browser.get(
        oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token!, post_logout_redirect_uri: evil }).href,
      );
      expect(refused.status).toBe(400);
      expect(refused.text).not.toContain('evil');
    }
    const page = await browser.get(
      oidc.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token!,
        post_logout_redirect_uri: 'http://127.0.0.1:53682/bye',
        state: 'x',
      }).href,
    );
    expect(page.text).toContain('Sign out of Atrium?');
    const session = browser.cookie('atrium_session')!;
    const left = await browser.submit(page, { logout: 'yes' });
    expect(left.leaves).toBe('http://127.0.0.1:53682/bye?state=x');
    expect((await createRestClient(world.issuer, session).get('/api/v1/me')).status).toBe(401);
    expect(browser.cookie('atrium_session')).toBeNull();
  });

  it('exchanges a token for a narrower one that says who acts', async () => {
    const gateway = await world.operatorClient({
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
      scopes: ['inbox:read', 'inbox:write'],
    });
    await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
      gateway.client_id,
      [gateway.client_id],
    ]);
    const config = await discover(gateway.client_id, { client_secret: gateway.secret });
    const subject = await world.tokensFor(await world.register(), { resource: api });
    const exchange = (more: Record<string, string> = {}) =>
      oidc.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
        subject_token: subject.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: 'inbox:read',
        ...more,
      });
    const tokens = await exchange();
    const claims = JSON.parse(Buffer.from(tokens.access_token.split('.')[1]!, 'base64url').toString());
    expect(claims).toMatchObject({
      sub: world.person.id,
      scope: 'inbox:read',
      aud: api,
      client_id: gateway.client_id,
      act: { sub: gateway.client_id },
    });
    // 58
    const held = JSON.parse(Buffer.from(subject.access_token.split('.')[1]!, 'base64url').toString());
    expect(claims.exp).toBeLessThanOrEqual(held.exp);
    expect((await createRestClient(world.issuer, tokens.access_token).get('/api/v1/me')).status).toBe(200);
    // 57
    await expect(exchange({ scope: 'inbox:read account:read' })).rejects.toMatchObject({ error: 'invalid_scope' });
    await expect(exchange({ resource: `${world.issuer}/mcp` })).rejects.toMatchObject({ error: 'invalid_target' });
    // 56: four deep, and no deeper
    const relay = await world.operatorClient({
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
      scopes: ['inbox:read'],
    });
    await world.database.query('update oauth_clients set allowed_actors = $2 where client_id = $1', [
      relay.client_id,
      [relay.client_id],
    ]);
    const by = (client: { client_id: string; secret: string | null }, token: string) =>
      world.token(
        {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        },
        basic(client.client_id, client.secret!),
      );
    let chain = tokens.access_token;
    for (const client of [relay, gateway, relay]) {
      const deeper = await by(client, chain);
      expect(deeper.status).toBe(200);
      chain = deeper.body.access_token;
    }
    const deepest = JSON.parse(Buffer.from(chain.split('.')[1]!, 'base64url').toString());
    expect(deepest.act.act.act.act).toEqual({ sub: gateway.client_id, client_id: gateway.client_id });
    expect(await by(gateway, chain)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const other = await world.operatorClient({
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
    });
    const uninvited = await world.token(
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subject.access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
      basic(other.client_id, other.secret!),
    );
    expect(uninvited).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    // 55, 58: ending the subject's grant ends the exchanged token, and no new one is given
    const { grant_id } = held;
    expect(grant_id).toMatch(/^[0-9a-f-]{36}$/);
    await world.post('/oauth/revoke', { token: subject.refresh_token, client_id: held.client_id });
    expect((await createRestClient(world.issuer, tokens.access_token).get('/api/v1/me')).status).toBe(401);
    await expect(exchange()).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('oauth4webapi', () => {
  it('reads both metadata documents and registers, authorizes and redeems as a public client', async () => {
    const issuer = new URL(world.issuer);
    const insecureRequests = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecureRequests }),
    );
    const oidcDocument = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecureRequests }),
    );
    expect(oidcDocument).toEqual(as);
    const resource = await oauth.processResourceDiscoveryResponse(
      new URL(`${world.issuer}/mcp`),
      await oauth.resourceDiscoveryRequest(new URL(`${world.issuer}/mcp`), insecureRequests),
    );
    expect(resource.authorization_servers).toEqual([world.issuer]);
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        as,
        { redirect_uris: [redirect], token_endpoint_auth_method: 'none', client_name: 'Strict' },
        insecureRequests,
      ),
    );
    const code_verifier = oauth.generateRandomCodeVerifier();
    const url = world.authorizeUrl(client.client_id, await oauth.calculatePKCECodeChallenge(code_verifier));
    const answer = await world.browser().authorize(url, { email: world.person.email, password });
    const parameters = oauth.validateAuthResponse(as, client, answer, 'state-1');
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        oauth.None(),
        parameters,
        redirect,
        code_verifier,
        insecureRequests,
      ),
    );
    expect(tokens.access_token).toBeTypeOf('string');
    // RFC 7592
    const read = await fetch(String(client['registration_client_uri']), {
      headers: { authorization: `Bearer ${client['registration_access_token']}` },
    });
    expect(await read.json()).toMatchObject({ client_id: client.client_id, client_name: 'Strict' });
    const removed = await fetch(String(client['registration_client_uri']), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${client['registration_access_token']}` },
    });
    expect(removed.status).toBe(204);
    const after = await world.browser().get(url);
    expect(after.text).toContain('invalid_client');
  });
});

// Last: a server does not go back in time.
describe('openid-client, as time goes on', () => {
  it('16: pushes its request; the address is good once, and for less than 61 seconds', async () => {
    const made = await world.operatorClient();
    const config = await discover(made.client_id, { client_secret: made.secret });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const push = async () =>
      oidc.buildAuthorizationUrlWithPAR(config, {
        redirect_uri: redirect,
        resource: api,
        scope: 'inbox:read',
        state: 's',
        code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier),
        code_challenge_method: 'S256',
      });
    const url = await push();
    expect(url.searchParams.get('request_uri')).toMatch(/^urn:ietf:params:oauth:request_uri:/);
    const tokens = await oidc.authorizationCodeGrant(config, await consent(url), {
      pkceCodeVerifier: code_verifier,
      expectedState: 's',
    });
    expect(tokens.scope).toBe('inbox:read');
    const ends = async (address: URL) => {
      const page = await world.browser().get(address.href);
      return page.leaves ?? page.text;
    };
    expect(await ends(url)).toContain('invalid_request_uri');
    const [early, late] = [await push(), await push()];
    clock.move(50_000);
    expect(await ends(early)).toContain('name="password"');
    clock.move(61_000);
    expect(await ends(late)).toContain('invalid_request_uri');
  });

  it('RFC 7592: manages its registration for as long as it is registered', async () => {
    const registered = await fetch(`${world.issuer}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [redirect], token_endpoint_auth_method: 'none', client_name: 'Lasting' }),
    });
    const made = (await registered.json()) as Record<string, string>;
    clock.move(20 * 3_600_000);
    const read = await fetch(made['registration_client_uri']!, {
      headers: { authorization: `Bearer ${made['registration_access_token']}` },
    });
    expect(read.status).toBe(200);
    expect(await read.json()).toMatchObject({ client_id: made['client_id'], client_name: 'Lasting' });
  });
});
