import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const dimensions = 384;

/** Words that mean the same. */
export const synonyms = new Map(
  Object.entries({ automobile: 'car', vehicle: 'car', physician: 'doctor', kitten: 'cat', feline: 'cat' }),
);
export const silent = new Set('the a an is was of to and in on our query passage tag'.split(' '));

/** Everywhere and always the same direction for a concept; another one for another model. */
export const direction = (model: string, concept: string): number[] => {
  const numbers: number[] = [];
  for (let block = 0; numbers.length < dimensions; block += 1)
    for (const byte of createHash('sha512').update(`${model} ${concept} ${block}`).digest()) numbers.push(byte - 127.5);
  return numbers.slice(0, dimensions);
};

/** Texts about the same things have vectors that lie close together, others hardly touch. */
export const embed = (model: string, text: string): number[] => {
  const sum = new Array<number>(dimensions).fill(0);
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  for (const word of words.filter((each) => !silent.has(each)))
    for (const [at, value] of direction(model, synonyms.get(word) ?? word).entries()) sum[at]! += value;
  if (!sum.some((value) => value !== 0)) sum[0] = 1;
  return sum;
};

export interface EmbeddingServer {
  url: string;
  /** Everything it was asked, oldest first. */
  asked: { model: string; input: string[]; authorization: string | undefined }[];
  /** What it does from now on; `broken` answers what no vector is, `left` answers so many requests and is down then. */
  mode: 'up' | 'down' | 'broken' | { left: number };
  /** Names it still knows; null: any. */
  models: string[] | null;
  close(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** Speaks the embeddings protocol of OpenAI with a model of a few lines, whose answers can be foretold. */
export const startEmbeddingServer = async (): Promise<EmbeddingServer> => {
  const isDown = (): boolean => {
    if (typeof state.mode === 'string') return state.mode === 'down';
    state.mode.left -= 1;
    return state.mode.left < 0;
  };
  const http = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (isDown()) return request.socket.destroy();
    if (request.method !== 'POST' || request.url !== '/v1/embeddings') return answer(404, {});
    const { model, input } = JSON.parse(body) as { model: string; input: string[] };
    state.asked.push({ model, input, authorization: request.headers.authorization });
    if (state.mode === 'broken') return answer(200, { data: [{ index: 0, embedding: [1, 2, 3] }] });
    if (state.models !== null && !state.models.includes(model))
      return answer(404, { error: { message: 'no such model' } });
    if (input.some((text) => text.includes('unembeddable'))) return answer(400, { error: { message: 'no' } });
    // In no particular order: the index says which is which.
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: embed(model, text) })).reverse();
    return answer(200, { object: 'list', model, data });
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const state: EmbeddingServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    asked: [],
    mode: 'up',
    models: null,
    close: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
  return state;
};
