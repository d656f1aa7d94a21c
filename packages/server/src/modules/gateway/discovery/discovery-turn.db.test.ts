import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { until } from '../../../../test/support/until.ts';
import { createDiscoveryTurn } from './discovery-turn.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const process = () => {
  const acts: string[] = [];
  const turn = createDiscoveryTurn({
    url: t.url,
    begin: () => void acts.push('begin'),
    end: async () => void acts.push('end'),
    onError: () => {},
  });
  return { acts, ...turn };
};

it('one process of several discovers, the next one when it stops, and it again when its connection breaks', {
  tags: ['long'],
}, async () => {
  const [first, second] = [process(), process()];
  await first.start();
  await second.start();
  expect([first.acts, second.acts]).toEqual([['begin'], []]);
  await first.stop();
  await until(() => second.acts.length === 1, 'the turn of the second');
  expect([first.acts, second.acts]).toEqual([['begin', 'end'], ['begin']]);
  await t.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'atrium discovery' and datname = current_database()",
  );
  await until(() => second.acts.length === 3, 'its turn ends and begins again');
  expect(second.acts).toEqual(['begin', 'end', 'begin']);
  await second.stop();
});
