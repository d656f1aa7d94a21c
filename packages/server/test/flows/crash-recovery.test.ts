import { appendFileSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../support/live-socket.ts';
import { connectV2 } from '../support/mcp-drivers.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';
import { postmasterPid } from '../support/server-database.ts';
import { until } from '../support/until.ts';

const form = { fields: [{ type: 'text', id: 'x' }] };
const hour = '1 hour';

let world: World;
let org: Org;
let a: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld();
  org = await world.makeOrg();
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

it('situation 21: killed before COMMIT nothing is left; the retry with the same key makes exactly one item', async () => {
  const used = async () =>
    (
      await world.database.query(
        "select coalesce(sum(count), 0)::int as n from identity_usage where org_id = $1 and key = 'monthly_notifications'",
        [org.id],
      )
    ).rows[0].n;
  const before = await used();
  const body = { title: 'Cut off', form, ttl_ms: 3_600_000, idempotency_key: 'cut-off' };
  // The lock holds every commit of the organisation back at its last statement.
  const holding = await world.database.connect();
  await holding.query('begin');
  await holding.query('select 1 from core_event_heads where org_id = $1 for update', [org.id]);
  const lost = g.post('/api/v1/inbox/ask', body).catch((error: Error) => error);
  await until(
    async () =>
      (
        await world.database.query(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%core_commit%'",
        )
      ).rowCount! > 0,
    'the item waits for its commit',
  );
  await world.server.kill();
  await holding.query('rollback');
  holding.release();
  expect(await lost).toBeInstanceOf(Error);
  // Its postgres lives on and ends what the dead server had begun.
  await until(
    async () =>
      (
        await world.database.query(
          "select 1 from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and state like '%transaction%'",
        )
      ).rowCount === 0,
    'the open transaction is over',
  );
  const left = async (statement: string) => (await world.database.query(statement)).rows[0].n;
  expect(await left("select count(*)::int as n from inbox_items where title = 'Cut off'")).toBe(0);
  const workflows = "select count(*)::int as n from dbos.workflow_status where workflow_uuid like 'inbox-expire-%'";
  expect(await left(workflows)).toBe(0);
  expect(await used()).toBe(before);

  await world.restart();
  const made = ok(await g.post('/api/v1/inbox/ask', body));
  expect(ok(await g.post('/api/v1/inbox/ask', body)).id).toBe(made.id);
  expect(await left("select count(*)::int as n from inbox_items where title = 'Cut off'")).toBe(1);
  expect(await left(workflows)).toBe(1);
  expect((await used()) - before).toBe(1);
}, 120_000);

it('situation 22: what fell due while the process was down for an hour is processed once within 15 s of the start', async () => {
  const tomorrow = (s: number) => new Date(Date.now() + s * 1000).toISOString();
  const expiring: string[] = [];
  for (let i = 0; i < 10; i += 1)
    expiring.push(ok(await g.post('/api/v1/inbox/ask', { title: `Expires ${i}`, form, ttl_ms: 1_800_000 })).id);
  const snoozed: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { id } = ok(await g.post('/api/v1/inbox/notify', { title: `Snoozed ${i}` }));
    ok(await a.post(`/api/v1/inbox/items/${id}/snooze`, { until: tomorrow(1800) }));
    snoozed.push(id);
  }
  const reminded = ok(
    await g.post('/api/v1/inbox/ask', {
      title: 'Remind me',
      form,
      deadline_at: tomorrow(4 * 3600),
      reminders_s: [3.5 * 3600],
    }),
  ).id;
  const all = [...expiring, ...snoozed, reminded];
  await world.server.kill();

  // An hour passes: every moment that was ahead moves an hour back, in the rows and in the durable timers.
  await world.database.query(
    `update inbox_items set expires_at = expires_at - $2::interval, snoozed_until = snoozed_until - $2::interval,
       next_reminder_at = next_reminder_at - $2::interval, deadline_at = deadline_at - $2::interval,
       opened_at = opened_at - $2::interval, created_at = created_at - $2::interval where id = any($1)`,
    [all, hour],
  );
  const delays = await world.database.query(
    "select column_name from information_schema.columns where table_schema = 'dbos' and table_name = 'workflow_status' and column_name like 'delay%'",
  );
  for (const { column_name } of delays.rows)
    await world.database.query(
      `update dbos.workflow_status set "${column_name}" = "${column_name}" - 3600000 where "${column_name}" is not null`,
    );
  expect(delays.rowCount).toBeGreaterThan(0);

  await world.restart();
  const booted = Date.now();
  const waits = expiring.map((id) => g.get(`/api/v1/inbox/items/${id}/wait?timeout=30`));
  for (const outcome of await Promise.all(waits))
    expect(ok(outcome)).toMatchObject({ status: 'expired', source: 'timeout' });
  const happened = async (kind: string, ids: string[]): Promise<Record<string, number>> => {
    const { rows } = await world.database.query(
      'select subject_id as id, count(*)::int as n from core_events where kind = $1 and subject_id = any($2) group by 1',
      [kind, ids],
    );
    return Object.fromEntries(rows.map((row: Json) => [row.id, row.n]));
  };
  const once = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, 1]));
  await until(
    async () => Object.keys(await happened('inbox.item.woken', snoozed)).length === 3,
    'the snoozed are back',
  );
  await until(async () => Object.keys(await happened('inbox.item.reminded', [reminded])).length === 1, 'the reminder');
  expect(Date.now() - booted).toBeLessThan(15_000);
  // A timer and a sweep later nothing has happened twice.
  const marker = ok(await g.post('/api/v1/inbox/notify', { title: 'Marker of 22', ttl_ms: 6000 })).id;
  await until(async () => (await happened('inbox.item.expired', [marker]))[marker] === 1, 'the marker', 20_000);
  expect(await happened('inbox.item.expired', expiring)).toEqual(once(expiring));
  expect(await happened('inbox.item.woken', snoozed)).toEqual(once(snoozed));
  expect(await happened('inbox.item.reminded', [reminded])).toEqual(once([reminded]));
}, 120_000);

describe('situation 26: the database is lost for a while', () => {
  it('is said with 503, never 404; afterwards every client has every event once and in order', async () => {
    const staying = await openSocket(world.url, a.token);
    const leaving = await openSocket(world.url, a.token);
    const since = leaving.cursor;
    const notify = async (title: string): Promise<string> => ok(await g.post('/api/v1/inbox/notify', { title })).id;
    const ids: string[] = [];
    for (let i = 0; i < 10; i += 1) ids.push(await notify(`Before ${i}`));
    leaving.close();
    for (let i = 10; i < 20; i += 1) ids.push(await notify(`Before ${i}`));
    const asked = ok(await g.post('/api/v1/inbox/ask', { title: 'Asked before', form })).id;

    // Postgres dies and cannot start again, as with a full disk or a broken file, until its configuration is mended.
    const conf = join(realpathSync(join(world.server.dataDir, 'postgres')), 'postgresql.conf');
    const good = readFileSync(conf, 'utf8');
    appendFileSync(conf, "no_such_setting_at_all = 'x'\n");
    process.kill(postmasterPid(world.server.dataDir), 'SIGKILL');
    try {
      await until(async () => (await world.anonymous.get('/ready')).status === 503, '/ready gives 503');
      expect((await world.anonymous.get('/health')).status).toBe(200);
      const down = Date.now();
      while (Date.now() - down < 5000) {
        const answers = await Promise.all([
          a.get(`/api/v1/inbox/items/${ids[0]}`),
          a.get('/api/v1/inbox/items'),
          g.post('/api/v1/inbox/notify', { title: 'Lost?', idempotency_key: 'while-down' }),
          a.post(`/api/v1/inbox/items/${asked}/answer`, { values: { x: 'y' } }),
          a.get('/api/v1/me'),
          world.anonymous.post('/auth/login', { email: a.email, password: 'wrong wrong wrong' }),
          a.get('/api/v1/events'),
        ]);
        expect(answers.map((one) => [one.status, one.body.code])).toEqual(answers.map(() => [503, 'not_ready']));
      }
    } finally {
      writeFileSync(conf, good);
    }
    await until(async () => (await world.anonymous.get('/ready')).status === 200, '/ready gives 200 again', 40_000);
    // The retry of what failed makes one item.
    const retried = ok(await g.post('/api/v1/inbox/notify', { title: 'Lost?', idempotency_key: 'while-down' })).id;
    ids.push(retried);
    for (let i = 0; i < 10; i += 1) ids.push(await notify(`After ${i}`));
    expect(ok(await a.post(`/api/v1/inbox/items/${asked}/answer`, { values: { x: 'y' } })).status).toBe('answered');
    const last = ids.at(-1)!;

    const back = await openSocket(world.url, a.token, { since });
    await back.event((one) => one.id === last, 'the last event', 20_000);
    const created = (events: readonly Json[]) =>
      events.filter((one) => one.kind === 'inbox.item.created' && ids.includes(one.id)).map((one) => one.id);
    expect(created(back.events)).toEqual(ids);
    const seqs = back.events.map((one) => one.seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((x, y) => x - y));

    // The other one was never told to go; or it was, and resumes.
    let heard = [...staying.events];
    if (staying.closed !== null) {
      const again = await openSocket(world.url, a.token, { since: staying.cursor });
      await again.event((one) => one.id === last);
      heard = [...heard, ...again.events];
      again.close();
    } else {
      await staying.event((one) => one.id === last, 'the last event on the socket that stayed', 20_000);
      heard = [...staying.events];
    }
    expect(created(heard)).toEqual(ids);
    const client = await connectV2()(world.url, g.token);
    expect((await client.call('inbox_get', { id: asked })).structuredContent.status).toBe('answered');
    await client.close();
    for (const one of [staying, back]) one.close();
  }, 120_000);
});
