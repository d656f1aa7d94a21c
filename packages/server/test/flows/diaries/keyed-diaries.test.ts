import { fromBase64, rotationProof, signBytes, signEntry, verifyDiaryArchive } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../../support/agent-key.ts';
import { diaryAgent, makeDiary, write } from '../../support/diary-scene.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { type Agent, type Org, ok, openWorld, type World } from '../../support/people.ts';
import type { Json, RestClient } from '../../support/rest-client.ts';

let world: KeyWorld;
let foreign: Org;
let [owner, friend, outsider]: KeyedAgent[] = [];

beforeAll(async () => {
  world = await openKeyWorld({ shared: true });
  foreign = await world.makeOrg('Elsewhere');
  [owner, friend, outsider] = [await world.agent(), await world.agent(), await world.agent(foreign.owner)];
});
afterAll(() => world.close());

const keyOfNobody = '0000-0000-0000-0000';
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

  it('25: a share is changed and revoked by a key that its agent has, or had when it was invited', async () => {
    const [diary, another] = [await makeDiary(owner!), await makeDiary(owner!)];
    const guest = await world.agent();
    const former = guest.key.fingerprint;
    const share = ok(await owner!.post(sharesOf(diary), { fingerprint: former }));
    ok(await owner!.post(sharesOf(another), { fingerprint: friend!.key.fingerprint }));
    ok(await guest.post(`/api/v1/diaries/invitations/${share.id}/accept`));
    const fresh = await makeKey();
    const proof = rotationProof(guest.id, guest.key.public_key, fresh.public_key);
    ok(
      await guest.post('/api/v1/agents/rotate-key', {
        public_key: fresh.public_key,
        ...{ old_signature: await guest.key.sign(proof), new_signature: await fresh.sign(proof) },
      }),
    );
    const named = (fingerprint: string) => `${sharesOf(diary)}/${fingerprint}`;
    const changed = await owner!.patch(named(fresh.fingerprint.toLowerCase()), { role: 'writer' });
    expect(ok(changed)).toMatchObject({ id: share.id, role: 'writer' });
    expect((await write(guest, diary)).author.id).toBe(guest.id);
    // Whose key it is does not matter when the share is of another diary, or of nobody.
    for (const other of [friend!.key.fingerprint, owner!.key.fingerprint, keyOfNobody])
      expect(refusal(await owner!.delete(named(other)))).toEqual([404, 'not_found']);
    expect(refusal(await owner!.delete(named('no-key')))).toEqual([422, 'validation_failed']);
    expect(refusal(await outsider!.delete(named(former)))).toEqual([404, 'not_found']);
    ok(await owner!.delete(named(former)));
    expect((await guest.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    expect(ok(await owner!.get(sharesOf(another))).items).toHaveLength(1);
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

/** Writes an entry as its author signs it. */
const signedWrite = async (by: KeyedAgent, diary: Json, content: string, more: Json = {}): Promise<Json> => {
  const said = { content, title: null, tags: [], entry_type: 'semantic', ...more };
  const signature = await signEntry(by.key.private_key, said, diary.chain_id);
  return by.post(`/api/v1/diaries/${diary.id}/entries`, { content, ...more, signature });
};

const signedDiary = async (by: KeyedAgent): Promise<Json> =>
  ok(await by.post('/api/v1/diaries', { name: `Signed ${crypto.randomUUID()}`, signed: true }));

const exportOf = async (by: KeyedAgent, diary: string, input: Json = {}): Promise<string> => {
  const response = await fetch(`${world.url}/api/v1/diaries/${diary}/export`, {
    method: 'POST',
    headers: { authorization: `Bearer ${by.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  expect(response.status).toBe(200);
  return response.text();
};

const importTo = async (url: string, token: string, archive: string, query = ''): Promise<Json> => {
  const response = await fetch(`${url}/api/v1/diaries/import${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/jsonl' },
    body: archive,
  });
  return { status: response.status, body: await response.json() };
};

/** Takes effect past the trigger, as only the superuser of the database can do it. */
const tamper = async (statement: string, values: unknown[]): Promise<void> => {
  const client = await world.database.connect();
  try {
    await client.query('begin');
    await client.query('set local session_replication_role = replica');
    await client.query(statement, values);
    await client.query('commit');
  } finally {
    client.release();
  }
};

describe('50: signed diaries', () => {
  it('50: fifty parallel writers make one unbroken chain, which verifies with the archive alone', async () => {
    const diary = await signedDiary(owner!);
    const share = ok(await owner!.post(sharesOf(diary.id), { fingerprint: outsider!.key.fingerprint, role: 'writer' }));
    ok(await outsider!.post(`/api/v1/diaries/invitations/${share.id}/accept`));
    const written = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        signedWrite(n % 2 === 0 ? owner! : outsider!, diary, `Entry ${n}`, {
          confidence: n / 7 / 10,
          importance: 1 + (n % 10),
        }),
      ),
    );
    expect(written.map(({ status }) => status)).toEqual(written.map(() => 201));
    const seqs = written.map(({ body }) => body.proof.seq).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    const verified = ok(await owner!.post(`/api/v1/diaries/${diary.id}/verify`));
    expect(verified).toMatchObject({
      signed: true,
      valid: true,
      entries: 50,
      erased: 0,
      broken: null,
      head: { seq: 50 },
    });
    const report = await verifyDiaryArchive(await exportOf(owner!, diary.id));
    expect(report).toMatchObject({
      ok: true,
      entries: 50,
      diary: { chain: { id: diary.chain_id, head: verified.head } },
    });
    const { id } = written[1]!.body;
    expect(ok(await owner!.post(`/api/v1/diaries/${diary.id}/entries/${id}/verify`))).toMatchObject({
      ...{ signed: true, hash_matches: true, signature_valid: true, valid: true },
      agent_fingerprint: outsider!.key.fingerprint,
    });
  });

  it('50: takes nothing that its author did not sign for this diary', async () => {
    const [diary, other] = [await signedDiary(owner!), await signedDiary(owner!)];
    const path = `/api/v1/diaries/${diary.id}/entries`;
    const unsigned = await owner!.post(path, { content: 'Said' });
    expect(refusal(unsigned)).toEqual([422, 'entry_signature_required']);
    // What it is told is what it has to sign.
    const signature = await signBytes(owner!.key.private_key, fromBase64(unsigned.body.signing_input)!);
    const first = ok(await owner!.post(path, { content: 'Said', signature }));
    expect(first.content_id).toBe(unsigned.body.content_id);
    expect(refusal(await owner!.post(path, { content: 'Said', signature }))).toEqual([409, 'entry_duplicate']);
    expect(refusal(await owner!.post(path, { content: 'Else', signature }))).toEqual([400, 'invalid_signature']);
    const elsewhere = `/api/v1/diaries/${other.id}/entries`;
    expect(refusal(await owner!.post(elsewhere, { content: 'Said', signature }))).toEqual([400, 'invalid_signature']);
    const plain = await makeDiary(owner!);
    expect(refusal(await owner!.post(`/api/v1/diaries/${plain}/entries`, { content: 'Said', signature }))).toEqual([
      422,
      'validation_failed',
    ]);
    const share = ok(await owner!.post(sharesOf(diary.id), { user_id: world.org.owner.id, role: 'writer' }));
    ok(await world.org.owner.post(`/api/v1/diaries/invitations/${share.id}/accept`));
    const person = await world.org.owner.post(path, { content: 'By hand' });
    expect([...refusal(person), person.body.required]).toEqual([403, 'permission_denied', 'principal:key']);
    expect((await signedWrite(friend!, diary, 'By a stranger')).status).toBe(404);
  });

  it('50: no entry is changed or deleted by any door, nor by SQL; it is superseded, and erased to its hashes', async () => {
    const diary = await signedDiary(owner!);
    const entries = [];
    for (const content of ['one', 'two', 'three']) entries.push(ok(await signedWrite(owner!, diary, content)));
    const [one, two, three] = entries.map((entry) => entry.id as string);
    const at = (id: string) => `/api/v1/diaries/${diary.id}/entries/${id}`;
    const bulk = (action: string, more: Json = {}) =>
      owner!.post(`/api/v1/diaries/${diary.id}/entries/bulk`, { filter: { ids: [one] }, action, ...more });
    for (const refused of [
      await owner!.patch(at(one!), { content: 'changed' }),
      await owner!.patch(at(one!), { superseded_by: two }),
      await owner!.patch(at(one!), { importance: 9 }),
      await owner!.delete(at(one!)),
      await owner!.post(`${at(one!)}/restore`, { version: 1 }),
      await bulk('delete'),
      await bulk('archive'),
      await bulk('tag', { add_tags: ['x'] }),
    ])
      expect(refusal(refused)).toEqual([409, 'entry_immutable']);
    for (const statement of [
      "update diary_entries set content = 'changed' where id = $1",
      'update diary_entries set importance = 9 where id = $1',
      'update diary_entries set deleted_at = now() where id = $1',
      "update diary_entries set erased_at = now(), deleted_at = now(), content = 'other' where id = $1",
      'update diary_entries set signature = null where id = $1',
      'delete from diary_entries where id = $1',
    ])
      await expect(world.database.query(statement, [one])).rejects.toMatchObject({ code: '23001' });

    const better = ok(await signedWrite(owner!, diary, 'two, corrected'));
    const said = { content: 'one, corrected', title: null, tags: [], entry_type: 'semantic' };
    const signature = await signEntry(owner!.key.private_key, said, diary.chain_id);
    ok(await owner!.post(`${at(one!)}/supersede`, { content: said.content, signature }));
    expect(ok(await owner!.get(at(one!))).superseded_at).not.toBeNull();
    expect((await owner!.delete(`${at(two!)}?purge=true`)).status).toBe(204);
    expect((await owner!.get(at(two!))).status).toBe(404);
    const { rows } = await world.database.query(
      `select (select string_agg(e::text, '') from diary_entries e where id = $1) ||
         (select string_agg(r::text, '') from diary_entry_revisions r where entry_id = $1) as all`,
      [two],
    );
    expect(rows[0].all).not.toContain(',two,');
    expect(rows[0].all).toContain(entries[1]!.content_id);
    expect(ok(await owner!.post(`/api/v1/diaries/${diary.id}/verify`))).toMatchObject({
      valid: true,
      entries: 5,
      erased: 1,
    });
    expect(await verifyDiaryArchive(await exportOf(owner!, diary.id))).toMatchObject({ ok: true, erased: 1 });
    expect(ok(await owner!.get(at(better.id))).id).toBe(better.id);
    // With its diary everything goes.
    ok(await owner!.delete(`/api/v1/diaries/${diary.id}`));
    const left = await world.database.query('select from diary_entries where id = $1', [three]);
    expect(left.rowCount).toBe(0);
  });

  it('50: what a superuser changes is found, by the server and by whoever holds the archive alone', async () => {
    const key = await makeKey();
    const cases: [string, string, unknown[], string][] = [
      ['text', "update diary_entries set content = 'forged' where id = $1", [], 'content_mismatch'],
      ['importance', 'update diary_entries set importance = 10 where id = $1', [], 'hash_mismatch'],
      ['confidence', 'update diary_entries set confidence = 0.5 where id = $1', [], 'hash_mismatch'],
      [
        'time',
        "update diary_entries set created_at = created_at - interval '1 day' where id = $1",
        [],
        'hash_mismatch',
      ],
      ['author', 'update diary_entries set signer_key = $2 where id = $1', [key.public_key], 'hash_mismatch'],
      ['place', 'update diary_entries set chain_seq = chain_seq + 100 where id = $1', [], 'out_of_order'],
      ['row', 'delete from diary_entries where id = $1', [], 'out_of_order'],
    ];
    for (const [what, statement, values, problem] of cases) {
      const diary = await signedDiary(owner!);
      const ids: string[] = [];
      for (const n of [1, 2, 3, 4])
        ids.push(ok(await signedWrite(owner!, diary, `${what} ${n}`, { confidence: 0.123456789 })).id);
      await tamper(statement, [ids[1], ...values]);
      const gone = what === 'row' || what === 'place';
      const first = gone ? ids[2] : ids[1];
      const { valid, broken } = ok(await owner!.post(`/api/v1/diaries/${diary.id}/verify`));
      expect([what, valid, broken.entry_id, broken.problem]).toEqual([what, false, first, problem]);
      const report = await verifyDiaryArchive(await exportOf(owner!, diary.id));
      expect([what, report.ok, report.entry_id, report.chain?.problem]).toEqual([what, false, first, problem]);
    }
    const cut = await signedDiary(owner!);
    const [kept, last] = [ok(await signedWrite(owner!, cut, 'kept')), ok(await signedWrite(owner!, cut, 'last'))];
    await tamper('delete from diary_entries where id = $1', [last.id]);
    expect(ok(await owner!.post(`/api/v1/diaries/${cut.id}/verify`)).broken).toEqual({
      ...{ entry_id: null, seq: 2, problem: 'incomplete' },
    });
    const report = await verifyDiaryArchive(await exportOf(owner!, cut.id));
    expect([report.ok, report.problem, report.entries]).toEqual([false, 'chain_incomplete', 1]);
    expect(kept.proof.seq).toBe(1);
  });
});

describe('51: export and import', () => {
  let away: World;
  let keeper: Agent;
  beforeAll(async () => {
    away = await openWorld();
    keeper = await diaryAgent(await away.makeOrg('Away'), 'Keeper');
  });
  afterAll(() => away.close());

  const entriesOf = async (by: RestClient, diary: string): Promise<Json[]> =>
    ok(
      await by.get(
        `/api/v1/diaries/${diary}/entries?limit=200&include_superseded=true&include_expired=true&status=active,archived,quarantined,dead_end`,
      ),
    ).items;
  const contentIds = (entries: Json[]) => entries.map((entry) => entry.content_id).sort();

  it('51: a signed diary comes to another server whole, with its signatures and its chain, and goes on there', async () => {
    const diary = await signedDiary(owner!);
    const [old, , erased] = [
      ok(await signedWrite(owner!, diary, 'old', { tags: ['b', 'a'], title: 'Title' })),
      ok(await signedWrite(owner!, diary, 'kept', { importance: 9, confidence: 0.7 })),
      ok(await signedWrite(owner!, diary, 'secret')),
    ];
    const said = { content: 'new', title: null, tags: [], entry_type: 'semantic' };
    const signature = await signEntry(owner!.key.private_key, said, diary.chain_id);
    ok(await owner!.post(`/api/v1/diaries/${diary.id}/entries/${old.id}/supersede`, { content: 'new', signature }));
    ok(await owner!.delete(`/api/v1/diaries/${diary.id}/entries/${erased.id}?purge=true`));
    const before = await entriesOf(owner!, diary.id);
    const archive = await exportOf(owner!, diary.id);
    ok(await owner!.delete(`/api/v1/diaries/${diary.id}`));

    const first = await importTo(away.url, keeper.token, archive);
    expect(first).toMatchObject({ status: 201, body: { entries: 4, added: 4, skipped: 0, next_after: null } });
    const copy = first.body.diary;
    expect(copy).toMatchObject({ signed: true, chain_id: diary.chain_id, visibility: 'private', role: 'owner' });
    const after = await entriesOf(keeper, copy.id);
    expect(contentIds(after)).toEqual(contentIds(before));
    expect(after.map((entry) => entry.proof)).toEqual(before.map((entry) => entry.proof));
    expect(after.find((entry) => entry.content === 'old')).toMatchObject({
      superseded_by: after.find((entry) => entry.content === 'new')!.id,
      author: { id: null, name: expect.stringContaining('(imported)') },
      untrusted: true,
    });
    expect(ok(await keeper.post(`/api/v1/diaries/${copy.id}/verify`))).toMatchObject({
      valid: true,
      entries: 4,
      erased: 1,
    });
    const again = await importTo(away.url, keeper.token, archive, '?policy=skip');
    expect(again.body).toMatchObject({ added: 0, replaced: 0, skipped: 4, diary: { id: copy.id } });
    expect(await entriesOf(keeper, copy.id)).toEqual(after);
    expect(refusal(await importTo(away.url, keeper.token, archive, `?policy=copy&diary_ref=${copy.id}`))).toEqual([
      422,
      'validation_failed',
    ]);
    // Back where its author is known by the key, and may go on.
    const back = await importTo(world.url, owner!.token, archive);
    const home = ok(await owner!.get(`/api/v1/diaries/${back.body.diary.id}/entries`)).items;
    expect(home.map((entry: Json) => [entry.content, entry.author.id])).toEqual([
      ['new', owner!.id],
      ['kept', owner!.id],
    ]);
    expect((await signedWrite(owner!, back.body.diary, 'more')).body.proof.seq).toBe(5);
    expect(ok(await owner!.post(`/api/v1/diaries/${back.body.diary.id}/verify`)).valid).toBe(true);
    // Here it has gone on; what the archive holds is still the beginning of it.
    expect((await importTo(world.url, owner!.token, archive)).body).toMatchObject({ added: 0, skipped: 4 });
  });

  it('51: an archive altered by one byte anywhere is refused, and nothing of it stays', async () => {
    const diary = await signedDiary(owner!);
    ok(await signedWrite(owner!, diary, 'one'));
    const plain = await makeDiary(owner!);
    await write(owner!, plain, { content: 'plain', tags: ['t'], confidence: 0.25 });
    const count = async () => ok(await keeper.get('/api/v1/diaries?limit=200')).items.length;
    const before = await count();
    for (const archive of [await exportOf(owner!, diary.id), await exportOf(owner!, plain)]) {
      expect((await verifyDiaryArchive(archive)).ok).toBe(true);
      // Each byte in turn; the one line end behind the last line is no part of a line.
      for (let at = 0; at < archive.length - 1; at += 1) {
        const other = archive[at] === '7' ? '8' : archive[at] === ' ' ? '_' : archive[at] === '"' ? ' ' : '7';
        const altered = `${archive.slice(0, at)}${other}${archive.slice(at + 1)}`;
        const report = await verifyDiaryArchive(altered);
        expect([at, report.ok]).toEqual([at, false]);
      }
      for (const at of [10, Math.floor(archive.length / 2), archive.length - 20]) {
        const altered = `${archive.slice(0, at)}${archive[at] === 'x' ? 'y' : 'x'}${archive.slice(at + 1)}`;
        const refused = await importTo(away.url, keeper.token, altered);
        expect([...refusal(refused), typeof refused.body.problem]).toEqual([422, 'archive_invalid', 'string']);
      }
      const lines = archive.trimEnd().split('\n');
      for (const cut of [
        lines.slice(0, -1),
        [lines[0], lines.at(-1)],
        [...lines.slice(0, 2), lines[1], ...lines.slice(2)],
        [...lines, lines[1]],
      ])
        expect(refusal(await importTo(away.url, keeper.token, cut.join('\n')))).toEqual([422, 'archive_invalid']);
      const { signer } = await verifyDiaryArchive(archive);
      const other = await importTo(away.url, keeper.token, archive, `?signer=${keyOfNobody}`);
      expect([...refusal(other), other.body.signer]).toEqual([422, 'archive_invalid', signer!.fingerprint]);
    }
    for (const nothing of ['', 'x', '{}', '\0'.repeat(100)])
      expect(refusal(await importTo(away.url, keeper.token, nothing))).toEqual([422, 'archive_invalid']);
    expect(await count()).toBe(before);
  });

  it('51: skip leaves, replace makes equal, copy adds once more', async () => {
    const diary = await makeDiary(owner!, { name: 'Plain' });
    const [a, b] = [await write(owner!, diary, { content: 'a' }), await write(owner!, diary, { content: 'b' })];
    ok(await owner!.post(`/api/v1/diaries/${diary}/entries/${a.id}/supersede`, { content: 'a, corrected' }));
    const archive = await exportOf(owner!, diary);
    const made = (await importTo(away.url, keeper.token, archive)).body;
    expect(made).toMatchObject({ added: 3, replaced: 0, skipped: 0 });
    const path = `/api/v1/diaries/${made.diary.id}/entries`;
    const list = async () => (await entriesOf(keeper, made.diary.id)).map((entry) => entry.content).sort();
    expect(await list()).toEqual(['a', 'a, corrected', 'b']);
    const here = (await entriesOf(keeper, made.diary.id)).find((entry) => entry.content === 'b')!;
    ok(await keeper.patch(`${path}/${here.id}`, { content: 'b, changed here' }));
    expect((await importTo(away.url, keeper.token, archive)).body).toMatchObject({ added: 0, skipped: 3 });
    expect(await list()).toEqual(['a', 'a, corrected', 'b, changed here']);
    expect((await importTo(away.url, keeper.token, archive, '?policy=replace')).body).toMatchObject({
      replaced: 1,
      skipped: 2,
    });
    expect(await list()).toEqual(['a', 'a, corrected', 'b']);
    expect(ok(await keeper.get(`${path}/${here.id}/history`)).items.length).toBe(3);
    ok(await keeper.delete(`${path}/${here.id}`));
    expect((await importTo(away.url, keeper.token, archive, '?policy=replace')).body).toMatchObject({
      replaced: 1,
      skipped: 2,
    });
    expect(await list()).toEqual(['a', 'a, corrected', 'b']);
    const twice = await importTo(away.url, keeper.token, archive, `?policy=copy&diary_ref=${made.diary.id}`);
    expect(twice.body).toMatchObject({ added: 3, skipped: 0 });
    expect(await list()).toEqual(['a', 'a', 'a, corrected', 'a, corrected', 'b', 'b']);
    expect((await importTo(away.url, keeper.token, archive, '?policy=copy')).body.diary.id).not.toBe(made.diary.id);
    expect(b.content).toBe('b');
    const jsonl = (await exportOf(owner!, diary, { format: 'jsonl' }))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(jsonl.map((line) => line.content)).toEqual(['a', 'b', 'a, corrected']);
  });

  it('51: is for the owner to take out, and for nobody to slip into a diary of others', async () => {
    const diary = await makeDiary(owner!);
    await write(owner!, diary);
    const archive = await exportOf(owner!, diary);
    for (const [role, expected] of [
      ['reader', 403],
      ['writer', 403],
    ] as const) {
      const share = ok(await owner!.post(sharesOf(diary), { agent_id: friend!.id, role }));
      ok(await friend!.post(`/api/v1/diaries/invitations/${share.id}/accept`));
      for (const act of ['export', 'verify']) {
        expect((await friend!.post(`/api/v1/diaries/${diary}/${act}`)).status).toBe(expected);
        expect((await outsider!.post(`/api/v1/diaries/${diary}/${act}`)).status).toBe(404);
        expect((await world.anonymous.post(`/api/v1/diaries/${diary}/${act}`)).status).toBe(401);
      }
      const into = await importTo(world.url, friend!.token, archive, `?policy=copy&diary_ref=${diary}`);
      expect(into.status).toBe(role === 'writer' ? 201 : 403);
      ok(await owner!.delete(`${sharesOf(diary)}/${share.id}`));
    }
    expect((await importTo(world.url, outsider!.token, archive, `?diary_ref=${diary}`)).status).toBe(404);
    // Without a name it goes nowhere but into a diary of one's own.
    const own = await importTo(world.url, outsider!.token, archive);
    expect(own.body.diary).toMatchObject({ owner: { id: outsider!.id }, visibility: 'private' });
    expect(own.body.diary.id).not.toBe(diary);
  });
});
