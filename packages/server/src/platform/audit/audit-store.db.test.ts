import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { newId } from '../ids/ids.ts';
import type { Call } from '../operations/call.ts';
import { auditCsv, auditNdjson } from './audit-export.ts';
import { createForgetInAudit } from './audit-redaction.ts';
import { type AuditStore, createAuditStore } from './audit-store.ts';

let test: TestDatabase;
let store: AuditStore;
const key = Buffer.alloc(32, 7);

beforeAll(async () => {
  test = await createTestDatabase();
  store = createAuditStore(test.database.read, [key]);
});
afterAll(() => test.drop());

const write = async (count: number, call: Call = makeCall()): Promise<Call> => {
  for (let n = 1; n <= count; n += 1) {
    test.clock.advance(1000);
    await test.database.transaction(call, async (tx) =>
      tx.audit({
        action: n % 2 === 0 ? 'note.even' : 'note.odd',
        details: { n, deep: { b: [1.5, 1e21, null], a: 'é😀\u0000' } },
      }),
    );
  }
  return call;
};

/** As somebody with the rights of the database's owner could do, past the trigger. */
const tamper = async (statement: string, values: unknown[]): Promise<void> => {
  const client = await test.pool.connect();
  try {
    await client.query('set session_replication_role = replica');
    await client.query(statement, values);
    await client.query('set session_replication_role = default');
  } finally {
    client.release();
  }
};

describe('the trail', () => {
  it('cannot be changed, deleted or truncated by the application', async () => {
    const { caller } = await write(1);
    for (const statement of [
      `update core_audit set action = 'x' where org_id = '${caller.org_id}'`,
      `delete from core_audit where org_id = '${caller.org_id}'`,
      'truncate core_audit',
    ]) {
      await expect(test.pool.query(statement)).rejects.toThrow('append-only');
    }
  });

  it('verifies as written, whatever the details hold', async () => {
    const { caller } = await write(5);
    expect(await store.verifyAudit(caller.org_id)).toEqual({ ok: true, rows: 5, pruned_through: 0 });
    expect(await store.verifyAudit(newId())).toEqual({ ok: true, rows: 0, pruned_through: 0 });
  });

  it('verifies across batches and finds a late break among many rows', async () => {
    const call = makeCall();
    await test.database.transaction(call, async (tx) => {
      for (let n = 0; n < 1203; n += 1) tx.audit({ action: 'note.create', details: { n } });
    });
    expect(await store.verifyAudit(call.caller.org_id)).toEqual({ ok: true, rows: 1203, pruned_through: 0 });
    await tamper(`update core_audit set details = '{"n":0}' where org_id = $1 and seq = 1100`, [call.caller.org_id]);
    expect(await store.verifyAudit(call.caller.org_id)).toMatchObject({ ok: false, broken: { seq: 1100 } });
  });

  it.each([
    ['a changed action', `update core_audit set action = 'x' where org_id = $1 and seq = 3`, 3],
    ['a changed time', `update core_audit set at = at + interval '1 ms' where org_id = $1 and seq = 2`, 2],
    [
      'a recomputed hash',
      `update core_audit set action = 'x', hash = repeat('0', 64) where org_id = $1 and seq = 3`,
      3,
    ],
    ['a missing row', 'delete from core_audit where org_id = $1 and seq = 4', 4],
    ['a missing beginning', 'delete from core_audit where org_id = $1 and seq <= 2', 1],
    ['a missing end', 'delete from core_audit where org_id = $1 and seq > 4', 5],
  ])('shows %s and names the first broken row', async (_, statement, seq) => {
    const { caller } = await write(6);
    await tamper(statement, [caller.org_id]);
    expect(await store.verifyAudit(caller.org_id)).toMatchObject({ ok: false, broken: { seq } });
  });
});

describe('pruning', () => {
  it('removes old lines, leaves a signed checkpoint, and what stays still verifies and grows', async () => {
    const call = await write(6);
    const cut = new Date(test.clock.now().getTime() - 2500);
    expect(await store.prune(call.caller.org_id, cut, test.clock.now())).toBe(3);
    expect(await store.verifyAudit(call.caller.org_id)).toEqual({ ok: true, rows: 3, pruned_through: 3 });
    await write(2, call);
    expect(await store.verifyAudit(call.caller.org_id)).toEqual({ ok: true, rows: 5, pruned_through: 3 });
    expect(await store.prune(call.caller.org_id, new Date('2100-01-01'), test.clock.now())).toBe(5);
    expect(await store.verifyAudit(call.caller.org_id)).toEqual({ ok: true, rows: 0, pruned_through: 8 });
  });

  it('does not accept a checkpoint that somebody else made', async () => {
    const call = await write(4);
    await test.pool.query(
      `select core_audit_prune(org_id, seq, hash, now(), 'forged') from core_audit where org_id = $1 and seq = 2`,
      [call.caller.org_id],
    );
    expect(await store.verifyAudit(call.caller.org_id)).toMatchObject({
      ok: false,
      broken: { seq: 2, reason: 'the checkpoint is not signed by this server' },
    });
  });

  it('signs again what an earlier key signed, and leaves a forged one as it is', async () => {
    const [honest, forged] = [await write(4), await write(4)];
    await store.prune(honest.caller.org_id, new Date('2100-01-01'), test.clock.now());
    await test.pool.query(
      `select core_audit_prune(org_id, seq, hash, now(), 'forged') from core_audit where org_id = $1 and seq = 2`,
      [forged.caller.org_id],
    );
    const current = new Uint8Array(32).fill(9);
    const rotated = createAuditStore(test.database.read, [current, key]);
    expect(await rotated.verifyAudit(honest.caller.org_id)).toMatchObject({ ok: true });
    expect(await rotated.renewCheckpoints()).toBeGreaterThan(0);
    expect(await rotated.renewCheckpoints()).toBe(0);
    const alone = createAuditStore(test.database.read, [current]);
    expect(await alone.verifyAudit(honest.caller.org_id)).toMatchObject({ ok: true, pruned_through: 4 });
    expect(await alone.verifyAudit(forged.caller.org_id)).toMatchObject({ ok: false });
  });

  it('does not leave the door open for a later delete in the same transaction', async () => {
    const { caller } = await write(3);
    const client = await test.pool.connect();
    await client.query('begin');
    await client.query(
      'select core_audit_prune(org_id, seq, hash, now(), $2) from core_audit where org_id = $1 and seq = 1',
      [caller.org_id, 's'],
    );
    await expect(client.query('delete from core_audit where org_id = $1', [caller.org_id])).rejects.toThrow(
      'append-only',
    );
    await client.query('rollback');
    client.release();
  });
});

describe('somebody who is forgotten', () => {
  const vera = { texts: ['Vanishing Vera', 'vera@example.org'], instead: 'Deleted person' };
  const told = async () => {
    const call = makeCall({}, { name: 'Vanishing Vera' });
    const other = makeCall({}, { name: 'Olga', org_id: call.caller.org_id });
    for (const by of [call, other])
      await test.database.transaction(by, async (tx) => {
        tx.emit({ kind: 'note.told', id: newId(), body: { name: 'Vanishing Vera', n: 1 } });
        tx.audit({
          action: 'note.tell',
          details: { name: 'Vanishing Vera', deep: [{ mail: 'Vera@example.org' }], text: 'to vera@example.org', n: 1 },
        });
      });
    return call.caller;
  };
  const forget = (caller: Call['caller'], by: Uint8Array = key) =>
    test.database.transaction(makeCall(), (tx) =>
      createForgetInAudit(by)(tx.db, { id: caller.id, ...vera }, test.clock.now()),
    );

  it('is in no line and no event any more, while the trail verifies and keeps every act', async () => {
    const caller = await told();
    await forget(caller);
    const { rows } = await test.pool.query('select * from core_audit where org_id = $1 order by seq', [caller.org_id]);
    expect(JSON.stringify(rows)).not.toMatch(/vera/i);
    expect(rows[0]).toMatchObject({ actor_id: caller.id, actor_name: 'Deleted person', ip: null, user_agent: null });
    expect(rows[1]).toMatchObject({ actor_name: 'Olga', details: { name: 'Deleted person', n: 1 } });
    const events = await test.pool.query('select * from core_events where org_id = $1 and actor_id = $2', [
      caller.org_id,
      caller.id,
    ]);
    expect(JSON.stringify(events.rows)).not.toMatch(/vera/i);
    expect(await store.verifyAudit(caller.org_id)).toMatchObject({ ok: true, rows: 2 });
    await write(1, makeCall({}, { org_id: caller.org_id }));
    expect(await store.verifyAudit(caller.org_id)).toMatchObject({ ok: true, rows: 3 });
  });

  it('opens no way to change anything else: another content, another line and another key are found out', async () => {
    const changed = { ok: false, broken: { reason: 'its content was changed' } };
    const first = await told();
    await forget(first);
    await tamper(`update core_audit set details = '{"n": 2}' where org_id = $1 and seq = 1`, [first.org_id]);
    expect(await store.verifyAudit(first.org_id)).toMatchObject(changed);
    const second = await told();
    await forget(second, Buffer.alloc(32, 8));
    expect(await store.verifyAudit(second.org_id)).toMatchObject(changed);
    const client = await test.pool.connect();
    await client.query("begin; set local atrium.audit_redact = 'on'");
    await expect(client.query(`update core_audit set action = 'x' where org_id = $1`, [second.org_id])).rejects.toThrow(
      'append-only',
    );
    await client.query('rollback');
    client.release();
  });

  it('stays vouched for under a new key', async () => {
    const caller = await told();
    await forget(caller);
    const next = new Uint8Array(32).fill(5);
    expect(await createAuditStore(test.database.read, [next, key]).renewCheckpoints()).toBeGreaterThan(1);
    expect(await createAuditStore(test.database.read, [next]).verifyAudit(caller.org_id)).toMatchObject({ ok: true });
  });
});

describe('reading', () => {
  it('pages newest first by cursor and filters', async () => {
    const { caller } = await write(7);
    const first = await store.list(caller.org_id, {}, { limit: 3 });
    expect(first.items.map((row) => row.seq)).toEqual([7, 6, 5]);
    const second = await store.list(caller.org_id, {}, { limit: 4, cursor: first.next_cursor! });
    expect(second.items.map((row) => row.seq)).toEqual([4, 3, 2, 1]);
    expect(second.next_cursor).toBeNull();
    const even = await store.list(caller.org_id, { action: 'note.even', actor_id: caller.id }, { limit: 10 });
    expect(even.items.map((row) => row.seq)).toEqual([6, 4, 2]);
    await expect(store.list(caller.org_id, {}, { limit: 1, cursor: '!!' })).rejects.toMatchObject({
      code: 'bad_request',
    });
  });

  it('fills pages with rows the reader may see', async () => {
    const { caller } = await write(9);
    const odd = async (rows: readonly { seq: number }[]) => rows.map((row) => row.seq % 2 === 1);
    const first = await store.list(caller.org_id, {}, { limit: 3 }, odd);
    expect(first.items.map((row) => row.seq)).toEqual([9, 7, 5]);
    const second = await store.list(caller.org_id, {}, { limit: 3, cursor: first.next_cursor! }, odd);
    expect(second.items.map((row) => row.seq)).toEqual([3, 1]);
    expect(second.next_cursor).toBeNull();
  });

  it('exports CSV that no spreadsheet runs, and NDJSON', async () => {
    const call = makeCall({}, { name: '=HYPERLINK("http://x")' });
    await test.database.transaction(call, async (tx) =>
      tx.audit({ action: 'note.create', target_id: '-1+1', details: { a: 'x,"y"' } }),
    );
    const csv = await text(auditCsv(store.rows(call.caller.org_id, {})));
    const [head, line] = csv.split('\r\n');
    expect(head).toMatch(/^seq,at,actor_type/);
    expect(line).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(line).toContain(`"'-1+1"`);
    const ndjson = await text(auditNdjson(store.rows(call.caller.org_id, {})));
    expect(JSON.parse(ndjson)).toMatchObject({ seq: 1, details: { a: 'x,"y"' } });
  });
});
