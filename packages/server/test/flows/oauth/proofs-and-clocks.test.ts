import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProver, type Proof } from '../../support/dpop-prover.ts';
import { listToolsRequest } from '../../support/mcp-list-tools.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { basic, type OauthWorld, openOauthWorld, type TokenAnswer } from '../../support/oauth-world.ts';
import type { Agent } from '../../support/people.ts';

const clock = createMovedClock();
let world: OauthWorld;
let agent: Agent;
let tokenUrl: string;
let mcp: string;
let prove: (proof: Proof) => Promise<string>;
beforeAll(async () => {
  world = await openOauthWorld({ env: clock.env });
  agent = await world.org.agent('Prover');
  tokenUrl = `${world.issuer}/oauth/token`;
  mcp = `${world.issuer}/mcp`;
  prove = await createProver();
}, 120_000);
afterAll(() => world.close());

const ask = (headers: Record<string, string>, resource = mcp): Promise<TokenAnswer> =>
  world.token(
    { grant_type: 'client_credentials', resource, scope: 'inbox:read' },
    { ...basic(agent.client_id, agent.client_secret), ...headers },
  );

let known: string | null = null;
const nonce = async (): Promise<string> => {
  known ??= (await ask({ dpop: await prove({ method: 'POST', url: tokenUrl }) })).headers.get('dpop-nonce')!;
  return known;
};
const bound = async (): Promise<string> => {
  const answer = await ask({ dpop: await prove({ method: 'POST', url: tokenUrl, nonce: await nonce() }) });
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
  return answer.body.access_token;
};

/** Lists the tools of /mcp under the credentials of `headers`. */
const atMcp = (headers: Record<string, string>): Promise<Response> => fetch(mcp, listToolsRequest(headers));
const withProof = async (access_token: string, more: Partial<Proof> = {}): Promise<Record<string, string>> => ({
  authorization: `DPoP ${access_token}`,
  dpop: await prove({ method: 'POST', url: mcp, access_token, ...more }),
});

describe('proofs of possession', () => {
  it('18: without a nonce the server names one, with it the request passes, and the same proof again does not', async () => {
    const bare = await ask({ dpop: await prove({ method: 'POST', url: tokenUrl }) });
    // RFC 9449 8: at the token endpoint 400. A resource answers 401, see below.
    expect(bare).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    known = bare.headers.get('dpop-nonce')!;
    const proof = await prove({ method: 'POST', url: tokenUrl, nonce: known });
    expect(await ask({ dpop: proof })).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(await ask({ dpop: proof })).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });

    const client = await world.operatorClient();
    const { code, verifier } = await world.codeFor(client.client_id, { scope: 'openid' });
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier };
    const signedIn = await world.token(
      { ...form, redirect_uri: 'http://127.0.0.1:53682/callback' },
      {
        ...basic(client.client_id, client.secret!),
        dpop: await prove({ method: 'POST', url: tokenUrl, nonce: known }),
      },
    );
    expect(signedIn.status).toBe(200);
    const access_token: string = signedIn.body.access_token;
    const url = `${world.issuer}/oauth/userinfo`;
    const read = (dpop: string) => fetch(url, { headers: { authorization: `DPoP ${access_token}`, dpop } });
    const asked = await read(await prove({ method: 'GET', url, access_token }));
    expect(asked.status).toBe(401);
    expect(asked.headers.get('www-authenticate')).toContain('error="use_dpop_nonce"');
    const again = await prove({ method: 'GET', url, access_token, nonce: asked.headers.get('dpop-nonce')! });
    expect((await read(again)).status).toBe(200);
    const replayed = await read(again);
    expect(replayed.status).toBe(401);
    expect(replayed.headers.get('www-authenticate')).toContain('error="invalid_dpop_proof"');
  });

  it('19: a bound token is good at /mcp with its proof, once a proof, and as a plain bearer it is not', async () => {
    const token = await bound();
    const proven = await withProof(token);
    expect((await atMcp(proven)).status).toBe(200);
    for (const headers of [
      { authorization: `Bearer ${token}` },
      { authorization: `DPoP ${token}` },
      proven,
      {
        authorization: `DPoP ${token}`,
        dpop: await (await createProver())({ method: 'POST', url: mcp, access_token: token }),
      },
      await withProof(token, { url: `${world.issuer}/api/v1/me` }),
      await withProof(token, { method: 'GET' }),
    ]) {
      const refused = await atMcp(headers);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('resource_metadata=');
    }
    expect((await atMcp(await withProof(token))).status).toBe(200);
  });
});

describe('93: by the clock', () => {
  const second = 1000;
  /** A server does not go back in time, so each test begins a little later than the one before; seconds. */
  let latest = 0;
  const later = (): number => {
    latest = Math.max(latest, Math.floor(Date.now() / second)) + 10;
    clock.freeze(new Date(latest * second));
    return latest;
  };

  it('a proof is good for sixty seconds, before and after', async () => {
    const [token, value] = [await bound(), await nonce()];
    const now = later();
    for (const [off, status, accepted] of [
      [-61, 400, false],
      [61, 400, false],
      [-60, 200, true],
      [60, 200, true],
    ] as const) {
      const asked = await ask({ dpop: await prove({ method: 'POST', url: tokenUrl, nonce: value, iat: now + off }) });
      expect([off, asked.status]).toEqual([off, status]);
      if (!accepted) expect(asked.body.error).toBe('invalid_dpop_proof');
      expect([off, (await atMcp(await withProof(token, { iat: now + off }))).status]).toEqual([
        off,
        accepted ? 200 : 401,
      ]);
    }
  });

  it('an assertion of a client is taken within the step, and refused past it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const audience = 'https://clocks.example/api';
    await world.database.query(
      `insert into oauth_resources (id, audience, name, scopes, created_at, updated_at)
       values (gen_random_uuid(), $1, 'Clocks', '{clocks:read}', now(), now())`,
      [audience],
    );
    const made = await world.operatorClient({
      auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] },
      scopes: ['clocks:read'],
      redirect_uris: [],
      grant_types: ['client_credentials'],
    });
    const now = later();
    const assertedUntil = async (exp: number) =>
      await world.token({
        grant_type: 'client_credentials',
        resource: audience,
        scope: 'clocks:read',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await new SignJWT({ jti: crypto.randomUUID() })
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .setIssuer(made.client_id)
          .setSubject(made.client_id)
          .setAudience(world.issuer)
          .setIssuedAt(now - 30)
          .setExpirationTime(exp)
          .sign(privateKey),
      });
    expect(await assertedUntil(now - 5)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await assertedUntil(now - 4)).status).toBe(200);
  });

  it('an access token is good until one step of five seconds past its end, whether the server has seen it before or not', async () => {
    later();
    const issue = async (): Promise<string> => (await ask({})).body.access_token;
    const [seen, first, other] = [await issue(), await issue(), await issue()];
    const ends = (decodeJwt(seen).exp! + 5) * second;
    expect([first, other].map((token) => (decodeJwt(token).exp! + 5) * second)).toEqual([ends, ends]);
    const status = async (token: string) => (await atMcp({ authorization: `Bearer ${token}` })).status;
    expect(await status(seen)).toBe(200);
    clock.freeze(new Date(ends - 1));
    expect([await status(seen), await status(first)]).toEqual([200, 200]);
    clock.freeze(new Date(ends));
    expect([await status(seen), await status(first), await status(other)]).toEqual([401, 401, 401]);
  });
});
