import { Worker } from 'node:worker_threads';
import { type Embedder, EmbeddingError } from '../embedder.ts';
import { openModelDirectory } from './model-directory.ts';
import type { FromWorker, ToWorker } from './model-worker.ts';
import type { ModelOptions } from './onnx-model.ts';

export interface DirectoryOptions {
  path: string;
  /** What a model is trained to be told before a query and before a passage. */
  prefixes: Readonly<Record<'query' | 'passage', string>>;
  onLoaded?: (runtime: string) => void;
  /** Once, with a sentence. A model that cannot be loaded is not tried again. */
  onBroken?: (problem: string) => void;
}

interface Waiting {
  resolve: (vectors: Float32Array[]) => void;
  reject: (error: EmbeddingError) => void;
}

/** Somebody waits for a query, and has the words meanwhile. */
const queryWithinMs = 5000;

/** Runs a model of a directory in a thread of its own, which is started with the first text. Throws EmbeddingError where there is none. */
export const openDirectoryEmbedder = async (options: DirectoryOptions): Promise<Embedder> => {
  const { path, prefixes } = options;
  const { identity } = await openModelDirectory(path, prefixes.passage);
  const workerData: ModelOptions = { path, passagePrefix: prefixes.passage, identity };
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let problem: string | null = null;
  let loaded = false;
  let asked = 0;
  let closed = false;

  const settle = (id: number, how: (one: Waiting) => void): void => {
    const one = waiting.get(id);
    waiting.delete(id);
    // Nobody waits: the thread must not keep a process alive that has nothing else to do.
    if (waiting.size === 0) worker?.unref();
    if (one !== undefined) how(one);
  };
  const failAll = (message: string): void => {
    for (const id of waiting.keys()) settle(id, ({ reject }) => reject(new EmbeddingError(message)));
  };
  const breakFor = (why: string): void => {
    problem = why;
    options.onBroken?.(why);
    failAll(why);
  };

  const hear = (message: FromWorker): void => {
    if (message.kind === 'vectors') settle(message.id, ({ resolve }) => resolve(message.vectors));
    else if (message.kind === 'failed')
      settle(message.id, ({ reject }) => reject(new EmbeddingError(message.message, { refused: message.refused })));
    else if (message.kind === 'broken') breakFor(message.message);
    else {
      loaded = true;
      options.onLoaded?.(message.runtime);
    }
  };

  const started = (): Worker => {
    if (worker !== null) return worker;
    const made = new Worker(new URL('./model-worker.ts', import.meta.url), { workerData, name: 'diary model' });
    made.on('message', hear);
    made.on('error', (error) => {
      if (!loaded) breakFor(`The model of ${path} cannot be loaded: ${(error as Error).message}`);
    });
    made.on('exit', () => {
      if (worker === made) worker = null;
      failAll('The thread of the model ended; the next text starts another one.');
    });
    worker = made;
    return made;
  };

  const ask = async (message: Omit<ToWorker, 'id'>): Promise<Float32Array[]> => {
    const id = ++asked;
    const thread = started();
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array[]>();
    waiting.set(id, { resolve, reject });
    thread.ref();
    thread.postMessage({ ...message, id } satisfies ToWorker);
    const late = (): void => settle(id, () => reject(new EmbeddingError('The model did not answer in time.')));
    const timer = message.kind === 'query' ? setTimeout(late, queryWithinMs) : undefined;
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    model: identity,
    problem: () => problem,
    embed: async (texts, kind, model = identity) => {
      if (closed) throw new EmbeddingError('The server is stopping.');
      if (problem !== null) throw new EmbeddingError(problem);
      if (model !== identity) throw new EmbeddingError('Of a former model nothing but its vectors is left.');
      return ask({ kind, texts: texts.map((text) => `${prefixes[kind]}${text}`) });
    },
    close: async () => {
      closed = true;
      await worker?.terminate();
    },
  };
};
