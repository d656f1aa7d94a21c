import { newId } from '../../platform/ids/ids.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { systemCaller } from '../../platform/operations/caller.ts';
import { emitEmbedded } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { type Embedder, EmbeddingError } from './embedder.ts';
import { embeddingText } from './embedding-text.ts';
import { signCode } from './search/sign-codes.ts';
import { toBytes } from './search-vector.ts';
import { type EmbeddableRow, vectorsStore } from './vectors-store.ts';

const atOnce = 32;
/** The job of a new entry comes first; the sweep is for what it left behind. */
const sweptAfterMs = 5000;

/** Computes what entries mean, in the background. What waits is marked in the entry itself, so that nothing is lost with a process. */
export const createEmbeddingService = ({ database, clock, embedder = null }: DiariesParts) => {
  const store = (model: string, org_id: string, entries: readonly EmbeddableRow[], vectors: readonly Float32Array[]) =>
    database.transaction(internalCall(systemCaller({ id: org_id }), newId()), async (tx) => {
      const unchanged = await vectorsStore.unchanged(tx.db, entries);
      const rows = entries.flatMap(({ id, diary_id }, at) => {
        const vector = vectors[at];
        if (!unchanged.has(id) || vector === undefined) return [];
        return [{ entry_id: id, diary_id, code: signCode(vector), embedding: toBytes(vector) }];
      });
      if (rows.length === 0) return;
      await vectorsStore.put(tx.db, rows, model);
      await vectorsStore.setState(tx.db, [...unchanged], 'ready');
      for (const entry of entries) if (unchanged.has(entry.id)) emitEmbedded(tx, entry, model);
    });

  /** A text that the model never takes must not be sent for ever, nor hold up those beside it. */
  const embedAlone = async (model: Embedder, entry: EmbeddableRow): Promise<void> => {
    try {
      const vectors = await model.embed([embeddingText(entry)], 'passage');
      await store(model.model, entry.org_id, [entry], vectors);
    } catch (error) {
      if (!(error instanceof EmbeddingError) || !error.refused) throw error;
      await vectorsStore.setState(database.read, [entry.id], 'failed');
    }
  };

  const embedMany = async (model: Embedder, entries: readonly EmbeddableRow[]): Promise<void> => {
    try {
      const vectors = await model.embed(entries.map(embeddingText), 'passage');
      for (const org_id of new Set(entries.map((entry) => entry.org_id))) {
        const own = entries.flatMap((entry, at) => (entry.org_id === org_id ? [{ entry, vector: vectors[at]! }] : []));
        await store(
          model.model,
          org_id,
          own.map(({ entry }) => entry),
          own.map(({ vector }) => vector),
        );
      }
    } catch (error) {
      if (!(error instanceof EmbeddingError) || !error.refused) throw error;
      for (const entry of entries) await embedAlone(model, entry);
    }
  };

  /** Everything that waits, then the model itself takes over. */
  const catchUp = async (before: Date): Promise<void> => {
    if (embedder === null) return;
    for (;;) {
      const entries = await vectorsStore.waiting(database.read, before, atOnce);
      if (entries.length > 0) await embedMany(embedder, entries);
      if (entries.length < atOnce) break;
    }
    if ((await vectorsStore.serving(database.read)) === embedder.model) return;
    if (!(await vectorsStore.isAnyPending(database.read))) await vectorsStore.setServing(database.read, embedder.model);
  };

  return {
    embedOne: async (entry_id: string): Promise<void> => {
      if (embedder === null) return;
      const entry = await vectorsStore.pending(database.read, entry_id);
      if (entry === null) return;
      try {
        await embedAlone(embedder, entry);
      } catch (error) {
        // It goes on waiting for the sweep: jobs that repeat themselves would take the place of others while a model is away.
        if (!(error instanceof EmbeddingError)) throw error;
      }
    },

    /** What jobs left behind, and, once a model is configured or exchanged, every entry there is. */
    sweep: async (): Promise<void> => {
      // What is wrong with it was told once, when it came out.
      if (embedder === null || (embedder.problem?.() ?? null) !== null) return;
      if ((await vectorsStore.serving(database.read)) !== embedder.model)
        await vectorsStore.requireModel(database.read, embedder.model);
      await catchUp(new Date(clock.now().getTime() - sweptAfterMs));
    },
  };
};

export type EmbeddingService = ReturnType<typeof createEmbeddingService>;
