import type { Actor, ArgumentPrefix } from '@atrium/protocol';
import { sql } from 'kysely';
import type { Db } from './items-store.ts';

export interface RuleRow {
  id: string;
  org_id: string;
  agent_id: string;
  agent_type: Actor['type'];
  agent_name: string;
  tool: string;
  argument_prefix: ArgumentPrefix;
  uses: number;
  item_id: string | null;
  created_by_type: Actor['type'];
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const columns = sql.raw(
  'r.id, r.org_id, r.agent_id, r.agent_type, r.agent_name, r.tool, r.argument_prefix, r.uses, r.item_id, r.created_by_type, r.created_by_id, r.created_by_name, r.created_at, r.expires_at, r.revoked_at',
);

export const insertRule = async (db: Db, rule: RuleRow): Promise<void> => {
  await sql`insert into inbox_always_rules (id, org_id, agent_id, agent_type, agent_name, tool, argument_prefix, item_id,
      created_by_type, created_by_id, created_by_name, created_at, expires_at)
    values (${rule.id}, ${rule.org_id}, ${rule.agent_id}, ${rule.agent_type}::actor_type, ${rule.agent_name}, ${rule.tool},
      ${JSON.stringify(rule.argument_prefix)}::jsonb, ${rule.item_id}, ${rule.created_by_type}::actor_type, ${rule.created_by_id},
      ${rule.created_by_name}, ${rule.created_at}, ${rule.expires_at})`.execute(db);
};

/** Rules in force for one agent and tool. Those of people who left the organisation are over. */
export const findLiveRules = async (
  db: Db,
  org_id: string,
  agent_id: string,
  tool: string,
  at: Date,
): Promise<RuleRow[]> =>
  (
    await sql<RuleRow>`select ${columns} from inbox_always_rules r
      where r.org_id = ${org_id} and r.agent_id = ${agent_id} and r.tool = ${tool} and r.revoked_at is null
        and (r.expires_at is null or r.expires_at > ${at})
        and exists (select 1 from identity_principals p where p.org_id = r.org_id and p.id = r.created_by_id and p.active
          and p.permissions && array['*', 'items.*', 'items.write'])
      order by r.created_at, r.id limit 200`.execute(db)
  ).rows;

/** Null when the rule ended meanwhile. */
export const countUse = async (db: Db, id: string, at: Date): Promise<RuleRow | null> =>
  (
    await sql<RuleRow>`update inbox_always_rules r set uses = r.uses + 1
      where r.id = ${id} and r.revoked_at is null and (r.expires_at is null or r.expires_at > ${at}) returning ${columns}`.execute(
      db,
    )
  ).rows[0] ?? null;

export const findRules = async (
  db: Db,
  org_id: string,
  who: { id: string; all: boolean },
  page: { limit: number; before: { at: Date; id: string } | null },
): Promise<RuleRow[]> =>
  (
    await sql<RuleRow>`select ${columns} from inbox_always_rules r
      where r.org_id = ${org_id} and (${who.all}::boolean or r.created_by_id = ${who.id})
        and ${page.before === null ? sql`true` : sql`(r.created_at, r.id) < (${page.before.at}, ${page.before.id}::uuid)`}
      order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db)
  ).rows;

/** Null when there is no such rule in force that this person may end. */
export const revokeRule = async (
  db: Db,
  org_id: string,
  id: string,
  who: { id: string; all: boolean },
  at: Date,
): Promise<RuleRow | null> =>
  (
    await sql<RuleRow>`update inbox_always_rules r set revoked_at = coalesce(r.revoked_at, ${at})
      where r.org_id = ${org_id} and r.id = ${id} and (${who.all}::boolean or r.created_by_id = ${who.id}) returning ${columns}`.execute(
      db,
    )
  ).rows[0] ?? null;

export const revokeRulesOfItem = async (db: Db, org_id: string, item_id: string, at: Date): Promise<string[]> =>
  (
    await sql<{ id: string }>`update inbox_always_rules r set revoked_at = ${at}
      where r.org_id = ${org_id} and r.item_id = ${item_id} and r.revoked_at is null returning r.id`.execute(db)
  ).rows.map((row) => row.id);
