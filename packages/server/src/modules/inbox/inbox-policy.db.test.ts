import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { makeItem } from '../../../test/support/make-item.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { audienceOf, channelAudienceOf, channelVisibleTo, readerOf, visibleTo } from './inbox-policy.ts';
import { findAudience, findPresentable, insertItem } from './items-store.ts';

let db: TestDatabase;
let org: TestOrg;
let people: Record<string, Caller>;
let callers: Caller[];
const items: Record<string, string> = {};
const channels: Record<string, string> = {};

beforeAll(async () => {
  db = await createTestDatabase();
  org = await makeOrg(db.pool);
  const other = await makeOrg(db.pool, 'Other');
  const [owner, admin, ada, bob, viewer, stranger] = await Promise.all([
    org.person('Owner', 'owner'),
    org.person('Admin', 'admin'),
    org.person('Ada'),
    org.person('Bob'),
    org.person('Viewer', 'viewer'),
    other.person('Stranger', 'owner'),
  ]);
  const team = await org.team('Platform', [ada]);
  channels['open'] = await org.channel('open');
  channels['team'] = await org.channel('deploys', { team_id: team });
  channels['private'] = await org.channel('payroll', { mode: 'private', members: [bob] });
  channels['private team'] = await org.channel('secrets', { mode: 'private', team_id: team, members: [bob] });
  channels['direct'] = await org.channel('dm', { mode: 'direct', members: [ada, bob] });
  const own = await org.agent('own', { owner: ada });
  const listed = await org.agent('listed', { item_scope: { kind: 'channels', channel_ids: [channels['private']] } });
  const wide = await org.agent('wide', { item_scope: { kind: 'org' }, role: 'admin' });
  const blind = { ...(await org.agent('blind', { item_scope: { kind: 'org' } })), permissions: ['items.write'] };
  await db.pool.query(
    `insert into identity_roles (id, org_id, name, permissions, created_at) values ($1, $2, 'blind', '{items.write}', now())`,
    [blind.id, org.id],
  );
  await db.pool.query('update identity_agents set role_id = $1 where id = $1', [blind.id]);
  people = { owner, admin, ada, bob, viewer, stranger, own, listed, wide, blind };
  callers = Object.values(people);
  const at = db.clock.now();
  for (const [name, channel_id] of [['none', null], ...Object.entries(channels)] as [string, string | null][]) {
    for (const creator of [ada, own]) {
      const { row } = await insertItem(db.database.read, makeItem(creator, at, { channel_id }));
      items[`${name} by ${creator.name}`] = row.id;
    }
  }
});
afterAll(() => db.drop());

const seenBy = async (caller: Caller): Promise<string[]> => {
  const found = await sql<{ id: string }>`select i.id from inbox_items i where ${visibleTo(caller)('i')}`.execute(
    db.database.read,
  );
  return Object.keys(items)
    .filter((name) => found.rows.some((row) => row.id === items[name]))
    .sort();
};

test('each principal sees what the rule says, and no more', async () => {
  const byAda = ['direct', 'none', 'open', 'private', 'private team', 'team'].map((name) => `${name} by Ada`);
  const byAgent = byAda.map((name) => name.replace('Ada', 'own'));
  const both = (...names: string[]) => names.flatMap((name) => [`${name} by Ada`, `${name} by own`]).sort();
  expect(await seenBy(people['owner']!)).toEqual(both('none', 'open', 'team'));
  expect(await seenBy(people['admin']!)).toEqual(both('none', 'open', 'team'));
  expect(await seenBy(people['ada']!)).toEqual(
    [...byAda, 'direct by own', 'none by own', 'open by own', 'team by own'].sort(),
  );
  expect(await seenBy(people['bob']!)).toEqual(both('none', 'open', 'private', 'private team', 'direct'));
  expect(await seenBy(people['viewer']!)).toEqual(both('none', 'open'));
  expect(await seenBy(people['stranger']!)).toEqual([]);
  expect(await seenBy(people['own']!)).toEqual(byAgent);
  expect(await seenBy(people['listed']!)).toEqual(both('private'));
  expect(await seenBy(people['wide']!)).toEqual(both('none', 'open'));
  expect(await seenBy(people['blind']!)).toEqual([]);
});

test('the audience of an item is exactly those who see it', async () => {
  const ids = callers.map((caller) => caller.id);
  for (const [name, id] of Object.entries(items)) {
    const audience = (await findAudience(db.database.read, id, ids, audienceOf)).map((one) => one.id).sort();
    const seeing: string[] = [];
    for (const caller of callers) if ((await seenBy(caller)).includes(name)) seeing.push(caller.id);
    expect(audience, name).toEqual(seeing.sort());
  }
});

test('a deactivated person is in no audience', async () => {
  const gone = await org.person('Gone');
  await db.pool.query('update identity_members set deactivated_at = now() where user_id = $1', [gone.id]);
  expect(await findAudience(db.database.read, items['none by Ada']!, [gone.id], audienceOf)).toEqual([]);
});

test('channels are named by those who see them, and by agents when open or listed', async () => {
  for (const caller of callers.filter((one) => one !== people['blind'])) {
    const named = await sql<{
      id: string;
    }>`select c.id from inbox_channels c where ${channelVisibleTo(caller)('c')} order by c.id`.execute(
      db.database.read,
    );
    const audience = await sql<{
      id: string;
    }>`select c.id from inbox_channels c join identity_principals p on p.id = ${caller.id}
      where ${channelAudienceOf('c', 'p')} order by c.id`.execute(db.database.read);
    expect(named.rows, caller.name).toEqual(caller.org_id === org.id ? audience.rows : []);
  }
});

test('a presented item hides parents and links that the reader cannot see', async () => {
  const { ada, bob } = people as { ada: Caller; bob: Caller };
  const hidden = items['team by Ada']!;
  const { row } = await insertItem(
    db.database.read,
    makeItem(ada, db.clock.now(), { parent_id: hidden, related_to: [hidden, items['open by own']!] }),
  );
  const forBob = await findPresentable(db.database.read, readerOf(bob), row.id);
  expect(forBob).toMatchObject({
    visible_parent_id: null,
    visible_related: [items['open by own']],
    comment_count: 0,
    watching: false,
  });
  const forAda = await findPresentable(db.database.read, readerOf(ada), row.id);
  expect(forAda?.visible_related).toHaveLength(2);
});
