import type { Kysely } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { bytesUpTo, SignCodes } from './search/sign-codes.ts';
import type { Reach } from './search-store.ts';
import { vectorsStore } from './vectors-store.ts';

type Db = Kysely<Schema>;

/** Codes that are read at once. */
const readAtOnce = 20_000;

/** A diary of a search. */
interface Wanted {
  diary_id: string;
  /** That of the newest code when the search began. */
  version: number;
  held: Held;
}

interface Held {
  codes: SignCodes;
  /** Set while some search reads what it lacks. */
  reading: Promise<unknown> | null;
  /** How many more codes than entries there were once all was read; null before. */
  surplus: number | null;
}

/**
 * Sign codes of the diaries that are searched, those of the last searches first. What a search finds is as new as its reach,
 * which tells the version of each diary: what is lacking is read before anything is compared.
 */
export const createSearchCodes = (limit: number) => {
  /** Of diary and model; the longest unused one first. */
  const all = new Map<string, Held>();
  let bytes = 0;

  const forget = (key: string): void => {
    bytes -= all.get(key)?.codes.bytes ?? 0;
    all.delete(key);
  };

  /** The codes at hand, or none yet. */
  const hold = (key: string, entries: number): Held => {
    let held = all.get(key);
    // Deleted entries leave codes behind, which cost time and places among the nearest.
    if (held?.surplus != null && held.codes.count - entries > held.surplus + entries / 4 + 1000) {
      forget(key);
      held = undefined;
    }
    held ??= { codes: new SignCodes(), reading: null, surplus: null };
    if (!all.has(key)) bytes += held.codes.bytes;
    // The last one is the last to go.
    all.delete(key);
    all.set(key, held);
    return held;
  };

  const shrink = (): void => {
    for (const key of all.keys()) {
      if (bytes <= limit) return;
      forget(key);
    }
  };

  const read = async (db: Db, model: string, diaries: readonly Wanted[]): Promise<void> => {
    const asked = diaries.map(({ diary_id, held }) => ({ diary_id, version: held.codes.version }));
    const answers = await vectorsStore.codesSince(db, model, asked, readAtOnce);
    const byId = new Map(answers.map((answer) => [answer.diary_id, answer]));
    for (const { diary_id, version, held } of diaries) {
      const { rows, codes, version: reached } = byId.get(diary_id)!;
      const before = held.codes.bytes;
      held.codes.take(codes);
      // It may have been evicted meanwhile, and goes on being of use to those who have it.
      if (all.get(`${diary_id} ${model}`) === held) bytes += held.codes.bytes - before;
      // The last versions may have been of codes that are gone.
      held.codes.version = Math.max(reached ?? 0, rows < readAtOnce ? version : 0, held.codes.version);
    }
  };

  /** Those that nobody reads yet, as many as one statement should read. */
  const together = (behind: readonly Wanted[]): Wanted[] => {
    const chosen: Wanted[] = [];
    let rows = 0;
    for (const wanted of behind) {
      if (wanted.held.reading !== null) continue;
      rows += Math.min(readAtOnce, wanted.version - wanted.held.codes.version);
      if (chosen.length > 0 && rows > readAtOnce) break;
      chosen.push(wanted);
    }
    return chosen;
  };

  return {
    /** The codes of each diary in reach, in its order. Null when they would not fit into memory. */
    of: async (db: Db, reach: Reach, model: string): Promise<SignCodes[] | null> => {
      const needed = reach.codes.reduce((sum, of) => sum + bytesUpTo(Math.min(of.version, of.last_position)), 0);
      if (needed > limit) return null;
      const wanted = reach.diary_ids.map((diary_id, at): Wanted => {
        const { version, entries } = reach.codes[at]!;
        return { diary_id, version, held: hold(`${diary_id} ${model}`, entries) };
      });
      // Searches that begin together share what they read.
      for (;;) {
        const behind = wanted.filter(({ version, held }) => held.codes.version < version);
        if (behind.length === 0) break;
        const chosen = together(behind);
        if (chosen.length === 0) {
          await Promise.race(behind.map(({ held }) => held.reading?.catch(() => null)));
          continue;
        }
        const reading = read(db, model, chosen).finally(() => {
          for (const { held } of chosen) held.reading = null;
        });
        for (const { held } of chosen) held.reading = reading;
        await reading;
      }
      for (const [at, { held }] of wanted.entries())
        held.surplus ??= Math.max(0, held.codes.count - reach.codes[at]!.entries);
      shrink();
      return wanted.map(({ held }) => held.codes);
    },
  };
};

export type SearchCodes = ReturnType<typeof createSearchCodes>;
