import pg from 'pg';
import { type AuditRow, auditHash, canonicalAudit } from '../../packages/server/src/platform/audit/audit-chain.ts';
import { newId } from '../../packages/server/src/platform/ids/ids.ts';
import type { SeedOrganisation } from './organisation.ts';

const dayMs = 86_400_000;
const titles = [
  'Deploy build %n to production?',
  'Merge pull request %n?',
  'Refund order 88-%n?',
  'Is conversation %n closed?',
  'Restart worker %n?',
  'Publish draft %n?',
];

/** The same numbers at every run, so that pictures of the statistics can be compared. */
const sequence = (seed: number) => (): number => {
  seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return seed / 2 ** 32;
};

/**
 * Answered questions over the last sixty days, more on working days and quicker at noon, as copies of one that was
 * really answered. Written past the API, which does not let anybody date an item back.
 */
export const seedHistory = async (
  databaseUrl: string,
  org: SeedOrganisation,
  answeredItem: string,
): Promise<number> => {
  const random = sequence(60);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const agents = Object.values(org.agents);
  const channels = Object.values(org.channels);
  const now = Date.now();
  const rows: Record<string, unknown>[] = [];
  for (let day = 60; day >= 1; day -= 1) {
    const start = now - day * dayMs;
    const weekend = [0, 6].includes(new Date(start).getUTCDay());
    const count = Math.round((weekend ? 2 : 9) * (0.6 + random()) * (1.2 - day / 150));
    for (let n = 0; n < count; n += 1) {
      const opened = start + random() * dayMs * 0.5;
      const answered = opened + 20_000 + random() ** 3 * 5 * 3_600_000;
      const agent = agents[Math.floor(random() * agents.length)]!;
      const person = org.people[Math.floor(random() ** 1.6 * (org.people.length - 1))]!;
      const at = new Date(opened).toISOString();
      const end = new Date(Math.min(answered, now - 60_000)).toISOString();
      const expired = random() < 0.06;
      rows.push({
        id: newId(),
        title: titles[Math.floor(random() * titles.length)]!.replace('%n', String(1000 + rows.length)),
        level: random() < 0.2 ? 'warning' : 'info',
        channel_id: channels[Math.floor(random() * channels.length)]!,
        created_by_id: agent.id,
        created_by_name: agent.name,
        created_at: at,
        opened_at: at,
        first_occurred_at: at,
        last_occurred_at: at,
        updated_at: end,
        status: expired ? 'expired' : 'answered',
        expires_at: expired ? end : null,
        answered_at: expired ? null : end,
        answered_by_id: expired ? null : person.id,
        answered_by_name: expired ? null : person.name,
        answered_by_type: expired ? null : 'user',
        answer_source: expired ? null : 'person',
        response: expired ? null : { go: random() < 0.8 },
        correctable_until: null,
        idempotency_key: null,
        archived_at: day > 30 ? end : null,
      });
    }
  }
  await client.query(
    `insert into inbox_items select c.* from inbox_items i, jsonb_array_elements($2::jsonb) e, jsonb_populate_record(i, e) c
     where i.id = $1`,
    [answeredItem, JSON.stringify(rows)],
  );
  // What was made a moment ago spreads over the last two days, newest first as it was.
  await client.query(
    `update inbox_items i set created_at = t.at, opened_at = t.at, first_occurred_at = t.at, last_occurred_at = t.at
     from (select id, now() - (row_number() over (order by created_at desc) ^ 1.8) * interval '1.7 minutes' as at
           from inbox_items where org_id = $1 and created_at > now() - interval '30 minutes') t where t.id = i.id`,
    [org.id],
  );
  await dateBackHouse(client, org);
  await dateBackTrail(client, org);
  await client.end();
  return rows.length;
};

/** People, agents and their surroundings came two months ago, and were last here at different times. */
const dateBackHouse = async (client: pg.Client, org: SeedOrganisation): Promise<void> => {
  const ago = (interval: string) => `now() - interval '${interval}'`;
  await client.query(`
    update identity_orgs set created_at = ${ago('61 days')};
    update identity_members m set joined_at = ${ago('60 days')} + n.n * interval '3 days',
      last_seen_at = case when n.n = 1 then now() else now() - n.n ^ 3 * interval '17 minutes' end
      from (select user_id, org_id, row_number() over (partition by org_id order by joined_at) as n from identity_members) n
      where n.user_id = m.user_id and n.org_id = m.org_id;
    update identity_teams set created_at = ${ago('41 days')};
    update identity_sessions set last_used_at = ${ago('3 days')}, created_at = ${ago('12 days')}
      where user_agent like 'Mozilla/5.0 (%' and user_agent not like '%Windows%';
    update identity_api_keys set created_at = ${ago('20 days')}, last_used_at = ${ago('5 hours')} where user_id is not null;
    update inbox_templates set created_at = ${ago('33 days')}, updated_at = ${ago('9 days')};
  `);
  const uses: [keyof SeedOrganisation['agents'], string, string, number, number][] = [
    ['coder', 'Claude Code 2.1.4', 'inbox_ask', 4_812, 61],
    ['release', 'mcp-cli 0.9.2', 'inbox_ask', 1_306, 14],
    ['pipeline', 'atrium-sdk 0.1.0', 'inbox_notify', 22_940, 288],
    ['support', 'Cursor 3.0.1', 'inbox_wait', 9_077, 132],
    ['house', 'curl', 'inbox_notify', 418, 3],
  ];
  for (const [index, [name, app, tool, total, today]] of uses.entries())
    await client.query(
      `update identity_agents set created_at = ${ago('55 days')}, first_seen_at = ${ago('54 days')},
         last_seen_at = now() - $7 * interval '23 minutes', last_client = $2, last_tool = $3, calls_total = $4, calls_today = $5,
         calls_day = (now() at time zone 'utc')::date where id = $1 and org_id = $6`,
      [org.agents[name].id, app, tool, total, today, org.id, index ** 2],
    );
};

/** The trail tells of the same times as the items, and its chain is made anew over them. */
const dateBackTrail = async (client: pg.Client, org: SeedOrganisation): Promise<void> => {
  // Whoever writes a line meanwhile waits for the head, and goes on from the new one.
  await client.query('begin; alter table core_audit disable trigger core_audit_append_only');
  await client.query('select 1 from core_event_heads where org_id = $1 for update', [org.id]);
  const { rows } = await client.query<AuditRow & { created_at: Date | null }>(
    `select a.*, a.seq::int as seq, i.created_at from core_audit a left join inbox_items i on i.id = a.item_id
     where a.org_id = $1 order by a.seq`,
    [org.id],
  );
  const first = rows.findIndex((row) => row.created_at !== null);
  const start = Date.now() - 60 * dayMs;
  const step = (rows[first]!.created_at!.getTime() - start) / (first + 1);
  let at = start;
  let hash = '';
  for (const [index, row] of rows.entries()) {
    if (index === 0) hash = row.prev_hash;
    if (row.created_at === null) at += index < first ? step : 30_000;
    else at = Math.max(at + (row.action === 'inbox.create' ? 1000 : 45_000), row.created_at.getTime());
    at = Math.min(at, Date.now());
    const dated = { ...row, at: new Date(at) };
    const next = auditHash(hash, row.seq, canonicalAudit(dated));
    await client.query('update core_audit set at = $2, prev_hash = $3, hash = $4 where id = $1', [
      row.id,
      dated.at,
      hash,
      next,
    ]);
    if (row.action === 'inbox.answer')
      await client.query(
        'update inbox_items set answered_at = $2, updated_at = $2 where id = $1 and answered_at is not null',
        [row.item_id, dated.at],
      );
    hash = next;
  }
  await client.query('update core_event_heads set audit_hash = $2 where org_id = $1', [org.id, hash]);
  await client.query('alter table core_audit enable trigger core_audit_append_only; commit');
  await client.query(
    `update inbox_comments c set created_at = n.at from (
       select c.id, i.created_at + row_number() over (partition by c.item_id order by c.created_at) * interval '7 minutes' as at
       from inbox_comments c join inbox_items i on i.id = c.item_id where c.org_id = $1) n where n.id = c.id`,
    [org.id],
  );
};
