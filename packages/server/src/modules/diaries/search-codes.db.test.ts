import { readFileSync } from 'node:fs';
import { diariesShare } from '@atrium/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { direction, embed } from '../../../test/support/embedding-server.ts';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import { createTestDiaries, naming, searching, type TestDiaries, writing } from '../../../test/support/test-diaries.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { createDiariesServices, type DiariesServices } from './diaries-services.ts';
import { type Embedder, normalised } from './embedder.ts';
import { compareCodes, signCode, signWords } from './search/sign-codes.ts';
import { createSearchCodes } from './search-codes.ts';
import { type CandidateQuery, searchStore } from './search-store.ts';
import { searchByMeaning, toBytes } from './search-vector.ts';
import { vectorsStore } from './vectors-store.ts';

vi.setConfig({ testTimeout: 120_000 });

const model = 'toy';
/** Texts about the same things have vectors that lie close together. */
const embedder: Embedder = { model, embed: async (texts) => texts.map((text) => normalised(embed(model, text))) };

let t: TestDiaries;
let org: TestOrg;
let call: Call;
/** As another process over the same database. */
let other: DiariesServices;

beforeAll(async () => {
  t = await createTestDiaries({ embedder });
  other = createDiariesServices(t.parts);
  org = await makeOrg(t.pool, 'Home');
  call = callBy(await org.person('Ada'));
});
afterAll(() => t.drop());

const diaryOf = async (more = {}): Promise<string> =>
  (await t.services.diaries.create(call, naming(`Diary ${crypto.randomUUID()}`, more))).id;
const write = async (diary: string, content: string, more = {}): Promise<string> => {
  const { id } = await t.services.entries.create(call, writing(diary, content, more));
  await t.services.embedding.embedOne(id);
  return id;
};
type More = Parameters<typeof searching>[1];
const foundBy = async (services: DiariesServices, diary_ref: string, query: string, more: More = {}, by = call) =>
  (await services.search.search(by, searching(query, { diary_ref, mode: 'vector', limit: 50, ...more }))).items.map(
    ({ id }) => id,
  );

/** All of it is in sight. */
const anywhere = async (diary: string | null): Promise<CandidateQuery> => {
  const [reach] = await searchStore.reach(t.database.read, () => sql<boolean>`true`, diary);
  const filter = searching('x');
  return {
    reach: reach!,
    sees: () => sql<boolean>`e.deleted_at is null`,
    ...{ filter, now: t.clock.now(), phrases: [], excluded: [] },
  };
};

const random = seededRandom(7);
const around = (centre: readonly number[], spread: number): Float32Array =>
  normalised(centre.map((value) => value + spread * (random() - 0.5) * 256));

/** Many entries at once, with vectors but without words. */
const fill = async (diary: string, vectors: readonly Float32Array[]): Promise<string[]> => {
  const ids = vectors.map(() => newId());
  await t.pool.query(
    `insert into diary_entries (id, diary_id, org_id, content, author_kind, author_id, author_name, content_hash, content_id,
        length, embedding_state, created_at, updated_at, tsv_language)
     select n.id, $1, $2, 'filled', 'user', $3, 'Ada', n.id::text, n.id::text, 6, 'ready', $4, $4, 'english'
     from unnest($5::uuid[]) n (id)`,
    [diary, org.id, call.caller.id, t.clock.now(), ids],
  );
  await put(diary, ids, vectors);
  return ids;
};
const put = (diary_id: string, ids: readonly string[], vectors: readonly Float32Array[]): Promise<void> =>
  vectorsStore.put(
    t.database.read,
    ids.map((entry_id, at) => ({
      entry_id,
      diary_id,
      code: signCode(vectors[at]!),
      embedding: toBytes(vectors[at]!),
    })),
    model,
  );

describe('what another process wrote', () => {
  it('is found at once, and what it changed, deleted, purged or took away is gone at once', async () => {
    const diary = await diaryOf();
    expect(await foundBy(other, diary, 'car')).toEqual([]);
    const car = await write(diary, 'automobile');
    expect(await foundBy(other, diary, 'car')).toEqual([car]);
    const second = await write(diary, 'vehicle');
    expect((await foundBy(other, diary, 'car')).sort()).toEqual([car, second].sort());

    await t.services.entries.update(call, { diary_ref: diary, entry_id: car, content: 'physician' });
    expect(await foundBy(other, diary, 'car')).toEqual([second]);
    expect(await foundBy(other, diary, 'doctor')).toEqual([]);
    await t.services.embedding.embedOne(car);
    expect(await foundBy(other, diary, 'doctor')).toEqual([car]);
    expect(await foundBy(other, diary, 'car')).toEqual([second]);

    await t.services.entries.delete(call, { diary_ref: diary, entry_id: second, purge: false });
    expect(await foundBy(other, diary, 'car')).toEqual([]);
    await t.services.entries.restoreOne(call, { diary_ref: diary, entry_id: second });
    await t.services.embedding.embedOne(second);
    expect(await foundBy(other, diary, 'car')).toEqual([second]);
    await t.services.entries.delete(call, { diary_ref: diary, entry_id: second, purge: true });
    expect(await foundBy(other, diary, 'car')).toEqual([]);

    const reader = callBy(await org.agent(`Agent ${crypto.randomUUID()}`));
    const share = await t.services.shares.share(
      call,
      diariesShare.input.parse({ diary_ref: diary, agent_id: reader.caller.id }),
    );
    await t.services.shares.accept(reader, share.id);
    expect(await foundBy(other, diary, 'doctor', {}, reader)).toEqual([car]);
    await t.services.shares.revoke(call, { diary_ref: diary, share_id: share.id });
    await expect(foundBy(other, diary, 'doctor', {}, reader)).rejects.toMatchObject({ code: 'not_found' });
    const everywhere = searching('doctor', { mode: 'vector', scope: ['own', 'shared', 'team', 'network', 'public'] });
    expect((await other.search.search(reader, everywhere)).items).toEqual([]);

    await t.services.diaries.remove(call, diary);
    const { rows } = await t.pool.query('select from diary_vector_counts where diary_id = $1', [diary]);
    expect(rows).toEqual([]);
  });

  it('is found by every search that begins after its commit, while many write and many search', async () => {
    const diary = await diaryOf();
    const centre = direction(model, 'car');
    const query = { values: normalised(centre), model };
    const codes = createSearchCodes(2 ** 20);
    // Written at once, so that which commits first is not which began first.
    const writer = async (n: number): Promise<void> => {
      for (let round = 0; round < 8; round += 1) {
        const ids = await fill(diary, [around(centre, 0.5), around(centre, 0.5)]);
        const found = await searchByMeaning(t.database.read, codes, query, await anywhere(diary));
        const known = new Set(found.map(({ id }) => id));
        expect(
          ids.filter((id) => !known.has(id)),
          `writer ${n}, round ${round}`,
        ).toEqual([]);
      }
    };
    await Promise.all(Array.from({ length: 6 }, (_, n) => writer(n)));
  });
});

describe('codes in memory', () => {
  it('come in the order in which PostgreSQL compares them, whatever was written, changed and purged', async () => {
    const diaries = [await diaryOf(), await diaryOf(), await diaryOf()];
    const centre = direction(model, 'weather');
    const alive = new Map<string, string>();
    const codes = createSearchCodes(2 ** 20);
    const db = t.database.read;
    for (let round = 0; round < 12; round += 1) {
      const diary = diaries[Math.floor(random() * diaries.length)]!;
      const made = Array.from({ length: Math.floor(random() * 20) }, () => around(centre, random() * 4));
      for (const id of await fill(diary, made)) alive.set(id, diary);
      for (const [id, of] of alive) {
        const chance = random();
        if (chance < 0.1) await put(of, [id], [around(centre, 1)]);
        if (chance < 0.9) continue;
        await t.pool.query('delete from diary_entries where id = $1', [id]);
        alive.delete(id);
      }
      const query = await anywhere(null);
      const values = around(centre, 1);
      const sets = await codes.of(db, query.reach, model);
      const compared = await (await compareCodes(sets!, signWords(values))).take(0, 5000);
      const { rows } = await t.pool.query('select diary_id, position::int from diary_vector_codes where model = $1', [
        model,
      ]);
      const live = new Set(rows.map((row) => `${row.diary_id} ${row.position}`));
      const inMemory = compared.places.filter(({ set, position }) =>
        live.has(`${query.reach.diary_ids[set]} ${position}`),
      );
      const inDatabase = await searchStore.nearest(db, query, { code: signCode(values), model }, false, 5000);
      expect(inMemory).toEqual(inDatabase.places);
      // And so the answers are the same, with all, with some and with none of it in memory.
      const answers = await Promise.all(
        [2 ** 20, 4000, 1].map((limit) =>
          searchByMeaning(db, limit === 2 ** 20 ? codes : createSearchCodes(limit), { values, model }, query),
        ),
      );
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    }
    expect(alive.size).toBeGreaterThan(20);
  });

  it('give way to those of the diary that is searched, and the answers stay the same', async () => {
    const diaries: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const diary = await diaryOf();
      await fill(
        diary,
        Array.from({ length: 30 }, () => around(direction(model, 'car'), 1)),
      );
      diaries.push(diary);
    }
    const ask = (services: DiariesServices) =>
      Promise.all([...diaries, ...diaries].map((diary) => foundBy(services, diary, 'car')));
    // Room for two, for none, and for all.
    const [two, none, all] = [6500, 1, 2 ** 20].map((codes_bytes) =>
      createDiariesServices({ ...t.parts, codes_bytes }),
    );
    const whole = await ask(all!);
    expect(whole.every((ids) => ids.length === 30)).toBe(true);
    for (let round = 0; round < 3; round += 1) expect(await ask(two!)).toEqual(whole);
    expect(await ask(none!)).toEqual(whole);
    const more = await fill(diaries[0]!, [around(direction(model, 'car'), 0.1)]);
    expect(await foundBy(two!, diaries[0]!, 'car')).toContain(more[0]);
  });

  it('lead to an entry behind ten thousand nearer ones when a filter takes nothing else, and behind those that wait', {
    tags: ['long'],
  }, async () => {
    const diary = await diaryOf();
    const centre = direction(model, 'car');
    const near = await fill(diary, new Array<Float32Array>(9500).fill(around(centre, 0.3)));
    const rare = await write(diary, 'car umbrella', { tags: ['rare'] });
    for (const services of [t.services, other, createDiariesServices({ ...t.parts, codes_bytes: 1 })])
      expect(await foundBy(services, diary, 'car', { tags: ['rare'] })).toEqual([rare]);
    expect((await foundBy(other, diary, 'car'))[0]).not.toBe(rare);
    // As when they were all changed while the model is away.
    await t.pool.query('delete from diary_vector_codes where entry_id = any($1)', [near]);
    expect(await foundBy(other, diary, 'car')).toEqual([rare]);
  });

  it('are read anew once most of their entries are gone', async () => {
    const diary = await diaryOf();
    const ids = await fill(diary, new Array<Float32Array>(1200).fill(around(direction(model, 'car'), 1)));
    const codes = createSearchCodes(2 ** 20);
    const { reach } = await anywhere(diary);
    // Entries without words are not counted, so how many there are is said here.
    const held = async (entries: number) =>
      (await codes.of(t.database.read, { ...reach, codes: [{ ...reach.codes[0]!, entries }] }, model))![0]!.count;
    expect(await held(1200)).toBe(1200);
    await t.pool.query('delete from diary_entries where id = any($1)', [ids.slice(0, 1195)]);
    expect(await held(300)).toBe(1200);
    expect(await held(5)).toBe(5);
  });

  it('are read by searches that begin together once, and again after a failure', async () => {
    const diary = await diaryOf();
    await fill(diary, [around(direction(model, 'car'), 1)]);
    const codes = createSearchCodes(2 ** 20);
    const { reach } = await anywhere(diary);
    const read = vi.spyOn(vectorsStore, 'codesSince');
    try {
      read.mockRejectedValueOnce(new Error('The connection was lost.'));
      const first = await Promise.allSettled([1, 2, 3].map(() => codes.of(t.database.read, reach, model)));
      // Who asked is told; those who only waited ask themselves, one for all.
      expect(first.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
      expect(read).toHaveBeenCalledTimes(2);
      expect((await codes.of(t.database.read, reach, model))![0]!.count).toBe(1);
      expect(read).toHaveBeenCalledTimes(2);
    } finally {
      read.mockRestore();
    }
  });
});

it('an update gives a place and a version to every vector that there is', async () => {
  const diary = await diaryOf();
  const ids = await fill(
    diary,
    Array.from({ length: 50 }, () => around(direction(model, 'car'), 1)),
  );
  await put(
    diary,
    ids.slice(10, 20),
    Array.from({ length: 10 }, () => around(direction(model, 'car'), 1)),
  );
  await t.pool.query(
    `insert into diary_vector_codes (entry_id, diary_id, model, code, position, version)
     select entry_id, diary_id, 'former', code, position, version + 1000 from diary_vector_codes where diary_id = $1`,
    [diary],
  );
  const before = await foundBy(other, diary, 'car');
  // As the tables were before.
  await t.pool.query(
    `drop trigger diary_diaries_vectors_end on diary_diaries;
     drop function diary_vectors_end();
     drop table diary_vector_counts;
     alter table diary_vector_codes drop column version, drop column position;
     create index diary_vector_codes_diary on diary_vector_codes (diary_id, model);`,
  );
  await t.pool.query(readFileSync(new URL('./migrations/007-vector-places.sql', import.meta.url), 'utf8'));
  const { rows } = await t.pool.query(
    `select count(*)::int as codes, count(distinct c.version)::int as versions, min(c.version)::int as first,
        max(c.version)::int as last, bool_and(c.position = e.position) as placed,
        (select version::int from diary_vector_counts where diary_id = $1) as counted
     from diary_vector_codes c join diary_entries e on e.id = c.entry_id where c.diary_id = $1`,
    [diary],
  );
  expect(rows).toEqual([{ codes: 100, versions: 100, first: 1, last: 100, placed: true, counted: 100 }]);
  const updated = createDiariesServices(t.parts);
  expect(await foundBy(updated, diary, 'car')).toEqual(before);
  const more = await write(diary, 'automobile');
  expect(await foundBy(updated, diary, 'car')).toContain(more);
});
