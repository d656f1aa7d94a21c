import { signEntry } from '@atrium/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachKey, makeKey, type TestKey } from '../../../test/support/agent-key.ts';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { createTestDiaries, naming, searching, type TestDiaries, writing } from '../../../test/support/test-diaries.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Caller } from '../../platform/operations/caller.ts';

let t: TestDiaries;
let org: TestOrg;
let agent: Caller;
let key: TestKey;
const dayMs = 86_400_000;

beforeAll(async () => {
  t = await createTestDiaries();
  org = await makeOrg(t.pool);
  agent = await org.agent('Agent');
  key = await makeKey();
  await attachKey(t.pool, agent, key);
});
afterAll(() => t.drop());

/** Tables with a row that holds the word, in any column, as text or as bytes. */
const holding = async (word: string): Promise<string[]> => {
  await t.database.flush();
  const tables = await t.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await t.pool.query(
      `select 1 from ${name} r where strpos(lower(r::text), $1) > 0 or strpos(r::text, $2) > 0 limit 1`,
      [word, Buffer.from(word).toString('hex')],
    );
    if (rows.length > 0) found.push(name.replace(/^.*\./u, ''));
  }
  return found;
};

/** Words that nothing else holds, and that are their own stems, as the index of words has them. */
const wordsOf = (n: string) => ({ title: `titlequartz${n}q`, content: `contentquartz${n}q`, tag: `tagquartz${n}q` });
type Words = ReturnType<typeof wordsOf>;
const makeDiary = (by: Caller, name: string, signed = false) =>
  t.services.diaries.create(callBy(by), naming(name, { signed }));
const write = async (by: Caller, diary: { id: string; chain_id: string | null }, words: Words, more = {}) => {
  const { content, title } = words;
  const tags = [words.tag];
  const signature =
    diary.chain_id === null
      ? undefined
      : await signEntry(key.private_key, { content, title, tags, entry_type: 'semantic' }, diary.chain_id);
  t.clock.advance(1000);
  const entry = await t.services.entries.create(
    callBy(by),
    writing(diary.id, content, { title, tags, signature, ...more }),
  );
  await t.services.search.search(callBy(by), searching(content, { limit: 1 }));
  return entry;
};
/** The list of words that typing errors are compared with is swept each hour. */
const everywhere = async (words: Words): Promise<string[]> => {
  await t.services.index.sweep();
  return (await Promise.all(Object.values(words).map(holding))).flat();
};
const purge = (by: Caller, diary_ref: string, entry_id: string) =>
  t.services.entries.delete(callBy(by), { diary_ref, entry_id, purge: true });

test.each([false, true])('a purged entry is in no row of any table (signed: %s)', async (signed) => {
  const diary = await makeDiary(agent, 'Kept', signed);
  const [gone, kept] = [wordsOf(`gone${signed}`), wordsOf(`kept${signed}`)];
  const entry = await write(agent, diary, gone);
  await write(agent, diary, kept);
  if (!signed)
    await t.services.entries.update(callBy(agent), {
      ...{ diary_ref: diary.id, entry_id: entry.id },
      ...{ content: `${gone.content} again`, importance: 7 },
    });
  expect(await holding(gone.title)).toEqual(
    expect.arrayContaining(['core_events', 'diary_entries', 'diary_term_grams', 'diary_term_stats']),
  );
  await purge(agent, diary.id, entry.id);
  expect(await everywhere(gone)).toEqual([]);
  expect(await holding(kept.title)).toEqual(expect.arrayContaining(['core_events', 'diary_entries']));
});

test('what was deleted first and purged then is gone as well', async () => {
  const diary = await makeDiary(agent, 'Twice');
  const words = wordsOf('twice');
  const { id } = await write(agent, diary, words);
  await t.services.entries.delete(callBy(agent), { diary_ref: diary.id, entry_id: id, purge: false });
  expect(await holding(words.title)).toContain('core_events');
  await purge(agent, diary.id, id);
  expect(await everywhere(words)).toEqual([]);
});

test.each([false, true])('a month after its time an entry is in no row of any table (signed: %s)', async (signed) => {
  const diary = await makeDiary(agent, 'For a while', signed);
  const words = wordsOf(`ended${signed}`);
  await write(agent, diary, words, { expires_at: new Date(t.clock.now().getTime() + dayMs).toISOString() });
  t.clock.advance(32 * dayMs);
  await t.services.entries.sweep();
  expect(await everywhere(words)).toEqual([]);
});

test.each([false, true])('a deleted diary takes its name and its entries along (signed: %s)', async (signed) => {
  const name = `namequartz${signed}`;
  const [diary, other] = [await makeDiary(agent, name, signed), await makeDiary(agent, 'Other')];
  const [words, kept] = [wordsOf(`diary${signed}`), wordsOf(`other${signed}`)];
  await write(agent, diary, words);
  await write(agent, other, kept);
  await t.services.diaries.remove(callBy(agent), diary.id);
  expect([await holding(name), await everywhere(words)]).toEqual([[], []]);
  expect(await holding(kept.tag)).toContain('core_events');
});

test('a person who is forgotten takes their diaries out of the events', async () => {
  const person = await org.person('Ada');
  const diary = await makeDiary(person, 'personquartz');
  const words = wordsOf('person');
  await write(person, diary, words);
  await t.database.transaction(callBy(person), (tx) =>
    t.services.hooks.personErasing(tx, { id: person.id, name: 'Deleted person' }),
  );
  expect([await holding('personquartz'), await everywhere(words)]).toEqual([[], []]);
});

test('events of an entry are found by an index, however many others there are', async () => {
  await t.pool.query(
    `insert into core_events (org_id, seq, kind, subject_id, actor_type, actor_name, body, at)
     select $1, 1000000 + n, 'diary.entry.created', gen_random_uuid(), 'system', 'test',
       jsonb_build_object('diary_id', $2::text, 'title', 'noise'), now() from generate_series(1, 20000) n`,
    [newId(), newId()],
  );
  await t.pool.query('analyze core_events');
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain update core_events set body = body
    from diary_entries e where e.id = any(${[newId()]}::uuid[]) and starts_with(kind, 'diary.') and body ? 'diary_id'
      and body->>'diary_id' = e.diary_id::text and subject_id = e.id`.execute(t.database.read);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('core_events_diaries');
});
