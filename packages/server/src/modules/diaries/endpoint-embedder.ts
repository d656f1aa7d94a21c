import { z } from 'zod';
import { plainRequest } from '../../platform/net/plain-request.ts';
import { dimensions, type Embedder, EmbeddingError, normalised } from './embedder.ts';

export interface EndpointOptions {
  /** Such as `http://127.0.0.1:8080/v1`; `/embeddings` is asked for below it. */
  url: string;
  model: string;
  key: string | null;
}

const answer = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()) })),
});

/** Somebody waits for the answer to a query; entries wait for nobody. */
const timeoutsMs = { query: 2000, passage: 30_000 } as const;
/** Of an answer: a batch of vectors with room to spare. */
const longestAnswer = 8 * 1024 * 1024;
/** What says that this request will never do; anything else may pass. */
const lasting = [400, 413, 422];

/** E5 models are trained to be told which of the two a text is; others hardly mind. */
const prefixes = { query: 'query: ', passage: 'passage: ' } as const;

const read = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > longestAnswer) throw new EmbeddingError('The endpoint answered more than a batch of vectors.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EmbeddingError('The endpoint did not answer JSON.', { cause });
  }
};

/** Asks a server that speaks the embeddings protocol of OpenAI, such as text-embeddings-inference, llama.cpp or Ollama. */
export const createEndpointEmbedder = ({ url, model, key }: EndpointOptions): Embedder => {
  const target = new URL(`${url.replace(/\/+$/, '')}/embeddings`);
  const headers = {
    'content-type': 'application/json',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  };

  const ask = async (body: string, timeout_ms: number): Promise<{ status: number; text: string }> => {
    try {
      const { status, body: stream } = await plainRequest(target, { method: 'POST', headers, body, timeout_ms });
      return { status, text: await read(stream) };
    } catch (cause) {
      if (cause instanceof EmbeddingError) throw cause;
      throw new EmbeddingError('The endpoint cannot be reached.', { cause });
    }
  };

  return {
    model,
    embed: async (texts, kind, asked = model) => {
      const input = texts.map((text) => `${prefixes[kind]}${text}`);
      const { status, text } = await ask(
        JSON.stringify({ model: asked, input, encoding_format: 'float' }),
        timeoutsMs[kind],
      );
      if (status !== 200)
        throw new EmbeddingError(`The endpoint answered ${status}.`, { refused: lasting.includes(status) });
      const parsed = answer.safeParse(parse(text));
      if (!parsed.success || parsed.data.data.length !== texts.length)
        throw new EmbeddingError(`The endpoint must answer one vector of ${dimensions} numbers for each text.`);
      const vectors = new Map(parsed.data.data.map(({ index, embedding }) => [index, embedding]));
      return texts.map((_, at) => normalised(vectors.get(at)));
    },
  };
};
