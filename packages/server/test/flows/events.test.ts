import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket, openStream } from '../support/live-socket.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';

let world: World;
let org: Org;
let a: Person;
let b: Person;
let g: Agent;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  [a, b] = [await org.member('A'), await org.member('B')];
  g = await org.agent('G');
});
afterAll(() => world.close());

const notify = async (by: Agent | Person, title: string): Promise<string> =>
  ok(await by.post('/api/v1/inbox/notify', { title })).id;

describe('events on every door', () => {
  it('the same events in the same order come by socket, by stream and by list, live and replayed', async () => {
    const socket = await openSocket(world.url, a.token);
    const stream = await openStream(world.url, a.token);
    const since = socket.cursor;
    const ids: string[] = [];
    for (let i = 0; i < 20; i += 1) ids.push(await notify(g, `Event ${i}`));
    const last = ids.at(-1)!;
    await socket.event((one) => one.id === last);
    await stream.event((one) => one.id === last);
    const [again, late] = [
      await openSocket(world.url, a.token, { since }),
      await openStream(world.url, a.token, since),
    ];
    await again.event((one) => one.id === last);
    await late.event((one) => one.id === last);
    const list = ok(await a.get(`/api/v1/events?since=${since}&limit=200`)).items as Json[];
    const created = (events: readonly Json[]) =>
      events.filter((one) => ids.includes(one.id)).map((one) => [one.seq, one.id]);
    expect(created(list).map(([, id]) => id)).toEqual(ids);
    for (const events of [socket.events, stream.events, again.events, late.events])
      expect(created(events)).toEqual(created(list));
    expect(new Set(stream.events.map((one) => one.name))).toEqual(new Set(['notifications/klaxon']));
    for (const one of [socket, again]) one.close();
    for (const one of [stream, late]) await one.close();
  });
});

it('situation 27: a client that was away longer than the replay window is told to resync, and a reload shows the state', async () => {
  const away = await openSocket(world.url, a.token);
  const since = away.cursor;
  away.close();
  const missed = await notify(g, 'Missed while away');
  await world.database.query('update core_event_heads set floor_seq = last_seq where org_id = $1', [org.id]);
  await world.database.query('delete from core_events where org_id = $1', [org.id]);
  const back = await openSocket(world.url, a.token, { since });
  const { cursor } = await back.message((message) => message.type === 'resync', 'resync');
  expect(cursor).toBeGreaterThan(since);
  expect(ok(await a.get(`/api/v1/events?since=${since}`))).toMatchObject({ resync: true, head: cursor });
  expect(ok(await a.get('/api/v1/inbox/items')).items.map((one: Json) => one.id)).toContain(missed);
  // It goes on live from there.
  const next = await notify(g, 'After the resync');
  await back.event((one) => one.id === next && one.seq > cursor);
  expect(back.events.map((one) => one.id)).not.toContain(missed);
  back.close();
});

describe('situation 55: bulk', () => {
  it('of 200 ids 150 are changed and 50 reported as not found; a third member hears only of what they see', async () => {
    const hidden = await org.channel('bulk-hidden', { mode: 'private', members: [b.id] });
    const between = await org.channel('bulk-between', { mode: 'private', members: [a.id] });
    const seen: string[] = [];
    const both: string[] = [];
    const unseen: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      seen.push(await notify(a, `Seen ${i}`));
      both.push(ok(await a.post('/api/v1/inbox/notify', { title: `Between ${i}`, channel: between })).id);
      seen.push(await notify(g, `Seen too ${i}`));
      unseen.push(ok(await b.post('/api/v1/inbox/notify', { title: `Hidden ${i}`, channel: hidden })).id);
    }
    const [mine, theirs] = [await openSocket(world.url, a.token), await openSocket(world.url, b.token)];
    const done = ok(
      await a.post('/api/v1/inbox/items/bulk', {
        ids: [...seen, ...both, ...unseen],
        op: 'add_tags',
        args: { tags: ['done'] },
      }),
    );
    expect([...done.changed].sort()).toEqual([...seen, ...both].sort());
    expect([...done.not_found].sort()).toEqual([...unseen].sort());
    expect(done.failed).toEqual([]);
    const heard = async (socket: typeof mine) =>
      [...((await socket.event((one) => one.kind === 'inbox.bulk.updated')).body['ids'] as string[])].sort();
    expect(await heard(mine)).toEqual([...seen, ...both].sort());
    expect(await heard(theirs)).toEqual([...seen].sort());
    const tagged = await world.database.query("select id from inbox_items where org_id = $1 and 'done' = any(tags)", [
      org.id,
    ]);
    expect(tagged.rowCount).toBe(150);
    for (const socket of [mine, theirs]) socket.close();
  }, 40_000);

  it('201 ids give 422 and change nothing', async () => {
    const ids = Array.from({ length: 201 }, () => crypto.randomUUID());
    const refused = await a.post('/api/v1/inbox/items/bulk', { ids, op: 'archive' });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
  });
});
