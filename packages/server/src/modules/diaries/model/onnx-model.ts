import { readFile } from 'node:fs/promises';
import { dimensions, EmbeddingError, normalised } from '../embedder.ts';
import { type ModelFiles, openModelDirectory, readObject } from './model-directory.ts';
import { loadRuntime, type Runtime } from './onnx-runtime.ts';
import { meanPooled } from './pooling.ts';
import { createTokenize, mostTokens, paddingOf, type Tokenize } from './text-tokens.ts';

export interface ModelOptions {
  path: string;
  passagePrefix: string;
  /** Of what the directory held when the server started. */
  identity: string;
}

export interface Model {
  runtime: string;
  tokenize: Tokenize;
  /** A vector of length 1 for the tokens of each text. */
  run: (texts: readonly (readonly number[])[]) => Promise<Float32Array[]>;
}

/** What models of this kind ask for beside the tokens; anything else could only be guessed. */
const known = ['input_ids', 'attention_mask', 'token_type_ids'];
/** Names of the output with a row for each token. */
const rows = ['last_hidden_state', 'token_embeddings'];

const matrix = (texts: readonly (readonly number[])[], width: number, at: (text: number, token: number) => number) =>
  BigInt64Array.from({ length: texts.length * width }, (_, cell) => BigInt(at(Math.floor(cell / width), cell % width)));

const openSession = async (runtime: Runtime, files: ModelFiles, padding: number): Promise<Model['run']> => {
  const session = await runtime.open(await readFile(files.onnx));
  const strange = session.inputNames.find((name) => !known.includes(name));
  if (strange !== undefined || !session.inputNames.includes('input_ids'))
    throw new EmbeddingError(`it takes ${session.inputNames.join(', ')} instead of ${known.join(', ')}`);
  const output = rows.find((name) => session.outputNames.includes(name)) ?? session.outputNames[0]!;
  return async (texts) => {
    const lengths = texts.map((text) => text.length);
    const width = Math.max(...lengths);
    const isText = (text: number, token: number): boolean => token < lengths[text]!;
    const inputs: Record<string, BigInt64Array> = {
      input_ids: matrix(texts, width, (text, token) => texts[text]![token] ?? padding),
      attention_mask: matrix(texts, width, (text, token) => (isText(text, token) ? 1 : 0)),
      token_type_ids: matrix(texts, width, () => 0),
    };
    const feeds = session.inputNames.map(
      (name) => [name, runtime.tensor(inputs[name]!, [texts.length, width])] as const,
    );
    const answer = (await session.run(Object.fromEntries(feeds), [output]))[output]!;
    const [, tokens, size] = answer.dims;
    if (answer.dims.length !== 3 || tokens !== width || size !== dimensions)
      throw new EmbeddingError(
        `it answers ${answer.dims.join(' × ')} numbers instead of ${dimensions} for each token of a text`,
      );
    return meanPooled(answer.data as Float32Array, lengths, width, size).map(normalised);
  };
};

/** Loads a model and has it embed a word; throws EmbeddingError with a sentence where that is not possible. */
export const loadModel = async ({ path, passagePrefix, identity }: ModelOptions): Promise<Model> => {
  const { files, identity: found } = await openModelDirectory(path, passagePrefix);
  if (found !== identity)
    throw new EmbeddingError(
      `The model of ${path} was exchanged while the server ran; it is taken up at the next start.`,
    );
  try {
    const config = await readObject(files.config);
    const tokenizerConfig = await readObject(files.tokenizerConfig);
    const most = mostTokens(tokenizerConfig, config);
    const tokenizerFile = await readObject(files.tokenizer);
    const tokenize = createTokenize(tokenizerFile, tokenizerConfig, most);
    const runtime = await loadRuntime();
    const run = await openSession(runtime, files, paddingOf(tokenizerFile, tokenizerConfig, config));
    await run([tokenize('a')]);
    return { runtime: runtime.name, tokenize, run };
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new EmbeddingError(`The model of ${path} cannot be used: ${reason}.`.replace(/\.+$/, '.'), { cause });
  }
};
