import { afterAll, beforeAll, expect, it } from 'vitest';
import { diaryAgent, eventsOf, makeDiary, write } from '../../support/diary-scene.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../../support/embedding-server.ts';
import { type Agent, ok, openWorld, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';

let model: EmbeddingServer;
let world: World;
let owner: Agent;

beforeAll(async () => {
  model = await startEmbeddingServer();
  world = await openWorld({
    env: {
      ATRIUM_EMBEDDINGS_URL: model.url,
      ATRIUM_EMBEDDINGS_MODEL: 'second',
      ATRIUM_EMBEDDINGS_KEY: 'key-of-the-model',
      ATRIUM_RATE_LIMIT_MEANING: '100000',
    },
  });
  owner = await diaryAgent(await world.makeOrg('Home'), 'Owner');
});
afterAll(async () => {
  await world.close();
  await model.close();
});

const search = async (input: Json): Promise<Json> => ok(await owner.post('/api/v1/diaries/search', input));
const stateOf = async (diary: string, entry: string): Promise<string> =>
  ok(await owner.get(`/api/v1/diaries/${diary}/entries/${entry}`)).embedding_state;

it('33: an entry written while the model is away is found by words at once, and by meaning once it is back', async () => {
  model.mode = 'down';
  const diary = await makeDiary(owner);
  const entry = await write(owner, diary, { content: 'the automobile was washed on Sunday' });
  expect(entry.embedding_state).toBe('pending');
  const answer = await search({ diary_ref: diary, query: 'automobile', abstain: false });
  expect(answer).toMatchObject({ search_type: 'lexical', meaning: 'unavailable' });
  expect(answer.items[0].id).toBe(entry.id);
  model.mode = 'up';
  await expect.poll(() => stateOf(diary, entry.id), { timeout: 30_000 }).toBe('ready');
  const meant = await search({ diary_ref: diary, query: 'vehicle' });
  expect(meant).toMatchObject({ search_type: 'hybrid', meaning: 'used' });
  expect(meant.items[0]).toMatchObject({ id: entry.id, found_by: ['meaning'] });
  expect((await eventsOf(owner)).filter(({ kind, id }) => kind === 'diary.entry.embedded' && id === entry.id)).toEqual([
    expect.objectContaining({ body: { diary_id: diary, title: null, model: 'second' } }),
  ]);
  expect(model.asked.every(({ authorization }) => authorization === 'Bearer key-of-the-model')).toBe(true);
  expect(world.server.output()).not.toContain('key-of-the-model');
  expect(world.server.output()).not.toContain('washed');
});

it('57: killed while every entry is embedded anew it goes on afterwards, and answers all the while', async () => {
  const diary = await makeDiary(owner);
  const weeks = Array.from({ length: 70 }, (_, n) => n);
  for (let at = 0; at < weeks.length; at += 10)
    await Promise.all(weeks.slice(at, at + 10).map((n) => write(owner, diary, { content: `gardening in week ${n}` })));
  const car = await write(owner, diary, { content: 'automobile' });
  const count = async (state: string): Promise<number> =>
    (
      await world.database.query(
        'select count(*)::int as n from diary_entries where diary_id = $1 and embedding_state = $2',
        [diary, state],
      )
    ).rows[0].n;
  await expect.poll(() => count('ready'), { timeout: 60_000 }).toBe(71);
  const models = async (): Promise<Json[]> =>
    (
      await world.database.query(
        'select model, count(*)::int as n from diary_vector_codes group by model order by model',
      )
    ).rows;

  // What the tables hold when another model is configured; with a server that is down from its third batch on.
  model.mode = { left: 2 };
  await world.database.query(
    `begin; alter table diary_vectors drop constraint diary_vectors_entry_id_model_fkey;
     update diary_vectors set model = 'first'; update diary_vector_codes set model = 'first';
     alter table diary_vectors add foreign key (entry_id, model) references diary_vector_codes on delete cascade;
     insert into diary_vector_models (serving) values ('first') on conflict (only_row) do update set serving = 'first'; commit`,
  );
  await expect
    .poll(async () => (await models()).find(({ model: name }) => name === 'second')?.n ?? 0, { timeout: 30_000 })
    .toBeGreaterThan(0);
  await world.server.kill();
  model.mode = { left: 0 };
  await world.restart();
  // Nobody answers for the meaning now; the words do.
  expect((await search({ diary_ref: diary, query: 'automobile' })).items[0].id).toBe(car.id);
  expect((await models()).map(({ model: name }) => name)).toEqual(['first', 'second']);
  model.mode = 'up';
  // Killed in the middle of a sweep, the process holds its lease for a minute.
  await expect.poll(models, { timeout: 120_000 }).toEqual([{ model: 'second', n: expect.any(Number) }]);
  expect(await count('ready')).toBe(71);
  expect((await search({ diary_ref: diary, query: 'vehicle', mode: 'vector' })).items[0].id).toBe(car.id);
}, 240_000);
