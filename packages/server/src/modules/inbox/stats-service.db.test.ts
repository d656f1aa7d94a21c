import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { makeItem } from '../../../test/support/make-item.ts';
import { createTestSurroundings, type TestSurroundings } from '../../../test/support/make-surroundings.ts';
import { refusal } from '../../../test/support/test-inbox.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { ItemRow } from './items-rows.ts';
import { insertItem } from './items-store.ts';

let db: TestSurroundings;
let org: TestOrg;
let ada: Caller;
let bob: Caller;
let agent: Caller;
let payroll: string;

beforeAll(async () => {
  db = await createTestSurroundings();
});
beforeEach(async () => {
  org = await makeOrg(db.pool);
  ada = await org.person('Ada');
  bob = await org.person('Bob');
  agent = await org.agent('builder');
  payroll = await org.channel('payroll', { mode: 'private', members: [ada] });
});
afterAll(() => db.drop());

// The test's clock stands at 2026-03-01T12:00Z.
const question = async (created: string, parts: Partial<ItemRow> = {}, creator = agent) =>
  insertItem(db.database.read, makeItem(creator, new Date(created), { kind: 'question', ...parts }));
const answered = (created: string, by: Caller, seconds: number, parts: Partial<ItemRow> = {}) =>
  question(created, {
    status: 'answered',
    answered_at: new Date(Date.parse(created) + seconds * 1000),
    answered_by_type: 'user',
    answered_by_id: by.id,
    answered_by_name: by.name,
    answer_source: 'person',
    ...parts,
  });
const stats = (caller: Caller, days = 7, time_zone = 'UTC') =>
  db.around.stats.read(callBy(caller), { days, time_zone });

test('counts and times are those of what the reader sees, and of nothing else (situation 30)', async () => {
  await answered('2026-03-01T08:00:00Z', bob, 10);
  await answered('2026-03-01T09:00:00Z', ada, 1000, { channel_id: payroll });
  await question('2026-03-01T10:00:00Z', { level: 'error', channel_id: payroll });
  await question('2026-03-01T10:00:00Z', { level: 'warning' });
  const forAda = await stats(ada);
  expect(forAda).toMatchObject({
    open_by_level: { info: 0, success: 0, warning: 1, error: 1 },
    answered_today: 2,
    median_answer_s: 505,
    per_person: [
      { name: 'Ada', answered: 1, median_answer_s: 1000 },
      { name: 'Bob', answered: 1, median_answer_s: 10 },
    ].sort((a, b) => ((a.name === 'Ada' ? ada.id : bob.id) < (b.name === 'Ada' ? ada.id : bob.id) ? -1 : 1)),
    per_agent: [{ id: agent.id, asked: 4, answered: 2, median_answer_s: 505 }],
  });
  expect(forAda.per_channel.map((row) => row.name).sort()).toEqual(['', 'payroll']);
  const forBob = await stats(bob);
  expect(forBob).toMatchObject({
    open_by_level: { info: 0, success: 0, warning: 1, error: 0 },
    answered_today: 1,
    median_answer_s: 10,
    p90_answer_s: 10,
    per_agent: [{ asked: 2, answered: 1 }],
    per_channel: [{ id: null, name: '', asked: 2, answered: 1 }],
    per_person: [{ id: bob.id, name: 'Bob', asked: 1, answered: 1 }],
  });
  expect(JSON.stringify(forBob)).not.toContain('payroll');
  const stranger = await (await makeOrg(db.pool)).person('Stranger', 'owner');
  expect((await stats(stranger)).per_agent).toEqual([]);
});

test('the median and the ninetieth percentile are of answers by people, not by rules and timeouts', async () => {
  for (const seconds of [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110])
    await answered('2026-03-01T08:00:00Z', ada, seconds);
  await answered('2026-03-01T08:00:00Z', ada, 9999, {
    answer_source: 'timeout',
    answered_by_type: 'system',
    answered_by_id: null,
  });
  expect(await stats(ada)).toMatchObject({ median_answer_s: 60, p90_answer_s: 100, answered_today: 12 });
});

test('every day of the window is there, also the empty ones, as days of the time zone', async () => {
  // 23:30 on 27 February in New York, 04:30 on the 28th in UTC.
  await question('2026-02-28T04:30:00Z');
  await question('2026-02-20T12:00:00Z', { status: 'expired', expires_at: new Date('2026-02-28T12:00:00Z') });
  const days = async (zone: string) =>
    (await stats(ada, 3, zone)).per_day.map(({ day, created, expired }) => [day, created, expired]);
  expect(await days('UTC')).toEqual([
    ['2026-02-27', 0, 0],
    ['2026-02-28', 1, 1],
    ['2026-03-01', 0, 0],
  ]);
  expect(await days('America/New_York')).toEqual([
    ['2026-02-27', 1, 0],
    ['2026-02-28', 0, 1],
    ['2026-03-01', 0, 0],
  ]);
});

test('today begins at midnight of the time zone, and a day of 23 hours is one day', async () => {
  await answered('2026-02-28T15:30:00Z', ada, 1);
  expect((await stats(ada)).answered_today).toBe(0);
  expect((await stats(ada, 1, 'Asia/Tokyo')).answered_today).toBe(1);
  const toSpring = 29 * 86_400_000;
  db.clock.advance(toSpring);
  expect((await stats(ada, 3, 'Europe/Berlin')).per_day.map((one) => one.day)).toEqual([
    '2026-03-28',
    '2026-03-29',
    '2026-03-30',
  ]);
  db.clock.advance(-toSpring);
});

test('a zone that is none is refused', async () => {
  for (const zone of ['Mars/Olympus', '+02:00', '', "x'; drop", 'UTC+3']) {
    expect((await refusal(stats(ada, 7, zone))).code).toBe('validation_failed');
  }
});

test('an empty inbox has zeros and no times', async () => {
  expect(await stats(ada, 1)).toEqual({
    open_by_level: { info: 0, success: 0, warning: 0, error: 0 },
    answered_today: 0,
    median_answer_s: null,
    p90_answer_s: null,
    per_day: [{ day: '2026-03-01', created: 0, answered: 0, expired: 0 }],
    per_agent: [],
    per_channel: [],
    per_person: [],
  });
});
