/**
 * What searches and writes of diaries cost at 100,000 entries, through the services of the module, over a made-up diary in a
 * PostgreSQL that syncs to disk. `node bench/memory-scale.ts [entries]`; `--write` puts the figures into docs/performance.md.
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { sql } from 'kysely';
import { diariesCreate, diariesCreateEntry, diariesSearch } from '../packages/protocol/src/index.ts';
import { createDiariesServices } from '../packages/server/src/modules/diaries/diaries-services.ts';
import { dimensions, type Embedder, normalised } from '../packages/server/src/modules/diaries/embedder.ts';
import { parseTsvector } from '../packages/server/src/modules/diaries/search/lexemes.ts';
import { rankEntries, type SearchEntry } from '../packages/server/src/modules/diaries/search/ranking.ts';
import { dateWords, foldText } from '../packages/server/src/modules/diaries/search/search-text.ts';
import { signCode } from '../packages/server/src/modules/diaries/search/sign-codes.ts';
import { similarTerms } from '../packages/server/src/modules/diaries/search/similar-terms.ts';
import { createSearchCodes } from '../packages/server/src/modules/diaries/search-codes.ts';
import { searchStore } from '../packages/server/src/modules/diaries/search-store.ts';
import { searchByMeaning, toBytes } from '../packages/server/src/modules/diaries/search-vector.ts';
import { vectorsStore } from '../packages/server/src/modules/diaries/vectors-store.ts';
import { newId } from '../packages/server/src/platform/ids/ids.ts';
import { callBy } from '../packages/server/test/support/make-inbox.ts';
import { percentile } from './measure.ts';
import { type MadeEntry, makeCorpus } from './memory-corpus.ts';
import { openMemoryWorld } from './memory-world.ts';
import { writeScaleSection } from './performance-file.ts';
import { processorMs } from './processor-time.ts';

const count = Number(process.argv.find((word) => /^\d+$/u.test(word)) ?? 100_000);
/** Larger lots write each list of a common word less often. */
const batch = 5000;
const alike = 1000;
/** Budgets are for 100,000 entries; what more of them cost is reported. */
const budgeted = (ms: number): number | null => (count <= 100_000 ? ms : null);
/** A ranking of all entries has them all in memory. */
const ranksAll = count <= 200_000;
const model = 'made-up';

/** Entries of one conversation mean nearly the same: their vectors lie around a common direction. */
const random = (() => {
  let state = 12_345;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
})();
/** Two of a kind cost as much as one. */
let spare: number | null = null;
const gaussian = (): number => {
  if (spare !== null) {
    const value = spare;
    spare = null;
    return value;
  }
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  spare = radius * Math.sin(angle);
  return radius * Math.cos(angle);
};
const around = (centre: readonly number[], spread: number): Float32Array =>
  normalised(centre.map((component) => component + spread * gaussian()));
const centres = Array.from({ length: Math.ceil(count / 200) }, () => Array.from({ length: dimensions }, gaussian));
const pickCentre = (): readonly number[] => centres[Math.floor(random() * centres.length)]!;

/** Those that some entries lie around. */
const usedCentres = new Set<readonly number[]>();
const known: { id: string; vector: Float32Array }[] = [];

/** What a model would take to answer is no part of the figures. */
const embedder: Embedder = {
  model,
  embed: async (texts) => texts.map(() => around(pickCentre(), 1)),
};

interface Line {
  what: string;
  /** Percentiles 50, 95 and 99 of what passed on the clock. */
  clock: [number, number, number];
  /** Percentiles 50 and 95 of the processor time. */
  processor: [number, number];
  budget: number | null;
}
const lines: Line[] = [];
const facts: string[] = [];
const inMs = (value: number): string => `${value.toFixed(1)} ms`;
const state = (fact: string): void => {
  facts.push(fact);
  console.log(fact);
};

const world = await openMemoryWorld({ durable: true, embedder });
const { services, pool, org } = world;

const insertMany = async (
  diary: string,
  authors: Map<string, string>,
  entries: readonly MadeEntry[],
): Promise<void> => {
  const ids = entries.map(() => newId());
  await pool.query(
    `insert into diary_entries (id, diary_id, org_id, content, author_kind, author_id, author_name, content_hash,
        content_id, length, embedding_state, created_at, updated_at, asks, tsv, tsv_language, words)
     select t.id, $1, $2, t.content, 'user', t.author_id, t.author, t.id::text, t.id::text, length(t.content), 'ready', t.at, t.at, t.asks,
        to_tsvector('english', t.content) || setweight(to_tsvector('english', t.day), 'C'), 'english',
        (select sum(cardinality(positions))::int from unnest(to_tsvector('english', t.content)))
     from unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[], $8::bool[], $9::text[])
       t (id, content, author_id, author, at, asks, day)`,
    [
      diary,
      org.id,
      ids,
      entries.map(({ content }) => foldText(content)),
      entries.map(({ author }) => authors.get(author)),
      entries.map(({ author }) => author),
      entries.map(({ date }) => date),
      entries.map(({ asks }) => asks),
      entries.map(({ date }) => foldText(dateWords(date, 'english'))),
    ],
  );
  let centre = pickCentre();
  const vectors = entries.map((_, at) => {
    if (at % alike === 0) centre = pickCentre();
    usedCentres.add(centre);
    return around(centre, 1);
  });
  if (ranksAll) for (const [at, vector] of vectors.entries()) known.push({ id: ids[at]!, vector });
  await vectorsStore.put(
    world.parts.database.read,
    vectors.map((vector, at) => ({
      entry_id: ids[at]!,
      diary_id: diary,
      code: signCode(vector),
      embedding: toBytes(vector),
    })),
    model,
  );
};

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await act();
  return performance.now() - start;
};

const { rows: backends } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
const postmaster = Number(readFileSync(`/proc/${backends[0]!.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);

/**
 * Processor time of PostgreSQL as a whole and of this process; unlike the clock it does not count what else the machine does.
 * Reading that of PostgreSQL takes milliseconds itself, which must not count.
 */
const processorOf = async (act: () => Promise<unknown>): Promise<number> => {
  const before = processorMs(postmaster);
  const start = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(start);
  return processorMs(postmaster) - before + (user + system) / 1000;
};

const measure = async <T>(
  what: string,
  list: readonly T[],
  act: (one: T) => Promise<unknown>,
  budget: number | null = null,
): Promise<void> => {
  const times: number[] = [];
  const processor: number[] = [];
  for (const one of list) {
    processor.push(
      await processorOf(async () => {
        times.push(await timed(() => act(one)));
      }),
    );
  }
  const of = (values: readonly number[], p: number) => percentile(values, p);
  const line: Line = {
    what,
    clock: [of(times, 50), of(times, 95), of(times, 99)],
    processor: [of(processor, 50), of(processor, 95)],
    budget,
  };
  lines.push(line);
  console.log(
    what.padEnd(46),
    'clock',
    line.clock.map(inMs).join(' '),
    'processor',
    line.processor.map(inMs).join(' '),
  );
};

const input = (query: string, mode: 'lexical' | 'auto', diary: string) =>
  diariesSearch.input.parse({ diary_ref: diary, query, mode, limit: 10, content: 'snippet' });

/** The same ranking over every entry, without a choice of candidates. */
const shareOfBestByWords = async (
  diary: string,
  [amber, basalt]: readonly [string, string],
  queries: readonly string[],
  rankings: readonly string[][],
): Promise<void> => {
  const { rows } = await pool.query(
    `select id, position, author_id::text as author, asks, words as length, tsv::text as lexemes from diary_entries
     where diary_id = $1 order by position`,
    [diary],
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
  const names = new Map([
    [amber, new Set(['agent', 'amber'])],
    [basalt, new Set(['agent', 'basalt'])],
  ]);
  let shared = 0;
  let whole = 0;
  const checked = queries.slice(0, 40);
  for (const [at, query] of checked.entries()) {
    const { rows: found } = await pool.query<{ terms: string[] }>(
      `select coalesce(array_agg(lexeme), '{}') as terms from unnest(to_tsvector('english', $1))`,
      [foldText(query)],
    );
    const terms = found[0]!.terms;
    const similar = similarTerms(terms, frequencies.keys(), (term) => frequencies.has(term));
    const exact = rankEntries([everything], { terms, similar, authors: names }, stats).entries.slice(0, 10);
    whole += exact.length;
    shared += exact.filter(({ id }) => rankings[at]!.includes(id)).length;
  }
  state(
    `The choice of candidates keeps ${((100 * shared) / whole).toFixed(1)} % of the ten best of a ranking of all entries (${checked.length} queries).`,
  );
};

/** How long they take to read, and how much they find of what lies nearest to a query and near enough to be an answer. */
const measureCodes = async (diary: string): Promise<void> => {
  const db = world.parts.database.read;
  const [reach] = await searchStore.reach(db, () => sql<boolean>`true`, diary);
  const codes = createSearchCodes(64 * 2 ** 20);
  const reading = await timed(() => codes.of(db, reach!, model));
  state(`A process that holds no codes of the diary yet reads them in ${reading.toFixed(0)} ms, once.`);
  if (!ranksAll) return;
  const centresOfEntries = [...usedCentres];
  let shared = 0;
  let whole = 0;
  for (let n = 0; n < 40; n += 1) {
    const values = around(centresOfEntries[Math.floor(random() * centresOfEntries.length)]!, 1);
    const best = known
      .map(({ id, vector }) => ({
        id,
        cosine: vector.reduce((sum, component, at) => sum + component * values[at]!, 0),
      }))
      .sort((x, y) => y.cosine - x.cosine)
      .slice(0, 10)
      .filter(({ cosine }) => cosine >= 0.4);
    const found = await searchByMeaning(
      db,
      codes,
      { values, model },
      {
        reach: reach!,
        ...{
          sees: () => sql<boolean>`true`,
          filter: input('', 'auto', diary),
          now: new Date(),
          phrases: [],
          excluded: [],
        },
      },
    );
    const ten = new Set(found.slice(0, 10).map(({ id }) => id));
    whole += best.length;
    shared += best.filter(({ id }) => ten.has(id)).length;
  }
  state(
    `The search by meaning finds ${((100 * shared) / whole).toFixed(1)} % of the ten nearest of all vectors (40 queries).`,
  );
};

try {
  const amber = await org.person('Agent Amber');
  const basalt = await org.person('Agent Basalt');
  const call = callBy(amber);
  const authors = new Map([
    ['Agent Amber', amber.id],
    ['Agent Basalt', basalt.id],
  ]);
  const diary = (await services.diaries.create(call, diariesCreate.input.parse({ name: 'Large' }))).id;
  await pool.query('insert into diary_vector_models (serving) values ($1)', [model]);
  const corpus = makeCorpus(count + 500);
  const loading = await timed(async () => {
    for (let at = 0; at < count; at += batch)
      await insertMany(diary, authors, corpus.entries.slice(at, Math.min(at + batch, count)));
    await pool.query('vacuum analyze');
  });
  const { rows: sizes } = await pool.query<{ name: string; size: string }>(
    `select relname as name, pg_size_pretty(pg_total_relation_size(oid)) as size from pg_class
     where relname in ('diary_entries', 'diary_postings', 'diary_term_stats', 'diary_vector_codes', 'diary_vectors') order by relname`,
  );
  state(
    `${count.toLocaleString('en')} entries loaded in ${(loading / 1000).toFixed(0)} s; on disk: ${sizes.map(({ name, size }) => `${name} ${size}`).join(', ')}`,
  );

  const search = (query: string, mode: 'lexical' | 'auto') => services.search.search(call, input(query, mode, diary));
  const queries = Array.from({ length: 300 }, () => corpus.query());
  for (const query of queries.slice(0, 30)) {
    await search(query, 'lexical');
    await search(query, 'auto');
  }
  const rankings: string[][] = [];
  for (const query of queries) rankings.push((await search(query, 'lexical')).items.map(({ id }) => id));
  await measure('search by words, 4 to 7 words', queries, (query) => search(query, 'lexical'), budgeted(50));
  // The peer: what the seed's search would do with its words OR-ed, over the same index, without rights, filters or snippets.
  await measure('peer: the same words OR-ed, ts_rank, ten ids', queries, (query) =>
    pool.query(
      `with q as (select string_agg(quote_literal(lexeme), ' | ')::tsquery as words from unnest(to_tsvector('english', $1)) t)
       select e.id from diary_entries e, q where e.tsv @@ q.words and e.deleted_at is null
       order by ts_rank(e.tsv, q.words) desc limit 10`,
      [foldText(query)],
    ),
  );
  await measure('search by words and meaning', queries, (query) => search(query, 'auto'), budgeted(50));
  const mistyped = queries.slice(0, 100).map((text) => text.replace(/^(\w)(\w)/u, '$2$1'));
  await measure('search by words, the first of them mistyped', mistyped, (query) => search(query, 'lexical'));

  await measureCodes(diary);
  if (ranksAll) await shareOfBestByWords(diary, [amber.id, basalt.id], queries, rankings);
  else state('Nothing is compared with a ranking of all entries: there are too many of them for one.');

  // As a server without a model writes.
  const plain = createDiariesServices({ ...world.parts, embedder: null });
  const contents = corpus.entries.slice(count, count + 300).map(({ content }) => content);
  const write = (content: string) =>
    plain.entries.create(call, diariesCreateEntry.input.parse({ diary_ref: diary, content }));
  await measure('write of an entry, synced to disk, no model', contents, write, budgeted(15));
} finally {
  await world.close();
}

const busy =
  loadavg()[0]! > cpus().length
    ? ' Other work had the cores as well throughout this run: it compares with the peer, and cannot tell whether the budgets hold.'
    : '';
const report = `## Search of diaries at ${count.toLocaleString('en')} entries

Made by \`node bench/memory-scale.ts ${count > 100_000 ? `${count} ` : ''}--write\` through the services of the module, without doors: rights, statements, ranking, snippets and, for writes, events, audit and counts included. One diary of made-up text with words as rare as in real text; one caller, one after another; PostgreSQL with the settings of the embedded one (64 MB of shared buffers), on the same ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), load of the machine at the end ${loadavg()[0]!.toFixed(1)}; the processor time of PostgreSQL and of the process tells what a machine with nothing else to do would need. Vectors are made up around ${centres.length} directions; the time of a model is no part of the figures.${busy}

| What | p50 | p95 | p99 | processor time p50 | p95 | Budget of p95 | Met |
|---|---|---|---|---|---|---|---|
${lines.map(({ what, clock, processor, budget }) => `| ${[what, ...clock.map(inMs), ...processor.map(inMs), budget === null ? '–' : inMs(budget), budget === null ? '–' : clock[1] < budget ? 'yes' : 'no'].join(' | ')} |`).join('\n')}

${facts.join('\n')}
`;
if (process.argv.includes('--write')) writeScaleSection(report, count);
process.exit(lines.every(({ clock, budget }) => budget === null || clock[1] < budget) ? 0 : 1);
