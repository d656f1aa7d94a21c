import { operations, toRequest } from '@atrium/protocol';
import { AtriumError, createAtrium } from '@atrium/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diaryAgent, give, invite, listOf, makeDiary, write } from '../../support/diary-scene.ts';
import { connectByHand, type McpDriver } from '../../support/mcp-drivers.ts';
import { type Agent, ok, openWorld, type World } from '../../support/people.ts';
import type { Json, RestClient } from '../../support/rest-client.ts';

/** One test a cell: who, by which door, does what with a diary of which visibility. */

const roles = ['O', 'W', 'R', 'P', 'D', 'V', 'S', 'X', 'N'] as const;
type Role = (typeof roles)[number];
const visibilities = ['private', 'network', 'public'] as const;
type Visibility = (typeof visibilities)[number];
type Kind = 'read' | 'write' | 'manage';

interface Scene {
  diary: string;
  entry: string;
}

let world: World;
let people: Record<Exclude<Role, 'N'>, Agent>;
let dummy: Agent;
const scenes = {} as Record<Visibility, Scene>;
const clients = new Map<string, McpDriver>();

const build = async (visibility: Visibility): Promise<Scene> => {
  const { O, W, R, P, D, V } = people;
  const diary = await makeDiary(O, { visibility, name: `Matrix ${visibility}` });
  await give(O, diary, W, 'writer');
  await give(O, diary, R);
  await invite(O, diary, P);
  ok(await D.post(`/api/v1/diaries/invitations/${await invite(O, diary, D)}/decline`));
  ok(await O.delete(`/api/v1/diaries/${diary}/shares/${await give(O, diary, V, 'writer')}`));
  return { diary, entry: (await write(O, diary, { content: 'zebra crossing' })).id };
};

beforeAll(async () => {
  world = await openWorld({ shared: true });
  const [home, foreign] = [await world.makeOrg('Home'), await world.makeOrg('Foreign')];
  const made: [string, Agent][] = [];
  for (const role of roles) if (role !== 'N') made.push([role, await diaryAgent(role === 'X' ? foreign : home, role)]);
  people = Object.fromEntries(made) as typeof people;
  dummy = await diaryAgent(home, 'Dummy');
  for (const visibility of visibilities) scenes[visibility] = await build(visibility);
  for (const [role, agent] of Object.entries(people)) clients.set(role, await connectByHand(world.url, agent.token));
});
afterAll(async () => {
  for (const client of clients.values()) await client.close();
  await world.close();
});

interface Action {
  name: string;
  kind: Kind;
  operation: string;
  /** Input of the call, after what it needs was made by the owner. */
  input: (scene: Scene, role: Role) => Promise<Json>;
}

const inEntry = async ({ diary, entry }: Scene): Promise<Json> => ({ diary_ref: diary, entry_id: entry });
const inDiary = async ({ diary }: Scene): Promise<Json> => ({ diary_ref: diary });
const fresh = async ({ diary }: Scene): Promise<Json> => ({
  diary_ref: diary,
  entry_id: (await write(people.O, diary)).id,
});
/** A share with the dummy, made anew when the former one was taken back. */
const dummyShare = async ({ diary }: Scene): Promise<string> => {
  const path = `/api/v1/diaries/${diary}/shares`;
  const made = await people.O.post(path, { agent_id: dummy.id });
  return made.status === 409 ? made.body.share_id : ok(made).id;
};

const actions: Action[] = [
  { name: 'get the diary', kind: 'read', operation: 'diaries.get', input: inDiary },
  { name: 'list entries', kind: 'read', operation: 'diaries.list_entries', input: inDiary },
  { name: 'get an entry', kind: 'read', operation: 'diaries.get_entry', input: inEntry },
  { name: 'reflect', kind: 'read', operation: 'diaries.reflect', input: inDiary },
  {
    name: 'search',
    kind: 'read',
    operation: 'diaries.search',
    input: async ({ diary }) => ({ diary_ref: diary, query: 'zebra' }),
  },
  { name: 'digest', kind: 'read', operation: 'diaries.digest', input: inDiary },
  { name: 'list tags', kind: 'read', operation: 'diaries.list_tags', input: inDiary },
  { name: 'list duplicates', kind: 'read', operation: 'diaries.list_duplicates', input: inDiary },
  { name: 'find duplicates', kind: 'write', operation: 'diaries.find_duplicates', input: inDiary },
  { name: 'list access', kind: 'manage', operation: 'diaries.list_access', input: inDiary },
  { name: 'history', kind: 'read', operation: 'diaries.entry_history', input: inEntry },
  { name: 'list relations', kind: 'read', operation: 'diaries.list_relations', input: inEntry },
  {
    name: 'create an entry',
    kind: 'write',
    operation: 'diaries.create_entry',
    input: async ({ diary }) => ({ diary_ref: diary, content: 'new' }),
  },
  {
    name: 'edit an entry',
    kind: 'write',
    operation: 'diaries.update_entry',
    input: async (scene) => ({ ...(await fresh(scene)), title: 'edited' }),
  },
  {
    name: 'correct an entry',
    kind: 'write',
    operation: 'diaries.supersede_entry',
    input: async (scene) => ({ ...(await fresh(scene)), content: 'corrected' }),
  },
  { name: 'delete an entry', kind: 'write', operation: 'diaries.delete_entry', input: fresh },
  { name: 'restore an entry', kind: 'write', operation: 'diaries.restore_entry', input: fresh },
  {
    name: 'change many entries',
    kind: 'write',
    operation: 'diaries.bulk',
    input: async ({ diary, entry }) => ({
      diary_ref: diary,
      filter: { ids: [entry] },
      action: 'tag',
      add_tags: ['seen'],
    }),
  },
  {
    name: 'relate entries',
    kind: 'write',
    operation: 'diaries.relate',
    input: async (scene) => ({ ...(await fresh(scene)), to_entry_id: scene.entry, kind: 'references' }),
  },
  { name: 'export', kind: 'manage', operation: 'diaries.export', input: inDiary },
  { name: 'verify', kind: 'manage', operation: 'diaries.verify', input: inDiary },
  { name: 'verify an entry', kind: 'read', operation: 'diaries.verify_entry', input: inEntry },
  {
    name: 'rename the diary',
    kind: 'manage',
    operation: 'diaries.update',
    input: async ({ diary }, role) => ({ diary_ref: diary, name: `Renamed by ${role}` }),
  },
  {
    name: 'change its visibility',
    kind: 'manage',
    operation: 'diaries.update',
    input: async ({ diary }) => {
      const { visibility } = ok(await people.O.get(`/api/v1/diaries/${diary}`));
      return { diary_ref: diary, visibility };
    },
  },
  {
    name: 'share',
    kind: 'manage',
    operation: 'diaries.share',
    input: async (scene) => {
      await people.O.delete(`/api/v1/diaries/${scene.diary}/shares/${await dummyShare(scene)}`);
      return { diary_ref: scene.diary, agent_id: dummy.id };
    },
  },
  { name: 'list shares', kind: 'manage', operation: 'diaries.list_shares', input: inDiary },
  {
    name: 'change a share',
    kind: 'manage',
    operation: 'diaries.update_share',
    input: async (scene) => ({ diary_ref: scene.diary, share_id: await dummyShare(scene), role: 'writer' }),
  },
  {
    name: 'revoke a share',
    kind: 'manage',
    operation: 'diaries.revoke_share',
    input: async (scene) => ({ diary_ref: scene.diary, share_id: await dummyShare(scene) }),
  },
  { name: 'list who may read', kind: 'manage', operation: 'diaries.list_subjects', input: inDiary },
  {
    name: 'delete the diary',
    kind: 'manage',
    operation: 'diaries.delete',
    // The owner's success must not end the scene of the others.
    input: async ({ diary }, role) => ({ diary_ref: role === 'O' ? await makeDiary(people.O) : diary }),
  },
];

const expected = (kind: Kind, role: Role, visibility: Visibility): 'success' | 401 | 403 | 404 => {
  if (role === 'N') return 401;
  const reads = ['O', 'W', 'R'].includes(role) || visibility !== 'private';
  if (!reads) return 404;
  if (kind === 'read' || role === 'O' || (kind === 'write' && role === 'W')) return 'success';
  return 403;
};

const byRest = async (by: RestClient, operation: string, input: Json): Promise<'success' | number> => {
  const found = operations.find(({ name }) => name === operation)!;
  const request = toRequest(found, input);
  const { status } = await by.send(request.method, request.path, request.body);
  return status < 300 ? 'success' : status;
};

const codes: [string, number][] = [
  ['not_found', 404],
  ['permission_denied', 403],
];

const byMcp = async (role: Role, tool: string, input: Json): Promise<'success' | number> => {
  if (role === 'N') {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: input } };
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return (await fetch(`${world.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(message) })).status;
  }
  const result = await clients.get(role)!.call(tool, input);
  if (result.isError !== true) return 'success';
  const found = codes.find(([code]) => result.content[0]!.text!.includes(code));
  if (found === undefined) throw new Error(result.content[0]!.text);
  return found[1];
};

const bySdk = async (role: Role, operation: string, input: Json): Promise<'success' | number> => {
  const client: Json = createAtrium({ url: world.url, ...(role === 'N' ? {} : { token: people[role].token }) });
  const [noun, verb] = operation.split('.') as [string, string];
  try {
    await client[noun][verb](input);
    return 'success';
  } catch (error) {
    if (error instanceof AtriumError && error.status !== null) return error.status;
    throw error;
  }
};

const cells = visibilities.flatMap((visibility) =>
  actions.flatMap((action) => roles.map((role) => [visibility, action.name, role, action] as const)),
);

describe('29: the permission matrix over REST', () => {
  it.each(cells)('%s diary: %s by %s', async (visibility, _name, role, action) => {
    const by = role === 'N' ? world.anonymous : people[role];
    const input = await action.input(scenes[visibility], role);
    expect(await byRest(by, action.operation, input)).toBe(expected(action.kind, role, visibility));
  });
});

describe('29: the permission matrix over MCP', () => {
  const tools = new Map(operations.map(({ name, mcp }) => [name, mcp?.tool]));
  it.each(cells.filter(([, , , action]) => tools.get(action.operation) !== undefined))(
    '%s diary: %s by %s',
    async (visibility, _name, role, action) => {
      const input = await action.input(scenes[visibility], role);
      const seen = await byMcp(role, tools.get(action.operation)!, input);
      expect(seen).toBe(expected(action.kind, role, visibility));
    },
  );
});

describe('29: the permission matrix over the SDK', () => {
  it.each(cells)('%s diary: %s by %s', async (visibility, _name, role, action) => {
    const input = await action.input(scenes[visibility], role);
    expect(await bySdk(role, action.operation, input)).toBe(expected(action.kind, role, visibility));
  });
});

describe('29: lists name what may be read and nothing else', () => {
  it.each(visibilities.flatMap((visibility) => roles.map((role) => [visibility, role] as const)))(
    '%s diary for %s',
    async (visibility, role) => {
      const { diary, entry } = scenes[visibility];
      const path = '/api/v1/diaries?limit=200&scope=own,shared,team,network,public';
      if (role === 'N') return expect((await world.anonymous.get(path)).status).toBe(401);
      const by = people[role];
      const listed = ok(await by.get(path)).items.map((one: Json) => one.id);
      const reads = expected('read', role, visibility) === 'success';
      expect(listed.includes(diary)).toBe(reads);
      const given = ok(await by.get('/api/v1/diaries?limit=200')).items.map((one: Json) => one.id);
      expect(given.includes(diary)).toBe(['O', 'W', 'R'].includes(role));
      if (reads) expect(await listOf(by, diary)).toContain(entry);
      const everywhere = { query: 'zebra', abstain: false, scope: ['own', 'shared', 'team', 'network', 'public'] };
      const found = ok(await by.post('/api/v1/diaries/search', everywhere)).items.map((one: Json) => one.id);
      expect(found.includes(entry)).toBe(reads);
      const check = { object: { kind: 'diary', id: diary }, permit: 'read' };
      expect(ok(await by.post('/api/v1/diaries/permissions/check', check)).allowed).toBe(reads);
    },
  );

  it('invitations are for whom they were made', async () => {
    const open = async (by: Agent) =>
      ok(await by.get('/api/v1/diaries/invitations')).items.map((one: Json) => one.diary_id);
    expect(await open(people.P)).toEqual(expect.arrayContaining(Object.values(scenes).map(({ diary }) => diary)));
    for (const role of ['O', 'W', 'R', 'D', 'V', 'S', 'X'] as const) expect(await open(people[role])).toEqual([]);
  });
});
