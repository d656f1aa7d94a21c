/** Of every vector one bit a dimension tells its sign. These are laid out as PostgreSQL sends `bit(384)`. */
const wordsPerCode = 12;
const bitsPerCode = 32 * wordsPerCode;
export const bytesPerCode = 4 * wordsPerCode;

/** Bit i tells whether component i is at least 0: of two vectors that mean the same most bits agree. */
export const signCode = (vector: Float32Array): string => {
  let code = '';
  for (const component of vector) code += component >= 0 ? '1' : '0';
  return code;
};

/** The same as words, in the order of bytes of this machine. */
export const signWords = (vector: Float32Array): Uint32Array => {
  const bytes = new Uint8Array(bytesPerCode);
  for (let bit = 0; bit < bitsPerCode; bit += 1) if (vector[bit]! >= 0) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return new Uint32Array(bytes.buffer);
};

/** Bits of three words, counted by byte. */
const bitsByByte = (x: number, y: number, z: number): number => {
  const a = x - ((x >>> 1) & 0x55555555);
  const b = y - ((y >>> 1) & 0x55555555);
  const c = z - ((z >>> 1) & 0x55555555);
  const halves =
    (a & 0x33333333) +
    ((a >>> 2) & 0x33333333) +
    (b & 0x33333333) +
    ((b >>> 2) & 0x33333333) +
    (c & 0x33333333) +
    ((c >>> 2) & 0x33333333);
  return (halves & 0x0f0f0f0f) + ((halves >>> 4) & 0x0f0f0f0f);
};

const absent = bitsPerCode + 1;

/** Positions of one block. */
const blockSize = 32_768;
/** Codes that are compared before others get their turn: about two milliseconds. */
const atOnce = 65_536;

interface Block {
  words: Uint32Array;
  isHeld: Uint8Array;
}

/** Writes how far the codes of a block are from that of the query. */
const compare = ({ words, isHeld }: Block, query: Uint32Array, distances: Uint16Array): void => {
  const [q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11] = query as unknown as number[];
  for (let slot = 0, w = 0; slot < isHeld.length; slot += 1, w += wordsPerCode) {
    if (isHeld[slot] === 0) {
      distances[slot] = absent;
      continue;
    }
    // A byte holds at most twelve times eight bits: nothing is carried over.
    const bytes =
      bitsByByte(words[w]! ^ q0!, words[w + 1]! ^ q1!, words[w + 2]! ^ q2!) +
      bitsByByte(words[w + 3]! ^ q3!, words[w + 4]! ^ q4!, words[w + 5]! ^ q5!) +
      bitsByByte(words[w + 6]! ^ q6!, words[w + 7]! ^ q7!, words[w + 8]! ^ q8!) +
      bitsByByte(words[w + 9]! ^ q9!, words[w + 10]! ^ q10!, words[w + 11]! ^ q11!);
    const pairs = (bytes & 0x00ff00ff) + ((bytes >>> 8) & 0x00ff00ff);
    distances[slot] = (pairs & 0xffff) + (pairs >>> 16);
  }
};

/** Bytes that the object itself takes, roughly. */
const emptyBytes = 500;
const recordWords = wordsPerCode + 2;

/**
 * Codes of one diary by position. Positions are given out one after another, so most of the slots are taken; a code that was
 * forgotten stays, because whatever is near is looked up before it is an answer.
 */
export class SignCodes {
  /** Everything up to this version is in here. */
  version = 0;
  count = 0;
  bytes = emptyBytes;
  readonly #blocks: Block[] = [];

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  codeAt(position: number): Uint8Array {
    const { words } = this.#blocks[Math.floor(position / blockSize)]!;
    return new Uint8Array(words.buffer, bytesPerCode * (position % blockSize), bytesPerCode);
  }

  /** Takes records of a position, the number 384 and a code each, numbers with their highest byte first. */
  take(records: Uint8Array): void {
    // Bytes of a pool may begin anywhere.
    const bytes = records.byteOffset % 4 === 0 ? records : new Uint8Array(records);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
    for (let from = 0; from + recordWords <= words.length; from += recordWords)
      this.#put(view.getUint32(4 * from), words, from + 2);
  }

  #put(position: number, from: Uint32Array, at: number): void {
    const slot = position % blockSize;
    const block = this.#blockWith(Math.floor(position / blockSize), slot);
    if (block.isHeld[slot] === 0) this.count += 1;
    block.isHeld[slot] = 1;
    for (let n = 0, w = slot * wordsPerCode; n < wordsPerCode; n += 1, w += 1) block.words[w] = from[at + n]!;
  }

  /** Grows by half, so that a diary that is written to is not copied for every entry. */
  #blockWith(at: number, slot: number): Block {
    while (this.#blocks.length <= at) this.#blocks.push({ words: new Uint32Array(0), isHeld: new Uint8Array(0) });
    const block = this.#blocks[at]!;
    const before = block.isHeld.length;
    if (slot < before) return block;
    const slots = Math.min(blockSize, Math.max(slot + 1, Math.ceil(before * 1.5), 16));
    const words = new Uint32Array(slots * wordsPerCode);
    const isHeld = new Uint8Array(slots);
    words.set(block.words);
    isHeld.set(block.isHeld);
    this.bytes += words.byteLength - block.words.byteLength + slots - before;
    const grown = { words, isHeld };
    this.#blocks[at] = grown;
    return grown;
  }
}

/** What the codes of positions up to the last one take at most. */
export const bytesUpTo = (last: number): number =>
  emptyBytes + (last + Math.min(last, blockSize) / 2 + 16) * (bytesPerCode + 1);

/** Codes one after another, and where each stands. */
export interface NearCodes {
  /** Which of the sets. */
  places: { set: number; position: number }[];
  codes: Uint8Array;
}

/**
 * Their order by what each sign says of the components of the query, which is closer to the order of the vectors than how many
 * signs differ; the likest first.
 */
export const inOrderOf = (codes: Uint8Array, query: Float32Array): number[] => {
  // For each byte of a code the sum of the components whose bits are set.
  const sums = new Float64Array(bytesPerCode * 256);
  for (let byte = 0; byte < bytesPerCode; byte += 1)
    for (let value = 1; value < 256; value += 1) {
      const lowest = 31 - Math.clz32(value & -value);
      sums[256 * byte + value] = sums[256 * byte + (value & (value - 1))]! + query[8 * byte + 7 - lowest]!;
    }
  const scores = new Float64Array(Math.floor(codes.length / bytesPerCode));
  for (let at = 0, from = 0; at < scores.length; at += 1)
    for (let byte = 0; byte < bytesPerCode; byte += 1, from += 1) scores[at]! += sums[256 * byte + codes[from]!]!;
  return Array.from(scores.keys()).sort((x, y) => scores[y]! - scores[x]! || x - y);
};

export interface ComparedCodes {
  /** How many there are. */
  count: number;
  /** The nearest ones from a rank on; of equally near ones those of earlier sets and positions come first. */
  take(from: number, to: number): Promise<NearCodes>;
}

const othersTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Compares the code of a query with all of the sets. Others get their turn meanwhile. */
export const compareCodes = async (sets: readonly SignCodes[], query: Uint32Array): Promise<ComparedCodes> => {
  const parts: { set: number; first: number; distances: Uint16Array }[] = [];
  const sizes = new Array<number>(bitsPerCode + 2).fill(0);
  let count = 0;
  let since = 0;
  for (const [set, codes] of sets.entries())
    for (let at = 0; at < codes.blocks.length; at += 1) {
      const block = codes.blocks[at]!;
      const distances = new Uint16Array(block.isHeld.length);
      compare(block, query, distances);
      for (const distance of distances) sizes[distance]! += 1;
      parts.push({ set, first: at * blockSize, distances });
      since += distances.length;
      if (since >= atOnce) {
        since = 0;
        await othersTurn();
      }
    }
  for (let distance = 0; distance < absent; distance += 1) count += sizes[distance]!;

  const take = async (from: number, to: number): Promise<NearCodes> => {
    /** Rank of the next code at each distance. */
    const ranks = new Array<number>(bitsPerCode + 2).fill(0);
    for (let distance = 1; distance <= absent; distance += 1)
      ranks[distance] = ranks[distance - 1]! + sizes[distance - 1]!;
    let farthest = 0;
    while (farthest < bitsPerCode && ranks[farthest + 1]! < to) farthest += 1;
    const places = new Array<NearCodes['places'][number]>(Math.max(0, Math.min(to, count) - from));
    const codes = new Uint8Array(bytesPerCode * places.length);
    let looked = 0;
    for (const { set, first, distances } of parts) {
      for (let slot = 0; slot < distances.length; slot += 1) {
        const distance = distances[slot]!;
        if (distance > farthest) continue;
        const rank = ranks[distance]!;
        ranks[distance] = rank + 1;
        if (rank < from || rank >= to) continue;
        places[rank - from] = { set, position: first + slot };
        codes.set(sets[set]!.codeAt(first + slot), bytesPerCode * (rank - from));
      }
      looked += distances.length;
      if (looked >= 4 * atOnce) {
        looked = 0;
        await othersTurn();
      }
    }
    return { places, codes };
  };
  return { count, take };
};
