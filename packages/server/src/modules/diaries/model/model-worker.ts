import { parentPort, workerData } from 'node:worker_threads';
import { EmbeddingError } from '../embedder.ts';
import { type Answered, type Asked, createModelQueue } from './model-queue.ts';
import { loadModel, type ModelOptions } from './onnx-model.ts';

/** What the thread of a model is told and tells; it is made with `ModelOptions`. */
export type ToWorker = Pick<Asked, 'id' | 'kind'> & { texts: string[] };
export type FromWorker = Answered | { kind: 'loaded'; runtime: string } | { kind: 'broken'; message: string };

const port = parentPort!;
const send = (message: FromWorker): void => port.postMessage(message);

try {
  const model = await loadModel(workerData as ModelOptions);
  send({ kind: 'loaded', runtime: model.runtime });
  const queue = createModelQueue({ run: model.run, answer: send });
  port.on('message', ({ id, kind, texts }: ToWorker) => {
    try {
      queue.add({ id, kind, texts: texts.map(model.tokenize) });
    } catch (error) {
      send({ kind: 'failed', id, message: (error as Error).message, refused: true });
    }
  });
} catch (error) {
  if (!(error instanceof EmbeddingError)) throw error;
  send({ kind: 'broken', message: error.message });
}
