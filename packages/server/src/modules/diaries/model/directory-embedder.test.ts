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

/** A thread is started for each model, and a busy machine takes its time for that. */
const patient = 120_000;

describe('a model of a directory', () => {
  it(
    'answers vectors of length 1 of as much of a text as it reads, whatever else is in the batch',
    async () => {
      const loaded: string[] = [];
      const embedder = await open({}, { onLoaded: (runtime: string) => loaded.push(runtime) });
      expect(loaded).toEqual([]);
      // Sixteen tokens are read: two stand around the text, and two are its prefix.
      const long = 'kitten '.repeat(12);
      const texts = [
        'automobile',
        'kitten window feline window kitten',
        long,
        'vehicle',
        `${long}${'window '.repeat(9)}`,
      ];
      const together = await embedder.embed(texts, 'passage');
      for (const [at, text] of texts.entries()) {
        expect(Math.hypot(...together[at]!)).toBeCloseTo(1, 5);
        const [alone] = await embedder.embed([text], 'query');
        expect(cosine(alone!, together[at]!)).toBeCloseTo(1, 5);
      }
      const [car, pets, cats, other, cut] = together;
      expect(cosine(car!, other!)).toBeCloseTo(1, 3);
      expect(Math.abs(cosine(car!, cats!))).toBeLessThan(0.3);
      expect(cosine(cut!, cats!)).toBeCloseTo(1, 5);
      // Three of its five words are of cats, two are another one; both have vectors of about the same length.
      expect(cosine(pets!, cats!)).toBeGreaterThan(0.7);
      expect(cosine(pets!, cats!)).toBeLessThan(0.9);
      expect(embedder.problem?.()).toBeNull();
      expect(loaded).toEqual(['onnxruntime-web']);

      await expect(embedder.embed(['window'], 'query', 'onnx-before')).rejects.toThrow('Of a former model nothing');
      await embedder.close?.();
      await expect(embedder.embed(['window'], 'query')).rejects.toThrow('The server is stopping.');
    },
    patient,
  );

  it('is found in each place where models lie, the smaller form first', async () => {
    const known = new Set<string>();
    for (const onnx of ['onnx/model.onnx', 'model.onnx', 'onnx/model_quantized.onnx', 'model_quantized.onnx'])
      known.add((await open({ onnx, name: onnx })).model);
    expect(known.size).toBe(4);
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

  it(
    'with the first text: the model itself, once and for all',
    async () => {
      const problems: string[] = [];
      const heard = { onBroken: (problem: string) => problems.push(problem) };
      writeModelDirectory(path, { words });
      writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'nothing that could be a model');
      const noModel = await open(null, heard);
      expect(await told(noModel)).toMatch(new RegExp(`^The model of ${path} cannot be used: .+\\.$`));
      expect(await told(noModel)).toBe(problems[0]);
      expect(noModel.problem?.()).toBe(problems[0]);
      expect(problems).toHaveLength(1);
    },
    patient,
  );

  it(
    'with the first text: other inputs',
    async () => {
      expect(await told(await open({ asks: 'position_ids' }))).toBe(
        `The model of ${path} cannot be used: it takes input_ids, position_ids instead of input_ids, attention_mask, token_type_ids.`,
      );
    },
    patient,
  );

  it(
    'with the first text: other numbers than the files say',
    async () => {
      writeModelDirectory(path, { words, size: 100 });
      writeFileSync(join(path, 'config.json'), '{}');
      expect(await told(await open(null))).toContain('numbers instead of 384 for each token of a text.');
    },
    patient,
  );

  it(
    'with the first text: files that were exchanged meanwhile, or a tokenizer that is none',
    async () => {
      const exchanged = await open();
      writeModelDirectory(path, { words, name: 'second' });
      expect(await told(exchanged)).toContain('was exchanged while the server ran');
      writeFileSync(join(path, 'tokenizer.json'), '{}');
      expect(await told(await open(null))).toMatch(/cannot be used: .+\.$/);
    },
    patient,
  );
});
