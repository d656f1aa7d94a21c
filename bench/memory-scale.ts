/**
 * What a search and a write of diaries cost at 100,000 entries, with the tables and statements that the module is to have: a made-up diary in
 * a PostgreSQL that syncs to disk. `node bench/memory-scale.ts [entries]`.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { parseTsvector } from '../packages/server/src/modules/diaries/search/lexemes.ts';
import { rankEntries, type SearchEntry } from '../packages/server/src/modules/diaries/search/ranking.ts';
import { dateWords, foldText } from '../packages/server/src/modules/diaries/search/search-text.ts';
import { similarTerms, trigrams } from '../packages/server/src/modules/diaries/search/similar-terms.ts';
import { startTestServer } from '../packages/server/test/support/test-server.ts';
import { percentile } from './measure.ts';
import { type MadeEntry, makeCorpus } from './memory-corpus.ts';
import { createScaleSearch, schema } from './memory-sql.ts';

const count = Number(process.argv[2] ?? 100_000);
const diary = '00000000-0000-4000-8000-000000000001';
const batch = 2000;

const print = (what: string, value: string): void => console.log(`${what.padEnd(44)} ${value}`);

/** What the main thread of a process has run so far; unlike the clock it does not count what else the machine does. */
const scheduledMs = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

const describe = (what: string, times: readonly number[]): void =>
  print(what, [50, 95, 99].map((p) => `p${p} ${percentile(times, p).toFixed(1)} ms`).join(', '));

const vectorSql = `to_tsvector('english', content) || setweight(to_tsvector('english', day), 'C')`;

const insertMany = async (client: pg.Client, entries: readonly MadeEntry[]): Promise<void> => {
  await client.query(
    `insert into entries (diary_id, position, author, content, created_at, asks, length, tsv)
     select $1, position, author, content, created_at, asks, array_length(string_to_array(content, ' '), 1), ${vectorSql}
     from unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::bool[], $7::text[])
       t (position, author, content, created_at, asks, day)`,
    [
      diary,
      entries.map(({ position }) => position),
      entries.map(({ author }) => author),
      entries.map(({ content }) => foldText(content)),
      entries.map(({ date }) => date),
      entries.map(({ asks }) => asks),
      entries.map(({ date }) => foldText(dateWords(date, 'english'))),
    ],
  );
};

/** As the module writes: the entry, its position and the term statistics in one transaction. */
const insertOne = async (client: pg.Client, entry: MadeEntry): Promise<void> => {
  await client.query('begin');
  await client.query({
    name: 'count entry',
    text: 'update diaries set entry_count = entry_count + 1, word_count = word_count + $2 where id = $1',
    values: [diary, entry.content.split(' ').length],
  });
  await client.query({
    name: 'insert entry',
    text: `
      with entry as (
        insert into entries (diary_id, position, author, content, created_at, asks, length, tsv)
        select $1, $2, $3, content, $5, $6, $7, ${vectorSql} from (select $4::text as content, $8::text as day) t
        returning tsv
      )
      insert into term_stats select $1, lexeme, 1 from entry, unnest(entry.tsv) t order by lexeme collate "C"
      on conflict (diary_id, term) do update set frequency = term_stats.frequency + 1`,
    values: [
      diary,
      entry.position,
      entry.author,
      foldText(entry.content),
      entry.date,
      entry.asks,
      entry.content.split(' ').length,
      foldText(dateWords(entry.date, 'english')),
    ],
  });
  await client.query('commit');
};

const server = await startTestServer({ durable: true });
const client = new pg.Client({ connectionString: server.urlOf('postgres') });
await client.connect();
try {
  await client.query(schema);
  await client.query('insert into diaries (id) values ($1)', [diary]);
  const corpus = makeCorpus(count + 500);
  const begin = performance.now();
  for (let at = 0; at < count; at += batch)
    await insertMany(client, corpus.entries.slice(at, Math.min(at + batch, count)));
  await client.query(
    `insert into term_stats select '${diary}', word, ndoc from ts_stat('select tsv from entries') order by word collate "C"`,
  );
  await client.query(`update diaries set entry_count = ${count}, word_count = (select sum(length) from entries)`);
  const { rows: words } = await client.query<{ term: string }>('select term from term_stats');
  await client.query(
    `insert into term_grams select term, string_to_array(grams, ' ') from unnest($1::text[], $2::text[]) t (term, grams)`,
    [words.map(({ term }) => term), words.map(({ term }) => [...trigrams(term)].join(' '))],
  );
  await client.query('vacuum analyze');
  print(`${count} entries, ${words.length} terms loaded`, `${((performance.now() - begin) / 1000).toFixed(0)} s`);
  const { rows: sizes } = await client.query<{ name: string; size: string }>(
    `select relname name, pg_size_pretty(pg_relation_size(oid)) size from pg_class
     where relname in ('entries', 'entries_words', 'term_stats', 'term_grams', 'term_grams_grams')`,
  );
  for (const { name, size } of sizes) print(`size of ${name}`, size);

  const authors = new Map([
    ['Agent Amber', new Set(['amber'])],
    ['Agent Basalt', new Set(['basalt'])],
  ]);
  const search = createScaleSearch(client, [diary], authors);
  const queries = Array.from({ length: 400 }, () => corpus.query());
  for (const query of queries.slice(0, 50)) await search(query);
  const { rows: backends } = await client.query<{ pid: number }>('select pg_backend_pid() pid');
  const backend = backends[0]!.pid;
  const times: number[] = [];
  const processorTimes: number[] = [];
  const phases: number[][] = [[], [], []];
  const rankings: string[][] = [];
  for (const query of queries) {
    const start = performance.now();
    const before = scheduledMs(backend) + scheduledMs(process.pid);
    const answer = await search(query);
    times.push(performance.now() - start);
    processorTimes.push(scheduledMs(backend) + scheduledMs(process.pid) - before);
    for (const [at, phase] of answer.phases.entries()) phases[at]!.push(phase);
    rankings.push(answer.ranking.entries.slice(0, 10).map(({ id }) => id));
  }
  describe('search, 4 to 7 words', times);
  describe('  processor time, PostgreSQL and process', processorTimes);
  describe('  analysis and look-alikes', phases[0]!);
  describe('  candidates in PostgreSQL', phases[1]!);
  describe('  ranking in process', phases[2]!);
  const mistyped = queries.slice(0, 100).map((query) => query.replace(/^(\w)(\w)/u, '$2$1'));
  const mistypedTimes: number[] = [];
  for (const query of mistyped) {
    const start = performance.now();
    await search(query);
    mistypedTimes.push(performance.now() - start);
  }
  describe('search, first word mistyped', mistypedTimes);

  // The same ranking over every entry, without candidates: how much of its top ten does the fast way find?
  const { rows } = await client.query(
    'select id, position, author, asks, length, tsv::text lexemes from entries order by position',
  );
  const everything: SearchEntry[] = rows.map((row) => ({
    ...row,
    position: Number(row.position),
    lexemes: parseTsvector(row.lexemes),
  }));
  const frequencies = new Map<string, number>();
  for (const { lexemes } of everything)
    for (const term of lexemes.keys()) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  const stats = {
    entries: count,
    averageLength: everything.reduce((sum, { length }) => sum + length, 0) / count,
    frequency: (term: string) => frequencies.get(term) ?? 0,
  };
  let shared = 0;
  let whole = 0;
  let first = 0;
  const checked = queries.slice(0, 40);
  for (const [at, query] of checked.entries()) {
    const { rows: found } = await client.query<{ terms: string[] }>(
      `select coalesce(array_agg(lexeme), '{}') terms from unnest(to_tsvector('english', $1))`,
      [foldText(query)],
    );
    const terms = found[0]!.terms;
    const similar = similarTerms(terms, frequencies.keys(), (term) => frequencies.has(term));
    const exact = rankEntries([everything], { terms, similar, authors }, stats).entries.slice(0, 10);
    whole += exact.length;
    shared += exact.filter(({ id }) => rankings[at]!.includes(id)).length;
    if (exact[0]?.id === rankings[at]![0]) first += 1;
  }
  print('exact top ten found by the fast way', `${((100 * shared) / whole).toFixed(1)} % of ${checked.length} queries`);
  print('exact best entry is the best', `${((100 * first) / checked.length).toFixed(1)} %`);

  const writes: number[] = [];
  for (const entry of corpus.entries.slice(count, count + 500)) {
    const start = performance.now();
    await insertOne(client, entry);
    writes.push(performance.now() - start);
  }
  describe('write with statistics, synced to disk', writes);
} finally {
  await client.end();
  await server.stop();
}
