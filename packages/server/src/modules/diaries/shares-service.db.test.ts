import { diariesShare, type InputOf } from '@atrium/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { createTestDiaries, listing, naming, type TestDiaries, writing } from '../../../test/support/test-diaries.ts';
import { until } from '../../../test/support/until.ts';
import type { Caller } from '../../platform/operations/caller.ts';

let t: TestDiaries;
let org: TestOrg;
let [owner, agent]: Caller[] = [];
const dayMs = 86_400_000;

beforeAll(async () => {
  t = await createTestDiaries();
  org = await makeOrg(t.pool);
  [owner, agent] = [await org.person('Owner'), await org.agent('Agent')];
});
afterAll(() => t.drop());

const make = async () => (await t.services.diaries.create(callBy(owner!), naming('Shared'))).id;
const share = (diary_ref: string, more: Partial<InputOf<typeof diariesShare>> = {}) =>
  t.services.shares.share(callBy(owner!), diariesShare.input.parse({ diary_ref, agent_id: agent!.id, ...more }));

test('25: an invitation is good for thirty days to the millisecond', async () => {
  const [early, late] = [await share(await make()), await share(await make())];
  t.clock.advance(30 * dayMs - 1);
  expect((await t.services.shares.accept(callBy(agent!), early.id)).status).toBe('accepted');
  t.clock.advance(1);
  await expect(t.services.shares.accept(callBy(agent!), late.id)).rejects.toMatchObject({
    code: 'diary_invitation_closed',
    extensions: { share_status: 'expired' },
  });
});

test('a diary has room for 200 open invitations, and expired ones take none of it', async () => {
  const diary = await make();
  await t.pool.query(
    `insert into diary_shares (id, diary_id, org_id, subject_kind, shared_with, status, invited_by_kind, invited_by_name, invited_at, invitation_expires_at)
     select gen_random_uuid(), $1, $2, 'agent', gen_random_uuid(), 'pending', 'user', 'Owner', $3::timestamptz, $3::timestamptz + interval '30 days'
     from generate_series(1, 200)`,
    [diary, org.id, t.clock.now()],
  );
  await expect(share(diary)).rejects.toMatchObject({ code: 'diary_limit_reached', extensions: { max: 200 } });
  t.clock.advance(30 * dayMs);
  expect((await share(diary)).status).toBe('pending');
});

test('every change of rights raises the revision, and the tuple bears it', async () => {
  const diary = await make();
  const offered = await share(diary);
  const accepted = await t.services.shares.accept(callBy(agent!), offered.id);
  const changed = await t.services.shares.update(callBy(owner!), {
    diary_ref: diary,
    share_id: offered.id,
    role: 'writer',
  });
  expect([offered.revision, accepted.revision, changed.revision]).toEqual([2, 3, 4]);
  const { rows } = await t.pool.query(
    'select relation, revision from diary_tuples where diary_id = $1 and subject_id = $2',
    [diary, agent!.id],
  );
  expect(rows).toEqual([{ relation: 'writers', revision: 4 }]);
  expect((await t.services.shares.revoke(callBy(owner!), { diary_ref: diary, share_id: offered.id })).revision).toBe(5);
});

test('20: accepted, then read, and revoked, then read, a thousand times', { timeout: 120_000 }, async () => {
  const diary = await make();
  const [by, of] = [callBy(owner!), callBy(agent!)];
  await t.services.entries.create(by, writing(diary, 'seen or not'));
  for (let round = 0; round < 1000; round += 1) {
    const { id } = await share(diary);
    await t.services.shares.accept(of, id);
    expect((await t.services.entries.list(of, listing(diary))).items).toHaveLength(1);
    await t.services.shares.revoke(by, { diary_ref: diary, share_id: id });
    await expect(t.services.entries.list(of, listing(diary))).rejects.toMatchObject({ code: 'not_found' });
  }
});

test('a share that names nobody, or two, is refused', async () => {
  const diary = await make();
  for (const subject of [{ agent_id: undefined }, { user_id: owner!.id }])
    await expect(share(diary, subject)).rejects.toMatchObject({ code: 'validation_failed' });
});

test('who was shut out of the organisation stays on the list of shares, of no use', async () => {
  const gone = await org.agent('Gone');
  const diary = await make();
  const offered = await share(diary, { agent_id: gone.id });
  await t.services.shares.accept(callBy(gone), offered.id);
  await t.pool.query('update identity_agents set deactivated_at = now() where id = $1', [gone.id]);
  const { items } = await t.services.permissions.subjects(callBy(owner!), {
    diary_ref: diary,
    permit: 'read',
    limit: 50,
  });
  expect(items.find((one) => one.id === gone.id)?.active).toBe(false);
  const question = { object: { kind: 'diary' as const, id: diary }, permit: 'read' as const };
  const answer = await t.services.permissions.explain(callBy(owner!), {
    ...question,
    subject: { kind: 'agent', id: gone.id },
  });
  expect([answer.allowed, answer.active, answer.paths.length]).toEqual([false, false, 1]);
});

test('26: a write that waited for a change of rights is judged by the rights that came out of it', async () => {
  const diary = await make();
  const { id } = await share(diary, { role: 'writer' });
  await t.services.shares.accept(callBy(agent!), id);
  const changer = await t.pool.connect();
  await changer.query('begin');
  await changer.query('select from diary_diaries where id = $1 for update', [diary]);
  const written = t.services.entries.create(callBy(agent!), writing(diary, 'too late')).then(
    () => 'written',
    (error: { code: string }) => error.code,
  );
  const waiting = "select from pg_locks where not granted and locktype in ('tuple', 'transactionid')";
  await until(async () => (await t.pool.query(waiting)).rowCount! > 0, 'the write waits');
  await changer.query("update diary_tuples set relation = 'readers' where diary_id = $1 and subject_id = $2", [
    diary,
    agent!.id,
  ]);
  await changer.query('commit');
  changer.release();
  expect(await written).toBe('permission_denied');
  expect((await t.services.entries.list(callBy(owner!), listing(diary))).items).toEqual([]);
});
