import type { Kysely } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { dimensions } from './embedder.ts';
import type { Candidate } from './search-lexical.ts';
import { type CandidateQuery, type NearRow, searchStore } from './search-store.ts';

type Db = Kysely<Schema>;

export interface VectorFind extends Candidate {
  /** Cosine. */
  score: number;
}

/** How many codes are compared exactly, out of how many that were near. */
const rescored = 400;
const codesKept = 1000;
/** Vectors further apart than this (one less their cosine) mean different things. */
const farthest = 0.6;

/** Bit i tells whether component i is at least 0: of two vectors that mean the same most bits agree. */
export const signCode = (vector: Float32Array): string => {
  let code = '';
  for (const component of vector) code += component >= 0 ? '1' : '0';
  return code;
};

export const toBytes = (vector: Float32Array): Buffer => {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, component] of vector.entries()) bytes.writeFloatLE(component, at * 4);
  return bytes;
};

const cosine = (vector: Float32Array, base64: string): number => {
  const bytes = Buffer.from(base64, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 0; at < dimensions; at += 1) sum += vector[at]! * view.getFloat32(at * 4, true);
  return sum;
};

/** The search by meaning, best first. */
export const searchByMeaning = async (
  db: Db,
  vector: { values: Float32Array; model: string },
  query: CandidateQuery,
): Promise<VectorFind[]> => {
  const asked = { code: signCode(vector.values), model: vector.model };
  const find = (wide: boolean): Promise<NearRow[]> =>
    searchStore.nearest(db, query, asked, { codes: codesKept, rows: rescored, wide });
  let rows = await find(false);
  // A narrow filter may have left nothing of the nearest.
  if (rows.length < rescored) rows = await find(true);
  return rows
    .map((row) => ({
      id: row.id,
      importance: row.importance,
      since: row.valid_from ?? row.created_at,
      score: cosine(vector.values, row.embedding),
    }))
    .filter(({ score }) => 1 - score <= farthest)
    .sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
};
