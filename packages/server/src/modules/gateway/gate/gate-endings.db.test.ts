import { connect, createServer, type Server, type Socket } from 'node:net';
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGatewayTest,
  type GatewayTest,
  makeReplica,
  makeRequest,
  makeRoute,
  navigation,
  testOrigin,
} from '../../../../test/support/make-gate.ts';
import { callOf, makeOrg, publicCall, type TestOrg, testPassword } from '../../../../test/support/make-org.ts';
import { createTestDatabase } from '../../../../test/support/test-database.ts';
import { until } from '../../../../test/support/until.ts';
import { createDatabase } from '../../../platform/db/kysely-database.ts';
import { createPool } from '../../../platform/db/pool.ts';
import { EventDispatcher } from '../../../platform/events/dispatcher.ts';
import { oauthModule } from '../../oauth/oauth-module.ts';
import type { Verdict, Visitor } from '../gate.ts';
import type { RouteSnapshot } from '../snapshot.ts';

let test: GatewayTest;
let org: TestOrg<'Ada' | 'Ben' | 'Cleo' | 'Dora', 'Bot'>;
let notes: RouteSnapshot;
let wiki: RouteSnapshot;

beforeAll(async () => {
  test = await createGatewayTest({ remote_user: () => true });
  org = await makeOrg(test.identity, {
    members: { Ada: { teams: ['Crew'] }, Ben: {}, Cleo: {}, Dora: {} },
    teams: ['Crew'],
    agents: { Bot: { scopes: ['access:*'] } },
  });
  notes = makeRoute({ org_id: org.id, slug: 'notes' });
  wiki = makeRoute({ org_id: org.id, slug: 'wiki' });
  test.routes.set(notes);
  test.routes.set(wiki);
});
afterAll(() => test.drop());

const byKey = (key: string, slug = 'notes', name: 'authorization' | 'x-api-key' = 'authorization') =>
  makeRequest({ url: `/apps/${slug}/`, headers: { [name]: name === 'authorization' ? `Bearer ${key}` : key } });
const byCookie = (token: string, slug = 'notes') =>
  makeRequest({ url: `/apps/${slug}/`, headers: { cookie: `atrium_session=${token}` } });

const admitted = (verdict: Verdict): Visitor => {
  if (verdict.kind !== 'allow') throw new Error(`not admitted: ${JSON.stringify(verdict)}`);
  return verdict.visitor;
};
const statusOf = async (verdict: Verdict | Promise<Verdict>): Promise<number> => {
  const decided = await verdict;
  return decided.kind === 'allow' ? 200 : decided.kind === 'refuse' ? decided.status : 303;
};

/** Something long that runs through the gate, and why it ended. */
const tunnelOf = (visitor: Visitor) => {
  const reasons: string[] = [];
  const stop = visitor.watch((reason) => reasons.push(reason));
  return { reasons, stop };
};

const apiKey = async (person: TestOrg['owner'], scopes: string[], expires_in_days: number | null = null) =>
  test.identity.services.keys.create(person.call, { name: 'k', scopes: scopes as never, expires_in_days });

describe('what runs through the gate ends', () => {
  it('G20: with the membership, for the download and the socket alike, and the next request is refused', async () => {
    const download = tunnelOf(admitted(await test.gate.decide(byCookie(org.members.Ada.token), notes)));
    const socket = tunnelOf(admitted(await test.gate.decide(byCookie(org.members.Ada.token, 'wiki'), wiki)));
    await test.identity.services.members.remove(org.owner.call, { org: 'current', user: org.members.Ada.id });
    await until(() => download.reasons.length === 1 && socket.reasons.length === 1, 'both end', 1000);
    expect([download.reasons, socket.reasons]).toEqual([['signed out'], ['signed out']]);
    expect(await statusOf(test.gate.decide(byCookie(org.members.Ada.token), notes))).toBe(401);
    // Signed in anew, into an organisation of their own, they find nothing there.
    const again = await test.identity.services.signIn.login(publicCall(), {
      email: org.members.Ada.email,
      password: testPassword,
    });
    expect(await statusOf(test.gate.decide(byCookie(again.access_token), notes))).toBe(404);
  });

  it('with the session, the key and the agent, and with nothing else of the same organisation', async () => {
    const { Ben, Cleo } = org.members;
    const key = await apiKey(Ben, ['access:notes']);
    const session = tunnelOf(admitted(await test.gate.decide(byCookie(Ben.token), notes)));
    const tool = tunnelOf(admitted(await test.gate.decide(byKey(key.api_key), notes)));
    const bot = tunnelOf(admitted(await test.gate.decide(byKey(org.agents.Bot.api_key), notes)));
    const bystander = tunnelOf(admitted(await test.gate.decide(byCookie(Cleo.token), notes)));
    await test.identity.services.sessions.logout(Ben.call);
    await until(() => session.reasons.length === 1, 'the session ends', 1000);
    expect([tool.reasons, bot.reasons, bystander.reasons]).toEqual([[], [], []]);
    await test.identity.services.keys.revoke(callOf(Ben.caller), { id: key.key.id });
    await until(() => tool.reasons.length === 1, 'the key ends', 1000);
    await test.identity.services.agents.update(org.owner.call, { id: org.agents.Bot.id, active: false });
    await until(() => bot.reasons.length === 1, 'the agent ends', 1000);
    expect(bystander.reasons).toEqual([]);
    bystander.stop();
  });

  it('with the right to the route: a smaller circle, a role that shrank, a route that is gone', async () => {
    const { Cleo, Dora } = org.members;
    const route = makeRoute({ org_id: org.id, slug: 'board' });
    test.routes.set(route);
    const cleo = tunnelOf(admitted(await test.gate.decide(byCookie(Cleo.token, 'board'), route)));
    const dora = tunnelOf(admitted(await test.gate.decide(byCookie(Dora.token, 'board'), route)));
    const people = { user_ids: new Set([Dora.id]), team_ids: new Set<string>(), role_ids: new Set<string>() };
    test.routes.set({ ...route, access: 'people', people });
    expect([cleo.reasons, dora.reasons]).toEqual([['no longer allowed'], []]);
    test.routes.remove(route.id);
    expect(dora.reasons).toEqual(['the route is gone']);

    const role = await test.identity.services.roles.create(org.owner.call, {
      ...{ org: 'current', name: 'Guests', description: '', permissions: ['apps.open'] },
    });
    await test.identity.services.members.changeRole(org.owner.call, { org: 'current', user: Dora.id, role: role.id });
    const guest = tunnelOf(admitted(await test.gate.decide(byCookie(Dora.token), notes)));
    await test.identity.services.roles.update(org.owner.call, {
      org: 'current',
      id: role.id,
      permissions: ['items.read'],
    });
    await until(() => guest.reasons.length === 1, 'the role no longer opens apps', 1000);
    expect(guest.reasons).toEqual(['no longer allowed']);
    expect(await statusOf(test.gate.decide(byCookie(Dora.token), notes))).toBe(404);
  });

  it('with the team that let somebody in', async () => {
    const { Cleo } = org.members;
    const team = org.teams['Crew']!;
    await test.identity.services.teams.addMember(org.owner.call, {
      ...{ org: 'current', id: team, user_id: Cleo.id, role: 'member' },
    });
    const route = makeRoute({
      ...{ org_id: org.id, slug: 'crew', access: 'people' },
      people: { user_ids: new Set(), team_ids: new Set([team]), role_ids: new Set() },
    });
    test.routes.set(route);
    const tunnel = tunnelOf(admitted(await test.gate.decide(byCookie(Cleo.token, 'crew'), route)));
    await test.identity.services.teams.removeMember(org.owner.call, { org: 'current', id: team, user: Cleo.id });
    await until(() => tunnel.reasons.length === 1, 'the team no longer holds them', 1000);
    expect(await statusOf(test.gate.decide(byCookie(Cleo.token, 'crew'), route))).toBe(404);
  });

  it('when everybody was let in and no longer is', async () => {
    const route = makeRoute({ org_id: org.id, slug: 'open', access: 'public' });
    test.routes.set(route);
    const tunnel = tunnelOf(admitted(await test.gate.decide(makeRequest({ url: '/apps/open/' }), route)));
    test.routes.set({ ...route, access: 'signed_in' });
    expect(tunnel.reasons).toEqual(['no longer allowed']);
  });

  it('when the credential runs out', async () => {
    const key = await apiKey(org.members.Cleo, ['access:*'], 1);
    const tunnel = tunnelOf(admitted(await test.gate.decide(byKey(key.api_key), notes)));
    test.clock.advance(25 * 3600_000);
    test.gate.book.sweep();
    expect(tunnel.reasons).toEqual(['expired']);
    expect(await statusOf(test.gate.decide(byKey(key.api_key), notes))).toBe(401);
  });

  it('when its access token is revoked', async () => {
    const { client_id, client_secret } = (await makeOrgAgent()).Bot;
    const form = {
      grant_type: 'client_credentials',
      client_id,
      client_secret,
      resource: testOrigin,
      scope: 'access:*',
    };
    const { access_token } = (await test.oauth.parts.plain({
      ...{ headers: {}, form: new URLSearchParams(form).toString(), ip: '192.0.2.1' },
    }))!;
    const tunnel = tunnelOf(admitted(await test.gate.decide(byKey(access_token), notes)));
    await test.database.transaction(org.owner.call, (tx) =>
      test.oauth.parts.endings.client(tx, client_id, test.clock.now()),
    );
    await until(() => tunnel.reasons.length === 1, 'the token ends', 1000);
    expect(await statusOf(test.gate.decide(byKey(access_token), notes))).toBe(401);
  });
});

/** An agent of its own in the organisation of these tests. */
const makeOrgAgent = async () => {
  const made = await test.identity.services.agents.create(org.owner.call, {
    ...{
      name: `Bot ${Math.random()}`,
      description: '',
      kind: 'agent',
      scopes: ['access:*'],
      item_scope: { kind: 'own' },
    },
  });
  return { Bot: made };
};

describe('G21: a key for one app', () => {
  it('opens it as Bearer and as X-API-Key, and is told so at another app that it may see', async () => {
    const { api_key } = await apiKey(org.members.Cleo, ['access:notes']);
    expect(await statusOf(test.gate.decide(byKey(api_key), notes))).toBe(200);
    expect(await statusOf(test.gate.decide(byKey(api_key, 'notes', 'x-api-key'), notes))).toBe(200);
    expect(await test.gate.decide(byKey(api_key, 'wiki'), wiki)).toMatchObject({
      status: 403,
      required: 'access:wiki',
    });
  });

  it('is dead on every replica within a second of being deleted, also after a restart', async () => {
    const other = makeReplica(test, test.routes);
    await other.oauth.start();
    const dispatcher = new EventDispatcher({ db: test.database.read, url: test.url, onError: () => {} });
    dispatcher.subscribe(({ kind, id, org_id }) => other.identity.invalidate({ kind, id, org_id }));
    dispatcher.subscribe(oauthModule(other.oauth).onEvent!);
    dispatcher.subscribe((event) => other.gate.book.changed(event));
    await dispatcher.start();
    try {
      const { api_key, key } = await apiKey(org.members.Cleo, ['access:notes']);
      const tunnel = tunnelOf(admitted(await other.gate.decide(byKey(api_key), notes)));
      expect(other.gate.decide(byKey(api_key), notes)).toMatchObject({ kind: 'allow' });
      await test.identity.services.keys.revoke(org.members.Cleo.call, { id: key.id });
      expect(await statusOf(test.gate.decide(byKey(api_key), notes))).toBe(401);
      await until(async () => (await statusOf(other.gate.decide(byKey(api_key), notes))) === 401, 'heard of it', 1000);
      await until(() => tunnel.reasons.length === 1, 'the tunnel of the other replica ends', 1000);
      const restarted = makeReplica(test, test.routes);
      await restarted.oauth.start();
      expect(await statusOf(restarted.gate.decide(byKey(api_key), notes))).toBe(401);
      await restarted.oauth.stop();
    } finally {
      await dispatcher.stop();
      await other.oauth.stop();
      other.gate.book.close();
    }
  });

  it('is given by nobody who could not open the app by their own credential', async () => {
    const { api_key } = await apiKey(org.members.Cleo, ['access:notes', 'account:write']);
    const caller = (await test.identity.resolve(api_key))!;
    const make = (scopes: string[]) =>
      test.identity.services.keys.create(callOf(caller), { name: 'more', scopes: scopes as never, expires_in_days: 1 });
    await expect(make(['access:wiki'])).rejects.toMatchObject({ code: 'escalation_denied' });
    await expect(make(['access:*'])).rejects.toMatchObject({ code: 'escalation_denied' });
    expect((await make(['access:notes'])).key.scopes).toEqual(['access:notes']);
  });

  it('of an agent opens no more than the agent may, now', async () => {
    const { Bot } = await makeOrgAgent();
    expect(await statusOf(test.gate.decide(byKey(Bot.api_key), wiki))).toBe(200);
    await test.identity.services.agents.update(org.owner.call, { id: Bot.agent.id, scopes: ['access:notes'] });
    expect(await statusOf(test.gate.decide(byKey(Bot.api_key), notes))).toBe(200);
    expect(await statusOf(test.gate.decide(byKey(Bot.api_key, 'wiki'), wiki))).toBe(403);
  });
});

describe('a browser', () => {
  const signedOut = (headers: Record<string, string>, url = '/apps/notes/a?b=c') =>
    test.gate.decide(makeRequest({ url, headers }), notes);

  it('that goes to a page is sent to sign in and back, everything else is told', async () => {
    expect(await signedOut(navigation)).toMatchObject({
      ...{ kind: 'redirect', location: '/login?return_to=%2Fapps%2Fnotes%2Fa%3Fb%3Dc' },
    });
    expect(await signedOut({ accept: 'text/html' })).toMatchObject({ kind: 'redirect' });
    for (const headers of [{}, { accept: '*/*' }, { ...navigation, 'sec-fetch-mode': 'cors' }])
      expect(await signedOut(headers)).toMatchObject({ kind: 'refuse', status: 401 });
    const dead = { ...navigation, cookie: `atrium_session=ats_${'x'.repeat(43)}` };
    expect(await signedOut(dead)).toMatchObject({ kind: 'redirect' });
    expect(await signedOut({ ...navigation, authorization: `Bearer ats_${'x'.repeat(43)}` })).toMatchObject({
      status: 401,
    });
  });

  it('G28: brings its cookie along from another site to no avail, but by links', async () => {
    const cookie = `atrium_session=${org.members.Cleo.token}`;
    const asked = async (parts: Parameters<typeof makeRequest>[0]) =>
      statusOf(test.gate.decide(makeRequest({ ...parts, headers: { cookie, ...parts.headers } }), notes));
    const url = '/apps/notes/';
    const cross = { 'sec-fetch-site': 'cross-site' };
    expect(await asked({ url, method: 'POST', headers: { ...cross, 'sec-fetch-mode': 'navigate' } })).toBe(403);
    expect(await asked({ url, method: 'POST', headers: { origin: 'https://evil.example' } })).toBe(403);
    expect(await asked({ url, headers: { ...cross, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' } })).toBe(
      403,
    );
    expect(await asked({ url, method: 'POST', headers: { 'sec-fetch-site': 'same-site' } })).toBe(403);
    expect(await asked({ url, upgrade: true, headers: { origin: 'https://evil.example' } })).toBe(403);
    expect(await asked({ url, upgrade: true })).toBe(403);
    expect(await asked({ url, upgrade: true, headers: { origin: testOrigin } })).toBe(200);
    expect(await asked({ url, headers: { ...cross, 'sec-fetch-mode': 'navigate' } })).toBe(200);
    expect(await asked({ url, method: 'POST', headers: { origin: testOrigin, 'sec-fetch-site': 'same-origin' } })).toBe(
      200,
    );
    const { api_key } = await apiKey(org.members.Cleo, ['access:*']);
    const bearer = { authorization: `Bearer ${api_key}`, cookie: '' };
    expect(await asked({ url, upgrade: true, headers: { ...bearer, origin: 'https://other.example' } })).toBe(200);
  });

  it('meets no app at the origin of the dashboard where the connection tells nothing, unless it is trusted', async () => {
    const asked = (parts: Parameters<typeof makeRequest>[0], route: RouteSnapshot) =>
      test.gate.decide(makeRequest(parts), route);
    const open = makeRoute({ org_id: org.id, slug: 'open', access: 'public' });
    const headers = { host: '192.168.1.5:4400', ...navigation };
    expect(await asked({ url: '/apps/open/', headers }, open)).toMatchObject({ code: 'gateway_untrusted_path' });
    expect(await asked({ url: '/apps/open/', headers }, { ...open, trusted: true })).toMatchObject({ kind: 'allow' });
    expect(await asked({ url: '/apps/open/', headers, scheme: 'https' }, open)).toMatchObject({ kind: 'allow' });
    expect(await asked({ url: '/', headers, host: '192.168.1.5' }, open)).toMatchObject({ kind: 'allow' });
    const { api_key } = await apiKey(org.members.Cleo, ['access:*']);
    const tool = { host: '192.168.1.5:4400', 'x-api-key': api_key };
    expect(await asked({ url: '/apps/notes/', headers: tool }, notes)).toMatchObject({ kind: 'allow' });
  });

  it('may ask ahead without a sign-in where the route says so', async () => {
    const headers = { origin: 'https://other.example', 'access-control-request-method': 'PUT' };
    const request = makeRequest({ url: '/apps/notes/', method: 'OPTIONS', headers });
    expect(await test.gate.decide(request, notes)).toMatchObject({ status: 401 });
    const filters = [{ kind: 'cors_preflight', allow: true }] as const;
    expect(await test.gate.decide(request, { ...notes, filters })).toMatchObject({ kind: 'allow' });
  });
});

it('an app with an Authorization header of its own gets it beside the cookie; a bad token of Atrium is still refused', async () => {
  const route = makeRoute({ org_id: org.id, slug: 'vault', upstream_auth: { kind: 'pass' } });
  const cookie = `atrium_session=${org.members.Cleo.token}`;
  const asked = async (authorization: string, at = route) =>
    statusOf(test.gate.decide(makeRequest({ url: '/apps/vault/', headers: { cookie, authorization } }), at));
  expect(await asked('Bearer the-apps-own-token')).toBe(200);
  expect(await asked('Basic YTpi')).toBe(200);
  expect(await asked(`Bearer ats_${'x'.repeat(43)}`)).toBe(401);
  expect(await asked('Bearer the-apps-own-token', { ...route, upstream_auth: { kind: 'strip' } })).toBe(401);
});

it('an app learns who asks: by headers, and by an assertion that only it can take', async () => {
  const { Cleo } = org.members;
  await test.identity.services.teams.addMember(org.owner.call, {
    ...{ org: 'current', id: org.teams['Crew']!, user_id: Cleo.id, role: 'member' },
  });
  await test.pool.query('update identity_emails set verified_at = now() where user_id = $1', [Cleo.id]);
  test.gate.book.doubt(null);
  const visitor = admitted(await test.gate.decide(byCookie(Cleo.token), notes));
  const headers = Object.fromEntries(visitor.identity_headers);
  expect(headers).toMatchObject({
    ...{ 'X-Atrium-User': Cleo.id, 'X-Atrium-Email': Cleo.email, 'X-Atrium-Groups': 'crew', 'Remote-User': Cleo.email },
  });
  const assertion = headers['X-Atrium-Assertion']!;
  const { kid } = decodeProtectedHeader(assertion);
  const published = await test.pool.query('select public_jwk from oauth_keys where kid = $1', [kid]);
  const key = await importJWK(published.rows[0].public_jwk, 'ES256');
  const { payload, protectedHeader } = await jwtVerify(assertion, key, {
    ...{ issuer: testOrigin, audience: `${testOrigin}/apps/notes`, currentDate: test.clock.now() },
  });
  expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'atrium-assertion+jwt' });
  expect(payload).toMatchObject({ sub: Cleo.id, org: org.id, groups: ['crew'], email: Cleo.email });
  expect(payload.exp! - payload.iat!).toBe(60);
  // It opens nothing here.
  expect(await statusOf(test.gate.decide(byKey(assertion), notes))).toBe(401);
  expect(visitor.identity_headers).toBe(visitor.identity_headers);
  test.clock.advance(31_000);
  expect(Object.fromEntries(visitor.identity_headers)['X-Atrium-Assertion']).not.toBe(assertion);
});

/** A way to the database that can be cut. */
const cuttable = async (to: URL): Promise<{ server: Server; url: string; cut: () => void }> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(Number(to.port), to.hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = new URL(to);
  url.port = String((server.address() as { port: number }).port);
  return {
    ...{ server, url: url.href },
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

it('G53: without the database whoever was seen in the last minute goes on, and nobody else', async () => {
  const base = await createTestDatabase();
  const way = await cuttable(new URL(base.url));
  const pool = createPool({ url: way.url, max: 5 });
  const database = createDatabase({ pool, clock: base.clock, cipher: base.database as never, onError: () => {} });
  const behind = { ...base, pool, database, url: way.url };
  const replica = makeReplica(behind, test.routes);
  await replica.oauth.start();
  try {
    const crew = await makeOrg(replica.identity, { members: { Eve: {}, Flo: {} } });
    const route = makeRoute({ org_id: crew.id, slug: 'far' });
    const ask = (token: string) => statusOf(replica.gate.decide(byCookie(token, 'far'), route));
    expect(await ask(crew.members.Eve.token)).toBe(200);
    way.cut();
    base.clock.advance(25_000);
    expect(await ask(crew.members.Eve.token)).toBe(200);
    base.clock.advance(30_000);
    expect(await ask(crew.members.Eve.token)).toBe(200);
    expect(await ask(crew.members.Flo.token)).toBe(503);
    base.clock.advance(6_000);
    expect(await ask(crew.members.Eve.token)).toBe(503);
  } finally {
    replica.gate.book.close();
    await replica.oauth.stop();
    await pool.end();
    await base.drop();
  }
});
