import { type DiaryPermit, diaryScopes } from '@atrium/protocol';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callBy, makeOrg } from '../../../test/support/make-inbox.ts';
import {
  createTestDiaries,
  listing,
  naming,
  searching,
  type TestDiaries,
  writing,
} from '../../../test/support/test-diaries.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { createDiariesEventFilter } from './diaries-event-filter.ts';
import { entryVisible, permitted } from './diaries-policy.ts';
import { diariesStore } from './diaries-store.ts';
import { tuplesStore } from './tuples-store.ts';

/**
 * Everybody's rights on random diaries under random tuples, against a plain reading of the rule, one pair at a time.
 * What a door answers is compared as a whole: what it leaves out counts as much as what it shows.
 */

interface Diary {
  id: string;
  org: number;
  visibility: 'private' | 'network' | 'public';
  owner: Caller;
  entries: { id: string; quarantined: boolean }[];
}
interface Grant {
  diary: Diary;
  relation: 'writers' | 'readers';
  subject: { kind: 'Agent' | 'User'; who: Caller } | { kind: 'Team'; team: number };
  expires: 'never' | 'past' | 'now' | 'later';
}

let t: TestDiaries;
const callers: Caller[] = [];
const orgs: string[] = [];
const teams: { id: string; org: string; members: Set<string> }[] = [];

beforeAll(async () => {
  t = await createTestDiaries();
  for (const name of ['One', 'Two']) {
    const org = await makeOrg(t.pool, name);
    orgs.push(org.id);
    const people: Caller[] = [];
    for (let i = 0; i < 3; i += 1) people.push(await org.person(`${name} person ${i}`));
    callers.push(...people, await org.agent(`${name} agent 0`), await org.agent(`${name} agent 1`));
    for (const members of [people.slice(0, 2), people.slice(1)]) {
      const id = await org.team(`${name} team ${teams.length}`, members);
      teams.push({ id, org: org.id, members: new Set(members.map((one) => one.id)) });
    }
  }
  // Somebody who belongs to both organisations: one person, two callers.
  const both = callers[0]!;
  await t.pool.query('insert into identity_members (org_id, user_id, role_id, joined_at) values ($1, $2, $3, now())', [
    orgs[1],
    both.id,
    both.role_id,
  ]);
  callers.push({ ...both, org_id: orgs[1]!, name: `${both.name} in Two` });
});
afterAll(() => t.drop());

const ends = { never: null, past: -1000, now: 0, later: 1000 } as const;

/** The rule in words. */
const may = (caller: Caller, permit: DiaryPermit, diary: Diary, grants: readonly Grant[]): boolean => {
  if (permit === 'read' && diary.visibility !== 'private') return true;
  const here = caller.kind === 'agent' || caller.org_id === orgs[diary.org];
  if (!here) return false;
  if (diary.owner.id === caller.id) return true;
  if (permit === 'manage') return false;
  return grants.some((grant) => {
    if (grant.diary !== diary || grant.expires === 'past' || grant.expires === 'now') return false;
    if (permit === 'write' && grant.relation !== 'writers') return false;
    if (grant.subject.kind !== 'Team') return grant.subject.who.id === caller.id;
    const team = teams[grant.subject.team]!;
    return caller.kind === 'user' && team.org === caller.org_id && team.members.has(caller.id);
  });
};

const sorted = (ids: readonly string[]): string[] => [...ids].sort();

const build = async (plan: {
  diaries: { org: number; owner: number; visibility: Diary['visibility']; quarantined: boolean[] }[];
  grants: { diary: number; relation: Grant['relation']; subject: number; expires: Grant['expires'] }[];
}) => {
  const diaries: Diary[] = [];
  for (const [i, one] of plan.diaries.entries()) {
    const owners = callers.filter((caller) => caller.org_id === orgs[one.org]);
    const owner = owners[one.owner % owners.length]!;
    const call = callBy(owner);
    const made = await t.services.diaries.create(call, naming(`d${i}`, { visibility: one.visibility }));
    const entries: Diary['entries'] = [];
    for (const quarantined of one.quarantined) {
      const { id } = await t.services.entries.create(call, writing(made.id, `entry ${entries.length}`));
      if (quarantined) await t.pool.query("update diary_entries set status = 'quarantined' where id = $1", [id]);
      entries.push({ id, quarantined });
    }
    diaries.push({ id: made.id, org: one.org, visibility: one.visibility, owner, entries });
  }
  const grants: Grant[] = [];
  for (const one of plan.grants) {
    const diary = diaries[one.diary % diaries.length]!;
    const org = orgs[diary.org]!;
    // Shares are with one's own organisation; the policy must hold for what no door lets through, too.
    const all = [
      ...callers.map((who) => ({ kind: who.kind === 'user' ? ('User' as const) : ('Agent' as const), who })),
      ...teams.flatMap((team, n) => (team.org === org ? [{ kind: 'Team' as const, team: n }] : [])),
    ];
    const subject = all[one.subject % all.length]!;
    const end = ends[one.expires];
    const grant: Grant = { diary, relation: one.relation, subject, expires: one.expires };
    const same = grants.findIndex(
      (other) =>
        other.diary === diary &&
        other.relation === grant.relation &&
        other.subject.kind === subject.kind &&
        (subject.kind === 'Team'
          ? other.subject.kind === 'Team' && other.subject.team === subject.team
          : other.subject.kind !== 'Team' && other.subject.who.id === subject.who.id),
    );
    if (same >= 0) grants.splice(same, 1);
    grants.push(grant);
    await tuplesStore.put(t.database.read, {
      namespace: 'Diary',
      object_id: diary.id,
      relation: one.relation,
      subject_namespace: subject.kind,
      subject_id: subject.kind === 'Team' ? teams[subject.team]!.id : subject.who.id,
      subject_relation: subject.kind === 'Team' ? 'member' : '',
      diary_id: diary.id,
      org_id: org,
      expires_at: end === null ? null : new Date(t.clock.now().getTime() + end),
      revision: 2,
    });
  }
  return { diaries, grants };
};

const idsOf = async (statement: ReturnType<typeof sql<{ id: string }>>) =>
  sorted((await statement.execute(t.database.read)).rows.map((row) => row.id));

const eventOf = (diary: Diary, entry: Diary['entries'][number]): StoredEvent => ({
  org_id: orgs[diary.org]!,
  seq: 1,
  kind: 'diary.entry.updated',
  id: entry.id,
  actor: { type: 'system', id: null, name: 'test' },
  at: t.clock.now(),
  body: { diary_id: diary.id, status: 'active' },
});

const checkCaller = async (caller: Caller, diaries: Diary[], grants: Grant[]): Promise<void> => {
  const now = t.clock.now();
  const call = callBy(caller);
  const expected = (permit: DiaryPermit) =>
    sorted(diaries.filter((diary) => may(caller, permit, diary, grants)).map((diary) => diary.id));
  for (const permit of ['read', 'write', 'manage'] as const) {
    const found = await idsOf(
      sql<{ id: string }>`select d.id from diary_diaries d where ${permitted(caller, permit, now)('d')}`,
    );
    expect([caller.name, permit, found]).toEqual([caller.name, permit, expected(permit)]);
    const objects = await t.services.permissions.objects(call, { permit, limit: 200 });
    expect(sorted(objects.items.map((one) => one.id))).toEqual(expected(permit));
  }
  const listed = await t.services.diaries.list(call, {
    scope: ['own', 'shared', 'team', 'network', 'public'],
    limit: 200,
  });
  expect(sorted(listed.items.map((one) => one.id))).toEqual(expected('read'));
  const given = await t.services.diaries.list(call, { scope: ['own', 'shared', 'team'], limit: 200 });
  const closed = diaries.map((diary) => ({ ...diary, visibility: 'private' as const }));
  const closedGrants = grants.map((grant) => ({ ...grant, diary: closed[diaries.indexOf(grant.diary)]! }));
  expect(sorted(given.items.map((one) => one.id))).toEqual(
    sorted(closed.filter((diary) => may(caller, 'read', diary, closedGrants)).map((diary) => diary.id)),
  );
  for (const one of listed.items) {
    const diary = diaries.find(({ id }) => id === one.id)!;
    const role = may(caller, 'manage', diary, grants)
      ? 'owner'
      : may(caller, 'write', diary, grants)
        ? 'writer'
        : 'reader';
    expect([caller.name, one.role]).toEqual([caller.name, role]);
  }
  const visible = diaries.flatMap((diary) =>
    diary.entries
      .filter((entry) => may(caller, entry.quarantined ? 'write' : 'read', diary, grants))
      .map((entry) => entry.id),
  );
  const seen = await idsOf(
    sql<{ id: string }>`select e.id from diary_entries e join diary_diaries d on d.id = e.diary_id
      where ${entryVisible(caller, now)('e', 'd')}`,
  );
  expect([caller.name, seen]).toEqual([caller.name, sorted(visible)]);
  // By a word that every entry holds, and by date: two statements, one rule.
  for (const query of ['entry', undefined]) {
    const input = searching(query, {
      status: ['active', 'quarantined'],
      scope: [...diaryScopes],
      limit: 200,
      abstain: false,
    });
    const { items, total } = await t.services.search.search(call, input);
    expect([caller.name, query, sorted(items.map(({ id }) => id)), total]).toEqual([
      caller.name,
      query,
      sorted(visible),
      visible.length,
    ]);
  }
};

/** Lists, checks and events of each pair, by the doors themselves. */
const checkPairs = async (diaries: Diary[], grants: Grant[]): Promise<void> => {
  const filter = createDiariesEventFilter(t.database, t.clock);
  for (const diary of diaries) {
    for (const entry of diary.entries) {
      const event = eventOf(diary, entry);
      const live = await filter.fanOut(event, callers);
      for (const [i, caller] of callers.entries()) {
        const heard =
          caller.org_id === event.org_id && may(caller, entry.quarantined ? 'write' : 'read', diary, grants);
        expect([caller.name, live[i] !== null]).toEqual([caller.name, heard]);
        const [replayed] = await filter.replay(caller, [event]);
        expect(replayed).toEqual(live[i]);
      }
    }
    const owner = callBy(diary.owner);
    for (const permit of ['read', 'write', 'manage'] as const) {
      const closed = { ...diary, visibility: 'private' as const };
      const own = grants.filter((grant) => grant.diary === diary).map((grant) => ({ ...grant, diary: closed }));
      const { items } = await t.services.permissions.subjects(owner, { diary_ref: diary.id, permit, limit: 200 });
      const holders = callers.filter((caller) => may(caller, permit, closed, own)).map((caller) => caller.id);
      expect(sorted([...new Set(items.map((one) => one.id))])).toEqual(sorted([...new Set(holders)]));
      const checks = callers.map((caller, n) => ({
        correlation_id: String(n),
        object: { kind: 'diary' as const, id: diary.id },
        permit,
        subject: { kind: caller.kind === 'user' ? ('user' as const) : ('agent' as const), id: caller.id },
      }));
      const { results } = await t.services.permissions.checkBatch(owner, { checks });
      for (const [n, caller] of callers.entries()) {
        // A check asks about somebody wherever they act; the two callers of one person have one answer.
        const any = callers.some((one) => one.id === caller.id && may(one, permit, diary, grants));
        expect([caller.name, permit, results[n]]).toEqual([
          caller.name,
          permit,
          { correlation_id: String(n), allowed: any, error: null },
        ]);
      }
    }
  }
};

const outcome = async <T>(act: () => Promise<T>): Promise<T | string> =>
  act().catch((error: { code?: string }) => {
    if (error.code === undefined) throw error;
    return error.code;
  });

/** What reads a diary as a whole: looking back, counts, export; and what everybody sees. */
const checkWholes = async (diaries: Diary[], grants: Grant[]): Promise<void> => {
  const everybodys = diaries.filter((diary) => diary.visibility === 'public').flatMap((diary) => diary.entries);
  const { items } = await t.services.feed.browse(callBy(callers[0]!), { limit: 100 });
  expect(sorted(items.map((one) => one.id))).toEqual(
    sorted(everybodys.filter((entry) => !entry.quarantined).map((entry) => entry.id)),
  );
  for (const [d, diary] of diaries.entries()) {
    for (const caller of [diary.owner, callers[d % callers.length]!, callers[(d * 3 + 1) % callers.length]!]) {
      const call = callBy(caller);
      const [reads, writes] = [may(caller, 'read', diary, grants), may(caller, 'write', diary, grants)];
      const visible = sorted(diary.entries.filter((one) => writes || !one.quarantined).map((one) => one.id));
      const reflecting = {
        diary_ref: diary.id,
        days: 1,
        max_entries: 200,
        exclude_suspicious: false,
        content: 'full' as const,
      };
      const reflected = await outcome(async () => {
        const { entries, total_entries } = await t.services.entries.reflect(call, reflecting);
        return { ids: sorted(entries.map((one) => one.id)), total_entries };
      });
      // Looking back is for what is current; who may write sees what was set aside when asking for it.
      const active = sorted(diary.entries.filter((one) => !one.quarantined).map((one) => one.id));
      expect([caller.name, reflected]).toEqual([
        caller.name,
        reads ? { ids: active, total_entries: active.length } : 'not_found',
      ]);
      const listed = await outcome(async () => {
        const asked = listing(diary.id, { status: ['active', 'quarantined', 'archived', 'dead_end'] });
        return sorted((await t.services.entries.list(call, asked)).items.map((one) => one.id));
      });
      expect([caller.name, listed]).toEqual([caller.name, reads ? visible : 'not_found']);
      const exported = await outcome(async () => {
        const { stream } = await t.services.exports.export(call, { diary_ref: diary.id, format: 'jsonl' });
        let text = '';
        for await (const piece of stream) text += piece;
        const lines = text.split('\n').filter((line) => line !== '');
        return sorted(lines.map((line) => JSON.parse(line).id));
      });
      const manages = may(caller, 'manage', diary, grants);
      const all = sorted(diary.entries.map((one) => one.id));
      expect([caller.name, exported]).toEqual([caller.name, manages ? all : reads ? 'permission_denied' : 'not_found']);
    }
  }
};

const relation = fc.constantFrom('writers' as const, 'readers' as const);
const plans = fc.record({
  diaries: fc.array(
    fc.record({
      org: fc.nat(1),
      owner: fc.nat(20),
      visibility: fc.constantFrom('private' as const, 'private' as const, 'network' as const, 'public' as const),
      quarantined: fc.array(fc.boolean(), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  grants: fc.array(
    fc.record({
      diary: fc.nat(20),
      relation,
      subject: fc.nat(40),
      expires: fc.constantFrom('never' as const, 'never' as const, 'past' as const, 'now' as const, 'later' as const),
    }),
    { maxLength: 12 },
  ),
});

test('29: every list, check, event, feed, count and export equals a plain reading of the rule', {
  tags: ['long'],
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      await t.pool.query('delete from diary_diaries');
      const { diaries, grants } = await build(plan);
      for (const caller of callers) await checkCaller(caller, diaries, grants);
      await checkPairs(diaries, grants);
      await checkWholes(diaries, grants);
    }),
    { numRuns: 20 },
  );
});

test('30: what was granted stops at its second, without anybody doing anything', async () => {
  const [owner, , , , agent] = callers;
  const call = callBy(owner!);
  const diary = await t.services.diaries.create(call, naming('Until then'));
  await t.services.entries.create(call, writing(diary.id, 'seen for a second'));
  const until = new Date(t.clock.now().getTime() + 1000);
  const share = await t.services.shares.share(call, {
    diary_ref: diary.id,
    agent_id: agent!.id,
    role: 'reader',
    expires_at: until.toISOString(),
  });
  await t.services.shares.accept(callBy(agent!), share.id);
  const read = () => t.services.entries.list(callBy(agent!), listing(diary.id));
  expect((await read()).items).toHaveLength(1);
  t.clock.advance(999);
  expect((await read()).items).toHaveLength(1);
  t.clock.advance(1);
  await expect(read()).rejects.toMatchObject({ code: 'not_found' });
});

test('22: somebody who may not see a diary hears the same of it as of one that does not exist', async () => {
  const [owner, stranger] = [callers[0]!, callers[1]!];
  const diary = await t.services.diaries.create(callBy(owner), naming('Hidden'));
  const [hidden, unknown] = await Promise.all(
    [diary.id, newId()].map((id) =>
      t.services.diaries.get(callBy(stranger), id).catch((error: Error) => error.message),
    ),
  );
  expect(hidden).toBe(unknown);
  expect(await diariesStore.findAny(t.database.read, diary.id)).not.toBeNull();
});
