import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

export interface ProfileRow {
  agent_id: string;
  display_name: string;
  description: string;
  listed: boolean;
}

/** How agents show themselves outside of their organisation. */
export const agentProfilesStore = {
  /** What is left out stays as it is; the first time it is what the agent is called inside. */
  put: async (
    db: Kysely<Schema>,
    agent: { id: string; org_id: string; name: string; description: string },
    changes: { display_name?: string | undefined; description?: string | undefined; listed?: boolean | undefined },
    at: Date,
  ): Promise<ProfileRow> => {
    const { display_name = null, description = null, listed = null } = changes;
    const { rows } = await sql<ProfileRow>`
      insert into identity_agent_profiles as p (agent_id, org_id, display_name, description, listed, updated_at)
      values (${agent.id}, ${agent.org_id}, coalesce(${display_name}::text, ${agent.name}),
        coalesce(${description}::text, ${agent.description}), coalesce(${listed}::boolean, false), ${at})
      on conflict (agent_id) do update set display_name = coalesce(${display_name}::text, p.display_name),
        description = coalesce(${description}::text, p.description), listed = coalesce(${listed}::boolean, p.listed),
        updated_at = excluded.updated_at
      returning agent_id, display_name, description, listed`.execute(db);
    return rows[0]!;
  },
};
