import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { newId } from '../ids/ids.ts';
import { SampledFacts } from './sampled-facts.ts';

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

const stored = async (): Promise<unknown[][]> =>
  (await test.pool.query('select kind, body from core_events order by seq')).rows.map(({ kind, body }) => [kind, body]);

it('tells the first at once and the others together, each thing apart', async () => {
  const org_id = newId();
  const facts = new SampledFacts({ database: test.database, onError: (error) => void test.background.push(error) });
  const asked = vi.fn((client_id: string) => ({ kind: 'oauth.token.checked', org_id, body: { client_id } }));
  const note = (client: string) => facts.note(client, () => asked(client));
  note('a');
  await vi.waitFor(async () => expect(await stored()).toHaveLength(1), 5000);
  note('a');
  note('a');
  note('b');
  await facts.stop();
  expect(await stored()).toEqual([
    ['oauth.token.checked', { client_id: 'a', count: 1 }],
    ['oauth.token.checked', { client_id: 'b', count: 1 }],
    ['oauth.token.checked', { client_id: 'a', count: 2 }],
  ]);
  // What comes again costs a look-up.
  expect(asked).toHaveBeenCalledTimes(2);
});

it('keeps no more things apart than it may, and a failure costs nobody else', async () => {
  const errors: unknown[] = [];
  const broken = { transaction: () => Promise.reject(new Error('down')) };
  const lost = new SampledFacts({ database: broken, onError: (error) => void errors.push(error) });
  lost.note('a', () => ({ kind: 'x.y.z' }));
  await lost.stop();
  expect(errors).toHaveLength(1);
  const facts = new SampledFacts({ database: test.database, most: 2, onError: (error) => void errors.push(error) });
  for (const thing of ['a', 'b', 'c']) facts.note(thing, () => ({ kind: `x.${thing}.seen`, org_id: newId() }));
  await facts.stop();
  expect((await stored()).map(([kind]) => kind).toSorted()).toEqual(['x.a.seen', 'x.b.seen']);
});
