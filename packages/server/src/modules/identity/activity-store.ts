import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface AgentUse {
  id: string;
  at: Date;
  calls: number;
  tool: string | null;
  client: string | null;
}

const unzip = <Row, Key extends keyof Row>(rows: readonly Row[], key: Key): Row[Key][] => rows.map((row) => row[key]);

/** Many marks in one statement each. `greatest` keeps a slow replica from turning the time back. */
export const activityStore = {
  touchSessions: async (db: Db, uses: readonly { id: string; at: Date }[]): Promise<void> => {
    await sql`update identity_sessions s set last_used_at = greatest(s.last_used_at, x.at)
      from unnest(${unzip(uses, 'id')}::uuid[], ${unzip(uses, 'at')}::timestamptz[]) as x(id, at)
      where s.id = x.id`.execute(db);
  },
  touchKeys: async (db: Db, uses: readonly { id: string; at: Date }[]): Promise<void> => {
    await sql`update identity_api_keys k set last_used_at = greatest(k.last_used_at, x.at)
      from unnest(${unzip(uses, 'id')}::uuid[], ${unzip(uses, 'at')}::timestamptz[]) as x(id, at)
      where k.id = x.id`.execute(db);
  },
  touchMembers: async (db: Db, uses: readonly { id: string; org_id: string; at: Date }[]): Promise<void> => {
    await sql`update identity_members m set last_seen_at = greatest(m.last_seen_at, x.at)
      from unnest(${unzip(uses, 'org_id')}::uuid[], ${unzip(uses, 'id')}::uuid[], ${unzip(uses, 'at')}::timestamptz[])
        as x(org_id, user_id, at)
      where m.org_id = x.org_id and m.user_id = x.user_id`.execute(db);
  },
  /** Gives the agents that were never seen before. */
  touchAgents: async (db: Db, uses: readonly AgentUse[]): Promise<{ id: string; org_id: string; name: string }[]> => {
    const found = await sql<{ id: string; org_id: string; name: string; is_first: boolean }>`
      update identity_agents a set
             first_seen_at = coalesce(a.first_seen_at, x.at),
             last_seen_at = greatest(a.last_seen_at, x.at),
             last_tool = coalesce(x.tool, a.last_tool),
             last_client = coalesce(x.client, a.last_client),
             calls_total = a.calls_total + x.calls,
             calls_today = case when a.calls_day = (x.at at time zone 'UTC')::date then a.calls_today else 0 end + x.calls,
             calls_day = (x.at at time zone 'UTC')::date
        from unnest(${unzip(uses, 'id')}::uuid[], ${unzip(uses, 'at')}::timestamptz[], ${unzip(uses, 'calls')}::int[],
                    ${unzip(uses, 'tool')}::text[], ${unzip(uses, 'client')}::text[]) as x(id, at, calls, tool, client)
        join identity_agents before on before.id = x.id
       where a.id = x.id
      returning a.id, a.org_id, a.name, before.first_seen_at is null as is_first`.execute(db);
    return found.rows.filter((row) => row.is_first);
  },
};
