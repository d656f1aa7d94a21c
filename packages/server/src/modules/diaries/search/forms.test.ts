import { describe, expect, it } from 'vitest';
import { anyOf, essentialForms, formsOf } from './forms.ts';

const stats = (frequencies: Record<string, number>) => ({
  entries: 1000,
  averageLength: 10,
  frequency: (term: string) => frequencies[term] ?? 0,
});

describe('the words that are looked for', () => {
  it('puts rare words first and leaves out what stands nowhere', () => {
    const forms = formsOf(['common', 'rare', 'never'], new Map(), stats({ common: 900, rare: 2 }));
    expect(forms.map(({ words, frequency }) => [words, frequency])).toEqual([
      [['rare'], 2],
      [['common'], 900],
    ]);
  });

  it('takes look-alikes that stand somewhere for the word, and counts them with it', () => {
    const similar = new Map([
      [
        'deplyo',
        new Map([
          ['deploy', 0.6],
          ['gone', 0.6],
        ]),
      ],
    ]);
    expect(formsOf(['deplyo'], similar, stats({ deploy: 7 }))[0]).toMatchObject({
      words: ['deploy'],
      frequency: 7,
    });
  });

  it('quotes what would end a lexeme or escape its end', () => {
    expect(anyOf(["a'b\\", 'c'])).toBe("'a''b\\\\' | 'c'");
  });

  it('keeps the rarest words within the budget, and as many as it takes to find enough', () => {
    const forms = formsOf(['a', 'b', 'c', 'd'], new Map(), stats({ a: 500, b: 300, c: 900, d: 950 }));
    const kept = (budget: number, enough: number) =>
      essentialForms(forms, budget, enough).flatMap(({ words }) => words);
    expect(kept(800, 100)).toEqual(['b', 'a']);
    expect(kept(10, 100)).toEqual(['b']);
    expect(kept(10, 301)).toEqual(['b', 'a']);
    expect(kept(2000, 100)).toEqual(['b', 'a', 'c']);
  });
});
