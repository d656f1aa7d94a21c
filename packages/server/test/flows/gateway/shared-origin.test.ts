import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openSocket } from '../../support/live-socket.ts';
import { type Org, ok, openWorld, type Person, password, type World } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';
import { insertSharedRoute } from '../../support/shared-route.ts';

let world: World;
let org: Org;
let ada: Person;
let cookie: string;
let proof: string;

beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  ada = await org.member('Ada');
  const signedIn = await world.anonymous.post('/auth/login', { email: ada.email, password });
  ok(signedIn);
  cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!;
  proof = signedIn.headers.get('x-atrium-csrf')!;
});
afterAll(() => world.close());

/** What a browser says of a script on a page of this origin. */
const script = (page = '/inbox'): Record<string, string> => ({
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  referer: `${world.url}${page}`,
});
const window = {
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
};
const asked = (path: string, headers: Record<string, string>, method = 'GET', body?: unknown) =>
  createRestClient(world.url).send(method, path, body, { headers: { cookie, ...headers } });

describe('G18: a script at the origin of the dashboard', () => {
  it('of the dashboard calls the API with the value that its document carries', async () => {
    expect(proof).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(ok(await asked('/api/v1/me', { ...script(), 'x-atrium-csrf': proof })).user.id).toBe(ada.id);
    expect(ok(await asked(`/api/v1/me?atrium_csrf=${proof}`, script())).user.id).toBe(ada.id);
    const page = await asked('/', window);
    expect(page.headers.get('x-atrium-csrf')).toBe(proof);
  });

  it('of an app below /apps/ gets nothing by the cookie alone: no data, no change, no ticket', async () => {
    for (const headers of [script('/apps/notes/'), script(), { ...script(), referer: '' }]) {
      expect((await asked('/api/v1/me', headers)).body.code).toBe('csrf_rejected');
      const origin = new URL(world.url).origin;
      const made = await asked('/api/v1/me/api-keys', { ...headers, origin }, 'POST', { name: 'stolen' });
      expect(made.body.code).toBe('csrf_rejected');
      expect((await asked('/auth/ticket', { ...headers, origin }, 'POST', {})).body.code).toBe('csrf_rejected');
    }
    expect(ok(await ada.get('/api/v1/me/api-keys')).items).toEqual([]);
  });

  it('of an app cannot use a value that it was given by somebody else, nor one that it found', async () => {
    const other = await org.member('Eve');
    const theirs = (await world.anonymous.post('/auth/login', { email: other.email, password })).headers.get(
      'x-atrium-csrf',
    )!;
    expect(theirs).not.toBe(proof);
    expect((await asked('/api/v1/me', { ...script(), 'x-atrium-csrf': theirs })).body.code).toBe('csrf_rejected');
    // Even with the right one, a call that says it comes from an app is refused.
    expect((await asked('/api/v1/me', { ...script('/apps/notes/'), 'x-atrium-csrf': proof })).body.code).toBe(
      'csrf_rejected',
    );
    // In the address it counts for reading alone.
    expect((await asked(`/api/v1/me/api-keys?atrium_csrf=${proof}`, script(), 'POST', { name: 'x' })).body.code).toBe(
      'csrf_rejected',
    );
  });

  it('can neither fetch nor frame the pages that carry the value or take a password', async () => {
    const frame = { ...window, 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-origin' };
    for (const path of ['/', '/inbox', '/login', '/auth/login', '/auth/gate', '/auth/share', '/oauth/interaction/x']) {
      for (const headers of [{ ...script('/apps/notes/'), accept: 'text/html' }, frame]) {
        const answer = await asked(path, headers);
        expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'csrf_rejected']);
        expect(answer.headers.get('x-atrium-csrf')).toBeNull();
      }
    }
    expect((await asked('/login?again=1', window)).status).toBe(200);
    const dashboard = await asked('/', window);
    expect(dashboard.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(dashboard.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  it('opens no socket by the cookie; the dashboard does with a ticket', async () => {
    const origin = new URL(world.url).origin;
    const byCookie = new WebSocket(`${world.url.replace(/^http/, 'ws')}/ws`, { headers: { cookie, origin } });
    const heard: string[] = [];
    byCookie.on('message', (data) => heard.push(String(data)));
    await new Promise((done) => byCookie.on('open', done));
    byCookie.send(JSON.stringify({ type: 'subscribe' }));
    expect(await new Promise((done) => byCookie.on('close', done))).toBe(4401);
    expect(heard).toEqual([]);
    const { ticket } = ok(await asked('/auth/ticket', { ...script(), origin, 'x-atrium-csrf': proof }, 'POST', {}));
    const live = await openSocket(world.url, ticket, { origin });
    expect(live.messages[0]).toMatchObject({ type: 'ready', user: { id: ada.id } });
    live.close();
  });
});

describe('what is no page', () => {
  it('calls with the cookie as before: a program says nothing of pages', async () => {
    expect(ok(await asked('/api/v1/me', {})).user.id).toBe(ada.id);
  });

  it('needs no proof with a token, whatever else it sends', async () => {
    expect(
      ok(await asked('/api/v1/me', { ...script('/apps/notes/'), authorization: `Bearer ${ada.token}` })).user.id,
    ).toBe(ada.id);
  });

  it('a public operation answers a page without the value as a stranger', async () => {
    expect((await asked('/api/v1/setup', script('/apps/notes/'))).status).toBe(200);
    // Nobody is signed out by an app.
    await asked('/auth/logout', { ...script('/apps/notes/'), origin: new URL(world.url).origin }, 'POST', {});
    expect((await asked('/api/v1/me', {})).status).toBe(200);
  });
});

describe('G28: a page of another site', () => {
  it('changes nothing and reads nothing with the cookie', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    const posted = await createRestClient(world.url).send('POST', '/api/v1/me/api-keys', '{"name":"x"}', {
      headers: { cookie, ...foreign, 'content-type': 'text/plain' },
    });
    expect(posted.status).toBe(403);
    expect((await asked('/api/v1/me', { ...foreign, 'sec-fetch-dest': 'image' })).status).toBe(403);
    await expect(openSocket(world.url, '', { origin: 'https://evil.example', auth: false })).rejects.toThrow(/403/);
    expect(ok(await ada.get('/api/v1/me/api-keys')).items).toEqual([]);
  });
});

describe('G21: a key for one app', () => {
  it('is made for it alone, and works at this door as Bearer and as X-API-Key, within its scope', async () => {
    const { api_key } = ok(
      await ada.post('/api/v1/me/api-keys', { name: 'notes', scopes: ['access:notes', 'account:read'] }),
    );
    const client = createRestClient(world.url);
    expect(ok(await client.get('/api/v1/me/api-keys', { headers: { 'x-api-key': api_key } })).items).toHaveLength(1);
    expect(
      ok(await client.get('/api/v1/me/api-keys', { headers: { authorization: `Bearer ${api_key}` } })).items,
    ).toHaveLength(1);
    const inbox = await client.get('/api/v1/inbox/items', { headers: { 'x-api-key': api_key } });
    expect([inbox.status, inbox.body.required]).toEqual([403, 'inbox:read']);
    for (const bad of [`atk_${'x'.repeat(43)}`, 'something else'])
      expect((await asked('/api/v1/me', { 'x-api-key': bad })).status, 'a cookie rescues no bad key').toBe(401);
    expect((await ada.post('/api/v1/me/api-keys', { name: 'x', scopes: ['access:a/b'] })).status).toBe(422);
    const { items } = ok(await ada.get('/api/v1/me/api-keys'));
    await ada.delete(`/api/v1/me/api-keys/${items[0].id}`);
    expect((await client.get('/api/v1/me', { headers: { 'x-api-key': api_key } })).status).toBe(401);
  });
});

describe('share links over REST', () => {
  it('are made, listed and taken back by those who write routes, and by nobody else', async () => {
    const route = await insertSharedRoute(world.database, org.id, 'notes');
    const path = `/api/v1/routes/${route}/shares`;
    const made = ok(await org.owner.post(path, { name: 'Zoe', kind: 'pin', max_uses: 3, expires_in: 3600 }));
    expect(made).toMatchObject({
      name: 'Zoe',
      kind: 'pin',
      uses: 0,
      max_uses: 3,
      secret: expect.stringMatching(/^\d{6}$/),
    });
    expect(made.url).toMatch(/\/apps\/notes\/\?atrium_share=[A-Za-z0-9_-]{43}$/);
    const listed = ok(await ada.get(path)).items;
    expect(listed).toHaveLength(1);
    expect(listed[0]).not.toHaveProperty('url');
    expect((await ada.post(path, { expires_in: 60 })).status).toBe(403);
    const foreign = await world.makeOrg();
    expect((await foreign.owner.post(path, { expires_in: 60 })).status).toBe(404);
    expect((await foreign.owner.get(path)).status).toBe(404);
    expect((await org.owner.delete(`${path}/${made.id}`)).status).toBe(204);
    expect((await org.owner.delete(`${path}/${made.id}`)).status).toBe(404);
    expect(ok(await org.owner.get(path)).items[0].revoked_at).not.toBeNull();
  });
});
