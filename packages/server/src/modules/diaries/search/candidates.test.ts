import { describe, expect, it } from 'vitest';
import { findCandidates } from './candidates.ts';
import type { Postings } from './postings.ts';
import { rankEntries, rankedTerms, rankingParameters, type SearchEntry } from './ranking.ts';

/** How often each entry holds a word. */
const listOf = (counts: Record<number, number>, asking: readonly number[] = []): Postings => {
  const positions = Object.keys(counts).map(Number);
  return {
    positions: Uint32Array.from(positions),
    held: Uint8Array.from(positions.map((position) => counts[position]!)),
    dated: new Uint8Array(positions.length),
    asks: Uint8Array.from(positions.map((position) => (asking.includes(position) ? 1 : 0))),
    lengths: new Uint16Array(positions.length).fill(10),
  };
};
const statsFor = (frequencies: Record<string, number>) => ({
  entries: 1000,
  averageLength: 10,
  frequency: (term: string) => frequencies[term] ?? 0,
});
const find = (
  diaries: Record<string, Record<string, Postings>>,
  terms: string[],
  frequencies: Record<string, number>,
  near = 2,
) => {
  const stats = statsFor(frequencies);
  const lists = new Map(Object.entries(diaries).map(([id, own]) => [id, new Map(Object.entries(own))]));
  return findCandidates(lists, rankedTerms({ terms }, stats, rankingParameters), stats, rankingParameters, near);
};

describe('candidates', () => {
  it('come best first from all diaries, those beside a hit apart', () => {
    const { near, take } = find(
      { one: { rare: listOf({ 10: 1 }), common: listOf({ 10: 1, 20: 1 }) }, two: { rare: listOf({ 5: 1 }) } },
      ['rare', 'common'],
      { rare: 2, common: 300 },
    );
    expect(take(10).map(({ diary_id, position }) => [diary_id, position])).toEqual([
      ['one', 10],
      ['two', 5],
      ['one', 20],
    ]);
    expect(near.map(({ holds, position }) => [holds, position])).toEqual([
      [false, 9],
      [false, 11],
    ]);
  });

  it('are handed out once each, however many are asked for at a time and however many are alike', () => {
    const counts = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [n * 10, 1 + (n % 3)]));
    const { take } = find({ one: { word: listOf(counts) } }, ['word'], { word: 500 });
    const taken = [];
    for (let part = take(7); part.length > 0; part = take(7)) taken.push(...part);
    expect(new Set(taken.map(({ position }) => position)).size).toBe(500);
    expect(taken.map(({ score }) => score)).toEqual(taken.map(({ score }) => score).sort((x, y) => y - x));
  });

  it('are scored as the ranking scores them', () => {
    const frequencies = { alpha: 3, beta: 40 };
    const stats = statsFor(frequencies);
    const alpha = listOf({ 4: 1, 6: 2, 50: 1 }, [4]);
    const beta = listOf({ 5: 1, 50: 3 });
    const entry = (position: number, words: Record<string, number>): SearchEntry => ({
      id: `${position}`,
      position,
      author: 'a',
      asks: position === 4,
      length: 10,
      lexemes: new Map(Object.entries(words).map(([term, content]) => [term, { title: 0, tags: 0, date: 0, content }])),
    });
    const entries = [
      entry(4, { alpha: 1 }),
      entry(5, { beta: 1 }),
      entry(6, { alpha: 2 }),
      entry(7, {}),
      entry(50, { alpha: 1, beta: 3 }),
    ];
    const terms = ['alpha', 'beta'];
    const exact = new Map(rankEntries([entries], { terms }, stats).entries.map(({ id, score }) => [id, score]));
    const { near, take } = find({ one: { alpha, beta } }, terms, frequencies, 20);
    const rough = [...near, ...take(10)].filter(({ position }) => exact.has(`${position}`));
    expect(rough).toHaveLength(5);
    for (const { position, score } of rough) {
      // Further than two places words reach in the ranking alone.
      const isFarFromAll = position === 50;
      expect(score).toBeCloseTo(exact.get(`${position}`)!, isFarFromAll ? 9 : 0);
    }
  });

  it('are none where no word stands', () => {
    const { near, take } = find({ one: {} }, ['never'], {});
    expect([near, take(5)]).toEqual([[], []]);
  });
});
