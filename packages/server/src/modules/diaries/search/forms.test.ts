import { describe, expect, it } from 'vitest';
import { anyOf, essentialForms, formsOf } from './forms.ts';

const stats = (frequencies: Record<string, number>) => ({
  entries: 1000,
  averageLength: 10,
  frequency: (term: string) => frequencies[term] ?? 0,
});

describe('what PostgreSQL is asked for', () => {
  it('puts rare words first and leaves out what stands nowhere', () => {
    const forms = formsOf(['common', 'rare', 'never'], new Map(), stats({ common: 900, rare: 2 }));
    expect(forms.map(({ words, frequency }) => [words, frequency])).toEqual([
      ["'rare'", 2],
      ["'common'", 900],
    ]);
    expect(forms[0]!.weight).toBeGreaterThan(forms[1]!.weight);
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
    expect(formsOf(['deplyo'], similar, stats({ deploy: 7 }))[0]).toMatchObject({ words: "'deploy'", frequency: 7 });
  });

  it('quotes what would end a lexeme or escape its end', () => {
    expect(anyOf(formsOf(["a'b\\"], new Map(), stats({ "a'b\\": 1 })))).toBe("'a''b\\\\'");
  });

  it('always keeps the rarest word, and further ones within the budget', () => {
    const forms = formsOf(['a', 'b', 'c'], new Map(), stats({ a: 500, b: 300, c: 900 }));
    expect(anyOf(essentialForms(forms, 800))).toBe("'b' | 'a'");
    expect(anyOf(essentialForms(forms, 10))).toBe("'b'");
  });
});
