import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCall } from '../../../test/support/make-call.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import { newId } from '../ids/ids.ts';
import type { StoredEvent } from '../module.ts';
import type { Call } from '../operations/call.ts';
import { createDatabase } from './kysely-database.ts';
import { createPool } from './pool.ts';

let test: TestDatabase;
const committed: StoredEvent[] = [];

beforeAll(async () => {
  test = await createTestDatabase({ onCommitted: (events) => void committed.push(...events) });
  await test.pool.query('create table notes (id int primary key, text text not null)');
});
afterAll(() => test.drop());

const withKey = (call: Call, key: string, request_hash = 'h1'): Call => ({
  ...call,
  idempotency: { key, operation: 'note.create', request_hash },
});

describe('the end of a transaction', () => {
  it('writes events, audit lines and jobs with the change, and tells this process afterwards', async () => {
    const call = makeCall();
    const subject = newId();
    const order: string[] = [];
    await test.database.transaction(call, async (tx) => {
      await sql`insert into notes values (1, 'a')`.execute(tx.db);
      tx.emit({ kind: 'note.created', id: subject, body: { text: 'a\u0000\ud800' } });
      tx.emit({ kind: 'note.updated', id: subject });
      tx.audit({ action: 'note.create', target_type: 'note', target_id: '1' });
      tx.enqueue({ name: 'index-note', id: `note-${subject}`, args: { id: subject } });
      tx.enqueue({ name: 'expire-note', id: `exp-${subject}`, args: { id: subject }, run_at: new Date('2026-03-02') });
      tx.afterCommit(() => order.push('first'));
      tx.afterCommit(() => order.push('second'));
    });
    const events = await test.pool.query('select * from core_events where org_id = $1 order by seq', [
      call.caller.org_id,
    ]);
    expect(events.rows.map((row) => [row.seq, row.kind, row.actor_name])).toEqual([
      [1, 'note.created', 'Ada'],
      [2, 'note.updated', 'Ada'],
    ]);
    expect(events.rows[0].body).toEqual({ text: 'a\ufffd\ufffd' });
    const own = committed.filter((event) => event.org_id === call.caller.org_id);
    expect(own.map((event) => event.seq)).toEqual([1, 2]);
    expect(own[0]).toMatchObject({ id: subject, at: test.clock.now(), actor: { type: 'user', name: 'Ada' } });
    const jobs = await test.pool.query(
      'select w.name, w.status, w.queue_name, i.inputs from dbos.workflow_status w join dbos.workflow_input i using (workflow_uuid) order by w.name',
    );
    expect(jobs.rows).toMatchObject([
      { name: 'expire-note', status: 'DELAYED', queue_name: 'atrium-timers' },
      { name: 'index-note', status: 'ENQUEUED', queue_name: 'atrium-work' },
    ]);
    expect(JSON.parse(jobs.rows[1].inputs).positionalArgs).toEqual([{ id: subject }]);
    expect(order).toEqual(['first', 'second']);
  });

  it('leaves no trace of a transaction that throws', async () => {
    const call = makeCall();
    let told = false;
    const failed = test.database.transaction(call, async (tx) => {
      tx.emit({ kind: 'note.created', id: newId() });
      tx.audit({ action: 'note.create' });
      tx.enqueue({ name: 'index-note', id: `lost-${call.caller.org_id}`, args: {} });
      tx.afterCommit(() => {
        told = true;
      });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    const found = await test.pool.query(
      `select (select count(*) from core_events where org_id = $1) + (select count(*) from core_audit where org_id = $1)
            + (select count(*) from dbos.workflow_status where workflow_uuid = 'lost-' || $1::text) as count`,
      [call.caller.org_id],
    );
    expect(found.rows[0].count).toBe(0);
    expect(told).toBe(false);
  });

  it('ignores a second job with the same id', async () => {
    const call = makeCall();
    const enqueue = () =>
      test.database.transaction(call, async (tx) => tx.enqueue({ name: 'index-note', id: 'twice', args: { n: 1 } }));
    await enqueue();
    await enqueue();
    const found = await test.pool.query(`select count(*) from dbos.workflow_status where workflow_uuid = 'twice'`);
    expect(found.rows[0].count).toBe(1);
  });

  it('gives concurrent writers gapless seqs and one unbroken audit chain', async () => {
    const call = makeCall();
    const write = () =>
      test.database.transaction(call, async (tx) => {
        tx.emit({ kind: 'note.updated', id: newId() });
        tx.audit({ action: 'note.update' });
      });
    await Promise.all(Array.from({ length: 100 }, write));
    const events = await test.pool.query('select seq from core_events where org_id = $1 order by seq', [
      call.caller.org_id,
    ]);
    expect(events.rows.map((row) => row.seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    const chain = await test.pool.query(
      `select count(*) from core_audit a join core_audit b on b.org_id = a.org_id and b.seq = a.seq + 1 and b.prev_hash = a.hash
       where a.org_id = $1`,
      [call.caller.org_id],
    );
    expect(chain.rows[0].count).toBe(99);
  });

  it('runs the transaction again after a deadlock', async () => {
    const call = makeCall();
    await test.pool.query(`insert into notes values (10, 'x'), (11, 'x')`);
    let runs = 0;
    const meet = Promise.withResolvers<void>();
    let arrived = 0;
    const lockBoth = (first: number, second: number) =>
      test.database.transaction(call, async (tx) => {
        runs += 1;
        await sql`update notes set text = 'y' where id = ${first}`.execute(tx.db);
        arrived += 1;
        if (arrived === 2) meet.resolve();
        await meet.promise;
        await sql`update notes set text = 'z' where id = ${second}`.execute(tx.db);
      });
    await Promise.all([lockBoth(10, 11), lockBoth(11, 10)]);
    // Three, unless the second try took its first row before the other one woke: then they meet once more.
    expect(runs).toBeGreaterThanOrEqual(3);
  });

  it('says not_ready when the database is gone', async () => {
    const pool = createPool({ url: 'postgres://postgres@127.0.0.1:1/none' });
    const gone = createDatabase({ pool, clock: test.clock, cipher: { encrypt: (t) => t, decrypt: (t) => t } });
    await expect(gone.transaction(makeCall(), async () => 1)).rejects.toMatchObject({ code: 'not_ready' });
    await pool.end();
  });

  it('says not_ready when the connection is killed inside the transaction, and storage_full when the disk is', async () => {
    const killed = test.database.transaction(makeCall(), async (tx) => {
      await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx.db);
    });
    await expect(killed).rejects.toMatchObject({ code: 'not_ready' });
    const full = test.database.transaction(makeCall(), async (tx) => {
      await sql`do $$ begin raise exception 'no space left' using errcode = '53100'; end $$`.execute(tx.db);
    });
    await expect(full).rejects.toMatchObject({ code: 'storage_full' });
  });
});

describe('an Idempotency-Key', () => {
  it('returns the first answer, dates included, without running again', async () => {
    const call = withKey(makeCall(), 'k1');
    let runs = 0;
    const act = () =>
      test.database.transaction(call, async () => {
        runs += 1;
        return { id: runs, at: new Date('2026-03-01'), gone: undefined };
      });
    const first = await act();
    expect(await act()).toEqual(first);
    expect(runs).toBe(1);
    const kept = await test.pool.query('select response from core_idempotency_keys where org_id = $1', [
      call.caller.org_id,
    ]);
    expect(kept.rows[0].response).toMatch(/^sealed:/);
  });

  it('makes concurrent duplicates wait and then gives all of them one answer', async () => {
    const call = withKey(makeCall(), 'k2');
    let runs = 0;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        test.database.transaction(call, async (tx) => {
          runs += 1;
          await sql`select pg_sleep(0.02)`.execute(tx.db);
          tx.emit({ kind: 'note.created', id: newId() });
          return runs;
        }),
      ),
    );
    expect(answers).toEqual(Array(8).fill(1));
    const events = await test.pool.query('select count(*) from core_events where org_id = $1', [call.caller.org_id]);
    expect(events.rows[0].count).toBe(1);
  });

  it('is refused for another body, free again after a failure, and forgotten after a day', async () => {
    const call = withKey(makeCall(), 'k3');
    await expect(
      test.database.transaction(call, async () => {
        throw new Error('first try fails');
      }),
    ).rejects.toThrow('first try fails');
    expect(await test.database.transaction(call, async () => 'made')).toBe('made');
    await expect(test.database.transaction(withKey(call, 'k3', 'h2'), async () => 'other')).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
    test.clock.advance(24 * 60 * 60 * 1000 + 1);
    expect(await test.database.transaction(withKey(call, 'k3', 'h2'), async () => 'new')).toBe('new');
  });

  it('belongs to one principal', async () => {
    const call = withKey(makeCall(), 'k4');
    await test.database.transaction(call, async () => 'mine');
    const other = { ...call, caller: { ...call.caller, id: newId() } };
    expect(await test.database.transaction(other, async () => 'theirs')).toBe('theirs');
  });
});

describe('a denied attempt', () => {
  it('is recorded although its own transaction never happened', async () => {
    const call = makeCall();
    for (let n = 0; n < 5; n += 1) test.database.auditDenied(call, { action: 'operation.denied', details: { n } });
    await test.database.flush();
    const rows = await test.pool.query('select seq, action, ip from core_audit where org_id = $1 order by seq', [
      call.caller.org_id,
    ]);
    expect(rows.rows.map((row) => row.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(rows.rows[0]).toMatchObject({ action: 'operation.denied', ip: '192.0.2.7' });
    expect(test.background).toEqual([]);
  });
});
