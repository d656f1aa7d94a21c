import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { boardLimits } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSocket } from '../../support/live-socket.ts';
import { ok, openWorld, type Person, type World } from '../../support/people.ts';
import { createRestClient, type Json, type RestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let world: World;
let owner: Person;
let member: Person;
let viewer: Person;
let app: Server;
let url: string;

const invite = async (name: string, role: string): Promise<Person> =>
  world.makePerson(name, ok(await owner.post('/api/v1/orgs/current/invitations', { role, max_uses: 1 })).invite_code);

beforeAll(async () => {
  world = await openWorld();
  owner = world.operator;
  member = await invite('Mia', 'member');
  viewer = await invite('Vic', 'viewer');
  app = createServer((request, response) => {
    response.statusCode = request.url?.includes('fails') ? 500 : 200;
    response.end('a page of sixteen');
  });
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const route = { targets: [{ url }], health: { skip: true }, trusted: true };
  ok(await owner.post('/api/v1/apps', { slug: 'notes', name: 'Notes', group: 'Office', route }));
  ok(
    await owner.post('/api/v1/apps', {
      slug: 'media',
      name: 'Media',
      group: 'Home',
      route: { ...route, slug: 'media' },
    }),
  );
  const people = { user_ids: [owner.id], team_ids: [], role_ids: [] };
  ok(
    await owner.post('/api/v1/apps', {
      slug: 'vault',
      name: 'Vault',
      route: { ...route, slug: 'vault', access: 'people', people },
    }),
  );
  // They are counted while the tests above the one that looks at them run.
  for (const path of ['', 'b', 'fails'])
    await fetch(`${world.url}/apps/notes/${path}`, { headers: { authorization: `Bearer ${member.token}` } });
});
afterAll(async () => {
  await world.close();
  app.close();
});

const make = async (who: RestClient, body: Json): Promise<Json> => ok(await who.post('/api/v1/boards', body));
const read = async (who: RestClient, id: string): Promise<Json> => ok(await who.get(`/api/v1/boards/${id}`));
const slugs = (board: Json): (string | null)[][] =>
  board.groups.map(({ items }: Json) =>
    items.map((item: Json) => (item.kind === 'link' ? item.title : (item.app?.slug ?? null))),
  );
const wiki = { kind: 'link', title: 'Wiki', url: 'https://wiki.example.org/start' };

it('G63: a board of one person keeps groups, order and links, and nobody else learns of it', async () => {
  const board = await make(member, {
    name: 'Mine',
    groups: [
      { name: 'Daily', items: [{ kind: 'app', app: 'notes', size: 'wide', widgets: ['health', 'requests'] }, wiki] },
    ],
  });
  expect(board).toMatchObject({ name: 'Mine', shared: false, editable: true, version: 1, created_by: { name: 'Mia' } });
  const [group] = board.groups;
  const [notes, link] = group.items;
  expect(notes).toMatchObject({
    size: 'wide',
    widgets: ['health', 'requests'],
    app: { slug: 'notes', status: 'unknown' },
  });
  expect(link).toMatchObject({ ...wiki, icon: '', description: '', size: 'small' });

  const changed = ok(
    await member.send('PATCH', `/api/v1/boards/${board.id}`, {
      version: 1,
      groups: [
        { name: 'New', items: [{ kind: 'app', app: 'media' }] },
        {
          id: group.id,
          name: 'Daily',
          items: [
            { ...wiki, id: link.id, title: 'Handbook' },
            { kind: 'app', id: notes.id },
          ],
        },
      ],
    }),
  );
  expect(slugs(changed)).toEqual([['media'], ['Handbook', 'notes']]);
  expect(changed.groups[1].id).toBe(group.id);
  expect(changed.groups[1].items.map(({ id }: Json) => id)).toEqual([link.id, notes.id]);
  expect(await read(member, board.id)).toEqual(changed);
  const late = await member.send('PATCH', `/api/v1/boards/${board.id}`, { version: 1, name: 'Late' });
  expect([late.status, late.body.code, late.body.version]).toEqual([409, 'generation_conflict', 2]);
  const matched = await member.send(
    'PATCH',
    `/api/v1/boards/${board.id}`,
    { name: 'Day' },
    { headers: { 'if-match': '"2"' } },
  );
  expect(ok(matched)).toMatchObject({ name: 'Day', version: 3 });

  for (const stranger of [owner, viewer, (await world.makeOrg('Elsewhere')).owner]) {
    const answers = [
      await stranger.get(`/api/v1/boards/${board.id}`),
      await stranger.send('PATCH', `/api/v1/boards/${board.id}`, { name: 'Taken' }),
      await stranger.send('DELETE', `/api/v1/boards/${board.id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(ok(await stranger.get('/api/v1/boards')).items.map(({ id }: Json) => id)).not.toContain(board.id);
  }
  expect(ok(await member.send('DELETE', `/api/v1/boards/${board.id}`))).toBeNull();
  expect((await member.get(`/api/v1/boards/${board.id}`)).status).toBe(404);
});

it('G63: a shared board is arranged by whoever looks after the apps, and shows to each what they may open', async () => {
  const refused = await member.post('/api/v1/boards', { name: 'For all', shared: true });
  expect([refused.status, refused.body.required]).toEqual([403, 'routes.write']);
  const board = await make(owner, { name: 'House', shared: true, from_apps: true });
  expect(board.groups.map(({ name }: Json) => name)).toEqual(['', 'Home', 'Office']);
  expect(slugs(board)).toEqual([['vault'], ['media'], ['notes']]);
  const seen = await read(viewer, board.id);
  expect([seen.editable, slugs(seen)]).toEqual([false, [[], ['media'], ['notes']]]);
  expect(JSON.stringify(seen).toLowerCase()).not.toContain('vault');
  for (const answer of [
    await member.send('PATCH', `/api/v1/boards/${board.id}`, { name: 'Ours' }),
    await member.send('DELETE', `/api/v1/boards/${board.id}`),
  ])
    expect([answer.status, answer.body.required]).toEqual([403, 'routes.write']);
  const foreign = (await world.makeOrg('Foreign')).owner;
  expect((await foreign.get(`/api/v1/boards/${board.id}`)).status).toBe(404);
  expect(ok(await foreign.get('/api/v1/boards')).items).toEqual([]);
  const made = ok(
    await owner.post('/api/v1/agents', { name: 'Decorator', scopes: ['gateway:read', 'gateway:write'], role: 'admin' }),
  );
  const agent = createRestClient(() => world.url, made.api_key);
  const refusedOwn = await agent.post('/api/v1/boards', { name: 'Of an agent' });
  expect([refusedOwn.status, refusedOwn.body.code]).toEqual([403, 'permission_denied']);
  expect(ok(await agent.send('PATCH', `/api/v1/boards/${board.id}`, { name: 'House' }))).toMatchObject({ version: 2 });
  const own = await make(viewer, { name: 'Own' });
  const listed = ok(await viewer.get('/api/v1/boards?limit=1'));
  expect(listed.items.map(({ name }: Json) => name)).toEqual(['House']);
  const rest = ok(await viewer.get(`/api/v1/boards?limit=1&cursor=${encodeURIComponent(listed.next_cursor)}`));
  expect([rest.items.map(({ id }: Json) => id), rest.next_cursor]).toEqual([[own.id], null]);
});

it('G63: what another person changes on a board is told to those who see it, and to nobody else', async () => {
  const shared = await make(owner, { name: 'Live', shared: true });
  const mine = await make(member, { name: 'Private' });
  const [hers, his] = [await openSocket(world.url, member.token), await openSocket(world.url, viewer.token)];
  ok(await member.send('PATCH', `/api/v1/boards/${mine.id}`, { name: 'Still private' }));
  ok(await owner.send('PATCH', `/api/v1/boards/${shared.id}`, { groups: [{ name: 'Links', items: [wiki] }] }));
  const ofBoards = (event: Json) => event.kind === 'gateway.board.updated';
  expect(await hers.event(ofBoards)).toMatchObject({ id: mine.id, body: { name: 'Still private', version: 2 } });
  // Events keep their order, so the first that he hears of shows that hers did not reach him.
  expect(await his.event(ofBoards)).toMatchObject({ id: shared.id, body: { owner_id: null, version: 2 } });
  hers.close();
  his.close();
});

it('refuses what is no app for the person, addresses that are no links, and more than a board holds', async () => {
  const refusal = async (body: Json): Promise<[number, string]> => {
    const answer = await member.post('/api/v1/boards', { name: 'Bad', ...body });
    return [answer.status, answer.body.errors?.[0]?.path ?? answer.body.code];
  };
  const one = (item: Json) => ({ groups: [{ items: [item] }] });
  expect(await refusal(one({ kind: 'app', app: 'vault' }))).toEqual([422, 'groups.0.items.0.app']);
  expect(await refusal(one({ kind: 'app', app: 'nowhere' }))).toEqual([422, 'groups.0.items.0.app']);
  expect(await refusal(one({ kind: 'app' }))).toEqual([422, 'groups.0.items.0.app']);
  for (const address of ['javascript:alert(1)', 'data:text/html,x', 'ftp://example.org/', 'https://a:b@example.org/'])
    expect((await refusal(one({ ...wiki, url: address })))[0]).toBe(422);
  const many = Array.from({ length: boardLimits.items }, () => wiki);
  expect((await refusal({ groups: [{ items: many }, { items: [wiki] }] }))[0]).toBe(422);
  const standing = ok(await member.get('/api/v1/boards')).items.filter(({ shared }: Json) => !shared).length;
  for (let made = standing; made < boardLimits.boards; made += 1) await make(member, { name: `Board ${made}` });
  expect(await refusal({})).toEqual([402, 'plan_limit_exceeded']);
});

it('keeps an app that its owner may not open for a while, and drops one that is gone', async () => {
  const route = { targets: [{ url }], health: { skip: true }, trusted: true };
  const lab = ok(await owner.post('/api/v1/apps', { slug: 'lab', route }));
  const board = await make(viewer, { name: 'Lab', groups: [{ items: [{ kind: 'app', app: 'lab' }, wiki] }] });
  const people = { user_ids: [owner.id], team_ids: [], role_ids: [] };
  ok(await owner.send('PATCH', `/api/v1/routes/${lab.routes[0].id}`, { access: 'people', people }));
  const hidden = await read(viewer, board.id);
  expect(slugs(hidden)).toEqual([[null, 'Wiki']]);
  expect(JSON.stringify(hidden)).not.toContain('"lab"');
  const [group] = hidden.groups;
  const saved = ok(
    await viewer.send('PATCH', `/api/v1/boards/${board.id}`, {
      groups: [
        {
          id: group.id,
          items: [
            { ...wiki, id: group.items[1].id },
            { kind: 'app', id: group.items[0].id },
          ],
        },
      ],
    }),
  );
  expect(slugs(saved)).toEqual([['Wiki', null]]);
  ok(await owner.send('PATCH', `/api/v1/routes/${lab.routes[0].id}`, { access: 'signed_in' }));
  expect(slugs(await read(viewer, board.id))).toEqual([['Wiki', 'lab']]);
  ok(await owner.send('DELETE', '/api/v1/apps/lab'));
  expect(slugs(await read(viewer, board.id))).toEqual([['Wiki']]);
});

it('tells what went through to each app by day, to those who may see figures', async () => {
  const figures = await until(async () => {
    const found = ok(await member.get('/api/v1/app-figures?days=3'));
    return found.items[0]?.requests[2] === 3 ? found : null;
  }, 'the requests are counted');
  expect(figures.days).toHaveLength(3);
  expect(figures.items[0]).toMatchObject({ app: 'notes', requests: [0, 0, 3], errors: [0, 0, 1] });
  expect(figures.items[0].mean_ms.map((mean: number | null) => mean === null)).toEqual([true, true, false]);
  expect(figures.items[0].bytes_out[2]).toBeGreaterThanOrEqual(51);
  const hours = ok(await member.get('/api/v1/gateway/hours?hours=2&app=notes'));
  expect([hours.hours.length, Date.parse(hours.hours[1]) % 3_600_000]).toEqual([2, 0]);
  const sum = (key: string): number => hours.items.reduce((all: number, item: Json) => all + item[key], 0);
  expect([sum('requests'), sum('errors'), sum('bytes_out')]).toEqual([3, 1, figures.items[0].bytes_out[2]]);
  expect(ok(await member.get('/api/v1/gateway/hours?app=media')).items).toEqual([]);
  expect((await viewer.get('/api/v1/gateway/hours')).body.required).toBe('gateway.view');
  expect((await viewer.get('/api/v1/app-figures')).body.required).toBe('gateway.view');
  expect(ok(await (await world.makeOrg('Other')).owner.get('/api/v1/app-figures')).items).toEqual([]);
});

it('an erased person leaves no board of their own behind', async () => {
  const gone = await invite('Gil', 'viewer');
  const board = await make(gone, { name: 'Gone soon', groups: [{ items: [wiki] }] });
  const [{ gateway }] = [ok(await gone.get('/api/v1/me/export'))];
  expect(gateway.boards).toMatchObject([{ id: board.id, name: 'Gone soon' }]);
  ok(await gone.delete(`/api/v1/me?confirm=${encodeURIComponent(gone.email)}`));
  const { rows } = await world.database.query('select 1 from gateway_boards where id = $1', [board.id]);
  expect(rows).toEqual([]);
});
