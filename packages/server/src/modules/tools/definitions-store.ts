import type { ToolDefinition } from '@atrium/protocol';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { DefinitionRow, OfferedRow } from './tools-rows.ts';

type Db = Kysely<Schema> | Transaction<Schema>;

const offered = sql`select d.*, s.slug, s.default_policy, s.enabled from tools_definitions d
  join tools_servers s on s.id = d.server_id`;

const inState = {
  new: sql`d.present and d.approved_fingerprint is null`,
  changed: sql`d.present and d.approved_fingerprint <> d.found_fingerprint`,
  approved: sql`d.present and d.approved_fingerprint = d.found_fingerprint`,
  gone: sql`not d.present`,
} as const;

export interface DefinitionFilter {
  server_id: string | null;
  state: keyof typeof inState | null;
  q: string | null;
  /** Only what can be called. */
  callable: boolean;
}

export const definitionsStore = {
  ofServer: async (db: Db, serverId: string): Promise<DefinitionRow[]> =>
    (await sql<DefinitionRow>`select * from tools_definitions where server_id = ${serverId} order by name`.execute(db))
      .rows,

  insert: async (
    db: Db,
    row: { id: string; org_id: string; server_id: string; found: ToolDefinition; fingerprint: string; at: Date },
  ): Promise<void> => {
    await sql`insert into tools_definitions (id, org_id, server_id, name, found, found_fingerprint, found_at)
      values (${row.id}, ${row.org_id}, ${row.server_id}, ${row.found.name}, ${JSON.stringify(row.found)}::jsonb,
        ${row.fingerprint}, ${row.at})`.execute(db);
  },

  setFound: async (db: Db, id: string, found: ToolDefinition, fingerprint: string, at: Date): Promise<void> => {
    await sql`update tools_definitions set found = ${JSON.stringify(found)}::jsonb, found_fingerprint = ${fingerprint},
        found_at = ${at}, present = true where id = ${id}`.execute(db);
  },

  setGone: async (db: Db, ids: readonly string[]): Promise<void> => {
    await sql`update tools_definitions set present = false where id = any(${[...ids]}::uuid[])`.execute(db);
  },

  find: async (db: Db, orgId: string, id: string): Promise<OfferedRow | null> =>
    (await sql<OfferedRow>`${offered} where d.org_id = ${orgId} and d.id = ${id}`.execute(db)).rows[0] ?? null,

  lock: async (db: Db, orgId: string, id: string): Promise<OfferedRow | null> =>
    (await sql<OfferedRow>`${offered} where d.org_id = ${orgId} and d.id = ${id} for update of d`.execute(db))
      .rows[0] ?? null,

  byOfferedName: async (db: Db, orgId: string, slug: string, name: string): Promise<OfferedRow | null> =>
    (
      await sql<OfferedRow>`${offered} where s.org_id = ${orgId} and s.slug = ${slug}
        and coalesce(d.alias, d.name) = ${name}`.execute(db)
    ).rows[0] ?? null,

  /** Everything that clients of an organisation could be offered. */
  callable: async (db: Db, orgId: string): Promise<OfferedRow[]> =>
    (
      await sql<OfferedRow>`${offered} where d.org_id = ${orgId} and s.enabled and d.listed and ${inState.approved}
        order by s.slug, coalesce(d.alias, d.name)`.execute(db)
    ).rows,

  page: async (
    db: Db,
    orgId: string,
    filter: DefinitionFilter,
    { limit, after }: { limit: number; after: { value: string; id: string } | null },
  ): Promise<OfferedRow[]> => {
    const conditions = [sql`d.org_id = ${orgId}`];
    if (filter.server_id !== null) conditions.push(sql`d.server_id = ${filter.server_id}`);
    if (filter.state !== null) conditions.push(inState[filter.state]);
    if (filter.callable) conditions.push(sql`s.enabled and d.listed and ${inState.approved}`);
    if (filter.q !== null)
      conditions.push(sql`position(lower(${filter.q}) in lower(s.slug || '__' || coalesce(d.alias, d.name))) > 0`);
    if (after !== null) conditions.push(sql`(d.name, d.id) > (${after.value}, ${after.id}::uuid)`);
    return (
      await sql<OfferedRow>`${offered} where ${sql.join(conditions, sql` and `)} order by d.name, d.id
        limit ${limit}`.execute(db)
    ).rows;
  },

  counts: async (
    db: Db,
    serverIds: readonly string[],
  ): Promise<Map<string, { approved: number; held: number; gone: number }>> => {
    const { rows } = await sql<{ server_id: string; approved: number; held: number; gone: number }>`
      select server_id, count(*) filter (where present and approved_fingerprint = found_fingerprint)::int as approved,
        count(*) filter (where present and approved_fingerprint is distinct from found_fingerprint)::int as held,
        count(*) filter (where not present)::int as gone
      from tools_definitions where server_id = any(${[...serverIds]}::uuid[]) group by server_id`.execute(db);
    return new Map(rows.map(({ server_id, ...counts }) => [server_id, counts]));
  },

  approve: async (db: Db, id: string, by: { id: string; name: string }, at: Date): Promise<void> => {
    await sql`update tools_definitions set approved = found, approved_fingerprint = found_fingerprint,
        approved_by_id = ${by.id}, approved_by_name = ${by.name}, approved_at = ${at}, version = version + 1
      where id = ${id}`.execute(db);
  },

  update: async (
    db: Db,
    row: Pick<DefinitionRow, 'id' | 'listed' | 'policy' | 'role_policies' | 'alias' | 'description_override'>,
  ): Promise<void> => {
    await sql`update tools_definitions set listed = ${row.listed}, policy = ${row.policy},
        role_policies = ${JSON.stringify(row.role_policies)}::jsonb, alias = ${row.alias},
        description_override = ${row.description_override}, version = version + 1 where id = ${row.id}`.execute(db);
  },

  erasePerson: async (db: Db, userId: string, name: string): Promise<void> => {
    await sql`update tools_definitions set approved_by_name = ${name} where approved_by_id = ${userId}`.execute(db);
    await sql`update tools_servers set created_by_name = ${name} where created_by_id = ${userId}`.execute(db);
    await sql`update tools_servers set approver_id = null where approver_id = ${userId}`.execute(db);
    await sql`update tools_calls set by_name = ${name} where by_id = ${userId}`.execute(db);
    await sql`delete from tools_connections where user_id = ${userId}`.execute(db);
    await sql`delete from tools_sign_ins where started_by = ${userId}`.execute(db);
  },
};
