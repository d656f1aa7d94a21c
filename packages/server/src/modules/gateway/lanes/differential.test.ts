import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Differential, type Disagreement, runCases } from './differential.testkit.ts';
import { corpusCases, foundCases, generatedCase } from './differential-cases.testkit.ts';
import { compareReaders } from './differential-readers.testkit.ts';

/** Of other runs, so that each finds something of its own in time. The whole million is `bench/gateway-fuzz.ts`. */
const seed = 20_261;

describe('G49: the readers of the fast lane take nothing that the reader of Node refuses or reads in another way', () => {
  it('of the corpus, wherever its packets end', { tags: ['long'] }, () => {
    const different = [...corpusCases(), ...foundCases].filter((given) => compareReaders(given) !== null);
    expect(different.map(({ name, cuts }) => `${name} at ${cuts}`)).toEqual([]);
  });

  it('of generated requests and answers', { tags: ['long'] }, () => {
    const different: unknown[] = [];
    for (let index = 0; index < 50_000; index++) {
      const found = compareReaders(generatedCase(seed, index));
      if (found !== null) different.push({ index, ...found });
    }
    expect(different).toEqual([]);
  });
});

describe('G49: both lanes answer alike, and hand the app the same', () => {
  let differential: Differential;
  beforeAll(async () => {
    differential = await Differential.start(40);
  });
  afterAll(() => differential.close());

  it('of the corpus', async () => {
    const different: Disagreement[] = [];
    for (const given of corpusCases().filter(({ cuts }) => cuts.length === 0)) {
      const found = await differential.request(given);
      if (found !== null) different.push(found);
    }
    expect(different).toEqual([]);
  });

  it('of what was found before', async () => {
    const different: Disagreement[] = [];
    for (const given of foundCases) {
      const found = 'method' in given ? await differential.answer(given) : await differential.request(given);
      if (found !== null) different.push(found);
    }
    expect(different).toEqual([]);
  });

  it('of generated requests and answers', { tags: ['long'], timeout: 60_000 }, async () => {
    const different: Disagreement[] = [];
    await runCases(seed, 0, 1500, { workers: 4, silence_ms: 40, found: (one) => different.push(one) });
    expect(different).toEqual([]);
  });

  it('of the corpus, wherever its packets end', { tags: ['long'], timeout: 240_000 }, async () => {
    const different: Disagreement[] = [];
    for (const given of corpusCases()) {
      const found = await differential.request(given);
      if (found !== null) different.push(found);
    }
    expect(different).toEqual([]);
  });
});
