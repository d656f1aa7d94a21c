import { describe, expect, it } from 'vitest';
import { oauth } from './oauth.ts';
import { OAuthError } from './oauth-errors.ts';
import type { OAuthOptions } from './oauth-options.ts';
import type { RedirectListener } from './sign-in.ts';
import { memoryStore, type StoredGrant } from './token-store.ts';

const resource = 'https://api.example/mcp';
const issuer = 'https://issuer.example';

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
const challenge = (error: string, scope?: string) => ({
  'www-authenticate': `Bearer error="${error}"${scope === undefined ? '' : `, scope="${scope}"`}`,
});

interface Request {
  url: string;
  body: URLSearchParams;
  headers: Headers;
}

/** The network: a resource and its issuer. Routes of a test come before these. */
const world = (routes: Record<string, (request: Request) => Response | Promise<Response>> = {}) => {
  const seen: Request[] = [];
  let issued = 0;
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    revocation_endpoint: `${issuer}/revoke`,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
  };
  const all: typeof routes = {
    'https://api.example/.well-known/oauth-protected-resource/mcp': () =>
      json(200, { resource, authorization_servers: [issuer], scopes_supported: ['read'] }),
    [`${issuer}/.well-known/oauth-authorization-server`]: () => json(200, metadata),
    [`${issuer}/register`]: () => json(201, { client_id: `client-${++issued}` }),
    [`${issuer}/token`]: () =>
      json(200, {
        access_token: `access-${++issued}`,
        refresh_token: `refresh-${issued}`,
        token_type: 'Bearer',
        expires_in: 3600,
      }),
    [`${issuer}/revoke`]: () => new Response(null, { status: 200 }),
    [resource]: ({ headers }) =>
      headers.has('authorization') ? json(200, {}) : json(401, {}, challenge('invalid_token')),
    ...routes,
  };
  const network = async (input: string | URL | globalThis.Request, init: RequestInit = {}): Promise<Response> => {
    const url = String(input);
    const body = new URLSearchParams(init.body instanceof URLSearchParams ? init.body : undefined);
    const request = { url, body, headers: new Headers(init.headers) };
    seen.push(request);
    return (await all[url]?.(request)) ?? new Response(null, { status: 404 });
  };
  const to = (path: string) => seen.filter((one) => one.url === (path.startsWith('/') ? issuer + path : path));
  return { fetch: network as typeof fetch, to, metadata };
};

/** A person who agrees at once, or `asked` decides otherwise. */
const person = (asked: (page: URL) => URL | Promise<URL> = agreeing) => {
  const pages: URL[] = [];
  const outcomes: string[] = [];
  const redirect = async (): Promise<RedirectListener> => ({
    uri: 'http://127.0.0.1:7777/callback',
    ask: async (page) => {
      pages.push(page);
      return asked(page);
    },
    close: async (outcome) => void outcomes.push(outcome),
  });
  return { pages, outcomes, signIn: { kind: 'browser' as const, redirect } };
};
const agreeing = (page: URL): URL => {
  const answer = new URL(page.searchParams.get('redirect_uri')!);
  answer.searchParams.set('code', 'code');
  answer.searchParams.set('state', page.searchParams.get('state')!);
  return answer;
};

const storeWith = async (grant: Partial<StoredGrant>) => {
  const store = memoryStore();
  await store.set(resource, {
    issuer,
    client_id: 'client-0',
    registration: { auth_method: 'none', redirect_uri: 'http://127.0.0.1:7777/callback' },
    resource,
    scope: 'read',
    access_token: 'access-0',
    token_type: 'bearer',
    refresh_token: 'refresh-0',
    expires_at: Date.now() + 60_000,
    ...grant,
  });
  return store;
};

const session = (options: OAuthOptions) => oauth(options).for(resource);

describe('a call', () => {
  it('signs in when the resource asks for it, and keeps the token for the next', async () => {
    const { fetch, to } = world();
    const { signIn, pages, outcomes } = person();
    const { fetch: call } = session({ fetch, signIn });
    expect((await call(resource)).status).toBe(200);
    expect((await call(resource)).status).toBe(200);
    expect(pages).toHaveLength(1);
    expect(outcomes).toEqual(['done']);
    expect(Object.fromEntries(pages[0]!.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'read',
      resource,
    });
    expect(to(resource).map((one) => one.headers.get('authorization'))).toEqual([
      null,
      'Bearer access-2',
      'Bearer access-2',
    ]);
  });

  it('asks for offline_access only where the issuer knows it', async () => {
    const offline = world({
      [`${issuer}/.well-known/oauth-authorization-server`]: () =>
        json(200, { ...world().metadata, scopes_supported: ['read', 'offline_access'] }),
    });
    const { signIn, pages } = person();
    await session({ fetch: offline.fetch, signIn }).fetch(resource);
    expect(pages[0]?.searchParams.get('scope')).toBe('read offline_access');
    expect(pages[0]?.searchParams.get('prompt')).toBe('consent');
  });

  it('sends no token to another origin', async () => {
    const { fetch, to } = world({ 'https://other.example/': () => json(200, {}) });
    await session({ fetch, store: await storeWith({}) }).fetch('https://other.example/');
    expect(to('https://other.example/')[0]?.headers.has('authorization')).toBe(false);
  });

  it('with a body that can be read once is sent once, with a token', async () => {
    const { fetch, to } = world();
    const body = new Blob(['once']).stream();
    const { signIn } = person();
    const answer = await session({ fetch, signIn }).fetch(resource, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit);
    expect(answer.status).toBe(200);
    expect(to(resource)).toHaveLength(1);
  });

  it('gives up after one new token that is refused as well', async () => {
    const { fetch, to } = world({ [resource]: () => json(401, {}, challenge('invalid_token')) });
    const answer = await session({ fetch, store: await storeWith({}) }).fetch(resource);
    expect(answer.status).toBe(401);
    expect(to('/token')).toHaveLength(1);
  });

  it('without a way to ask ends with that word', async () => {
    const { fetch, to } = world();
    await expect(session({ fetch }).fetch(resource)).rejects.toMatchObject({ code: 'sign_in_required' });
    expect(to('/register')).toHaveLength(0);
  });
});

describe('wider scopes', () => {
  it('are asked for together with those of before', async () => {
    let narrow = true;
    const { fetch } = world({
      [resource]: () => {
        const refused = narrow;
        narrow = false;
        return refused ? json(403, {}, challenge('insufficient_scope', 'write')) : json(200, {});
      },
    });
    const { signIn, pages } = person();
    expect((await session({ fetch, signIn, store: await storeWith({}) }).fetch(resource)).status).toBe(200);
    expect(pages[0]?.searchParams.get('scope')).toBe('read write');
  });

  it('are not asked for without end', async () => {
    let wanted = 0;
    const { fetch } = world({ [resource]: () => json(403, {}, challenge('insufficient_scope', `more-${++wanted}`)) });
    const { signIn, pages } = person();
    expect((await session({ fetch, signIn, store: await storeWith({}) }).fetch(resource)).status).toBe(403);
    expect(pages).toHaveLength(2);
  });

  it('that the token has already are not asked for again', async () => {
    const { fetch } = world({ [resource]: () => json(403, {}, challenge('insufficient_scope', 'read')) });
    const { signIn, pages } = person();
    expect((await session({ fetch, signIn, store: await storeWith({}) }).fetch(resource)).status).toBe(403);
    expect(pages).toHaveLength(0);
  });
});

describe('renewal', () => {
  it('of an old token happens once for all calls that wait for it', async () => {
    const { fetch, to } = world();
    const store = await storeWith({ expires_at: Date.now() - 1 });
    const { fetch: call } = session({ fetch, store });
    const answers = await Promise.all([1, 2, 3, 4].map(() => call(resource)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(to('/token').map((one) => one.body.get('refresh_token'))).toEqual(['refresh-0']);
    expect(to('/token')[0]?.body.get('resource')).toBe(resource);
    expect(await store.get(resource)).toMatchObject({
      access_token: 'access-1',
      refresh_token: 'refresh-1',
      scope: 'read',
    });
  });

  it('keeps a refresh token that the server does not replace', async () => {
    const { fetch } = world({
      [`${issuer}/token`]: () => json(200, { access_token: 'new', token_type: 'Bearer' }),
    });
    const store = await storeWith({ expires_at: Date.now() - 1 });
    await session({ fetch, store }).fetch(resource);
    expect(await store.get(resource)).toMatchObject({ access_token: 'new', refresh_token: 'refresh-0' });
  });

  it('that is refused forgets the tokens, and asks when it can', async () => {
    const refusing = () =>
      world({
        [`${issuer}/token`]: ({ body }) =>
          body.get('grant_type') === 'refresh_token'
            ? json(400, { error: 'invalid_grant' })
            : json(200, { access_token: 'fresh', token_type: 'Bearer' }),
      });
    const store = await storeWith({ expires_at: Date.now() - 1 });
    await expect(session({ fetch: refusing().fetch, store }).fetch(resource)).rejects.toMatchObject({
      code: 'sign_in_required',
    });
    expect(await store.get(resource)).not.toHaveProperty('refresh_token');
    const again = await storeWith({ expires_at: Date.now() - 1 });
    const network = refusing();
    expect(
      (await session({ fetch: network.fetch, store: again, signIn: person().signIn }).fetch(resource)).status,
    ).toBe(200);
    expect(network.to('/register')).toHaveLength(0);
  });

  it('registers again when the server no longer knows the client', async () => {
    const { fetch, to } = world({
      [`${issuer}/token`]: ({ body }) =>
        body.get('client_id') === 'client-0'
          ? json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="issuer"' })
          : json(200, { access_token: 'fresh', token_type: 'Bearer' }),
    });
    const { signIn, pages } = person();
    const store = await storeWith({ expires_at: Date.now() - 1 });
    expect((await session({ fetch, store, signIn }).fetch(resource)).status).toBe(200);
    expect(to('/register')).toHaveLength(1);
    expect(pages[0]?.searchParams.get('client_id')).toBe('client-1');
  });

  it('that is refused for the moment forgets nothing', async () => {
    const { fetch } = world({ [`${issuer}/token`]: () => json(429, { error: 'temporarily_unavailable' }) });
    const store = await storeWith({ expires_at: Date.now() - 1 });
    await expect(session({ fetch, store }).fetch(resource)).rejects.toMatchObject({ code: 'refused' });
    expect(await store.get(resource)).toHaveProperty('refresh_token', 'refresh-0');
  });

  it('that finds no server says so and forgets nothing', async () => {
    const { fetch } = world({
      [`${issuer}/token`]: () => {
        throw new TypeError('fetch failed');
      },
    });
    const store = await storeWith({ expires_at: Date.now() - 1 });
    await expect(session({ fetch, store }).fetch(resource)).rejects.toMatchObject({ code: 'unreachable' });
    expect(await store.get(resource)).toHaveProperty('refresh_token', 'refresh-0');
  });
});

describe('trust', () => {
  it('ends where the metadata is about another resource', async () => {
    const { fetch } = world({
      'https://api.example/.well-known/oauth-protected-resource/mcp': () =>
        json(200, { resource: 'https://api.example/mcp-other', authorization_servers: [issuer] }),
    });
    const { signIn, pages } = person();
    await expect(session({ fetch, signIn }).fetch(resource)).rejects.toMatchObject({ code: 'resource_mismatch' });
    expect(pages).toHaveLength(0);
  });

  it('does not fall back to assumed endpoints while the server is in trouble', async () => {
    const { fetch, to } = world({
      'https://api.example/.well-known/oauth-protected-resource/mcp': () => json(503, {}),
    });
    await expect(session({ fetch, signIn: person().signIn }).fetch(resource)).rejects.toMatchObject({
      code: 'discovery_failed',
    });
    expect(to('https://api.example/register')).toHaveLength(0);
  });

  it('that names no scope asks for none again when one is missing, nor for those of before', async () => {
    const { fetch, to } = world({
      [resource]: ({ headers }) =>
        headers.has('authorization')
          ? json(403, {}, challenge('insufficient_scope', 'write'))
          : json(401, {}, challenge('invalid_token')),
      [`${issuer}/token`]: () =>
        json(200, { access_token: 'a', token_type: 'Bearer', expires_in: 3600, scope: 'read' }),
    });
    const client = { id: 'given', secret: 'a secret' };
    const own = session({ fetch, client, scope: '', signIn: { kind: 'client_credentials' } });
    expect((await own.fetch(resource)).status).toBe(403);
    expect(to('/token').map(({ body }) => body.get('scope'))).toEqual([null]);
  });

  it('shows a secret to the issuer it is for and to no other', async () => {
    const { fetch, to } = world();
    const client = { id: 'given', secret: 'a secret', issuer: 'https://first.example' };
    const call = session({ fetch, client, signIn: { kind: 'client_credentials' } }).fetch(resource);
    await expect(call).rejects.toMatchObject({ code: 'issuer_mismatch' });
    expect(to('/token')).toHaveLength(0);
  });

  it.each([
    ['another state', (answer: URL) => answer.searchParams.set('state', 'other')],
    ['another issuer', (answer: URL) => answer.searchParams.set('iss', 'https://evil.example')],
    ['no code', (answer: URL) => answer.searchParams.delete('code')],
  ])('ends at an answer with %s', async (_name, change) => {
    const { fetch, to } = world();
    const { signIn, outcomes } = person((page) => {
      const answer = agreeing(page);
      change(answer);
      return answer;
    });
    await expect(session({ fetch, signIn }).fetch(resource)).rejects.toMatchObject({ code: 'invalid_answer' });
    expect(to('/token')).toHaveLength(0);
    expect(outcomes).toEqual(['failed']);
  });

  it('names a refusal, and keeps what was sent out of it', async () => {
    const { fetch } = world({
      [`${issuer}/token`]: () => json(400, { error: 'invalid_grant', error_description: 'Too late' }),
    });
    const error = await session({ fetch, signIn: person().signIn })
      .fetch(resource)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OAuthError);
    expect(error).toMatchObject({
      code: 'refused',
      error: 'invalid_grant',
      message: expect.stringContaining('Too late'),
    });
    expect((error as OAuthError).cause).toBeUndefined();
  });
});

describe('a sign-in on request', () => {
  it('asks although there are tokens, with the client of before', async () => {
    const { fetch, to } = world();
    const { signIn, pages } = person();
    await session({ fetch, signIn, store: await storeWith({}) }).signIn({ scope: 'other' });
    expect(pages[0]?.searchParams.get('client_id')).toBe('client-0');
    expect(pages[0]?.searchParams.get('scope')).toBe('other');
    expect(to('/register')).toHaveLength(0);
  });

  it('that nobody finishes leaves the tokens alone, and the next registers anew', async () => {
    const { fetch, to } = world();
    let away = true;
    const { signIn, pages } = person((page) => {
      if (away) throw new OAuthError('timeout', 'Nobody came.');
      return agreeing(page);
    });
    const store = await storeWith({});
    const one = session({ fetch, signIn, store });
    await expect(one.signIn()).rejects.toMatchObject({ code: 'timeout' });
    expect(await store.get(resource)).toMatchObject({ access_token: 'access-0', refresh_token: 'refresh-0' });
    away = false;
    await one.signIn();
    expect(pages.map((page) => page.searchParams.get('client_id'))).toEqual(['client-0', 'client-1']);
    expect(to('/register')).toHaveLength(1);
  });
});

describe('signing out', () => {
  it('ends the refresh token at the server and forgets everything', async () => {
    const { fetch, to } = world();
    const store = await storeWith({});
    expect(await session({ fetch, store }).signOut()).toBe(true);
    expect(to('/revoke').map((one) => one.body.get('token'))).toEqual(['refresh-0']);
    expect(await store.get(resource)).toBeNull();
  });

  it('forgets also when the server cannot be told, and says so', async () => {
    const { fetch } = world({ [`${issuer}/revoke`]: () => json(503, {}) });
    const store = await storeWith({});
    expect(await session({ fetch, store }).signOut()).toBe(false);
    expect(await store.get(resource)).toBeNull();
  });
});
