import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeModelDirectory } from '../../test/support/model-directory.ts';
import { formatProblems, readConfig } from '../platform/config/config.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { examine } from './doctor.ts';
import { openEmbedder } from './embeddings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'atrium-embeddings-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const read = (environment: Record<string, string>) =>
  readConfig({ environment: { ATRIUM_DATA_DIR: join(scratch, 'data'), ATRIUM_PORT: '0', ...environment }, file: null });
const valuesOf = (environment: Record<string, string>) => {
  const result = read(environment);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.values;
};
const finding = async (environment: Record<string, string>) =>
  (await examine(read(environment))).find(({ check }) => check === 'model');

it('no model is made where none is configured', async () => {
  expect(await openEmbedder(valuesOf({}))).toBeNull();
  expect(await finding({})).toEqual({
    ...{ status: 'ok', check: 'model', text: 'none; diaries are searched by words alone' },
  });
});

it('a directory without a model keeps the server from starting, with a sentence', async () => {
  const path = join(scratch, 'nothing');
  const environment = { ATRIUM_EMBEDDINGS_DIR: path };
  const sentence = `ATRIUM_EMBEDDINGS_DIR: ${path} is not there, or cannot be read by this user.`;
  const refusal = await openEmbedder(valuesOf(environment)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StartupError);
  expect((refusal as StartupError).message).toBe(sentence);
  expect(await finding(environment)).toEqual({ status: 'fail', check: 'model', text: sentence });
});

it('the doctor has the model embed a word', async () => {
  const path = join(scratch, 'model');
  const environment = { ATRIUM_EMBEDDINGS_DIR: path };
  writeModelDirectory(path, { words: ['atrium'] });
  expect(await finding(environment)).toMatchObject({
    status: 'ok',
    text: expect.stringMatching(/^onnx-[0-9a-f]{16} answers/),
  });
  writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'nothing that could be a model');
  expect(await finding(environment)).toMatchObject({
    status: 'warn',
    text: expect.stringMatching(new RegExp(`^The model of ${path} cannot be used: .+ by words alone meanwhile\\.$`)),
  });
}, 120_000);
