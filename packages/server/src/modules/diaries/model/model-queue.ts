import { setImmediate } from 'node:timers/promises';
import { EmbeddingError } from '../embedder.ts';
import { batchesOf } from './token-batches.ts';

export interface Asked {
  id: number;
  kind: 'query' | 'passage';
  /** The tokens of each text. */
  texts: readonly (readonly number[])[];
}

export type Answered =
  | { kind: 'vectors'; id: number; vectors: Float32Array[] }
  | { kind: 'failed'; id: number; message: string; refused: boolean };

export interface ModelQueueOptions {
  run: (texts: readonly (readonly number[])[]) => Promise<Float32Array[]>;
  answer: (answered: Answered) => void;
  /** Of one batch; between two of them a query is let through. */
  tokens?: number;
}

interface Task extends Asked {
  batches: number[][];
  vectors: Float32Array[];
}

/** Has a model do one batch at a time. Somebody waits for the answer to a query, so it passes all passages. */
export const createModelQueue = ({ run, answer, tokens = 1024 }: ModelQueueOptions) => {
  const queues: Record<Asked['kind'], Task[]> = { query: [], passage: [] };
  let working = false;

  const step = async (task: Task): Promise<boolean> => {
    const batch = task.batches.shift();
    if (batch !== undefined) {
      const vectors = await run(batch.map((at) => task.texts[at]!));
      for (const [at, vector] of vectors.entries()) task.vectors[batch[at]!] = vector;
    }
    if (task.batches.length > 0) return false;
    answer({ kind: 'vectors', id: task.id, vectors: task.vectors });
    return true;
  };

  /** Whether the task is over. A model in process does the same each time, so what it fails at is refused. */
  const tried = async (task: Task): Promise<boolean> => {
    try {
      return await step(task);
    } catch (error) {
      const refused = !(error instanceof EmbeddingError) || error.refused;
      answer({ kind: 'failed', id: task.id, message: (error as Error).message, refused });
      return true;
    }
  };

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (;;) {
      const task = queues.query[0] ?? queues.passage[0];
      if (task === undefined) break;
      if (await tried(task)) queues[task.kind].shift();
      // Otherwise a query that arrives meanwhile is not heard of.
      await setImmediate();
    }
    working = false;
  };

  return {
    add: (asked: Asked): void => {
      const lengths = asked.texts.map((text) => text.length);
      queues[asked.kind].push({ ...asked, batches: batchesOf(lengths, tokens), vectors: [] });
      void work();
    },
  };
};
