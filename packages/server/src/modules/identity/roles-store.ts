import type { SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface RoleRow {
  id: string;
  name: string;
  description: string;
  system: SystemRole | null;
  permissions: string[];
  members: number;
}

const columns = (orgId: string) => sql`r.id, r.name, r.description, r.system, r.permissions,
  (select count(*)::int from identity_members m where m.org_id = ${orgId} and m.role_id = r.id and m.deactivated_at is null) as members`;

/** Roles: four global rows that nobody edits, and those of each organisation. */
export const rolesStore = {
  /** By id or by name; a custom role cannot have the name of a system role. */
  find: async (db: Db, orgId: string, idOrName: string): Promise<RoleRow | null> =>
    (
      await sql<RoleRow>`select ${columns(orgId)} from identity_roles r
        where (r.org_id is null or r.org_id = ${orgId}) and (r.id::text = lower(${idOrName}) or lower(r.name) = lower(${idOrName}))
        order by r.id::text = lower(${idOrName}) desc, r.org_id nulls first limit 1`.execute(db)
    ).rows[0] ?? null,

  lockCustom: async (db: Db, orgId: string, id: string): Promise<RoleRow | null> =>
    (
      await sql<RoleRow>`select ${columns(orgId)} from identity_roles r
        where r.org_id = ${orgId} and r.id = ${id} for update of r`.execute(db)
    ).rows[0] ?? null,

  /** System roles have the lowest ids, so the order by id puts them first. */
  page: async (db: Db, orgId: string, after: string | null, limit: number): Promise<RoleRow[]> =>
    (
      await sql<RoleRow>`select ${columns(orgId)} from identity_roles r
        where (r.org_id is null or r.org_id = ${orgId}) and (${after}::uuid is null or r.id > ${after}::uuid)
        order by r.id limit ${limit}`.execute(db)
    ).rows,

  insert: async (
    db: Db,
    role: { id: string; org_id: string; name: string; description: string; permissions: readonly string[]; at: Date },
  ): Promise<void> => {
    await sql`insert into identity_roles (id, org_id, name, description, permissions, created_at)
      values (${role.id}, ${role.org_id}, ${role.name}, ${role.description}, ${role.permissions}::text[], ${role.at})`.execute(
      db,
    );
  },

  update: async (
    db: Db,
    orgId: string,
    id: string,
    changes: {
      name?: string | undefined;
      description?: string | undefined;
      permissions?: readonly string[] | undefined;
    },
  ): Promise<void> => {
    await sql`update identity_roles set name = coalesce(${changes.name ?? null}, name),
        description = coalesce(${changes.description ?? null}, description),
        permissions = coalesce(${changes.permissions ?? null}::text[], permissions)
      where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  /** Everything that keeps a role from being deleted. */
  uses: async (
    db: Db,
    orgId: string,
    id: string,
    now: Date,
  ): Promise<{ members: number; agents: number; invitations: number }> =>
    (
      await sql<{ members: number; agents: number; invitations: number }>`select
        (select count(*)::int from identity_members where org_id = ${orgId} and role_id = ${id}) as members,
        (select count(*)::int from identity_agents where org_id = ${orgId} and role_id = ${id}) as agents,
        (select count(*)::int from identity_invitations where org_id = ${orgId} and role_id = ${id}
            and revoked_at is null and expires_at > ${now} and (max_uses is null or uses < max_uses)) as invitations`.execute(
        db,
      )
    ).rows[0]!,

  delete: async (db: Db, orgId: string, id: string): Promise<void> => {
    await sql`delete from identity_roles where org_id = ${orgId} and id = ${id}`.execute(db);
  },
};
