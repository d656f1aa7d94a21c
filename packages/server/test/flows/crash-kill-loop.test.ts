import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json, RestAnswer } from '../support/rest-client.ts';
import { postmasterPid } from '../support/server-database.ts';
import { until } from '../support/until.ts';

const serverKills = 6;
const databaseKills = 4;
const writingFor_ms = 60_000;
const form = { fields: [{ type: 'text', id: 'x', required: true }] };

let world: World;
let org: Org;
let a: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld();
  org = await world.makeOrg('Killed');
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

/** What the clients were told. Whatever stands here must be true of the tables for ever. */
const told = {
  items: new Map<string, string>(),
  expiring: new Set<string>(),
  answers: new Map<string, string>(),
};
let over = false;
let retries = 0;

/** Sends until somebody answers for good; a lost connection, a 5xx and a refusal of a draining server are tried again. */
const insist = async (send: () => Promise<RestAnswer>): Promise<RestAnswer> => {
  for (;;) {
    const answer = await send().catch(() => null);
    if (answer !== null && answer.status < 500) return answer;
    retries += 1;
    await delay(50);
  }
};

const ask = async (): Promise<void> => {
  for (let i = 0; !over; i += 1) {
    const key = `key-${i}`;
    const ttl = i % 3 === 0 ? { ttl_ms: 2000 } : { ttl_ms: 3_600_000 };
    const made = await insist(() =>
      g.post('/api/v1/inbox/ask', { title: `Asked ${i}`, form, idempotency_key: key, ...ttl }),
    );
    const { id } = ok(made);
    told.items.set(key, id);
    if (i % 3 === 0) told.expiring.add(id);
  }
};

const answer = async (): Promise<void> => {
  while (!over) {
    const waiting = [...told.items.values()].find((id) => !told.answers.has(id) && !told.expiring.has(id));
    if (waiting === undefined) {
      await delay(20);
      continue;
    }
    const x = `answer to ${waiting}`;
    const given = await insist(() => a.post(`/api/v1/inbox/items/${waiting}/answer`, { values: { x } }));
    // An answer whose acknowledgement was lost is there when it is sent again.
    if (given.status === 409)
      expect(given.body).toMatchObject({ code: 'item_closed', item_status: 'answered', answered_by: { id: a.id } });
    else ok(given);
    told.answers.set(waiting, x);
  }
};

it('two writers, the server and its database killed ten times: nothing acknowledged is lost, nothing is doubled', async () => {
  const writing = Promise.all([ask(), answer()]);
  writing.catch(() => {});
  const begun = Date.now();
  let kills = 0;
  const grown = async (by: number) => {
    const before = told.items.size;
    await until(() => told.items.size >= before + by, 'the writers get on', 60_000);
    // The kills are spread over the whole time of writing, at moments that differ from run to run.
    kills += 1;
    const due = begun + (kills / (serverKills + databaseKills + 1)) * writingFor_ms;
    await delay(Math.max(0, due - Date.now()) + 500 * Math.random());
  };
  try {
    for (let i = 0; i < serverKills; i += 1) {
      await grown(40);
      await world.server.kill();
      await world.restart();
    }
    for (let i = 0; i < databaseKills; i += 1) {
      await grown(40);
      process.kill(postmasterPid(world.server.dataDir), 'SIGKILL');
      await until(
        async () => (await world.anonymous.get('/ready').catch(() => null))?.status === 200,
        'ready again',
        60_000,
      );
    }
    await grown(40);
  } finally {
    over = true;
  }
  await writing;
  expect(retries).toBeGreaterThan(0);

  const query = async (statement: string, values: unknown[] = []): Promise<Json[]> =>
    (await world.database.query(statement, values)).rows;
  const open = () => query("select id from inbox_items where id = any($1) and status = 'open'", [[...told.expiring]]);
  await until(async () => (await open()).length === 0, 'every TTL is over', 40_000);

  const items = await query(
    'select id, idempotency_key as key, status::text, response, title from inbox_items where org_id = $1',
    [org.id],
  );
  const byKey = new Map(items.map((item) => [item.key, item]));
  expect(byKey.size).toBe(items.length);
  for (const [key, id] of told.items) expect(byKey.get(key)?.id).toBe(id);
  // Nobody but the writer asked, and it went on to the next key only after the acknowledgement of the one before.
  expect(items.length).toBe(told.items.size);

  const byId = new Map(items.map((item) => [item.id, item]));
  for (const [id, x] of told.answers) expect([byId.get(id).status, byId.get(id).response]).toEqual(['answered', { x }]);
  for (const id of told.expiring) expect(byId.get(id).status).toBe('expired');
  expect(
    await query('select item_id from inbox_responses where org_id = $1 group by 1 having count(*) <> 1', [org.id]),
  ).toEqual([]);
  const [responses] = await query('select count(*)::int as n from inbox_responses where org_id = $1', [org.id]);
  expect(responses.n).toBe(told.answers.size);

  const twice = `select subject_id, kind, count(*) from core_events where org_id = $1 and kind in
    ('inbox.item.created', 'inbox.item.answered', 'inbox.item.expired') group by 1, 2 having count(*) <> 1`;
  expect(await query(twice, [org.id])).toEqual([]);
  const [log] = await query(
    'select count(*)::int as n, max(seq)::int as last, min(seq)::int as first from core_events where org_id = $1',
    [org.id],
  );
  expect([log.first, log.last]).toEqual([1, log.n]);
  expect(ok(await org.owner.get('/api/v1/audit/verify'))).toMatchObject({ intact: true });
  expect(ok(await org.owner.get('/api/v1/orgs/current/usage')).notifications_this_month).toBe(items.length);

  // Every timer that was acknowledged is there once: done for those that expired, waiting for the others.
  const timers = await query(
    "select workflow_uuid as id, status from dbos.workflow_status where workflow_uuid like 'inbox-expire-%'",
  );
  const ofItem = new Map(timers.map((timer) => [timer.id, timer.status]));
  for (const id of told.items.values()) expect([id, ofItem.has(`inbox-expire-${id}-1`)]).toEqual([id, true]);
  const unfinished = () =>
    query(
      "select workflow_uuid, status, error from dbos.workflow_status where workflow_uuid = any($1) and status <> 'SUCCESS'",
      [[...told.expiring].map((id) => `inbox-expire-${id}-1`)],
    );
  // A job that met every kill waits up to 64 s between its last attempts.
  await expect.poll(unfinished, { timeout: 150_000, interval: 250 }).toEqual([]);
}, 400_000);
