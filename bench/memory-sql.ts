/**
 * The tables and statements that the search of diaries needs, on plain PostgreSQL: what the store of the module is to take over.
 *
 * A search is three round trips. (1) `analyse`: lexemes of the query, how frequent each is in the readable diaries, and the words that look
 * like them. (2) `candidates`: a GIN index finds the entries with the rarest words of the query, as many words as fit into a budget of
 * entries; a rough score (ts_rank for each word, times its rarity) with that of near entries picks the best, which come back with their
 * neighbours, reduced to the lexemes that matter. (3, after `rankEntries` in process) the texts of the page that is shown.
 */
import type pg from 'pg';
import { parseTsvector } from '../packages/server/src/modules/diaries/search/lexemes.ts';
import {
  inverseFrequency,
  type Ranking,
  rankEntries,
  type SearchEntry,
  type TermStats,
} from '../packages/server/src/modules/diaries/search/ranking.ts';
import { foldText } from '../packages/server/src/modules/diaries/search/search-text.ts';
import { similarTerms, trigrams } from '../packages/server/src/modules/diaries/search/similar-terms.ts';
import { timeLexemes } from '../packages/server/src/modules/diaries/search/time-words.ts';

export const schema = `
create table diaries (
  id uuid primary key,
  entry_count bigint not null default 0,
  word_count bigint not null default 0
);
create table entries (
  id uuid primary key default gen_random_uuid(),
  diary_id uuid not null references diaries,
  position bigint not null,
  author text not null,
  content text not null,
  created_at timestamptz not null,
  visible boolean not null default true,
  asks boolean not null,
  length int not null,
  tsv tsvector not null,
  unique (diary_id, position)
);
create index entries_words on entries using gin (tsv, (array[diary_id])) where visible;
create table term_stats (
  diary_id uuid not null references diaries,
  term text collate "C" not null,
  frequency int not null,
  primary key (diary_id, term)
) with (fillfactor = 80);
create table term_grams (
  term text collate "C" primary key,
  grams text[] not null
);
create index term_grams_grams on term_grams using gin (grams);
`;

/** Entries that the rarest words may bring; beyond, only words too common to decide anything are left. */
const candidateBudget = 4000;

/** Best candidates that are ranked in full, with this many entries on each side. */
const finalists = 60;
const fetchedReach = 3;

interface Analysis {
  terms: string[];
  frequencies: Map<string, number>;
  vocabulary: string[];
  entries: number;
  words: number;
}

const analyse = async (client: pg.Pool | pg.Client, diaries: string[], text: string): Promise<Analysis> => {
  const { rows } = await client.query<{ terms: string[]; stats: [string, number][]; entries: string; words: string }>({
    name: 'analyse',
    text: `
      with query as materialized (select array_agg(lexeme) terms from unnest(to_tsvector('english', $2)) t (lexeme)),
      near as (
        select s.term, s.frequency from query, unnest(query.terms) q (term), term_stats s
        where s.diary_id = any ($1) and s.term >= left(q.term, 3) and s.term < left(q.term, 3) || U&'\\+10FFFF'
          and (s.term = q.term or (length(q.term) > 3 and length(s.term) > 3 and length(s.term) <= 3 * length(q.term)))
      ),
      summed as (select term, sum(frequency)::int frequency from near group by term)
      select coalesce((select terms from query), '{}') terms,
        coalesce((select json_agg(json_build_array(term, frequency)) from summed), '[]') stats,
        (select sum(entry_count) from diaries where id = any ($1)) entries,
        (select sum(word_count) from diaries where id = any ($1)) words`,
    values: [diaries, text],
  });
  const { terms, stats, entries, words } = rows[0]!;
  const frequencies = new Map(stats);
  return { terms, frequencies, vocabulary: [...frequencies.keys()], entries: Number(entries), words: Number(words) };
};

/** Only for words that nobody used: they may be mistyped from the first letter on. */
const addMistyped = async (client: pg.Pool | pg.Client, diaries: string[], analysis: Analysis): Promise<void> => {
  const unknown = analysis.terms.filter((term) => !analysis.frequencies.has(term) && term.length > 3);
  if (unknown.length === 0) return;
  const { rows } = await client.query<{ term: string; frequency: number }>({
    name: 'mistyped',
    text: `
      select s.term, sum(s.frequency)::int frequency
      from (
        select g.term from unnest($2::text[]) with ordinality w (grams, n), term_grams g
        where g.grams && string_to_array(w.grams, ' ')
          and 2 * (select count(*) from unnest(g.grams) a where a = any (string_to_array(w.grams, ' ')))
            >= 0.5 * (cardinality(g.grams) + cardinality(string_to_array(w.grams, ' ')))
        limit 50
      ) g join term_stats s on s.diary_id = any ($1) and s.term = g.term
      group by s.term`,
    values: [diaries, unknown.map((term) => [...trigrams(term)].join(' '))],
  });
  for (const { term, frequency } of rows) {
    analysis.frequencies.set(term, frequency);
    analysis.vocabulary.push(term);
  }
};

interface Form {
  /** The word of the query and its look-alikes, as a tsquery. */
  words: string;
  frequency: number;
  weight: number;
}

const quoted = (term: string): string => `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** What PostgreSQL looks for: each word of the query that stands anywhere, or its look-alikes, the rarest first. */
const formsOf = (
  terms: readonly string[],
  similar: ReadonlyMap<string, ReadonlyMap<string, number>>,
  { entries, frequency }: TermStats,
): Form[] =>
  terms
    .map((term) => {
      const words = [term, ...(similar.get(term)?.keys() ?? [])].filter((word) => frequency(word) > 0);
      const sum = words.reduce((total, word) => total + frequency(word), 0);
      return {
        words: words.map(quoted).join(' | '),
        frequency: sum,
        weight: inverseFrequency(entries, Math.min(sum, entries)),
      };
    })
    .filter(({ frequency: sum }) => sum > 0)
    .sort((x, y) => x.frequency - y.frequency);

/** The rarest words, until they bring enough entries. */
const essential = (forms: readonly Form[]): Form[] => {
  let budget = candidateBudget;
  return forms.filter((form, at) => {
    budget -= form.frequency;
    return at === 0 || budget >= 0;
  });
};

interface Row {
  id: string;
  diary_id: string;
  position: string;
  author: string;
  asks: boolean;
  length: number;
  lexemes: string;
}

const candidatesSql = (count: number): string => `
  with hits as (
    select diary_id, position, (${Array.from({ length: count }, (_, n) => `$${2 * n + 5}::float4 * ts_rank(tsv, $${2 * n + 6}::tsquery)`).join(' + ')})
      / (0.5 + 0.5 * length / $3) score
    from entries
    where visible and tsv @@ $2::tsquery and array[diary_id] && $1::uuid[]
    limit $4
  ),
  smoothed as (
    select diary_id, position,
      0.6 * score
      + 0.24 * sum(score) over (partition by diary_id order by position range between 1 preceding and 1 following)
      + 0.16 * sum(score) over (partition by diary_id order by position range between 2 preceding and 2 following) score
    from hits
  ),
  finalists as (select * from smoothed order by score desc limit ${finalists}),
  places as (
    select distinct diary_id, place from finalists, generate_series(position - ${fetchedReach}, position + ${fetchedReach}) place
  )
  select e.id, e.diary_id, e.position, e.author, e.asks, e.length, e.tsv::text lexemes
  from places p join entries e on e.diary_id = p.diary_id and e.position = p.place and e.visible
  order by e.diary_id, e.position`;

const runsOf = (rows: readonly Row[], wants: (term: string) => boolean): SearchEntry[][] => {
  const runs: SearchEntry[][] = [];
  let last: Row | null = null;
  for (const row of rows) {
    const continues = last?.diary_id === row.diary_id && Number(row.position) - Number(last.position) <= fetchedReach;
    if (!continues) runs.push([]);
    runs.at(-1)!.push({
      id: row.id,
      position: Number(row.position),
      author: row.author,
      asks: row.asks,
      length: row.length,
      lexemes: parseTsvector(row.lexemes, wants),
    });
    last = row;
  }
  return runs;
};

export type ScaleSearch = (text: string) => Promise<{ ranking: Ranking; phases: number[] }>;

export const createScaleSearch =
  (client: pg.Pool | pg.Client, diaries: string[], authors: ReadonlyMap<string, ReadonlySet<string>>): ScaleSearch =>
  async (text) => {
    const begin = performance.now();
    const analysis = await analyse(client, diaries, foldText(text));
    await addMistyped(client, diaries, analysis);
    const analysed = performance.now();
    const { terms, frequencies, vocabulary, entries, words: length } = analysis;
    const frequency = (term: string) => frequencies.get(term) ?? 0;
    const similar = similarTerms(terms, vocabulary, (term) => frequency(term) > 0);
    const stats = { entries, averageLength: length / entries, frequency };
    const forms = formsOf(terms, similar, stats);
    if (forms.length === 0) {
      return { ranking: rankEntries([], { terms }, stats), phases: [analysed - begin, 0, 0] };
    }
    const { rows } = await client.query<Row>({
      name: `candidates ${forms.length}`,
      text: candidatesSql(forms.length),
      values: [
        diaries,
        essential(forms)
          .map(({ words }) => words)
          .join(' | '),
        stats.averageLength,
        2 * candidateBudget,
        ...forms.flatMap(({ weight, words }) => [weight, words]),
      ],
    });
    const found = performance.now();
    const query = { terms, similar, authors, timeLexemes: timeLexemes(text, 'english') };
    const wanted = new Set([...terms, ...[...similar.values()].flatMap((alike) => [...alike.keys()])]);
    const wants = (term: string) => wanted.has(term) || query.timeLexemes?.(term) === true;
    const ranking = rankEntries(runsOf(rows, wants), query, stats);
    return { ranking, phases: [analysed - begin, found - analysed, performance.now() - found] };
  };
