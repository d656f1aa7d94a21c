import type { Kysely } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { compareCodes, inOrderOf, type NearCodes, type SignCodes, signCode, signWords } from './search/sign-codes.ts';
import type { SearchCodes } from './search-codes.ts';
import type { Candidate } from './search-lexical.ts';
import { type CandidateQuery, type NearAnswer, type NearEntry, searchStore } from './search-store.ts';

type Db = Kysely<Schema>;

export interface VectorFind extends Candidate {
  /** Cosine. */
  score: number;
}

/** How many vectors are compared exactly. */
const rescored = 256;
/** That many of them are enough when the others wait to be embedded anew. */
const enough = 0.75 * rescored;
/** How many of the nearest codes are taken to find as many, round by round. */
const codesTaken = [1000, 9000];
/** How many of them are looked up at once: mostly the first are all seen. */
const lookedUp = 400;
/** Vectors further apart than this (one less their cosine) mean different things. */
const farthest = 0.6;

export const toBytes = (vector: Float32Array): Buffer => {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, component] of vector.entries()) bytes.writeFloatLE(component, at * 4);
  return bytes;
};

const cosine = (one: Float32Array, other: Float32Array): number => {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += one[at]! * other[at]!;
  return sum;
};

interface QueryVector {
  values: Float32Array;
  model: string;
}

type Near = (db: Db, query: CandidateQuery, vector: QueryVector) => Promise<NearEntry[] | null>;

/** Looks up the codes, the likest first, until there are enough entries; tells how many of them the caller sees. */
const lookUp = async (
  db: Db,
  query: CandidateQuery,
  { values, model }: QueryVector,
  { places, codes }: NearCodes,
  wanted: number,
): Promise<NearAnswer> => {
  const { diary_ids } = query.reach;
  const order = inOrderOf(codes, values).map((at) => places[at]!);
  const found: NearAnswer = { seen: 0, entries: [] };
  for (let from = 0; from < order.length && found.seen < wanted; ) {
    const to = from === 0 ? lookedUp : order.length;
    const asked = order.slice(from, to).map(({ set, position }) => ({ diary_id: diary_ids[set]!, position }));
    const { seen, entries } = await searchStore.near(db, query, asked, model, wanted - found.seen);
    found.seen += seen;
    found.entries.push(...entries);
    from = to;
  }
  return found;
};

/** Codes that are out of date, because many entries wait to be embedded anew, must not stand in the way of others. */
const whenWhole = (entries: NearEntry[]): NearEntry[] | null => (entries.length >= enough ? entries : null);

/** With the codes compared in this process. Null: look at all of them. */
const nearInMemory =
  (sets: readonly SignCodes[]): Near =>
  async (db, query, vector) => {
    const compared = await compareCodes(sets, signWords(vector.values));
    const found: NearEntry[] = [];
    let seen = 0;
    let from = 0;
    for (const to of codesTaken) {
      const answer = await lookUp(db, query, vector, await compared.take(from, to), rescored - seen);
      found.push(...answer.entries);
      seen += answer.seen;
      if (seen >= rescored) return whenWhole(found);
      if (to >= compared.count) return found;
      from = to;
    }
    return null;
  };

/** With the codes compared by PostgreSQL, when there are more of them than fit into memory. */
const nearInDatabase: Near = async (db, query, vector) => {
  const asked = { code: signCode(vector.values), model: vector.model };
  const near = await searchStore.nearest(db, query, asked, false, codesTaken[0]!);
  const { seen, entries } = await lookUp(db, query, vector, near, rescored);
  return seen >= rescored ? whenWhole(entries) : null;
};

/** After a narrow filter, which left nothing of the nearest. */
const nearOfAll = async (db: Db, query: CandidateQuery, vector: QueryVector): Promise<NearEntry[]> => {
  const asked = { code: signCode(vector.values), model: vector.model };
  const near = await searchStore.nearest(db, query, asked, true, codesTaken[0]!);
  return (await lookUp(db, query, vector, near, rescored)).entries;
};

/** The search by meaning, best first. */
export const searchByMeaning = async (
  db: Db,
  codes: SearchCodes,
  vector: QueryVector,
  query: CandidateQuery,
): Promise<VectorFind[]> => {
  const sets = await codes.of(db, query.reach, vector.model);
  const near = sets === null ? nearInDatabase : nearInMemory(sets);
  const found = (await near(db, query, vector)) ?? (await nearOfAll(db, query, vector));
  return found
    .map(({ vector: own, ...entry }) => ({ ...entry, score: cosine(vector.values, own) }))
    .filter(({ score }) => 1 - score <= farthest)
    .sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
};
