import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGatewayTest,
  type GatewayTest,
  insertRoute,
  makeRequest,
  makeRoute,
} from '../../../../test/support/make-gate.ts';
import { callOf, makeOrg, publicCall, type TestOrg } from '../../../../test/support/make-org.ts';
import { ask, openStreams } from '../../../../test/support/stream-client.ts';
import { TestCertificates } from '../../../../test/support/tls-certificates.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import { type GateRequest, hiddenApp, type Verdict } from '../gate.ts';
import { makeTarget, startLane, startUpstream, type TestLane, type Upstream } from '../lanes/lane.testkit.ts';
import type { RouteSnapshot } from '../snapshot.ts';
import { hostCookies } from './header-rules.ts';
import { shareCookieName } from './presented-credential.ts';
import { visitsStore } from './visits-store.ts';

const accessKinds = ['public', 'signed_in', 'scopes', 'people', 'share'] as const;
const places = [
  ...(['path', 'path socket', 'host', 'host socket', 'host over TLS'] as const),
  ...(['path over HTTP/2', 'host over HTTP/2'] as const),
] as const;
type Place = (typeof places)[number];

/** What each credential opens: the same whatever the place and the lane. */
const expected = {
  none: { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'an unknown key': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'an unknown key as X-API-Key': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'no token at all': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'an expired key': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'a revoked key': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'a key of another organisation': { public: 200, signed_in: 404, scopes: 404, people: 404, share: 404 },
  'a key without a scope for apps': { public: 200, signed_in: 403, scopes: 403, people: 403, share: 404 },
  'a key for another app': { public: 200, signed_in: 403, scopes: 403, people: 403, share: 404 },
  'a key for this app': { public: 200, signed_in: 200, scopes: 403, people: 200, share: 404 },
  'a key for this app as X-API-Key': { public: 200, signed_in: 200, scopes: 403, people: 200, share: 404 },
  'a key for all apps and the scope': { public: 200, signed_in: 200, scopes: 200, people: 200, share: 404 },
  'a key of somebody not named': { public: 200, signed_in: 200, scopes: 403, people: 404, share: 404 },
  'a key of somebody who may open no apps': { public: 200, signed_in: 404, scopes: 404, people: 404, share: 404 },
  'an access token for this app': { public: 200, signed_in: 200, scopes: 403, people: 404, share: 404 },
  'an access token for another app': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'an access token for the whole server': { public: 200, signed_in: 200, scopes: 403, people: 404, share: 404 },
  'a session as bearer': { public: 200, signed_in: 200, scopes: 200, people: 200, share: 404 },
  'a session as cookie': { public: 200, signed_in: 200, scopes: 200, people: 200, share: 404 },
  'the session of an administrator as cookie': { public: 200, signed_in: 200, scopes: 200, people: 404, share: 200 },
  'a session of another organisation as cookie': { public: 200, signed_in: 404, scopes: 404, people: 404, share: 404 },
  'a dead cookie': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
  'the cookie of a share link': { public: 200, signed_in: 200, scopes: 200, people: 200, share: 200 },
  'the cookie of a share link of another route': { public: 200, signed_in: 401, scopes: 401, people: 401, share: 401 },
} as const satisfies Record<string, Record<(typeof accessKinds)[number], number>>;
type State = keyof typeof expected;

let test: GatewayTest;
let upstream: Upstream;
let lane: TestLane;
let session: ClientHttp2Session;
let org: TestOrg<'Ada' | 'Ben' | 'Closed', 'Bot'>;
let foreign: TestOrg;
const routes = new Map<string, RouteSnapshot>();
let other: RouteSnapshot;
let tokens: Record<string, string>;
let sessions: Record<string, { token: string; id: string; org_id: string }>;

const keyOf = async (call: ReturnType<typeof callOf>, scopes: string[], days: number | null = null) =>
  test.identity.services.keys.create(call, { name: 'k', scopes: scopes as never, expires_in_days: days });

const accessToken = async (resource: string): Promise<string> => {
  const { client_id, client_secret } = org.agents.Bot;
  const form = { grant_type: 'client_credentials', client_id, client_secret, resource, scope: 'access:*' };
  const answer = await test.oauth.parts.plain({
    headers: {},
    form: new URLSearchParams(form).toString(),
    ip: '192.0.2.1',
  });
  return answer!.access_token;
};

beforeAll(async () => {
  test = await createGatewayTest();
  upstream = await startUpstream((_request, response) => response.end('the app'));
  const certificates = new TestCertificates();
  certificates.add(['localhost']);
  lane = await startLane([], {
    gate: test.gate,
    parts: { source: test.routes },
    tls: { certificates, redirect: null },
  });
  session = await openStreams(lane.port);
  org = await makeOrg(test.identity, {
    members: { Ada: 'member', Ben: 'member', Closed: 'Closed' },
    roles: { Closed: ['items.read'] },
    agents: { Bot: { scopes: ['access:*'] } },
  });
  foreign = await makeOrg(test.identity);
  for (const access of accessKinds) {
    const route = makeRoute({
      ...{ org_id: org.id, slug: `notes-${access}`, access, scopes: access === 'scopes' ? ['gateway:read'] : [] },
      app: { id: newId(), slug: 'notes', name: 'Notes' },
      targets: [makeTarget(upstream.url)],
      people: { user_ids: new Set([org.members.Ada.id]), team_ids: new Set(), role_ids: new Set() },
    });
    routes.set(access, route);
    test.routes.set(route, `${access.replace('_', '-')}.example.org`);
    await insertRoute(test, { ...route, app: { ...route.app, id: newId(), slug: route.slug } });
  }
  other = makeRoute({ org_id: org.id, slug: 'other' });
  await insertRoute(test, other);
  test.routes.set(other);

  const ada = org.members.Ada.call;
  const revoked = await keyOf(ada, ['access:*']);
  await test.identity.services.keys.revoke(ada, { id: revoked.key.id });
  const expired = await keyOf(ada, ['access:*', 'gateway:read'], 1);
  test.clock.advance(25 * 3600 * 1000);
  const origin = 'http://localhost:4400';
  tokens = {
    'an unknown key': `atk_${'x'.repeat(43)}`,
    'an unknown key as X-API-Key': `atk_${'x'.repeat(43)}`,
    'an expired key': expired.api_key,
    'a revoked key': revoked.api_key,
    'a key of another organisation': (await keyOf(foreign.owner.call, ['access:*'])).api_key,
    'a key without a scope for apps': (await keyOf(ada, ['inbox:read'])).api_key,
    'a key for another app': (await keyOf(ada, ['access:other'])).api_key,
    'a key for this app': (await keyOf(ada, ['access:notes'])).api_key,
    'a key for all apps and the scope': (await keyOf(ada, ['access:*', 'gateway:read'])).api_key,
    'a key of somebody not named': (await keyOf(org.members.Ben.call, ['access:notes'])).api_key,
    'a key of somebody who may open no apps': (await keyOf(org.members.Closed.call, ['access:*'])).api_key,
    'an access token for this app': await accessToken(`${origin}/apps/notes`),
    'an access token for another app': await accessToken(`${origin}/apps/other`),
    'an access token for the whole server': await accessToken(origin),
    'a session as bearer': org.members.Ada.token,
  };
  tokens['a key for this app as X-API-Key'] = tokens['a key for this app']!;
  const dead = await test.identity.services.signIn.login(publicCall(), {
    email: org.members.Ben.email,
    password: 'correct horse battery staple',
  });
  const deadCaller = (await test.identity.resolve(dead.access_token))!;
  await test.identity.services.sessions.logout(callOf(deadCaller));
  const sessionOf = ({ token, caller }: { token: string; caller: typeof deadCaller }) => ({
    token,
    id: caller.credential.id!,
    org_id: caller.org_id,
  });
  sessions = {
    'a session as cookie': sessionOf(org.members.Ada),
    'the session of an administrator as cookie': sessionOf(org.owner),
    'a session of another organisation as cookie': sessionOf(foreign.owner),
    'a dead cookie': sessionOf({ token: dead.access_token, caller: deadCaller }),
  };
});
afterAll(async () => {
  session.destroy();
  await Promise.all([lane.close(), upstream.close()]);
  await test.drop();
});

/** The cookie by which a session stands on a host, as signing in there leaves it. */
const visitCookie = async (session: { id: string; org_id: string }, host: string): Promise<string> => {
  const cookie = newToken();
  const now = test.clock.now();
  const ends_at = new Date(now.getTime() + 3_600_000);
  const visit = {
    id: newId(),
    org_id: session.org_id,
    route_id: null,
    host,
    of: { session_id: session.id },
    at: now,
    ends_at,
  };
  await visitsStore.open(test.database.read, visit, hashToken(cookie));
  return cookie;
};

const shareCookie = async (route: RouteSnapshot): Promise<string> => {
  const id = newId();
  const now = test.clock.now();
  const ends_at = new Date(now.getTime() + 3_600_000);
  await test.pool.query(
    `insert into gateway_shares (id, org_id, route_id, name, kind, token_hash, expires_at, created_by_type, created_by_name, created_at)
     values ($1, $2, $3, '', 'link', $4, $5, 'system', 'Test', $6)`,
    [id, org.id, route.id, hashToken(newToken()), ends_at, now],
  );
  const cookie = newToken();
  const visit = { id: newId(), org_id: org.id, route_id: route.id, host: '', of: { share_id: id }, at: now, ends_at };
  await visitsStore.open(test.database.read, visit, hashToken(cookie));
  return cookie;
};

const requestAt = (place: Place, route: RouteSnapshot): GateRequest => {
  const upgrade = place.endsWith('socket');
  const host = place.startsWith('host') ? `${route.access.replace('_', '-')}.example.org` : '';
  const scheme = place.includes(' over ') ? 'https' : 'http';
  const origin = host === '' ? 'http://localhost:4400' : `${scheme}://${host}`;
  return makeRequest({
    ...{ url: host === '' ? `/apps/${route.slug}/data` : '/data', host, scheme, upgrade },
    headers: upgrade ? { origin } : {},
  });
};

const present = async (state: State, request: GateRequest, route: RouteSnapshot): Promise<void> => {
  const { headers } = request;
  if (state === 'none') return;
  if (state === 'no token at all') headers.authorization = 'Bearer';
  else if (state.endsWith('X-API-Key')) headers['x-api-key'] = tokens[state]!;
  else if (state === 'the cookie of a share link')
    headers.cookie = `${shareCookieName(route.id, request)}=${await shareCookie(route)}`;
  else if (state === 'the cookie of a share link of another route')
    headers.cookie = `${shareCookieName(route.id, request)}=${await shareCookie(other)}`;
  else if (state in sessions) {
    const session = sessions[state]!;
    headers.cookie =
      request.host === ''
        ? `atrium_session=${session.token}`
        : `${hostCookies.visit[request.scheme]}=${await visitCookie(session, request.host)}`;
  } else headers.authorization = `Bearer ${tokens[state]!}`;
};

/** What somebody gets who really asks: a connection of HTTP/2, the listener, the lane, and the app behind it. */
const statusOverStreams = async ({ url, host, headers }: GateRequest): Promise<number> => {
  const { host: _own, ...sent } = headers as Record<string, string>;
  return (await ask(session, url, { ...sent, ':authority': host === '' ? 'localhost' : host })).status;
};

const statusOf = (verdict: Verdict): number =>
  verdict.kind === 'allow' ? 200 : verdict.kind === 'refuse' ? verdict.status : 303;

describe.each(places)('G15: the gate in the place %j', (place) => {
  it.each(Object.keys(expected) as State[])('answers %j alike for every kind of access', async (state) => {
    const found: Record<string, number> = {};
    for (const access of accessKinds) {
      const route = routes.get(access)!;
      const request = requestAt(place, route);
      await present(state, request, route);
      const answer = async () =>
        place.endsWith('HTTP/2') ? statusOverStreams(request) : statusOf(await test.gate.decide(request, route));
      const first = await answer();
      // The second answer comes from what the first one found out, and is the same.
      expect(await answer(), `${access}, asked again`).toBe(first);
      found[access] = first;
    }
    expect(found).toEqual(expected[state]);
  });
});

it('G15: a known credential is answered at once, without a promise', async () => {
  const route = routes.get('signed_in')!;
  const request = requestAt('path', route);
  await present('a key for this app', request, route);
  await test.gate.decide(request, route);
  expect(test.gate.decide(request, route)).toMatchObject({ kind: 'allow' });
});

it('tells which scope is lacking, where a token comes from, and of an app one may not see no more than of none', async () => {
  const route = routes.get('signed_in')!;
  const asked = async (state: State) => {
    const request = requestAt('path', route);
    await present(state, request, route);
    return test.gate.decide(request, route);
  };
  expect(await asked('a key for another app')).toMatchObject({ code: 'insufficient_scope', required: 'access:notes' });
  expect(await asked('none')).toMatchObject({
    code: 'unauthorized',
    headers: [
      [
        'www-authenticate',
        'Bearer resource_metadata="http://localhost:4400/.well-known/oauth-protected-resource/apps/notes"',
      ],
    ],
  });
  expect(await asked('a revoked key')).toMatchObject({
    headers: [['www-authenticate', expect.stringContaining('error="invalid_token"')]],
  });
  expect(await asked('a key of another organisation')).toEqual({
    ...{ kind: 'refuse', status: 404, code: 'not_found', detail: hiddenApp },
  });
});
