import { expect, test } from 'vitest';
import { EmbeddingError } from '../embedder.ts';
import { type Answered, createModelQueue } from './model-queue.ts';

/** A model that answers how many tokens a text has, once it is let. */
const slowModel = () => {
  const runs: { lengths: number[]; end: () => void }[] = [];
  const answers: Answered[] = [];
  const heard: (() => void)[] = [];
  const queue = createModelQueue({
    tokens: 4,
    run: (texts) =>
      new Promise((resolve, reject) => {
        const lengths = texts.map(({ length }) => length);
        const end = () =>
          lengths.includes(13) ? reject(new Error('unlucky')) : resolve(lengths.map((one) => Float32Array.of(one)));
        runs.push({ lengths, end });
        for (const hear of heard.splice(0)) hear();
      }),
    answer: (answered) => {
      answers.push(answered);
      for (const hear of heard.splice(0)) hear();
    },
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((hear) => heard.push(hear));
  };
  return { queue, runs, answers, until };
};
const text = (length: number): number[] => new Array<number>(length).fill(7);

test('a query passes what else waits, after the batch that runs', async () => {
  const { queue, runs, answers, until } = slowModel();
  queue.add({ id: 1, kind: 'passage', texts: [text(4), text(3)] });
  await until(() => runs.length === 1);
  queue.add({ id: 2, kind: 'passage', texts: [text(2)] });
  queue.add({ id: 3, kind: 'query', texts: [text(1)] });
  for (let at = 0; at < 4; at += 1) {
    await until(() => runs.length === at + 1);
    runs[at]!.end();
  }
  await until(() => answers.length === 3);
  expect(runs.map(({ lengths }) => lengths)).toEqual([[3], [1], [4], [2]]);
  expect(answers).toEqual([
    { kind: 'vectors', id: 3, vectors: [Float32Array.of(1)] },
    { kind: 'vectors', id: 1, vectors: [Float32Array.of(4), Float32Array.of(3)] },
    { kind: 'vectors', id: 2, vectors: [Float32Array.of(2)] },
  ]);
});

test('what the model fails at is refused, and the next one has its turn', async () => {
  const { queue, runs, answers, until } = slowModel();
  queue.add({ id: 1, kind: 'passage', texts: [text(13), text(14)] });
  queue.add({ id: 2, kind: 'passage', texts: [text(1)] });
  for (let at = 0; at < 2; at += 1) {
    await until(() => runs.length === at + 1);
    runs[at]!.end();
  }
  await until(() => answers.length === 2);
  expect(answers[0]).toEqual({ kind: 'failed', id: 1, message: 'unlucky', refused: true });
  expect(answers[1]).toMatchObject({ kind: 'vectors', id: 2 });
});

test('a request without texts is answered', async () => {
  const { queue, answers, until } = slowModel();
  queue.add({ id: 1, kind: 'passage', texts: [] });
  await until(() => answers.length === 1);
  expect(answers).toEqual([{ kind: 'vectors', id: 1, vectors: [] }]);
});

test('an error that says whether it lasts is believed', async () => {
  const answers: Answered[] = [];
  await new Promise<void>((done) => {
    const queue = createModelQueue({
      run: () => Promise.reject(new EmbeddingError('for now')),
      answer: (answered) => {
        answers.push(answered);
        done();
      },
    });
    queue.add({ id: 1, kind: 'query', texts: [text(1)] });
  });
  expect(answers).toEqual([{ kind: 'failed', id: 1, message: 'for now', refused: false }]);
});
