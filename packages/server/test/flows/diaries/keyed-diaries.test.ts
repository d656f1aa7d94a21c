import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../../support/agent-key.ts';
import { makeDiary, write } from '../../support/diary-scene.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { type Org, ok } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';

let world: KeyWorld;
let foreign: Org;
let [owner, friend, outsider]: KeyedAgent[] = [];

beforeAll(async () => {
  world = await openKeyWorld();
  foreign = await world.makeOrg('Elsewhere');
  [owner, friend, outsider] = [await world.agent(), await world.agent(), await world.agent(foreign.owner)];
});
afterAll(() => world.close());

const sharesOf = (diary: string): string => `/api/v1/diaries/${diary}/shares`;
const refusal = ({ status, body }: { status: number; body: Json }) => [status, body.code];

describe('25: sharing by fingerprint', () => {
  it('25: names an agent of another organisation by its key alone, and ends as it began', async () => {
    const diary = await makeDiary(owner!);
    const { id } = await write(owner!, diary);
    const entry = `/api/v1/diaries/${diary}/entries/${id}`;
    const { fingerprint } = outsider!.key;
    const share = ok(await owner!.post(sharesOf(diary), { fingerprint: fingerprint.toLowerCase(), role: 'writer' }));
    // Whoever shares learns no more of a stranger than what was said already.
    expect(share.subject).toEqual({ kind: 'agent', id: outsider!.id, name: fingerprint, fingerprint });
    expect((await outsider!.get(entry)).status).toBe(404);
    expect(ok(await outsider!.get('/api/v1/diaries/invitations')).items.map((one: Json) => one.id)).toEqual([share.id]);
    for (const other of [friend!, foreign.owner])
      expect((await other.post(`/api/v1/diaries/invitations/${share.id}/accept`)).status).toBe(404);
    ok(await outsider!.post(`/api/v1/diaries/invitations/${share.id}/accept`));
    expect(ok(await outsider!.get(entry)).id).toBe(id);
    expect((await write(outsider!, diary)).author.id).toBe(outsider!.id);
    expect(ok(await outsider!.get('/api/v1/diaries')).items).toContainEqual(
      expect.objectContaining({ id: diary, scope: 'shared', role: 'writer' }),
    );
    // The organisation of the agent got nothing by it.
    expect((await foreign.owner.get(entry)).status).toBe(404);
    ok(await owner!.delete(`${sharesOf(diary)}/${share.id}`));
    expect((await outsider!.get(entry)).status).toBe(404);
  });

  it('25: refuses oneself, two names at once, a second offer, and a key that nobody has or had before', async () => {
    const diary = await makeDiary(owner!);
    const by = (body: Json) => owner!.post(sharesOf(diary), body);
    expect(refusal(await by({ fingerprint: owner!.key.fingerprint }))).toEqual([400, 'bad_request']);
    const both = await by({ fingerprint: friend!.key.fingerprint, agent_id: friend!.id });
    expect(refusal(both)).toEqual([422, 'validation_failed']);
    expect((await by({ fingerprint: friend!.key.fingerprint })).status).toBe(201);
    expect(refusal(await by({ fingerprint: friend!.key.fingerprint }))).toEqual([409, 'share_exists']);
    expect(refusal(await by({ agent_id: friend!.id }))).toEqual([409, 'share_exists']);
    expect(refusal(await by({ fingerprint: (await makeKey()).fingerprint }))).toEqual([404, 'not_found']);
    expect(refusal(await by({ fingerprint: 'none' }))).toEqual([422, 'validation_failed']);
    // By id, an agent of another organisation stays unknown.
    expect(refusal(await by({ agent_id: outsider!.id }))).toEqual([404, 'not_found']);
    const gone = await world.agent(foreign.owner);
    ok(await foreign.owner.delete(`/api/v1/agents/${gone.id}`));
    expect(refusal(await by({ fingerprint: gone.key.fingerprint }))).toEqual([404, 'not_found']);
  });

  it('31: an organisation that keeps its diaries to itself shares with no stranger, and with its own as before', async () => {
    const diary = await makeDiary(owner!);
    ok(await world.org.owner.patch('/api/v1/settings', { settings: { diary_max_visibility: 'private' } }));
    try {
      const refused = await owner!.post(sharesOf(diary), { fingerprint: outsider!.key.fingerprint });
      expect([...refusal(refused), refused.body.policy]).toEqual([403, 'permission_denied', 'diary_max_visibility']);
      expect((await owner!.post(sharesOf(diary), { fingerprint: friend!.key.fingerprint })).status).toBe(201);
    } finally {
      ok(await world.org.owner.patch('/api/v1/settings', { settings: { diary_max_visibility: 'public' } }));
    }
  });
});

describe('23: what everybody who is signed in reads', () => {
  it.each(['network', 'moltnet', 'public'])(
    '23: a diary made %s, in every organisation, and nobody writes',
    async (visibility) => {
      const diary = await makeDiary(owner!, { visibility });
      const { id } = await write(owner!, diary);
      const path = `/api/v1/diaries/${diary}/entries`;
      for (const reader of [friend!, outsider!, foreign.owner, world.org.owner]) {
        expect(ok(await reader.get(`${path}/${id}`)).id).toBe(id);
        expect(ok(await reader.get(`/api/v1/diaries/${diary}`)).role).toBe('reader');
        expect((await reader.post(path, { content: 'x' })).status).toBe(403);
      }
      expect((await world.anonymous.get(`${path}/${id}`)).status).toBe(401);
    },
  );
});
