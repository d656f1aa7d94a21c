import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.ts';
import { bytesPerCode, bytesUpTo, compareCodes, inOrderOf, SignCodes, signCode, signWords } from './sign-codes.ts';

const random = seededRandom(4);
const vector = (): Float32Array => Float32Array.from({ length: 384 }, () => random() - 0.5);
/** Like another one: most signs agree. */
const like = (other: Float32Array): Float32Array => other.map((value) => (random() < 0.1 ? -value : value));

/** As PostgreSQL sends them. */
const recordsOf = (entries: readonly (readonly [position: number, vector: Float32Array])[]): Buffer =>
  Buffer.concat(
    entries.map(([position, values]) => {
      const record = Buffer.alloc(8 + bytesPerCode);
      record.writeInt32BE(position, 0);
      record.writeInt32BE(384, 4);
      for (const [bit, sign] of [...signCode(values)].entries())
        if (sign === '1') record[8 + (bit >> 3)]! |= 0x80 >> (bit & 7);
      return record;
    }),
  );

const differing = (one: Float32Array, other: Float32Array): number => {
  const [a, b] = [signCode(one), signCode(other)];
  return [...a].filter((sign, at) => sign !== b[at]).length;
};

const setsOf = (lists: readonly ReadonlyMap<number, Float32Array>[]): SignCodes[] =>
  lists.map((list) => {
    const codes = new SignCodes();
    codes.take(recordsOf([...list]));
    return codes;
  });

/** Bit by bit. */
const expected = (lists: readonly ReadonlyMap<number, Float32Array>[], query: Float32Array) =>
  lists
    .flatMap((list, set) =>
      [...list].map(([position, values]) => ({ set, position, distance: differing(values, query) })),
    )
    .sort((x, y) => x.distance - y.distance || x.set - y.set || x.position - y.position)
    .map(({ set, position }) => ({ set, position }));

describe('sign codes', () => {
  it('come in the order of how many signs differ, then of their sets and positions, with holes and far positions', async () => {
    const topic = vector();
    const made = () => (random() < 0.5 ? like(topic) : vector());
    const lists = [
      [1, 2, 3, 5, 40],
      [],
      [7, 32_767, 32_768, 32_769, 70_000, 9],
      [...Array(300).keys()].map((n) => 3 * n + 1),
    ].map((positions) => new Map(positions.map((position) => [position, made()])));
    for (let n = 0; n < 20; n += 1) {
      const query = like(topic);
      const compared = await compareCodes(setsOf(lists), signWords(query));
      const all = expected(lists, query);
      expect(compared.count).toBe(all.length);
      expect((await compared.take(0, 1000)).places).toEqual(all);
      const [from, to] = [Math.floor(random() * 200), 200 + Math.floor(random() * 200)];
      const { places, codes } = await compared.take(from, to);
      expect(places).toEqual(all.slice(from, to));
      const bytes = places.map(({ set, position }) => recordsOf([[position, lists[set]!.get(position)!]]).subarray(8));
      expect(Buffer.from(codes).equals(Buffer.concat(bytes))).toBe(true);
    }
  });

  it('are replaced by what came later, whatever comes in whatever order, and take no more than was said', async () => {
    const codes = new SignCodes();
    const known = new Map<number, Float32Array>();
    for (let n = 0; n < 400; n += 1) {
      const entries = Array.from({ length: 1 + Math.floor(random() * 5) }, (): [number, Float32Array] => [
        1 + Math.floor(random() * 3 * (n + 1)),
        vector(),
      ]);
      // Of two in one record the later counts as well.
      for (const [position, values] of entries) known.set(position, values);
      codes.take(recordsOf(entries));
    }
    expect(codes.count).toBe(known.size);
    expect(codes.bytes).toBeLessThanOrEqual(bytesUpTo(Math.max(...known.keys())));
    const query = vector();
    const { places } = await (await compareCodes([codes], signWords(query))).take(0, 2000);
    expect(places).toEqual(expected([known], query));
  });

  it('are read from bytes that begin anywhere', async () => {
    const values = vector();
    const records = recordsOf([[3, values]]);
    for (const shift of [0, 1, 2, 3, 4]) {
      const codes = new SignCodes();
      codes.take(Buffer.concat([Buffer.alloc(shift), records]).subarray(shift));
      expect(Buffer.from(codes.codeAt(3)).equals(records.subarray(8))).toBe(true);
    }
  });

  it('are put in the order of what their signs say of the query, component by component', () => {
    const query = vector();
    const vectors = Array.from({ length: 200 }, () => like(query));
    const score = (values: Float32Array) =>
      values.reduce((sum, value, at) => sum + (value >= 0 ? 1 : -1) * query[at]!, 0);
    const codes = recordsOf(vectors.map((values) => [1, values]));
    const bare = Buffer.concat(vectors.map((_, at) => codes.subarray(56 * at + 8, 56 * at + 56)));
    const order = inOrderOf(bare, query);
    expect([...order].sort((x, y) => x - y)).toEqual([...vectors.keys()]);
    for (let at = 1; at < order.length; at += 1)
      expect(score(vectors[order[at - 1]!]!)).toBeGreaterThanOrEqual(score(vectors[order[at]!]!) - 1e-9);
  });

  it('let others have their turn while very many are compared', async () => {
    const codes = new SignCodes();
    const values = vector();
    // One in each block makes them as large as if they were full.
    codes.take(recordsOf(Array.from({ length: 12 }, (_, block) => [32_768 * block + 32_767, values])));
    let turns = 0;
    let isRunning = true;
    const other = () => {
      turns += 1;
      if (isRunning) setImmediate(other);
    };
    setImmediate(other);
    const compared = await compareCodes([codes], signWords(values));
    isRunning = false;
    expect(compared.count).toBe(12);
    expect(turns).toBeGreaterThanOrEqual(5);
  });
});
