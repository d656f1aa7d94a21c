import { sql } from 'kysely';
import type { Db } from './apps-store.ts';

export const peopleStore = {
  /** Puts another name in the place of each copy, and drops what was only theirs. */
  erase: async (db: Db, userId: string, name: string): Promise<void> => {
    const copies = [
      ['gateway_apps', 'created_by'],
      ['gateway_routes', 'created_by'],
      ['gateway_shares', 'created_by'],
      ['gateway_config_versions', 'actor'],
      ['gateway_proposals', 'decided_by'],
      ['gateway_boards', 'created_by'],
      ['gateway_deployments', 'created_by'],
      ['gateway_request_stats', 'principal'],
    ] as const;
    for (const [table, column] of copies) {
      const [id, copy] = [sql.ref(`${column}_id`), sql.ref(`${column}_name`)];
      await sql`update ${sql.table(table)} set ${copy} = ${name} where ${id} = ${userId} and ${copy} <> ${name}`.execute(
        db,
      );
    }
    await sql`delete from gateway_pins where principal_id = ${userId}`.execute(db);
    await sql`delete from gateway_boards where owner_id = ${userId}`.execute(db);
    await sql`delete from gateway_cookie_jars where principal_id = ${userId}`.execute(db);
    await sql`update gateway_routes set people_user_ids = array_remove(people_user_ids, ${userId}::uuid), version = version + 1
      where ${userId}::uuid = any(people_user_ids)`.execute(db);
  },

  export: async (db: Db, userId: string): Promise<Record<string, unknown>> =>
    (
      await sql<{ document: Record<string, unknown> }>`select jsonb_build_object(
        'pins', (select coalesce(jsonb_agg(jsonb_build_object('app', a.slug, 'pinned_at', p.pinned_at) order by p.pinned_at), '[]')
          from gateway_pins p join gateway_apps a on a.id = p.app_id where p.principal_id = ${userId}),
        'boards', (select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'org_id', b.org_id, 'name', b.name, 'groups', b.groups)
            order by b.created_at), '[]') from gateway_boards b where b.owner_id = ${userId}),
        'app_cookies', (select coalesce(jsonb_agg(jsonb_build_object('route', r.slug, 'name', c.name, 'expires_at', c.expires_at)
            order by r.slug, c.name), '[]') from gateway_cookie_jars c join gateway_routes r on r.id = c.route_id where c.principal_id = ${userId}),
        'share_links', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'org_id', s.org_id, 'name', s.name, 'created_at', s.created_at)
            order by s.created_at), '[]') from gateway_shares s where s.created_by_type = 'user' and s.created_by_id = ${userId}),
        'deployments', (select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name, 'template', d.template_id, 'created_at', d.created_at)
            order by d.created_at), '[]') from gateway_deployments d where d.created_by_type = 'user' and d.created_by_id = ${userId}),
        'requests', (select coalesce(jsonb_agg(jsonb_build_object('app', a.slug, 'day', s.day, 'requests', s.requests)
            order by s.day, a.slug), '[]') from gateway_request_stats s join gateway_apps a on a.id = s.app_id where s.principal_id = ${userId})
      ) as document`.execute(db)
    ).rows[0]!.document,

  /** A route that named the team goes on with whoever else it names. */
  forgetTeam: async (db: Db, orgId: string, teamId: string): Promise<void> => {
    await sql`update gateway_routes set people_team_ids = array_remove(people_team_ids, ${teamId}::uuid), version = version + 1
      where org_id = ${orgId} and ${teamId}::uuid = any(people_team_ids)`.execute(db);
  },

  /** Everything of an organisation; apps and routes take the rest with them. */
  removeOrg: async (db: Db, orgId: string): Promise<void> => {
    await sql`delete from gateway_apps where org_id = ${orgId}`.execute(db);
  },
};
