import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dimensions, EmbeddingError } from '../embedder.ts';

/** Paths of the files of a model. */
export interface ModelFiles {
  onnx: string;
  tokenizer: string;
  tokenizerConfig: string;
  config: string;
}

export interface ModelDirectory {
  files: ModelFiles;
  /** Made from what the files hold: another model, or another way of using it, has another name. */
  identity: string;
}

/** The first that is there: the quantized one is a quarter as large. */
const models = ['model_quantized.onnx', 'onnx/model_quantized.onnx', 'model.onnx', 'onnx/model.onnx'];
/** Told apart by the identity too: vectors that were pooled or cut otherwise are others. */
const method = 'mean pooling 1';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const firstOf = async (path: string, names: readonly string[]): Promise<string | null> => {
  for (const name of names) if (await exists(join(path, name))) return join(path, name);
  return null;
};

const findFiles = async (path: string): Promise<ModelFiles> => {
  if (!(await exists(path))) throw new EmbeddingError(`${path} is not there, or cannot be read by this user.`);
  const onnx = await firstOf(path, models);
  if (onnx === null)
    throw new EmbeddingError(`${path} has no model_quantized.onnx or model.onnx, neither directly nor below onnx.`);
  const named = async (name: string): Promise<string> => {
    if (await exists(join(path, name))) return join(path, name);
    throw new EmbeddingError(`${path} has no ${name}.`);
  };
  return {
    onnx,
    tokenizer: await named('tokenizer.json'),
    tokenizerConfig: await named('tokenizer_config.json'),
    config: await named('config.json'),
  };
};

/** An object of JSON, and what is wrong with the file otherwise. */
export const readObject = async (path: string): Promise<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new EmbeddingError(`${path} cannot be read as JSON.`, { cause });
  }
  throw new EmbeddingError(`${path} is not an object of JSON.`);
};

const identify = async (files: ModelFiles, passagePrefix: string): Promise<string> => {
  const hash = createHash('sha256').update(JSON.stringify([method, passagePrefix]));
  for (const path of [files.onnx, files.tokenizer, files.tokenizerConfig, files.config]) {
    const ofFile = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) ofFile.update(chunk as Buffer);
    hash.update(ofFile.digest());
  }
  return `onnx-${hash.digest('hex').slice(0, 16)}`;
};

/** Looks at a directory as Hugging Face lays it out; throws EmbeddingError where it holds no model for diaries. */
export const openModelDirectory = async (path: string, passagePrefix: string): Promise<ModelDirectory> => {
  const files = await findFiles(path);
  const { hidden_size: size } = await readObject(files.config);
  if (typeof size === 'number' && size !== dimensions)
    throw new EmbeddingError(`${path} holds a model of ${size} numbers; diaries need one of ${dimensions}.`);
  try {
    return { files, identity: await identify(files, passagePrefix) };
  } catch (cause) {
    throw new EmbeddingError(`${path} cannot be read.`, { cause });
  }
};
