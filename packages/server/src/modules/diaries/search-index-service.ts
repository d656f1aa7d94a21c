import type { Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { analysisOf } from './entry-analysis.ts';
import { searchIndexStore } from './search-store.ts';

const atOnce = 100;

/** Has every entry of a diary analysed anew. Until its turn comes an entry is found by the stems it had. */
export const reanalyse = async (tx: Transaction, diary_id: string): Promise<void> => {
  await searchIndexStore.discard(tx.db, diary_id);
  tx.enqueue({ name: 'index-entries', id: `diary-index-${diary_id}-${newId()}`, args: { diary_id } });
};

/** Keeps the index of words complete: after a change of language, and for entries that came without an analysis. */
export const createSearchIndexService = ({ database }: DiariesParts) => {
  const catchUp = async (): Promise<void> => {
    for (;;) {
      const done = await database.read.transaction().execute(async (db) => {
        const entries = await searchIndexStore.missing(db, atOnce);
        for (const entry of entries) await searchIndexStore.put(db, entry.id, analysisOf(entry, entry.language));
        return entries.length;
      });
      if (done < atOnce) return;
    }
  };
  return {
    catchUp,
    sweep: async (): Promise<void> => {
      await catchUp();
      while ((await searchIndexStore.compact(database.read, atOnce)) === atOnce);
      await searchIndexStore.forgetWords(database.read);
    },
  };
};

export type SearchIndexService = ReturnType<typeof createSearchIndexService>;
