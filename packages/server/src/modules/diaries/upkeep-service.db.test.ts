import {
  diariesDigest,
  diariesFindDuplicates,
  diariesListAccess,
  diariesListDuplicates,
  diariesListTags,
  feedSearch,
  type InputOf,
  type MergeView,
} from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { callBy, makeOrg } from '../../../test/support/make-inbox.ts';
import { createTestDiaries, naming, searching, type TestDiaries, writing } from '../../../test/support/test-diaries.ts';
import { anonymousCaller } from '../../platform/http/anonymous-caller.ts';
import type { Call } from '../../platform/operations/call.ts';
import { createDiariesServices } from './diaries-services.ts';

// Dozens of entries a test, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000 });

let t: TestDiaries;
let call: Call;
let stranger: Call;

beforeAll(async () => {
  t = await createTestDiaries();
  const org = await makeOrg(t.pool, 'Home');
  [call, stranger] = [callBy(await org.person('Ada')), callBy(await org.person('Bob'))];
});
afterAll(() => t.drop());

const diaryOf = async (more = {}): Promise<string> =>
  (await t.services.diaries.create(call, naming(`Diary ${crypto.randomUUID()}`, more))).id;
const write = async (diary: string, content: string, more = {}): Promise<string> => {
  t.clock.advance(1000);
  return (await t.services.entries.create(call, writing(diary, content, more))).id;
};
const look = (diary_ref: string, more: Partial<InputOf<typeof diariesFindDuplicates>> = {}) =>
  t.services.upkeep.findDuplicates(call, diariesFindDuplicates.input.parse({ diary_ref, ...more }));
const listed = async (diary_ref: string, more: Partial<InputOf<typeof diariesListDuplicates>> = {}, by = call) =>
  (await t.services.upkeep.listDuplicates(by, diariesListDuplicates.input.parse({ diary_ref, ...more }))).items;
const decide = (diary_ref: string, merge: MergeView, decision: 'accepted' | 'rejected') =>
  t.services.relations.decide(call, { diary_ref, entry_id: merge.from.id, relation_id: merge.id, decision });
const pairs = (merges: readonly MergeView[]) => merges.map(({ from, to }) => [from.id, to.id]);
const entryOf = (diary_ref: string, entry_id: string) =>
  t.services.entries.get(call, { diary_ref, entry_id, include_expired: false });

const report = 'The deployment of the payment service failed because the certificate of the gateway had expired.';

describe('duplicates', () => {
  test('are the same text, or one that differs by a few letters; not one with other numbers or other words', async () => {
    const diary = await diaryOf();
    const first = await write(diary, report);
    await write(diary, 'The deployment of the payment service went well, and everybody went home early that day.');
    await write(diary, `${report} It took 5 minutes.`);
    await write(diary, `${report} It took 6 minutes.`);
    const typo = await write(diary, report.replace('certificate', 'certifcate'));
    const same = await write(diary, report);
    const merges = (await look(diary)).proposed;
    expect(pairs(merges)).toEqual(
      expect.arrayContaining([
        [same, first],
        [same, typo],
        [typo, first],
      ]),
    );
    expect(merges).toHaveLength(3);
    const [exact] = merges;
    expect(exact).toMatchObject({ reason: 'same_text', similarity: 1, status: 'proposed' });
    expect(merges.slice(1).every(({ similarity }) => similarity > 0.9 && similarity < 1)).toBe(true);
  });

  test('short texts are proposed only when they are the same', async () => {
    const diary = await diaryOf();
    await write(diary, 'Deploy done');
    await write(diary, 'Deploys done');
    expect((await look(diary)).proposed).toEqual([]);
    await write(diary, 'Deploy done');
    expect((await look(diary)).proposed).toHaveLength(1);
  });

  test('rejected they are not proposed again; changed ones are, with what they say now', async () => {
    const diary = await diaryOf();
    const [older, newer] = [await write(diary, report), await write(diary, report)];
    const [merge] = (await look(diary)).proposed;
    await decide(diary, merge!, 'rejected');
    expect((await look(diary)).proposed).toEqual([]);
    expect(await listed(diary)).toEqual([]);
    expect(await listed(diary, { status: ['rejected'] })).toMatchObject([{ id: merge!.id }]);

    const third = await write(diary, report);
    const before = (await look(diary)).proposed;
    expect(pairs(before).sort()).toEqual(
      [
        [third, newer],
        [third, older],
      ].sort(),
    );
    const change = { content: `${report} Nobody had looked.` };
    await t.services.entries.update(call, { diary_ref: diary, entry_id: third, ...change });
    // What was proposed about another text stands no longer, and cannot be accepted by accident.
    expect(await listed(diary)).toEqual([]);
    await expect(decide(diary, before[0]!, 'accepted')).rejects.toMatchObject({ code: 'entry_version_conflict' });
    expect((await entryOf(diary, older)).superseded_at).toBeNull();
    const after = (await look(diary)).proposed;
    expect(pairs(after).sort()).toEqual(pairs(before).sort());
    expect(after.every(({ changed_since, reason }) => !changed_since && reason === 'similar_text')).toBe(true);
  });

  test('accepted, the older one is retired and the newer has the tags and the importance of both', async () => {
    const diary = await diaryOf();
    const older = await write(diary, report, { tags: ['a', 'b'], importance: 9 });
    const newer = await write(diary, report, { tags: ['b', 'c'], importance: 2 });
    const [merge] = (await look(diary)).proposed;
    await decide(diary, merge!, 'accepted');
    expect(await entryOf(diary, newer)).toMatchObject({ tags: ['b', 'c', 'a'], importance: 9 });
    expect(await entryOf(diary, older)).toMatchObject({ superseded_by: newer });
    await expect(decide(diary, merge!, 'accepted')).rejects.toMatchObject({ code: 'relation_decided' });
    expect((await look(diary)).proposed).toEqual([]);
  });

  test('who fails half-way has changed nothing', async () => {
    const diary = await diaryOf();
    const [older, newer] = [await write(diary, report, { tags: ['a'] }), await write(diary, report)];
    const latest = await write(diary, report);
    const merges = (await look(diary)).proposed;
    const of = (from: string, to: string) => merges.find((one) => one.from.id === from && one.to.id === to)!;
    await decide(diary, of(latest, newer), 'accepted');
    // The entry that would stay was itself retired.
    await expect(decide(diary, of(newer, older), 'accepted')).rejects.toMatchObject({ code: 'entry_superseded' });
    expect((await entryOf(diary, older)).superseded_at).toBeNull();
    expect((await listed(diary)).map(({ id }) => id)).toEqual([of(latest, older).id]);
  });

  test('pages of the search for them find each pair once, however small they are', async () => {
    const diary = await diaryOf();
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) ids.push(await write(diary, report));
    const found: MergeView[] = [];
    let cursor: string | undefined;
    let looked = 0;
    do {
      const page = await look(diary, { limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.proposed);
      looked += page.looked_at;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(looked).toBe(4);
    expect(new Set(found.map(({ id }) => id)).size).toBe(6);
    expect((await look(diary)).proposed).toEqual([]);
    const first = await t.services.upkeep.listDuplicates(
      call,
      diariesListDuplicates.input.parse({ diary_ref: diary, limit: 4 }),
    );
    const cursorOfList = { diary_ref: diary, limit: 4, cursor: first.next_cursor! };
    const second = await t.services.upkeep.listDuplicates(call, diariesListDuplicates.input.parse(cursorOfList));
    expect(new Set([...first.items, ...second.items].map(({ id }) => id)).size).toBe(6);
  });

  test('of another diary, and those who may not read, see nothing of them', async () => {
    const [diary, other] = [await diaryOf(), await diaryOf()];
    await write(diary, report);
    await write(other, report);
    expect((await look(diary)).proposed).toEqual([]);
    await expect(listed(diary, {}, stranger)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a digest', () => {
  const digest = (diary_ref: string, more: Partial<InputOf<typeof diariesDigest>> = {}) =>
    t.services.upkeep.digest(call, diariesDigest.input.parse({ diary_ref, ...more }));
  const writeAt = async (diary: string, at: string, content: string, more = {}): Promise<string> => {
    const id = await write(diary, content, more);
    await t.pool.query('update diary_entries set created_at = $2 where id = $1', [id, at]);
    return id;
  };

  test('has a period for each in which something was written, in UTC, weeks from Monday, with paging', async () => {
    const diary = await diaryOf();
    // A Sunday, the Monday after it, and the last minute of a month.
    await writeAt(diary, '2026-03-01T23:59:00Z', 'sunday', { tags: ['x', 'y'] });
    const monday = await writeAt(diary, '2026-03-02T00:01:00Z', 'monday', { tags: ['x'], importance: 9 });
    await writeAt(diary, '2026-03-03T10:00:00Z', 'tuesday', { entry_type: 'episodic', tags: ['x', 'z'] });
    await writeAt(diary, '2026-01-31T23:59:00Z', 'january');
    const weeks = await digest(diary, { top: 1 });
    expect(weeks.items.map(({ begins_at, ends_at, entries }) => [begins_at, ends_at, entries])).toEqual([
      ['2026-03-02T00:00:00.000Z', '2026-03-09T00:00:00.000Z', 2],
      ['2026-02-23T00:00:00.000Z', '2026-03-02T00:00:00.000Z', 1],
      ['2026-01-26T00:00:00.000Z', '2026-02-02T00:00:00.000Z', 1],
    ]);
    expect(weeks.items[0]).toMatchObject({
      by_type: { semantic: 1, episodic: 1 },
      tags: [
        { tag: 'x', entries: 2 },
        { tag: 'z', entries: 1 },
      ],
      most_important: [{ id: monday, content: 'monday' }],
    });
    const months = await digest(diary, { period: 'month' });
    expect(months.items.map(({ begins_at, ends_at, entries }) => [begins_at, ends_at, entries])).toEqual([
      ['2026-03-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z', 3],
      ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', 1],
    ]);
    const days: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await digest(diary, { period: 'day', limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      days.push(...page.items.map(({ begins_at }) => begins_at.slice(0, 10)));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(days).toEqual(['2026-03-03', '2026-03-02', '2026-03-01', '2026-01-31']);
  });

  test('counts what is current alone, and is empty for an empty diary', async () => {
    const diary = await diaryOf();
    expect(await digest(diary)).toEqual({ items: [], next_cursor: null });
    const old = await write(diary, 'old');
    await write(diary, 'new', { supersedes: old });
    const gone = await write(diary, 'gone');
    await t.services.entries.update(call, { diary_ref: diary, entry_id: gone, status: 'archived' });
    expect((await digest(diary)).items).toMatchObject([{ entries: 1 }]);
  });
});

describe('tags', () => {
  const tags = (more: Partial<InputOf<typeof diariesListTags>> = {}, by = call) =>
    t.services.upkeep.tags(by, diariesListTags.input.parse(more));

  test('come with their counts, most used first, by prefix in either case, page by page', async () => {
    const diary = await diaryOf();
    await write(diary, 'one', { tags: ['Build', 'build-cache', 'z'] });
    await write(diary, 'two', { tags: ['Build', 'release'] });
    const old = await write(diary, 'three', { tags: ['retired'] });
    await write(diary, 'four', { supersedes: old });
    const all = (await tags({ diary_ref: diary })).items;
    expect(all).toEqual([
      { tag: 'Build', entries: 2 },
      { tag: 'build-cache', entries: 1 },
      { tag: 'release', entries: 1 },
      { tag: 'z', entries: 1 },
    ]);
    expect((await tags({ diary_ref: diary, prefix: 'bUI' })).items.map(({ tag }) => tag)).toEqual([
      'Build',
      'build-cache',
    ]);
    expect((await tags({ diary_ref: diary, prefix: '%' })).items).toEqual([]);
    const paged: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await tags({ diary_ref: diary, limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).toEqual(all);
    await expect(tags({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('of all diaries are those that the reader may see', async () => {
    const diary = await diaryOf();
    const tag = `mine-${crypto.randomUUID()}`;
    await write(diary, 'mine', { tags: [tag] });
    expect((await tags({ prefix: tag })).items).toEqual([{ tag, entries: 1 }]);
    expect((await tags({ prefix: tag }, stranger)).items).toEqual([]);
    expect((await tags({ prefix: tag, scope: ['network', 'public'] })).items).toEqual([]);
    await expect(tags({ diary_ref: diary }, stranger)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('38: use is counted apart from what ranks', () => {
  const used = (diary_ref: string, more: Partial<InputOf<typeof diariesListAccess>> = {}, by = call) =>
    t.services.access.list(by, diariesListAccess.input.parse({ diary_ref, ...more }));

  test('38: by day, for the owner, most used first, and without a change to the entry or its rank', async () => {
    const diary = await diaryOf();
    const [quiet, busy] = [await write(diary, 'pelican one'), await write(diary, 'pelican two')];
    const search = () => t.services.search.search(call, searching('pelican', { diary_ref: diary }));
    const before = await search();
    for (let n = 0; n < 3; n += 1) await entryOf(diary, busy);
    t.clock.advance(86_400_000);
    await entryOf(diary, quiet);
    await t.services.access.flush();
    const { items } = await used(diary);
    expect(items.map(({ entry_id, reads, searches }) => [entry_id, reads, searches])).toEqual([
      [busy, 3, 1],
      [quiet, 1, 1],
    ]);
    expect(items[1]!.last_day).toBe(t.clock.now().toISOString().slice(0, 10));
    expect((await used(diary, { days: 1 })).items).toMatchObject([{ entry_id: quiet, reads: 1, searches: 0 }]);
    const after = await search();
    expect(after.items.map(({ id, score }) => [id, score])).toEqual(before.items.map(({ id, score }) => [id, score]));
    expect((await entryOf(diary, busy)).version).toBe(1);
    const first = await used(diary, { limit: 1 });
    const next = await used(diary, { limit: 1, cursor: first.next_cursor! });
    expect([first.items[0]!.entry_id, next.items[0]!.entry_id]).toEqual([busy, quiet]);
    await expect(used(diary, {}, stranger)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('of what is deleted for good nothing is kept, also when it goes before it was counted', async () => {
    const diary = await diaryOf();
    const entry = await write(diary, 'short-lived');
    await entryOf(diary, entry);
    await t.services.entries.delete(call, { diary_ref: diary, entry_id: entry, purge: true });
    await t.services.access.flush();
    expect((await used(diary)).items).toEqual([]);
    expect(t.background).toEqual([]);
    const kept = await write(diary, 'kept');
    await entryOf(diary, kept);
    await t.services.access.flush();
    t.clock.advance(401 * 86_400_000);
    await t.services.access.sweep();
    const { rows } = await t.pool.query('select from diary_access where entry_id = $1', [kept]);
    expect(rows).toEqual([]);
  });
});

describe('54: searches of the public feed', () => {
  test('54: are fifteen a minute for each address, and for each who is signed in', async () => {
    const rate = { max: 15, windowMs: 60_000 };
    const { feed } = createDiariesServices({ ...t.parts, rates: { ...t.parts.rates, public_search: rate } });
    const input = feedSearch.input.parse({ query: 'pelican' });
    const from = (ip: string): Call => ({ ...makeCall({ ip }), caller: anonymousCaller });
    for (let n = 0; n < 15; n += 1) await feed.search(from('198.51.100.1'), input);
    await expect(feed.search(from('198.51.100.1'), input)).rejects.toMatchObject({
      code: 'rate_limited',
      extensions: { retry_after: expect.any(Number) },
    });
    expect(await feed.search(from('198.51.100.2'), input)).toMatchObject({ query: 'pelican' });
    const signedIn = { ...call, ip: '198.51.100.1' };
    signedIn.caller = { ...call.caller, credential: { kind: 'api_key', id: 'key', expires_at: null } };
    expect(await feed.search(signedIn, input)).toMatchObject({ query: 'pelican' });
  });
});
