import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSocket, openStream } from '../support/live-socket.ts';
import { connectV1 } from '../support/mcp-drivers.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import type { Json } from '../support/rest-client.ts';

let world: World;
let org: Org;
let a: Person;
let b: Person;
let admin: Person;
let g: Agent;
let payroll: string;
beforeAll(async () => {
  world = await openWorld({ shared: true });
  org = await world.makeOrg();
  [a, b, admin] = [await org.member('A'), await org.member('B'), await org.member('Admin', { role: 'admin' })];
  g = await org.agent('G', { item_scope: { kind: 'org' } });
  payroll = await org.channel('payroll', { mode: 'private', members: [a.id] });
});
afterAll(() => world.close());

const title = 'Salaries of Zanzibar';
const inPayroll = async (): Promise<string> =>
  ok(
    await a.post('/api/v1/inbox/ask', {
      title,
      message: 'zanzibarian',
      channel: 'payroll',
      tags: ['zanzi'],
      form: { fields: [{ type: 'text', id: 'x' }] },
    }),
  ).id;
const anonymised = ({ instance: _i, request_id: _r, ...rest }: Json) => rest;

describe('situation 30: a private channel without B', () => {
  it('yields nothing for B on any door, and its ids look unknown', async () => {
    const sockets = [await openSocket(world.url, b.token), await openSocket(world.url, g.token)];
    const stream = await openStream(world.url, b.token);
    const before = {
      counts: ok(await b.get('/api/v1/inbox/counts')),
      stats: ok(await b.get('/api/v1/inbox/stats')),
    };
    const open = ok(await b.post('/api/v1/inbox/notify', { title: 'Open to all' })).id;
    const id = await inPayroll();
    ok(await a.post(`/api/v1/inbox/items/${id}/related`, { other_id: open }));
    const file = new FormData();
    file.append('file', new Blob(['secret sums'], { type: 'text/plain' }), 'sums.txt');
    const attachment = ok(await a.post(`/api/v1/inbox/items/${id}/attachments`, file)).id;
    ok(await a.post(`/api/v1/inbox/items/${id}/comments`, { body: 'a secret word' }));
    ok(await a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'much' } }));
    const marker = ok(await a.post('/api/v1/inbox/notify', { title: 'Marker' })).id;

    const aSocket = await openSocket(world.url, a.token, { since: 0 });
    await aSocket.event((one) => one.id === id);
    for (const socket of sockets) {
      await socket.event((one) => one.id === marker);
      expect(JSON.stringify(socket.messages)).not.toContain(id);
      expect(JSON.stringify(socket.messages)).not.toContain(attachment);
      expect(JSON.stringify(socket.messages)).not.toContain('Zanzibar');
    }
    await stream.event((one) => one.id === marker);
    expect(JSON.stringify(stream.events)).not.toContain(id);
    const replay = await openSocket(world.url, b.token, { since: 0 });
    await replay.event((one) => one.id === marker);

    const doors = [
      '/api/v1/inbox/items?limit=200&include_archived=true&include_snoozed=true',
      '/api/v1/inbox/items?q=zanzibar',
      '/api/v1/inbox/items?q=zanzibarian',
      '/api/v1/inbox/items?tag=zanzi',
      '/api/v1/inbox/items?box=all',
      '/api/v1/inbox/items?box=done',
      '/api/v1/inbox/channels',
      '/api/v1/inbox/stats',
      '/api/v1/events?limit=200',
      `/api/v1/inbox/items/${open}`,
      `/api/v1/inbox/items/${open}/related`,
      `/api/v1/inbox/items/${open}/audit`,
      '/api/v1/agents',
      '/api/v1/orgs/current/people',
    ];
    const secrets = [id, attachment, payroll, 'Zanzibar', 'payroll'];
    for (const path of doors) {
      for (const by of [b, g, admin]) {
        if (by === g && /agents|people/.test(path)) continue;
        const answer = await by.get(path);
        for (const secret of secrets)
          expect([path, by.name, JSON.stringify(answer.body).includes(secret)]).toEqual([path, by.name, false]);
      }
    }
    expect(JSON.stringify(replay.messages)).not.toContain(id);
    // An Admin reads the audit trail, but its lines about items they do not see are not theirs to read.
    const trail = JSON.stringify(ok(await admin.get('/api/v1/audit?limit=200')));
    expect([trail.includes(id), trail.includes('Zanzibar')]).toEqual([false, false]);
    const exported = String((await admin.get('/api/v1/audit/export?format=ndjson')).body);
    expect(exported).not.toContain(id);

    const after = { counts: ok(await b.get('/api/v1/inbox/counts')), stats: ok(await b.get('/api/v1/inbox/stats')) };
    // B's own open item and the marker are two more; the answered one in #payroll is none.
    expect(after.counts.all - before.counts.all).toBe(2);
    expect(after.counts.done).toBe(before.counts.done);
    expect(after.stats.answered_today).toBe(before.stats.answered_today);
    expect(after.stats.per_channel).toEqual(before.stats.per_channel);

    const unknown = crypto.randomUUID();
    for (const suffix of [
      '',
      '/comments',
      '/attachments',
      '/watchers',
      '/related',
      '/audit',
      '/responses',
      '/draft',
      '/wait?timeout=0',
    ]) {
      const [hidden, missing] = [
        await b.get(`/api/v1/inbox/items/${id}${suffix}`),
        await b.get(`/api/v1/inbox/items/${unknown}${suffix}`),
      ];
      expect([suffix, hidden.status, anonymised(hidden.body)]).toEqual([suffix, 404, anonymised(missing.body)]);
    }
    expect((await b.get(`/api/v1/inbox/attachments/${attachment}`)).status).toBe(404);
    expect((await b.get(`/api/v1/inbox/channels/${payroll}`)).status).toBe(404);

    const client = await connectV1(world.url, b.token);
    expect(JSON.stringify(await client.call('inbox_list', { limit: 200 }))).not.toContain(id);
    expect((await client.call('inbox_get', { id })).content[0]!.text).toContain('not_found');
    expect(await client.read('atrium://inbox/open')).not.toContain(id);
    await expect(client.read(`atrium://inbox/item/${id}`)).rejects.toThrow();
    await client.close();

    const named = await b.post('/api/v1/inbox/notify', { title: 'x', channel: 'payrol' });
    expect([named.status, JSON.stringify(named.body).includes('payroll')]).toEqual([404, false]);
    expect((await b.post('/api/v1/inbox/notify', { title: 'x', channel: payroll })).body.code).toBe(
      'channel_not_found',
    );
    for (const socket of [...sockets, replay, aSocket]) socket.close();
    await stream.close();
  });
});

it('situation 32: taken out of a private channel, B hears nothing of the next item on an open socket', async () => {
  const channel = await org.channel('was-in', { mode: 'private', members: [a.id, b.id] });
  const [socket, stream] = [await openSocket(world.url, b.token), await openStream(world.url, b.token)];
  const first = ok(await a.post('/api/v1/inbox/notify', { title: 'While in', channel })).id;
  await socket.event((one) => one.id === first);
  // An Admin who is not in the channel does not see it, and so takes nobody out of it; its maker does.
  expect((await admin.delete(`/api/v1/inbox/channels/${channel}/members/${b.id}`)).status).toBe(404);
  expect((await org.owner.delete(`/api/v1/inbox/channels/${channel}/members/${b.id}`)).status).toBe(204);
  const next = ok(await a.post('/api/v1/inbox/notify', { title: 'After', channel })).id;
  ok(await a.post(`/api/v1/inbox/items/${first}/comments`, { body: 'about the older one' }));
  const marker = ok(await a.post('/api/v1/inbox/notify', { title: 'Marker of 32' })).id;
  await socket.event((one) => one.id === marker);
  await stream.event((one) => one.id === marker);
  for (const events of [socket.events, stream.events]) {
    expect(events.filter((one) => one.id === next)).toEqual([]);
    expect(events.filter((one) => one.kind === 'inbox.comment.created')).toEqual([]);
  }
  for (const id of [first, next]) expect((await b.get(`/api/v1/inbox/items/${id}`)).status).toBe(404);
  const replay = await openSocket(world.url, b.token, { since: 0 });
  await replay.event((one) => one.id === marker);
  expect(replay.events.filter((one) => one.id === first || one.id === next)).toEqual([]);
  for (const one of [socket, replay]) one.close();
  await stream.close();
});

it('situation 33: the channel of a deleted team is private with its former members; Owners and Admins are told; no outsider gains access', async () => {
  const [inTeam, outside] = [await org.member('In team'), await org.member('Outside')];
  const team = await org.team('Platform', [inTeam]);
  const channel = await org.channel('deploys', { team_id: team });
  const item = ok(await inTeam.post('/api/v1/inbox/notify', { title: 'Of the team', channel })).id;
  expect((await outside.get(`/api/v1/inbox/items/${item}`)).status).toBe(404);
  const socket = await openSocket(world.url, outside.token);
  const told = await openSocket(world.url, admin.token);
  expect((await org.owner.delete(`/api/v1/orgs/current/teams/${team}`)).status).toBe(204);
  const notice = await told.event(
    (one) => one.kind === 'inbox.item.created' && String(one.body['title']).includes('Platform'),
  );
  expect(ok(await org.owner.get(`/api/v1/inbox/items/${notice.id}`)).message).toContain('#deploys');
  const marker = ok(await admin.post('/api/v1/inbox/notify', { title: 'Marker of 33' })).id;
  await socket.event((one) => one.id === marker);
  expect(socket.events.map((one) => one.id)).not.toContain(notice.id);
  expect(socket.events.map((one) => one.id)).not.toContain(channel);
  expect(ok(await inTeam.get(`/api/v1/inbox/channels/${channel}`))).toMatchObject({ mode: 'private', team: null });
  expect((await inTeam.get(`/api/v1/inbox/items/${item}`)).status).toBe(200);
  for (const by of [outside, a, b]) {
    expect((await by.get(`/api/v1/inbox/channels/${channel}`)).status).toBe(404);
    expect((await by.get(`/api/v1/inbox/items/${item}`)).status).toBe(404);
  }
  for (const one of [socket, told]) one.close();
});

describe('situation 34: naming B on an item of #payroll', () => {
  it('as assignee, watcher, approver or mentioned gives 422 without a leak; watching it by id gives 404', async () => {
    const id = await inPayroll();
    const stranger = crypto.randomUUID();
    const attempts = (who: string): [string, Promise<{ status: number; body: Json }>][] => [
      ['assign', a.post(`/api/v1/inbox/items/${id}/assign`, { assignee: who })],
      ['mention', a.post(`/api/v1/inbox/items/${id}/comments`, { body: 'look', mentions: [who] })],
      ['watcher', a.post(`/api/v1/inbox/items/${id}/watchers`, { user_id: who })],
      ['delegate', a.post(`/api/v1/inbox/items/${id}/delegate`, { to: who })],
      ['create with assignee', a.post('/api/v1/inbox/notify', { title: 'x', channel: 'payroll', assignee: who })],
      ['create with watcher', a.post('/api/v1/inbox/notify', { title: 'x', channel: 'payroll', watchers: [who] })],
      [
        'create with approver',
        a.post('/api/v1/inbox/ask', {
          title: 'x',
          channel: 'payroll',
          approval: { tool: 't', arguments: {} },
          require: { any_of: [who] },
        }),
      ],
    ];
    const [hidden, unknown] = [attempts(b.id), attempts(stranger)];
    for (const [i, [what, attempt]] of hidden.entries()) {
      const [refused, same] = [await attempt, await unknown[i]![1]];
      expect([what, refused.status, refused.body.code]).toEqual([what, 422, 'validation_failed']);
      // Word for word what somebody who does not exist gets: the text tells nothing about B.
      expect(anonymised(refused.body)).toEqual(anonymised(same.body));
    }
    const watching = await b.post(`/api/v1/inbox/items/${id}/watchers`, {});
    const missing = await b.post(`/api/v1/inbox/items/${stranger}/watchers`, {});
    expect([watching.status, anonymised(watching.body)]).toEqual([404, anonymised(missing.body)]);
    expect(ok(await a.get(`/api/v1/inbox/items/${id}`))).toMatchObject({ assignee: null });
  });
});

describe('situation 35: an agent and the items of others', () => {
  it('with item scope own it lists, reads, dismisses and waits on its own alone', async () => {
    const [own, other] = [await org.agent('Own'), await org.agent('Other')];
    const theirs = ok(await other.post('/api/v1/inbox/notify', { title: 'Of another agent' })).id;
    const mine = ok(await own.post('/api/v1/inbox/notify', { title: 'Of its own' })).id;
    expect(ok(await own.get('/api/v1/inbox/items?limit=200')).items.map((one: Json) => one.id)).toEqual([mine]);
    for (const [method, suffix, body] of [
      ['GET', '', undefined],
      ['GET', '/wait?timeout=0', undefined],
      ['POST', '/dismiss', {}],
      ['POST', '/ack', {}],
      ['POST', '/withdraw', {}],
      ['POST', '/snooze', { until: new Date(Date.now() + 60_000).toISOString() }],
      ['PATCH', '', { title: 'Stolen' }],
      ['POST', '/comments', { body: 'x' }],
      ['POST', '/outcome', {}],
    ] as const)
      expect([suffix, (await own.send(method, `/api/v1/inbox/items/${theirs}${suffix}`, body)).status]).toEqual([
        suffix,
        404,
      ]);
    const client = await connectV1(world.url, own.token);
    for (const tool of ['inbox_get', 'inbox_dismiss', 'inbox_ack', 'inbox_withdraw', 'inbox_wait'])
      expect([tool, (await client.call(tool, { id: theirs })).content[0]!.text]).toEqual([
        tool,
        expect.stringContaining('not_found'),
      ]);
    expect((await client.call('inbox_list', {})).structuredContent.items.map((one: Json) => one.id)).toEqual([mine]);
    await client.close();
    expect(ok(await a.get(`/api/v1/inbox/items/${theirs}`)).status).toBe('open');
  });

  it('with items.read alone inbox_notify is denied, naming what is missing', async () => {
    const reader = await org.agent('Reader', { role: 'viewer' });
    const client = await connectV1(world.url, reader.token);
    const denied = await client
      .call('inbox_notify', { title: 'May I?' })
      .catch((error: Error) => ({ isError: true, content: [{ type: 'text', text: error.message }] }));
    expect([denied.isError, denied.content[0]!.text]).toEqual([true, expect.stringContaining('items.write')]);
    expect((await client.call('inbox_list', {})).isError ?? false).toBe(false);
    await client.close();
    const rest = await reader.post('/api/v1/inbox/notify', { title: 'May I?' });
    expect([rest.status, rest.body]).toEqual([
      403,
      expect.objectContaining({ code: 'permission_denied', error: 'permission denied', required: 'items.write' }),
    ]);
  });
});
