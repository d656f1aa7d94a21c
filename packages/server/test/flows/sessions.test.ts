import { hkdfSync } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuditStore } from '../../src/platform/audit/audit-store.ts';
import type { Schema } from '../../src/platform/db/schema.gen.ts';
import { loadKeyRing } from '../../src/platform/secrets/master-key.ts';
import { openSocket, openStream } from '../support/live-socket.ts';
import { connectV1, connectV2, rpcErrorOf } from '../support/mcp-drivers.ts';
import { type Org, ok, openWorld, type World } from '../support/people.ts';
import { createRestClient, type Json } from '../support/rest-client.ts';
import { until } from '../support/until.ts';

let world: World;
let org: Org;
const metricsToken = 'metrics-token-of-the-test-0123456789';
beforeAll(async () => {
  world = await openWorld({ env: { ATRIUM_METRICS_TOKEN: metricsToken } });
  org = await world.makeOrg();
});
afterAll(() => world.close());

describe('situation 43: sockets', () => {
  it('close with 4401 when nobody says who they are for 5 s, or says it wrongly', async () => {
    const silent = await openSocket(world.url, '', { auth: false });
    const wrong = await openSocket(world.url, `ats_${'x'.repeat(43)}`);
    expect(await wrong.closing()).toBe(4401);
    const early = await openSocket(world.url, '', { auth: false });
    early.send({ type: 'subscribe' });
    expect(await early.closing()).toBe(4401);
    expect(await silent.closing(8000)).toBe(4401);
  });

  it('close with 4403 within a second when their person is deactivated, and no door opens any more', async () => {
    const a = await org.member('Shut out');
    const socket = await openSocket(world.url, a.token);
    const stream = await openStream(world.url, a.token);
    const began = Date.now();
    ok(await org.owner.post(`/api/v1/orgs/current/members/${a.id}/deactivate`));
    expect(await socket.closing(1000)).toBe(4403);
    expect(Date.now() - began).toBeLessThan(2000);
    expect((await openSocket(world.url, a.token)).closed ?? 4401).toBeOneOf([4401, 4403]);
    expect((await a.get('/api/v1/me')).status).toBe(401);
    const { id } = ok(await org.owner.post('/api/v1/inbox/notify', { title: 'After the door was shut' }));
    expect(stream.events.map((one) => one.id)).not.toContain(id);
    await stream.close();
  });

  it('close with 4403 when the key of their agent is replaced or the agent is deleted', async () => {
    const [rotated, deleted] = [await org.agent('Rotated'), await org.agent('Deleted')];
    const sockets = [await openSocket(world.url, rotated.token), await openSocket(world.url, deleted.token)];
    ok(await org.owner.post(`/api/v1/agents/${rotated.id}/rotate-key`, {}));
    ok(await org.owner.delete(`/api/v1/agents/${deleted.id}`));
    expect([await sockets[0]!.closing(3000), await sockets[1]!.closing(3000)]).toEqual([4403, 4403]);
  });

  it('an open wait of whoever was shut out meanwhile gives no answer away', async () => {
    const [a, b, g] = [await org.member('Answers'), await org.member('Waits'), await org.agent('Waits too')];
    const form = { fields: [{ type: 'text', id: 'x' }] };
    const { id } = ok(await g.post('/api/v1/inbox/ask', { title: 'Waited for by the shut out', form }));
    const waits = [g, b, a].map((one) => one.get(`/api/v1/inbox/items/${id}/wait?timeout=30`));
    const held = async () =>
      (await world.database.query('select 1 from identity_agents where id = $1 and last_seen_at is not null', [g.id]))
        .rowCount === 1;
    await until(held, 'the waits have begun');
    ok(await org.owner.patch(`/api/v1/agents/${g.id}`, { active: false }));
    ok(await org.owner.post(`/api/v1/orgs/current/members/${b.id}/deactivate`));
    ok(await a.post(`/api/v1/inbox/items/${id}/answer`, { values: { x: 'a secret answer' } }));
    const [ofAgent, ofPerson, ofAnswerer] = await Promise.all(waits);
    for (const one of [ofAgent!, ofPerson!]) {
      expect([one.status, one.body.code]).toEqual([401, 'unauthorized']);
      expect(JSON.stringify(one.body)).not.toContain('a secret answer');
    }
    expect(ok(ofAnswerer!)).toMatchObject({ status: 'answered', values: { x: 'a secret answer' } });
  });

  it('a foreign Origin is refused even with a valid ticket', async () => {
    const b = await org.member('Browser');
    const { ticket } = ok(await b.post('/auth/ticket'));
    await expect(openSocket(world.url, ticket, { origin: 'https://evil.example' })).rejects.toThrow(/403/);
    // The refusal did not spend it.
    const own = await openSocket(world.url, ticket, {
      origin: new URL(world.url).origin.replace('127.0.0.1', 'localhost'),
    });
    expect(own.messages[0]).toMatchObject({ type: 'ready', user: { id: b.id } });
    own.close();
  });

  it('a ticket opens one socket, and no other door', async () => {
    const b = await org.member('Ticket holder');
    const { ticket } = ok(await b.post('/auth/ticket'));
    expect((await createRestClient(world.url, ticket).get('/api/v1/me')).status).toBe(401);
    const both = await Promise.all([openSocket(world.url, ticket), openSocket(world.url, ticket)]);
    await until(() => both.some((one) => one.closed !== null), 'the second use is refused');
    expect(both.map((one) => one.closed).filter((code) => code !== null)).toEqual([4401]);
    expect((await openSocket(world.url, ticket)).closed).toBe(4401);
    for (const one of both) one.close();
  });
});

describe('situation 54: limits of an agent', () => {
  it('the 61st tool call within a minute gets -32003 with retry_after_ms; list, get and waits are not counted', async () => {
    const g = await org.agent('Busy');
    const client = await connectV2()(world.url, g.token);
    const made: string[] = [];
    for (let i = 0; i < 60; i += 1)
      made.push((await client.call('inbox_notify', { title: `Call ${i}` })).structuredContent.id);
    const refused = await rpcErrorOf(client.call('inbox_notify', { title: 'One too many' }));
    expect(refused).toMatchObject({
      code: -32003,
      data: { reason: 'rate_limited', retry_after_ms: expect.any(Number) },
    });
    expect(refused.data.retry_after_ms).toBeGreaterThan(0);
    // A sliding window lets the next call in once a sixtieth of the next minute is over.
    expect(refused.data.retry_after_ms).toBeLessThanOrEqual(61_000);
    expect((await client.call('inbox_list', {})).structuredContent.items).toHaveLength(50);
    for (let i = 0; i < 5; i += 1) {
      expect((await client.call('inbox_get', { id: made[0] })).structuredContent.id).toBe(made[0]);
      expect((await client.call('inbox_wait', { id: made[0], timeout_s: 0 })).structuredContent.status).toBe('pending');
    }
    // Another agent has a count of its own.
    const other = await connectV1(world.url, (await org.agent('Calm')).token);
    expect((await other.call('inbox_notify', { title: 'Fine' })).structuredContent.status).toBe('created');
    for (const one of [client, other]) await one.close();
  });

  it('the 21st open wait gets 429, and makes no item', async () => {
    const g = await org.agent('Waiting');
    const form = { fields: [{ type: 'text', id: 'x' }] };
    const { id } = ok(await g.post('/api/v1/inbox/ask', { title: 'Waited for', form }));
    const leaving = new AbortController();
    // The probe below is a wait as well: whoever finds its place taken by that comes again.
    const hold = async (): Promise<void> => {
      const { signal } = leaving;
      while ((await g.get(`/api/v1/inbox/items/${id}/wait?timeout=60`, { signal }).catch(() => null))?.status === 429);
    };
    const waits = Array.from({ length: 20 }, hold);
    const refused = await until(async () => {
      const one = await g.get(`/api/v1/inbox/items/${id}/wait?timeout=0`);
      return one.status === 200 ? null : one;
    }, 'twenty waits are open');
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_waits']);
    const asked = await g.post('/api/v1/inbox/ask', { title: 'No room to wait', form, wait_s: 5 });
    expect([asked.status, asked.body.code]).toEqual([429, 'too_many_waits']);
    expect(ok(await g.get('/api/v1/inbox/items?q=room')).items).toEqual([]);
    leaving.abort();
    await Promise.all(waits);
    await until(
      async () => (await g.get(`/api/v1/inbox/items/${id}/wait?timeout=0`)).status === 200,
      'there is room again',
    );
  });
});

describe('situation 36: nobody hands out what they lack', () => {
  it('an Admin makes no role with org.billing, invites no Owner, and items.read grants no items.*; audit has the attempts', async () => {
    const admin = await org.member('Admin', { role: 'admin' });
    const narrow = await org.role('role-maker', ['users.change_role', 'users.invite', 'items.read']);
    const maker = await org.member('Maker', { role: narrow });
    const attempts: [string, Promise<{ status: number; body: Json }>][] = [
      ['billing', admin.post('/api/v1/orgs/current/roles', { name: 'Biller', permissions: ['org.billing'] })],
      ['every org permission', admin.post('/api/v1/orgs/current/roles', { name: 'Orger', permissions: ['org.*'] })],
      ['everything', admin.post('/api/v1/orgs/current/roles', { name: 'All', permissions: ['*'] })],
      ['an Owner', admin.post('/api/v1/orgs/current/invitations', { role: 'owner' })],
      ['himself Owner', admin.post(`/api/v1/orgs/current/members/${admin.id}/role`, { role: 'owner' })],
      ['the Owner member', admin.post(`/api/v1/orgs/current/members/${org.owner.id}/role`, { role: 'member' })],
      ['an agent of an Owner', admin.post('/api/v1/agents', { name: 'Root', role: 'owner' })],
      ['items.* from items.read', maker.post('/api/v1/orgs/current/roles', { name: 'Wide', permissions: ['items.*'] })],
    ];
    for (const [what, attempt] of attempts) {
      const { status, body } = await attempt;
      expect([what, status, body.code]).toEqual([what, 403, 'escalation_denied']);
    }
    const denied = await until(async () => {
      const lines = ok(await org.owner.get('/api/v1/audit?limit=200')).items.filter(
        (line: Json) =>
          JSON.stringify(line.details).includes('escalation_denied') && [admin.id, maker.id].includes(line.actor.id),
      );
      return lines.length >= attempts.length ? lines : null;
    }, 'the attempts are in the audit trail');
    expect(denied.length).toBeGreaterThanOrEqual(attempts.length);
    const roles = ok(await org.owner.get('/api/v1/orgs/current/roles?limit=200')).items.map((role: Json) => role.name);
    for (const name of ['Biller', 'Orger', 'All', 'Wide']) expect(roles).not.toContain(name);
  });
});

it('situation 37: items.* permits items.archive', async () => {
  const role = await org.role('Items only', ['items.*']);
  const a = await org.member('Archivist', { role });
  const { id } = ok(await a.post('/api/v1/inbox/notify', { title: 'For the archive' }));
  expect((await a.post(`/api/v1/inbox/items/${id}/archive`)).status).toBe(200);
});

// What a role covers shows in what its holder may hand on.
it('situation 37: items.* covers neither itemsfoo nor bare items; org.billing.* covers org.billing.export', async () => {
  const status = async (held: string, wanted: string) => {
    const made = await org.role(`${held} against ${wanted}`, [held, 'users.change_role']);
    const holder = await org.member('Holder', { role: made });
    return (
      await holder.post('/api/v1/orgs/current/roles', { name: `${wanted} by ${holder.email}`, permissions: [wanted] })
    ).status;
  };
  expect(await status('items.*', 'itemsfoo')).toBe(403);
  expect(await status('items.*', 'items')).toBe(403);
  expect(await status('items.*', '*')).toBe(403);
  expect(await status('org.billing.*', 'org.billing.export')).toBe(201);
  expect(await status('org.billing.*', 'org.billing')).toBe(403);
});

describe('situation 59: /metrics', () => {
  it('is refused without the token to everybody who is not on this machine, and with a wrong one to everybody', async () => {
    const scrape = (headers: Record<string, string>) => fetch(`${world.url}/metrics`, { headers });
    expect((await scrape({ 'x-forwarded-for': '203.0.113.7' })).status).toBe(401);
    expect((await scrape({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await scrape({ 'x-forwarded-for': '203.0.113.7', authorization: `Bearer ${metricsToken}` })).status).toBe(
      200,
    );
  });

  it('holds no title, mail address, name or channel in any label', async () => {
    const secretive = await world.makeOrg('Secretive Incorporated');
    const person = await secretive.member('Zacharias');
    const title = `Quarterly-${crypto.randomUUID()}`;
    const { id } = ok(await person.post('/api/v1/inbox/notify', { title, tags: ['tagged-thing'], channel: 'general' }));
    await person.get(`/api/v1/inbox/items/${id}?q=${title}`);
    await person.get(`/api/v1/inbox/items?q=${title}&channel=general`);
    await person.get(`/nowhere/${title}`);
    const client = await connectV1(world.url, person.token);
    await client.call(title, {}).catch(() => {});
    await client.call('inbox_list', { channel: ['general'] });
    await client.close();
    const text = await (
      await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
    ).text();
    expect(text).toContain('# TYPE');
    for (const secret of [
      title,
      person.email,
      'Zacharias',
      'zacharias',
      'general',
      'Secretive',
      'tagged-thing',
      id,
      person.id,
      secretive.id,
    ])
      expect(text).not.toContain(secret);
  });
});

describe('situation 53: the audit trail', () => {
  const tamper = async (statement: string, values: unknown[]) => {
    const client = await world.database.connect();
    try {
      // The owner of the table can always do this; the chain is what tells.
      await client.query('alter table core_audit disable trigger core_audit_append_only');
      await client.query(statement, values);
    } finally {
      await client.query('alter table core_audit enable trigger core_audit_append_only');
      client.release();
    }
  };
  const busy = async (name: string) => {
    const one = await world.makeOrg(name);
    for (let i = 0; i < 8; i += 1) ok(await one.owner.post('/api/v1/inbox/notify', { title: `Note ${i}` }));
    const lines = ok(await one.owner.get('/api/v1/audit?limit=200')).items as Json[];
    expect(ok(await one.owner.get('/api/v1/audit/verify'))).toMatchObject({ intact: true, first_broken: null });
    return { org: one, lines: lines.toReversed() };
  };
  const verify = async (one: Org) => ok(await one.owner.get('/api/v1/audit/verify'));

  it('a changed row is named as the first broken link', async () => {
    const { org: one, lines } = await busy('Changed');
    const [victim, later] = [lines[4]!, lines[6]!];
    for (const line of [later, victim])
      await tamper('update core_audit set details = details || \'{"forged": true}\' where id = $1', [line.id]);
    expect(await verify(one)).toMatchObject({ intact: false, first_broken: { seq: victim.seq, id: victim.id } });
  });

  it('a removed row and a cut-off tail are noticed', async () => {
    const { org: one, lines } = await busy('Removed');
    await tamper('delete from core_audit where id = $1', [lines[3]!.id]);
    expect(await verify(one)).toMatchObject({ intact: false });
    const { org: two, lines: others } = await busy('Cut');
    await tamper('delete from core_audit where id = $1', [others.at(-1)!.id]);
    expect(await verify(two)).toMatchObject({ intact: false });
  });

  it('after pruning by retention the rest still verifies from the checkpoint, and a forged checkpoint does not', async () => {
    const { org: one, lines } = await busy('Pruned');
    const key = hkdfSync(
      'sha256',
      loadKeyRing({ dataDir: world.server.dataDir, masterKey: null })[0],
      '',
      'atrium audit checkpoints',
      32,
    );
    const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: world.database }) });
    const store = createAuditStore(db, [new Uint8Array(key)]);
    await store.prune(one.id, new Date(Date.parse(lines[5]!.at)), new Date());
    const verified = await verify(one);
    expect(verified).toMatchObject({ intact: true, first_broken: null, checkpoint: { seq: expect.any(Number) } });
    const left = ok(await one.owner.get('/api/v1/audit?limit=200')).items as Json[];
    expect(left.length).toBeLessThan(lines.length);
    expect(left.length).toBeGreaterThan(0);
    expect(Math.min(...left.map((line) => line.seq))).toBe(verified.checkpoint.seq + 1);
    await world.database.query('update core_audit_checkpoints set hash = md5(hash) where org_id = $1', [one.id]);
    expect(await verify(one)).toMatchObject({ intact: false });
  });

  it('a row cannot be changed through SQL while the trigger stands', async () => {
    const { lines } = await busy('Guarded');
    const change = world.database.query("update core_audit set action = 'nothing' where id = $1", [lines[0]!.id]);
    await expect(change).rejects.toThrow(/append-only/);
    await expect(world.database.query('delete from core_audit where id = $1', [lines[0]!.id])).rejects.toThrow(
      /append-only/,
    );
  });
});

describe('situation 60: an organisation is deleted', () => {
  it('no row keeps its id, its sockets close, its credentials end, and other organisations stay whole', async () => {
    const doomed = await world.makeOrg('Doomed');
    const other = await world.makeOrg('Spared');
    const [a, g] = [await doomed.member('A'), await doomed.agent('G')];
    const team = await doomed.team('T', [a]);
    await doomed.role('Custom', ['items.read']);
    ok(await doomed.owner.post('/api/v1/orgs/current/invitations', { role: 'member', team_id: team }));
    const channel = await doomed.channel('closed', { mode: 'private', members: [a.id] });
    const form = { fields: [{ type: 'text', id: 'x' }] };
    const { id } = ok(
      await g.post('/api/v1/inbox/ask', { title: 'Doomed too', form, ttl_ms: 3_600_000, idempotency_key: 'd' }),
    );
    const inChannel = ok(await a.post('/api/v1/inbox/notify', { title: 'In the channel', channel }));
    const bytes = `doomed ${crypto.randomUUID()}`;
    for (const [by, item] of [
      [a, id],
      [a, inChannel.id],
    ] as const) {
      const file = new FormData();
      file.append('file', new Blob([bytes], { type: 'text/plain' }), 'note.txt');
      ok(await by.post(`/api/v1/inbox/items/${item}/attachments`, file));
    }
    ok(await a.post(`/api/v1/inbox/items/${id}/comments`, { body: 'A comment' }));
    ok(await a.put(`/api/v1/inbox/items/${id}/draft`, { values: { x: 'draft' } }));
    ok(await a.post('/api/v1/inbox/views', { name: 'Mine', filter: {} }));
    ok(await a.post('/api/v1/inbox/templates', { name: 'T', form }));
    ok(await a.post('/api/v1/me/api-keys', { name: 'K' }));
    ok(await doomed.owner.patch('/api/v1/settings', { settings: { archive_after_days: 5 } }));
    const kept = ok(await other.owner.post('/api/v1/inbox/notify', { title: 'Kept' }));
    const sockets = [await openSocket(world.url, a.token), await openSocket(world.url, g.token)];
    const bystander = await openSocket(world.url, other.owner.token);
    const waiting = g.get(`/api/v1/inbox/items/${id}/wait?timeout=60`);

    const unconfirmed = await doomed.owner.send('DELETE', '/api/v1/orgs/current?confirm=Wrong');
    expect(unconfirmed.status).toBe(422);
    expect((await doomed.owner.send('DELETE', '/api/v1/orgs/current?confirm=Doomed')).status).toBe(204);

    for (const socket of sockets) expect(await socket.closing(5000)).toBe(4403);
    for (const one of [a, g, doomed.owner]) expect((await one.get('/api/v1/inbox/items')).status).toBe(401);
    expect([200, 401, 404]).toContain((await waiting).status);
    expect(await rowsWith(doomed.id)).toEqual([]);
    const blobs = await world.database.query(
      'select refcount::int from core_blobs where refcount < 1 or unreferenced_at is not null',
    );
    expect(blobs.rows).toEqual([{ refcount: 0 }]);
    expect(bystander.closed).toBeNull();
    expect(ok(await other.owner.get(`/api/v1/inbox/items/${kept.id}`)).title).toBe('Kept');
    bystander.close();
  });
});

/** Tables of Atrium in which some uuid or json column holds the id. */
const rowsWith = async (id: string): Promise<string[]> => {
  const { rows } = await world.database.query<{ table_name: string; column_name: string }>(
    `select c.table_name, c.column_name from information_schema.columns c
       join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type in ('uuid', 'ARRAY', 'jsonb', 'text')`,
  );
  const found: string[] = [];
  for (const { table_name, column_name } of rows) {
    const hit = await world.database.query(
      `select 1 from "${table_name}" where "${column_name}"::text like $1 limit 1`,
      [`%${id}%`],
    );
    // The trail of another organisation may say that somebody went there: a line of the personal one of its founder.
    if (hit.rowCount !== 0 && `${table_name}.${column_name}` !== 'core_audit.target_id')
      found.push(`${table_name}.${column_name}`);
  }
  return found;
};
