import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSocket } from '../support/live-socket.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';
import { until } from '../support/until.ts';

let world: World;
let org: Org;
let a: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  a = await org.member('A');
  g = await org.agent('G');
});
afterAll(() => world.close());

const idsIn = async (query: string): Promise<string[]> =>
  ok(await a.get(`/api/v1/inbox/items${query}`)).items.map((item: Json) => item.id);

it('situation 10: a snoozed item leaves all lists and is back with one event, at most 15 s late (3 s instead of a minute)', async () => {
  const { id } = ok(await g.post('/api/v1/inbox/notify', { title: 'Later, please', tags: ['later'] }));
  const socket = await openSocket(world.url, a.token);
  const wakes = Date.now() + 3000;
  ok(await a.post(`/api/v1/inbox/items/${id}/snooze`, { until: new Date(wakes).toISOString() }));
  for (const query of ['', '?box=needs_me', '?box=all', '?q=later', '?tag=later', '?status=open'])
    expect(await idsIn(query)).not.toContain(id);
  expect(await idsIn('?include_snoozed=true')).toContain(id);
  expect(await idsIn('?box=snoozed')).toContain(id);
  expect(ok(await a.get('/api/v1/inbox/counts'))).toMatchObject({ snoozed: 1, needs_me: 0 });
  const woken = await socket.event((one) => one.id === id && one.kind === 'inbox.item.woken', 'the wake', 20_000);
  expect(Date.parse(woken.at)).toBeGreaterThanOrEqual(wakes);
  expect(Date.parse(woken.at)).toBeLessThan(wakes + 15_000);
  expect(await idsIn('?box=needs_me')).toContain(id);
  // A marker whose timer is later than any repetition of the sweep tells that no second event came.
  const marker = ok(await g.post('/api/v1/inbox/notify', { title: 'Marker', ttl_ms: 6000 }));
  await socket.event((one) => one.id === marker.id && one.kind === 'inbox.item.expired', 'the marker', 20_000);
  expect(socket.events.filter((one) => one.id === id && one.kind === 'inbox.item.woken')).toHaveLength(1);
  socket.close();
}, 45_000);

it('situation 10: A pins, tags and links two items; both rows show the link, and unlinking clears both', async () => {
  const [one, two] = [
    ok(await g.post('/api/v1/inbox/notify', { title: 'One' })).id,
    ok(await g.post('/api/v1/inbox/notify', { title: 'Two' })).id,
  ];
  expect(ok(await a.post(`/api/v1/inbox/items/${one}/pin`)).pinned_at).not.toBeNull();
  expect(ok(await a.patch(`/api/v1/inbox/items/${one}`, { tags: ['red', 'big'] })).tags).toEqual(['red', 'big']);
  const links = async (id: string) => ok(await a.get(`/api/v1/inbox/items/${id}`)).related_to;
  ok(await a.post(`/api/v1/inbox/items/${one}/related`, { other_id: two }));
  expect([await links(one), await links(two)]).toEqual([[two], [one]]);
  expect(ok(await a.get(`/api/v1/inbox/items/${two}/related`)).items.map((item: Json) => item.id)).toEqual([one]);
  ok(await a.delete(`/api/v1/inbox/items/${two}/related/${one}`));
  expect([await links(one), await links(two)]).toEqual([[], []]);
});

it('situation 19: timers of earlier lives fire late and change nothing in the third', async () => {
  const { id } = ok(
    await g.post('/api/v1/inbox/ask', { title: 'Thrice', form: { fields: [{ type: 'text', id: 'x' }] }, ttl_ms: 1000 }),
  );
  const item = async () => ok(await a.get(`/api/v1/inbox/items/${id}`));
  const expired = (generation: number) =>
    until(
      async () => (await item()).status === 'expired' && (await item()).generation === generation,
      `life ${generation} ends`,
    );
  await expired(1);
  expect(ok(await a.post(`/api/v1/inbox/items/${id}/restore`))).toMatchObject({ status: 'open', generation: 2 });
  await expired(2);
  // A longer third life, set while it is closed, as an update of a closed item is refused.
  await world.database.query('update inbox_items set ttl_ms = 3600000 where id = $1', [id]);
  expect(ok(await a.post(`/api/v1/inbox/items/${id}/restore`))).toMatchObject({ status: 'open', generation: 3 });
  // So that nothing but the generation holds the late timers off, the third life is over its time as well; the sweep
  // would end it by right, hence is kept away.
  await world.database.query(
    `insert into core_leases (name, holder, until, started_at) values ('sweep:inbox-timers', 'test', now() + interval '1 hour', now())
     on conflict (name) do update set holder = excluded.holder, until = excluded.until`,
  );
  await world.database.query("update inbox_items set expires_at = now() - interval '1 second' where id = $1", [id]);
  const late = await Promise.all([1, 2].map((generation) => enqueueExpiry(id, generation)));
  await until(async () => {
    const { rows } = await world.database.query(
      'select status from dbos.workflow_status where workflow_uuid = any($1)',
      [late],
    );
    return rows.length === 2 && rows.every((row) => row.status === 'SUCCESS');
  }, 'both late timers have run');
  expect(await item()).toMatchObject({ status: 'open', generation: 3 });
  const events = await world.database.query(
    "select count(*)::int as n from core_events where subject_id = $1 and kind = 'inbox.item.expired'",
    [id],
  );
  expect(events.rows[0].n).toBe(2);
  // The same timer of the third life does end it: the two above were not idle for another reason.
  await enqueueExpiry(id, 3);
  await expired(3);
  await world.database.query("delete from core_leases where name = 'sweep:inbox-timers'");
}, 45_000);

/** A timer that fires now, as it was enqueued in an earlier life of the item. */
const enqueueExpiry = async (item_id: string, generation: number): Promise<string> => {
  const workflow = `late-${item_id}-${generation}`;
  const args = JSON.stringify({ org_id: org.id, item_id, generation });
  await world.database.query(
    `select dbos.enqueue_workflow(workflow_name => 'expire-item', queue_name => 'atrium-timers', workflow_id => $1,
       positional_args => array[$2::json])`,
    [workflow, args],
  );
  return workflow;
};
