import type { Lexeme } from './lexemes.ts';

/** Where a word stands in a diary, by position. */
export interface Postings {
  positions: Uint32Array;
  /** How often the entry holds the word, the title counted twice. */
  held: Uint8Array;
  /** How often its date holds it. */
  dated: Uint8Array;
  asks: Uint8Array;
  /** Of the entries, in words. */
  lengths: Uint16Array;
}

/** Postings of one diary by word. */
export type PostingLists = ReadonlyMap<string, Postings>;

const bytesEach = 8;

/** Which of the postings count: the last for each position, unless it says that the word is gone. */
const countingOf = (view: DataView, count: number): number[] | null => {
  let before = -1;
  let isPlain = true;
  for (let n = 0; n < count && isPlain; n += 1) {
    const position = view.getUint32(n * bytesEach);
    isPlain = position > before && view.getUint32(n * bytesEach + 4) !== 0;
    before = position;
  }
  // Entries that were never changed come in order.
  if (isPlain) return null;
  const last = new Map<number, number>();
  for (let n = 0; n < count; n += 1) last.set(view.getUint32(n * bytesEach), n);
  return [...last]
    .filter(([, n]) => view.getUint32(n * bytesEach + 4) !== 0)
    .sort(([one], [other]) => one - other)
    .map(([, n]) => n);
};

/** Reads what migration 005 lays out. */
export const readPostings = (bytes: Uint8Array): Postings => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all = Math.floor(bytes.byteLength / bytesEach);
  const counting = countingOf(view, all);
  const count = counting?.length ?? all;
  const postings: Postings = {
    positions: new Uint32Array(count),
    held: new Uint8Array(count),
    dated: new Uint8Array(count),
    asks: new Uint8Array(count),
    lengths: new Uint16Array(count),
  };
  for (let n = 0; n < count; n += 1) {
    const at = (counting === null ? n : counting[n]!) * bytesEach;
    const flags = view.getUint8(at + 5);
    postings.positions[n] = view.getUint32(at);
    postings.held[n] = view.getUint8(at + 4);
    postings.dated[n] = flags & 0x7f;
    postings.asks[n] = flags >> 7;
    postings.lengths[n] = view.getUint16(at + 6);
  }
  return postings;
};

/** What is known of one entry from the lists. */
export interface ListedEntry {
  lexemes: Map<string, Lexeme>;
  length: number;
}

/** The entries that hold one of the words and stand at most `reach` from one of the positions. */
export const entriesAround = (
  lists: PostingLists,
  around: readonly number[],
  reach: number,
): Map<number, ListedEntry> => {
  const last = around.reduce((most, position) => Math.max(most, position), 0) + reach;
  const isNear = new Uint8Array(last + 1);
  for (const position of around) isNear.fill(1, Math.max(0, position - reach), position + reach + 1);
  const entries = new Map<number, ListedEntry>();
  for (const [term, { positions, held, dated, lengths }] of lists) {
    for (let n = 0; n < positions.length; n += 1) {
      const position = positions[n]!;
      if (isNear[position] !== 1) continue;
      let entry = entries.get(position);
      if (entry === undefined) {
        entry = { lexemes: new Map(), length: lengths[n]! };
        entries.set(position, entry);
      }
      entry.lexemes.set(term, { title: 0, tags: 0, content: held[n]!, date: dated[n]! });
    }
  }
  return entries;
};
