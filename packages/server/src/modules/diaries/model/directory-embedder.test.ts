import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ModelPlan, writeModelDirectory } from '../../../../test/support/model-directory.ts';
import type { Embedder } from '../embedder.ts';
import { openDirectoryEmbedder } from './directory-embedder.ts';

const words = ['automobile', 'vehicle', 'kitten', 'feline', 'window'];
const prefixes = { query: 'query: ', passage: 'passage: ' };
let path: string;
const opened: Embedder[] = [];

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'atrium-model-'));
});
afterEach(async () => {
  for (const embedder of opened.splice(0)) await embedder.close?.();
  rmSync(path, { recursive: true, force: true });
});

const open = async (plan: Partial<ModelPlan> | null = {}, more = {}): Promise<Embedder> => {
  if (plan !== null) writeModelDirectory(path, { words, ...plan });
  const embedder = await openDirectoryEmbedder({ path, prefixes, ...more });
  opened.push(embedder);
  return embedder;
};
const cosine = (x: Float32Array, y: Float32Array): number => x.reduce((sum, one, at) => sum + one * y[at]!, 0);

describe('a model of a directory', () => {
  it('answers vectors of length 1 that do not depend on what else is in the batch', async () => {
    const embedder = await open();
    const texts = ['automobile', 'kitten window feline window kitten', 'vehicle', 'feline'];
    const together = await embedder.embed(texts, 'passage');
    for (const [at, text] of texts.entries()) {
      const [alone] = await embedder.embed([text], 'query');
      expect(cosine(alone!, together[at]!)).toBeCloseTo(1, 5);
    }
    expect(cosine(together[0]!, together[2]!)).toBeCloseTo(1, 3);
    expect(Math.abs(cosine(together[0]!, together[3]!))).toBeLessThan(0.3);
    expect(embedder.problem?.()).toBeNull();
  });

  it('reads as much of a text as the model can', async () => {
    const embedder = await open();
    // Sixteen tokens, of which two stand around the text and two are its prefix.
    const [short, long] = await embedder.embed(
      ['kitten '.repeat(12), `${'kitten '.repeat(12)}${'window '.repeat(9)}`],
      'passage',
    );
    expect(cosine(short!, long!)).toBeCloseTo(1, 5);
  });

  it('is found in each place where models lie, also without its smaller form', async () => {
    for (const onnx of ['onnx/model.onnx', 'model.onnx', 'onnx/model_quantized.onnx', 'model_quantized.onnx']) {
      const embedder = await open({ onnx, name: onnx });
      expect(await embedder.embed(['window'], 'query')).toHaveLength(1);
      await embedder.close?.();
    }
  });

  it('is known by what its files hold and by what it is told before an entry', async () => {
    const { model } = await open();
    expect((await open()).model).toBe(model);
    expect((await open({}, { prefixes: { ...prefixes, query: 'ask: ' } })).model).toBe(model);
    expect((await open({}, { prefixes: { ...prefixes, passage: '' } })).model).not.toBe(model);
    expect((await open({ name: 'second' })).model).not.toBe(model);
    writeModelDirectory(path, { words });
    appendFileSync(join(path, 'tokenizer_config.json'), ' ');
    expect((await open(null)).model).not.toBe(model);
  });

  it('does not answer for a former model', async () => {
    const embedder = await open();
    await expect(embedder.embed(['window'], 'query', 'onnx-before')).rejects.toThrow('Of a former model nothing');
  });

  it('answers nothing after it was closed', async () => {
    const embedder = await open();
    await embedder.embed(['window'], 'query');
    await embedder.close?.();
    await expect(embedder.embed(['window'], 'query')).rejects.toThrow('The server is stopping.');
  });
});

describe('what is no model for diaries is said in a sentence', () => {
  it('at the start: a file is missing, or is something else', async () => {
    await expect(open(null)).rejects.toThrow(
      `${path} has no model_quantized.onnx or model.onnx, neither directly nor below onnx.`,
    );
    for (const file of ['tokenizer.json', 'tokenizer_config.json', 'config.json']) {
      writeModelDirectory(path, { words });
      rmSync(join(path, file));
      await expect(open(null)).rejects.toThrow(`${path} has no ${file}.`);
    }
    writeFileSync(join(path, 'config.json'), '{');
    await expect(open(null)).rejects.toThrow('config.json cannot be read as JSON.');
    const gone = join(path, 'gone');
    await expect(openDirectoryEmbedder({ path: gone, prefixes })).rejects.toThrow(`${gone} is not there`);
  });

  it('at the start: another number of dimensions', async () => {
    await expect(open({ size: 100 })).rejects.toThrow(`${path} holds a model of 100 numbers; diaries need one of 384.`);
  });

  const told = async (embedder: Embedder): Promise<string> =>
    embedder.embed(['window'], 'passage').then(
      () => 'no problem',
      (error: Error) => error.message,
    );

  it('with the first text: the model itself, once and for all', async () => {
    const problems: string[] = [];
    const heard = { onBroken: (problem: string) => problems.push(problem) };
    writeModelDirectory(path, { words });
    writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'nothing that could be a model');
    const noModel = await open(null, heard);
    expect(await told(noModel)).toMatch(new RegExp(`^The model of ${path} cannot be used: .+\\.$`));
    expect(await told(noModel)).toBe(problems[0]);
    expect(noModel.problem?.()).toBe(problems[0]);
    expect(problems).toHaveLength(1);
  });

  it('with the first text: other inputs, other numbers than the files say, a changed file, a broken tokenizer', async () => {
    expect(await told(await open({ asks: 'position_ids' }))).toBe(
      `The model of ${path} cannot be used: it takes input_ids, position_ids instead of input_ids, attention_mask, token_type_ids.`,
    );
    writeModelDirectory(path, { words, size: 100 });
    writeFileSync(join(path, 'config.json'), '{}');
    expect(await told(await open(null))).toContain('numbers instead of 384 for each token of a text.');
    const exchanged = await open();
    writeModelDirectory(path, { words, name: 'second' });
    expect(await told(exchanged)).toContain('was exchanged while the server ran');
    writeModelDirectory(path, { words });
    writeFileSync(join(path, 'tokenizer.json'), '{}');
    expect(await told(await open(null))).toMatch(/cannot be used: Tokenizer .+\.$/);
  });
});
