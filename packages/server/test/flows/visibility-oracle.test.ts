import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LiveSocket, openSocket, openStream } from '../support/live-socket.ts';
import { connectByHand, type McpDriver } from '../support/mcp-drivers.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json, RestClient } from '../support/rest-client.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

/** Every item has it in its title, so that searching for it must find all that is seen. */
const word = 'zebra';
/** Any number; a failure names the one it happened with, to be put here. */
const seed = Date.now() % 2 ** 31;

let world: World;
let cases = 0;
beforeAll(async () => {
  world = await openWorld({ shared: true });
});
afterAll(() => world.close());

type Principal = (Person | Agent) & { kind: 'user' | 'agent' };

interface Facts {
  principals: { id: string; kind: string; system_role: string | null; permissions: string[]; item_scope: Json }[];
  channels: { id: string; mode: string; team_id: string | null }[];
  channelMembers: Set<string>;
  teamMembers: Set<string>;
  items: {
    id: string;
    org_id: string;
    channel_id: string | null;
    created_by_id: string;
    status: string;
    title: string;
    related_to: string[];
  }[];
}

/** What the tables say, as they are: the oracle below applies the written rule to it, one pair at a time. */
const readFacts = async (): Promise<Facts> => {
  const rows = async (statement: string): Promise<Json[]> => (await world.database.query(statement)).rows;
  const pairs = (list: Json[]) => new Set(list.map((row) => `${row.a}:${row.b}`));
  return {
    principals: await rows(
      `select m.user_id as id, 'user' as kind, r.system as system_role, r.permissions, '{"kind":"org"}'::jsonb as item_scope, m.org_id
         from identity_members m join identity_roles r on r.id = m.role_id
       union all select a.id, 'agent', r.system, r.permissions, a.item_scope, a.org_id from identity_agents a join identity_roles r on r.id = a.role_id`,
    ),
    channels: await rows('select id, mode::text, team_id from inbox_channels'),
    channelMembers: pairs(await rows('select channel_id as a, user_id as b from inbox_channel_members')),
    teamMembers: pairs(await rows('select team_id as a, user_id as b from identity_team_memberships')),
    items: await rows(
      'select id, org_id, channel_id, created_by_id, status::text, title, related_to from inbox_items where deleted_at is null',
    ),
  };
};

/** Section 4.5 of the specification, word for word. */
const sees = (facts: Facts, principal: Principal, item: Facts['items'][number]): boolean => {
  if (principal.org_id !== item.org_id) return false;
  const one = facts.principals.find((row) => row.id === principal.id && (row as Json).org_id === item.org_id);
  if (one === undefined || !one.permissions.some((held) => ['*', 'items.*', 'items.read'].includes(held))) return false;
  if (item.created_by_id === principal.id) return true;
  const person = one.kind === 'user';
  if (!person && one.item_scope.kind === 'own') return false;
  if (!person && one.item_scope.kind === 'channels') return one.item_scope.channel_ids.includes(item.channel_id);
  if (item.channel_id === null) return true;
  const channel = facts.channels.find((row) => row.id === item.channel_id)!;
  if (channel.mode !== 'open') return person && facts.channelMembers.has(`${channel.id}:${principal.id}`);
  if (channel.team_id === null) return true;
  return (
    person &&
    (['owner', 'admin'].includes(one.system_role ?? '') || facts.teamMembers.has(`${channel.team_id}:${principal.id}`))
  );
};

const randomOf = (seed: number) => {
  const next = seededRandom(seed);
  return {
    chance: (p: number) => next() < p,
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
    some: <T>(list: readonly T[], p: number): T[] => list.filter(() => next() < p),
  };
};
type Random = ReturnType<typeof randomOf>;

interface Scene {
  org: Org;
  people: Person[];
  agents: Agent[];
  principals: Principal[];
  teams: string[];
  channels: string[];
  privateChannels: string[];
}

const buildScene = async (random: Random, name: string): Promise<Scene> => {
  const org = await world.makeOrg(name);
  const blind = await org.role('Blind', ['items.write']);
  const people = [org.owner, await org.member('Admin', { role: 'admin' })];
  for (let i = 0; i < 3; i += 1) people.push(await org.member(`Member ${i}`));
  people.push(await org.member('Viewer', { role: 'viewer' }), await org.member('Blind', { role: blind }));
  const teams = [await org.team('One', random.some(people, 0.4)), await org.team('Two', random.some(people, 0.4))];
  const channels = [await org.channel('open-1'), await org.channel('open-2')];
  const privateChannels: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const members = random.some(people, 0.4).map((one) => one.id);
    privateChannels.push(await org.channel(`closed-${i}`, { mode: i === 2 ? 'direct' : 'private', members }));
  }
  const teamChannels = [
    await org.channel('team-1', { team_id: teams[0] }),
    await org.channel('team-2', { team_id: teams[1] }),
  ];
  channels.push(...privateChannels, ...teamChannels);
  const agents = [
    await org.agent('Own'),
    await org.agent('Own too'),
    await org.agent('Wide', { item_scope: { kind: 'org' } }),
    await org.agent('Listed', {
      item_scope: { kind: 'channels', channel_ids: [privateChannels[0]!, teamChannels[0]!] },
    }),
  ];
  const principals = [
    ...people.map((one) => ({ ...one, kind: 'user' as const })),
    ...agents.map((one) => ({ ...one, kind: 'agent' as const })),
  ];
  return { org, people, agents, principals, teams, channels, privateChannels };
};

/** Items of random makers in random places; a maker reaches only channels it may name. */
const fillScene = async (random: Random, scene: Scene, count: number, round: string): Promise<void> => {
  const form = { fields: [{ type: 'text', id: 'x' }] };
  const makers = scene.principals.filter((one) => one.name !== 'Viewer');
  let made = 0;
  while (made < count) {
    const maker = random.pick(makers);
    const channel = random.chance(0.8) ? random.pick(scene.channels) : undefined;
    const title = `${round} ${made}`;
    const known = random.chance(0.4) ? ((await maker.get('/api/v1/inbox/items?limit=5')).body.items ?? []) : [];
    const related_to = known.slice(0, 2).map((one: Json) => one.id);
    const asked = await maker.post('/api/v1/inbox/items', {
      title,
      channel,
      related_to,
      level: random.pick(['info', 'warning', 'error']),
      ...(random.chance(0.5) ? { form } : {}),
    });
    if (asked.status === 404) continue;
    if (asked.status === 403) {
      // Whoever may not read gets no item back, but has made it; the tables say so.
      made += 1;
      continue;
    }
    const { id } = ok(asked);
    if (random.chance(0.3)) ok(await maker.post(`/api/v1/inbox/items/${id}/comments`, { body: `about ${word}` }));
    if (random.chance(0.15)) {
      const file = new FormData();
      file.append('file', new Blob([`${word} ${id}`], { type: 'text/plain' }), 'a.txt');
      ok(await maker.post(`/api/v1/inbox/items/${id}/attachments`, file));
    }
    made += 1;
  }
};

const sorted = (ids: Iterable<string>): string[] => [...new Set(ids)].sort();
const idsOf = (list: Json[]): string[] => list.map((one) => one.id);

/** Compares one door's whole view of one principal with the oracle: as many cases as there are items. */
const compare = (
  facts: Facts,
  door: string,
  principal: Principal,
  seen: Iterable<string>,
  expected: string[],
): void => {
  cases += facts.items.length;
  const all = new Set(facts.items.map((item) => item.id));
  expect([door, principal.name, sorted([...seen].filter((id) => all.has(id)))]).toEqual([
    door,
    principal.name,
    sorted(expected),
  ]);
};

const checkLists = async (facts: Facts, principal: Principal, expected: Facts['items']): Promise<void> => {
  const ids = expected.map((item) => item.id);
  const blind = principal.name === 'Blind';
  const list = async (path: string, by: RestClient = principal): Promise<Json[]> => {
    const answer = await by.get(path);
    if (blind) {
      expect([path, answer.status]).toEqual([path, 403]);
      return [];
    }
    return ok(answer).items;
  };
  compare(facts, 'list', principal, idsOf(await list('/api/v1/inbox/items?limit=200')), ids);
  compare(facts, 'box=all', principal, idsOf(await list('/api/v1/inbox/items?box=all&limit=200')), ids);
  compare(facts, 'search', principal, idsOf(await list(`/api/v1/inbox/items?q=${word}&limit=200`)), ids);
  const events = (await list('/api/v1/events?limit=200&since=0')) as Json[];
  compare(
    facts,
    'events.list',
    principal,
    events.map((event) => event.body?.item_id ?? event.id),
    expected
      .filter((item) => events.some((event) => (event.body?.item_id ?? event.id) === item.id))
      .map((item) => item.id),
  );
  expect(
    events
      .filter((event) => String(event.kind).startsWith('inbox.item.'))
      .map((event) => event.id)
      .filter((id) => facts.items.some((item) => item.id === id) && !ids.includes(id)),
  ).toEqual([]);
  if (blind) return;
  const [counts, stats] = [
    ok(await principal.get('/api/v1/inbox/counts')),
    ok(await principal.get('/api/v1/inbox/stats')),
  ];
  expect([principal.name, counts.all]).toEqual([principal.name, ids.length]);
  const open = Object.values(stats.open_by_level as Record<string, number>).reduce((sum, n) => sum + n, 0);
  expect([principal.name, open]).toEqual([principal.name, expected.filter((item) => item.status === 'open').length]);
  cases += 2 * facts.items.length;
};

const subresources = [
  '',
  '/audit',
  '/comments',
  '/attachments',
  '/related',
  '/responses',
  '/watchers',
  '/wait?timeout=0',
];

const checkItem = async (
  facts: Facts,
  principal: Principal,
  item: Facts['items'][number],
  visible: boolean,
): Promise<void> => {
  const status = visible ? 200 : principal.name === 'Blind' ? 403 : 404;
  const answers = await Promise.all(
    subresources.map((suffix) => principal.get(`/api/v1/inbox/items/${item.id}${suffix}`)),
  );
  cases += subresources.length;
  expect([principal.name, item.title, ...answers.map((one) => one.status)]).toEqual([
    principal.name,
    item.title,
    ...subresources.map(() => status),
  ]);
  if (!visible) return;
  const byId = new Map(facts.items.map((one) => [one.id, one]));
  const linked = sorted(item.related_to.filter((id) => byId.has(id) && sees(facts, principal, byId.get(id)!)));
  expect([principal.name, item.title, sorted(answers[0]!.body.related_to)]).toEqual([
    principal.name,
    item.title,
    linked,
  ]);
  expect(sorted(idsOf(answers[4]!.body.items))).toEqual(linked);
};

const created = (events: readonly Json[]): string[] =>
  events.filter((one) => one.kind === 'inbox.item.created').map((one) => one.id);

/** `live` has listened since before the items of this round were made; earlier ones are not its matter any more. */
const checkEvents = async (
  facts: Facts,
  principal: Principal,
  expected: Facts['items'],
  live: LiveSocket | undefined,
  round: string,
): Promise<void> => {
  const ids = expected.map((item) => item.id);
  const socket = await openSocket(world.url, principal.token, { since: 0 });
  await until(
    () => socket.closed !== null || socket.messages.some((one) => one.type === 'replayed'),
    'the replay is over',
  );
  compare(facts, '/ws replay', principal, created(socket.events), ids);
  const head = socket.cursor;
  socket.close();
  if (principal.name === 'Blind') return;
  const stream = await openStream(world.url, principal.token, 0);
  // Nothing says that the stream has caught up but the last event that its reader may see.
  if (ids.length > 0) await until(() => created(stream.events).length >= ids.length, `the stream of ${principal.name}`);
  compare(facts, 'stream replay', principal, created(stream.events), ids);
  await stream.close();
  const fresh = { ...facts, items: facts.items.filter((item) => item.title.startsWith(round)) };
  const due = expected.filter((item) => item.title.startsWith(round)).map((item) => item.id);
  await until(() => live!.cursor >= head || due.every((id) => created(live!.events).includes(id)), 'live events');
  compare(fresh, '/ws live', principal, created(live!.events), due);
};

const checkMcp = async (facts: Facts, principal: Principal, expected: Facts['items']): Promise<void> => {
  if (principal.name === 'Blind') return;
  const client: McpDriver = await connectByHand(world.url, principal.token);
  const ids = expected.map((item) => item.id);
  compare(
    facts,
    'inbox_list',
    principal,
    idsOf((await client.call('inbox_list', { limit: 200 })).structuredContent.items),
    ids,
  );
  const open = expected.filter((item) => item.status === 'open').map((item) => item.id);
  const shelf = JSON.parse(await client.read('atrium://inbox/open')) as Json[];
  compare(facts, 'resource open', principal, idsOf(shelf), open);
  for (const item of facts.items) {
    const visible = ids.includes(item.id);
    const [got, shown] = await Promise.all([
      client.call('inbox_get', { id: item.id }),
      client.read(`atrium://inbox/item/${item.id}`).then(
        () => true,
        () => false,
      ),
    ]);
    cases += 2;
    expect([principal.name, item.title, got.isError !== true, shown]).toEqual([
      principal.name,
      item.title,
      visible,
      visible,
    ]);
  }
  await client.close();
};

const checkBulk = async (facts: Facts, principal: Principal, expected: string[]): Promise<void> => {
  if (['Blind', 'Viewer'].includes(principal.name)) return;
  const all = facts.items.map((item) => item.id);
  const done = ok(await principal.post('/api/v1/inbox/items/bulk', { ids: all, op: 'ack' }));
  compare(facts, 'bulk changed', principal, [...done.changed, ...idsOf(done.failed)], expected);
  compare(
    facts,
    'bulk not found',
    principal,
    done.not_found,
    all.filter((id) => !expected.includes(id)),
  );
};

/** Every door of every principal, members of other organisations included, against the oracle. */
const checkAll = async (scenes: Scene[], live: Map<string, LiveSocket>, round: string): Promise<void> => {
  const facts = await readFacts();
  facts.items = facts.items.filter((item) => item.title.startsWith(word));
  for (const principal of scenes.flatMap((scene) => scene.principals)) {
    const expected = facts.items.filter((item) => sees(facts, principal, item));
    const ids = expected.map((item) => item.id);
    await checkLists(facts, principal, expected);
    await checkEvents(facts, principal, expected, live.get(principal.token), round);
    await checkMcp(facts, principal, expected);
    for (let i = 0; i < facts.items.length; i += 4) {
      const few = facts.items.slice(i, i + 4);
      await Promise.all(few.map((item) => checkItem(facts, principal, item, ids.includes(item.id))));
    }
    await checkBulk(facts, principal, ids);
  }
};

/** Takes people in and out, narrows and widens agents, closes a channel. */
const stir = async (random: Random, scene: Scene): Promise<void> => {
  const { owner } = scene.org;
  const others = scene.people.filter((one) => one.id !== owner.id);
  for (const channel of scene.privateChannels) {
    const [out, into] = [random.pick(others), random.pick(others)];
    await owner.delete(`/api/v1/inbox/channels/${channel}/members/${out.id}`);
    if (into.id !== out.id) await owner.post(`/api/v1/inbox/channels/${channel}/members`, { user_id: into.id });
  }
  for (const team of scene.teams) {
    const [out, into] = [random.pick(others), random.pick(others)];
    await owner.delete(`/api/v1/orgs/current/teams/${team}/members/${out.id}`);
    if (into.id !== out.id) ok(await owner.post(`/api/v1/orgs/current/teams/${team}/members`, { user_id: into.id }));
  }
  ok(await owner.patch(`/api/v1/inbox/channels/${scene.channels[1]}`, { mode: 'private' }));
  const [own, , wide] = scene.agents;
  ok(await owner.patch(`/api/v1/agents/${own!.id}`, { item_scope: { kind: 'org' } }));
  ok(await owner.patch(`/api/v1/agents/${wide!.id}`, { item_scope: { kind: 'own' } }));
  ok(await owner.post(`/api/v1/orgs/current/members/${scene.people[1]!.id}/role`, { role: 'member' }));
};

describe('every door shows exactly what the rule of visibility says', () => {
  it(`random organisations, before and after people and agents are moved about (seed ${seed})`, async () => {
    const random = randomOf(seed);
    const scenes = [await buildScene(random, 'Oracle one'), await buildScene(random, 'Oracle two')];
    const live = new Map<string, LiveSocket>();
    for (const principal of scenes.flatMap((scene) => scene.principals))
      if (principal.name !== 'Blind') live.set(principal.token, await openSocket(world.url, principal.token));
    for (const scene of scenes) await fillScene(random, scene, 10, `${word} first`);
    await checkAll(scenes, live, word);

    for (const scene of scenes) await stir(random, scene);
    for (const scene of scenes) await fillScene(random, scene, 5, `${word} again`);
    await checkAll(scenes, live, `${word} again`);
    for (const socket of live.values()) socket.close();
    expect(cases).toBeGreaterThan(10_000);
  }, 400_000);
});
