import fc from 'fast-check';
import { expect, test } from 'vitest';
import { abstains, confidenceOf } from './cut-off.ts';
import { type Lexeme, lengthOf } from './lexemes.ts';
import { type RankingQuery, rankEntries, type SearchEntry, type TermStats } from './ranking.ts';
import { similarTerms } from './similar-terms.ts';
import { timeLexemes } from './time-words.ts';

const makeEntry = (
  position: number,
  text: string,
  more: Partial<SearchEntry> & { date?: string } = {},
): SearchEntry => {
  const { date = '', ...rest } = more;
  const lexemes = new Map<string, Lexeme>();
  const add = (word: string, field: keyof Lexeme) => {
    const lexeme = lexemes.get(word) ?? { title: 0, tags: 0, date: 0, content: 0 };
    lexeme[field] += 1;
    lexemes.set(word, lexeme);
  };
  for (const word of text.split(' ').filter(Boolean)) add(word, 'content');
  for (const word of date.split(' ').filter(Boolean)) add(word, 'date');
  return {
    id: `e${String(position).padStart(4, '0')}`,
    position,
    author: 'ada',
    lexemes,
    length: lengthOf(lexemes),
    asks: false,
    ...rest,
  };
};

const statsOf = (entries: readonly SearchEntry[]): TermStats => ({
  entries: entries.length,
  averageLength: entries.reduce((sum, { length }) => sum + length, 0) / entries.length,
  frequency: (term) => entries.filter(({ lexemes }) => lexemes.has(term)).length,
});

const noise = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => makeEntry(from + at, `noise${at % 7} other${at % 5} word`));

const rank = (entries: readonly SearchEntry[], query: RankingQuery) => rankEntries([entries], query, statsOf(entries));
const order = (entries: readonly SearchEntry[], query: RankingQuery) =>
  rank(entries, query).entries.map(({ id }) => Number(id.slice(1)));

test('one of the words is enough, and who holds both comes first', () => {
  const entries = [makeEntry(0, 'deploy notes'), ...noise(1, 20), makeEntry(21, 'deploy product'), ...noise(22, 9)];
  const found = order(entries, { terms: ['deploy', 'product'] });
  expect(found[0]).toBe(21);
  expect(found).toContain(0);
});

test('a rare word counts more than a common one', () => {
  const entries = [...noise(0, 30), makeEntry(30, 'word plain'), ...noise(31, 9), makeEntry(40, 'quasar plain')];
  expect(order(entries, { terms: ['word', 'quasar'] })[0]).toBe(40);
});

test('entries are helped by what stands next to them, the nearer the more', () => {
  const entries = [...noise(0, 12)];
  entries[5] = makeEntry(5, 'concert ticket');
  entries[6] = makeEntry(6, 'amaz voic tonight');
  const found = order(entries, { terms: ['concert'] });
  expect(found[0]).toBe(5);
  expect(new Set(found.slice(1, 3))).toEqual(new Set([4, 6]));
  expect(found).not.toContain(0);
  expect(found).not.toContain(11);
});

test('an entry that is out of sight lets its neighbours count less, not more', () => {
  const near = [makeEntry(0, 'concert'), makeEntry(1, 'amaz voic'), ...noise(2, 9)];
  const far = [makeEntry(0, 'concert'), makeEntry(3, 'amaz voic'), ...noise(4, 9)];
  const scoreOf = (entries: SearchEntry[]) =>
    rank(entries, { terms: ['concert'] }).entries.find(({ id }) => id === entries[1]!.id)!.score;
  expect(scoreOf(far)).toBeLessThan(scoreOf(near));
  expect(scoreOf(far)).toBeGreaterThan(0);
});

test('neighbours of another diary count nothing', () => {
  const one = [makeEntry(0, 'concert')];
  const other = [makeEntry(1, 'amaz voic')];
  const stats = statsOf([...one, ...other]);
  expect(rankEntries([one, other], { terms: ['concert'] }, stats).entries).toHaveLength(1);
});

test('the answer to a question is found by the words of the question', () => {
  const entries = [...noise(0, 12)];
  entries[5] = makeEntry(5, 'plan', { asks: false });
  entries[6] = makeEntry(6, 'hobbi weekend', { asks: true, author: 'bob' });
  entries[7] = makeEntry(7, 'mostli sail');
  expect(order(entries, { terms: ['hobbi'] }).indexOf(7)).toBeLessThan(order(entries, { terms: ['hobbi'] }).indexOf(5));
});

test('who is named in the query is looked for among authors first', () => {
  const authors = new Map([
    ['ada', new Set(['ada'])],
    ['bob', new Set(['bob'])],
  ]);
  const entries = [
    ...noise(0, 9),
    makeEntry(9, 'ada sail boat', { author: 'bob' }),
    ...noise(10, 9),
    makeEntry(19, 'sail boat', { author: 'ada' }),
    ...noise(20, 9),
  ];
  expect(order(entries, { terms: ['ada', 'sail'], authors })[0]).toBe(19);
});

test('words of the date meet the day an entry was written, and do not spill over to its neighbours', () => {
  const entries = [...noise(0, 9), makeEntry(9, 'sail boat', { date: '8 may 2023' }), ...noise(10, 9)];
  expect(order(entries, { terms: ['may'] })).toEqual([9]);
});

test('a question for a time prefers who tells one', () => {
  const query = { terms: ['releas'], timeLexemes: timeLexemes('When was the release?', 'english') };
  const entries = [...noise(0, 9), makeEntry(9, 'releas done'), ...noise(10, 9), makeEntry(19, 'releas yesterday')];
  expect(order(entries, query)[0]).toBe(19);
});

test('a mistyped word is found by what it looks like', () => {
  const entries = [...noise(0, 9), makeEntry(9, 'kubernet cluster'), ...noise(10, 9)];
  const vocabulary = new Set(entries.flatMap(({ lexemes }) => [...lexemes.keys()]));
  const similar = similarTerms(['kuberent'], vocabulary, () => false);
  expect(order(entries, { terms: ['kuberent'], similar })[0]).toBe(9);
  expect(order(entries, { terms: ['kuberent'] })).toEqual([]);
});

test('a title counts twice', () => {
  const title = makeEntry(20, 'plan other');
  title.lexemes.get('plan')!.title = 1;
  title.lexemes.get('plan')!.content = 0;
  const entries = [...noise(0, 9), makeEntry(9, 'plan other'), ...noise(10, 9), title];
  expect(order(entries, { terms: ['plan'] })[0]).toBe(20);
});

test('no terms, no entries, or unknown terms give an empty ranking with no confidence', () => {
  const entries = noise(0, 5);
  for (const ranking of [
    rank(entries, { terms: [] }),
    rank(entries, { terms: ['never'] }),
    rankEntries([], { terms: ['word'] }, statsOf(entries)),
  ]) {
    expect(ranking.entries).toEqual([]);
    expect(confidenceOf(ranking)).toBe(0);
    expect(abstains(ranking)).toBe(true);
  }
});

test('words that nobody ever wrote lower the confidence', () => {
  const entries = [...noise(0, 20), makeEntry(20, 'sail boat'), ...noise(21, 20)];
  const sure = rank(entries, { terms: ['sail', 'boat'] });
  const unsure = rank(entries, { terms: ['sail', 'boat', 'vivaldi', 'opera', 'tenor'] });
  expect(confidenceOf(unsure)).toBeLessThan(confidenceOf(sure) / 2);
  expect(abstains(sure)).toBe(false);
});

const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 6 });
const corpus = fc.array(fc.record({ words, asks: fc.boolean() }), { minLength: 1, maxLength: 25 });

test('scores stay between nothing and what is attainable, in falling order, whatever is written', () => {
  fc.assert(
    fc.property(corpus, words, (texts, terms) => {
      const entries = texts.map(({ words: text, asks }, at) => makeEntry(at, text.join(' '), { asks }));
      const authors = new Map([['ada', new Set(['a'])]]);
      const ranking = rank(entries, { terms, authors, timeLexemes: (term) => term === 'b' });
      for (const [at, { score }] of ranking.entries.entries()) {
        expect(score).toBeGreaterThan(0);
        expect(score).toBeLessThanOrEqual(ranking.attainable);
        expect(score).toBeLessThanOrEqual(ranking.entries[at - 1]?.score ?? Number.POSITIVE_INFINITY);
      }
      expect(confidenceOf(ranking)).toBeLessThanOrEqual(1);
    }),
  );
});

test('neither the order of words nor that of runs changes the ranking', () => {
  fc.assert(
    fc.property(corpus, corpus, words, (left, right, terms) => {
      const run = (texts: typeof left, from: number) =>
        texts.map(({ words: text, asks }, at) => makeEntry(from + at, text.join(' '), { asks }));
      const [one, other] = [run(left, 0), run(right, 1000)];
      const stats = statsOf([...one, ...other]);
      const scores = (runs: SearchEntry[][], query: string[]) =>
        new Map(rankEntries(runs, { terms: query }, stats).entries.map(({ id, score }) => [id, score]));
      const [forth, back] = [scores([one, other], terms), scores([other, one], [...terms].reverse())];
      expect([...back.keys()].sort()).toEqual([...forth.keys()].sort());
      // Sums of the same numbers in another order differ in their last digits.
      for (const [id, score] of forth) expect(back.get(id)).toBeCloseTo(score, 6);
    }),
  );
});
