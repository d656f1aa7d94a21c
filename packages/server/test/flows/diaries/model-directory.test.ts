import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diaryAgent, eventsOf, makeDiary, write } from '../../support/diary-scene.ts';
import { writeModelDirectory } from '../../support/model-directory.ts';
import { type Agent, ok, openWorld, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';

const words = ['automobile', 'vehicle', 'car', 'washed', 'sunday', 'gardening', 'breakfast', 'cycling', 'physician'];
let path: string;
let world: World;
let owner: Agent;
let diary: string;
let car: string;

beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'atrium-model-'));
  writeModelDirectory(path, { words });
  world = await openWorld({ env: { ATRIUM_EMBEDDINGS_DIR: path } });
  owner = await diaryAgent(await world.makeOrg('Home'), 'Owner');
});
afterAll(async () => {
  await world.close();
  rmSync(path, { recursive: true, force: true });
});

const search = async (input: Json): Promise<Json> =>
  ok(await owner.post('/api/v1/diaries/search', { diary_ref: diary, ...input }));
const stateOf = async (entry: string): Promise<string> =>
  ok(await owner.get(`/api/v1/diaries/${diary}/entries/${entry}`)).embedding_state;
const models = async (): Promise<Json[]> =>
  (await world.database.query('select model, count(*)::int as n from diary_vector_codes group by model order by model'))
    .rows;
const meaning = async (): Promise<Json> =>
  ok(await world.operator.get('/api/v1/admin/capabilities')).items.find(
    ({ name }: Json) => name === 'Search by meaning',
  );

it('a model of a directory finds by meaning what nothing is written of', async () => {
  diary = await makeDiary(owner);
  for (const content of ['gardening', 'breakfast', 'cycling']) await write(owner, diary, { content });
  car = (await write(owner, diary, { content: 'the automobile was washed on Sunday' })).id;
  await expect.poll(() => stateOf(car), { timeout: 60_000 }).toBe('ready');
  const meant = await search({ query: 'vehicle' });
  expect(meant).toMatchObject({ search_type: 'hybrid', meaning: 'used' });
  expect(meant.items[0]).toMatchObject({ id: car, found_by: ['meaning'] });
  expect((await search({ query: 'vehicle', mode: 'vector' })).items[0].id).toBe(car);
  expect(await search({ query: 'vehicle', mode: 'lexical' })).toMatchObject({ search_type: 'lexical', items: [] });
  const { model } = (await eventsOf(owner)).find(({ kind, id }) => kind === 'diary.entry.embedded' && id === car)!.body;
  expect(model).toMatch(/^onnx-[0-9a-f]{16}$/);
  expect(await meaning()).toEqual({
    ...{ name: 'Search by meaning', on: true, detail: `The model ${model} of ${path}` },
    setting: 'ATRIUM_EMBEDDINGS_DIR',
  });
  expect(world.server.output()).not.toContain('washed');
}, 120_000);

it('a broken model leaves search with words and is told of; another one has every entry embedded anew', async () => {
  const [before] = await models();
  await world.server.stop();
  writeFileSync(join(path, 'onnx/model_quantized.onnx'), 'nothing that could be a model');
  await world.restart();
  const entry = await write(owner, diary, { content: 'the physician is away' });
  expect(await search({ query: 'physician' })).toMatchObject({ search_type: 'lexical', meaning: 'unavailable' });
  await expect.poll(async () => (await meaning()).on, { timeout: 60_000 }).toBe(false);
  expect((await meaning()).detail).toMatch(new RegExp(`^The model of ${path} cannot be used: .+\\.$`));
  expect(world.server.output()).toContain('diaries are searched by words alone. The model of');
  expect(await stateOf(entry.id)).toBe('pending');
  expect(await models()).toEqual([before]);

  await world.server.stop();
  writeModelDirectory(path, { name: 'second', words });
  await world.restart();
  await expect.poll(async () => (await models()).map(({ n }) => n), { timeout: 120_000 }).toEqual([before!.n + 1]);
  expect((await models())[0]!.model).not.toBe(before!.model);
  expect(await stateOf(entry.id)).toBe('ready');
  expect((await search({ query: 'vehicle', mode: 'vector' })).items[0].id).toBe(car);
}, 300_000);
