import type { SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface OrgRow {
  id: string;
  name: string;
  slug: string;
  is_personal: boolean;
  created_at: Date;
}

export interface OrgMembershipRow extends OrgRow {
  role_id: string;
  role_name: string;
  role_system: SystemRole | null;
}

const columns = sql`o.id, o.name, o.slug, o.is_personal, o.created_at`;

/** Organisations, their limits and their counters. */
export const orgsStore = {
  /** False when the slug is taken. */
  insert: async (db: Db, org: OrgRow): Promise<boolean> =>
    (
      await sql`insert into identity_orgs (id, name, slug, is_personal, created_at)
        values (${org.id}, ${org.name}, ${org.slug}, ${org.is_personal}, ${org.created_at})
        on conflict (slug) do nothing returning id`.execute(db)
    ).rows.length > 0,

  insertSubscription: async (db: Db, orgId: string): Promise<void> => {
    await sql`insert into identity_subscriptions (org_id) values (${orgId})`.execute(db);
  },

  /** By slug or id; without a reference the one that came with the setup, of its two the shared one. */
  home: async (db: Db, ref: string | null): Promise<string | null> =>
    (
      await (ref === null
        ? sql<{ id: string }>`select o.id from identity_orgs o
            left join (identity_members m join identity_users u on u.id = m.user_id and u.created_by = 'setup')
              on m.org_id = o.id
            where o.deleting_at is null
            order by u.id is null, o.created_at > u.created_at + interval '1 minute', o.is_personal, o.created_at, o.id
            limit 1`
        : sql<{ id: string }>`select o.id from identity_orgs o
            where o.deleting_at is null and (o.slug = ${ref} or o.id::text = lower(${ref}))`
      ).execute(db)
    ).rows[0]?.id ?? null,

  find: async (db: Db, id: string): Promise<OrgRow | null> =>
    (await sql<OrgRow>`select ${columns} from identity_orgs o where o.id = ${id}`.execute(db)).rows[0] ?? null,

  /**
   * The row lock under which seats are counted and Owners change. Not FOR UPDATE: rows that refer to the organisation,
   * items above all, go on being inserted meanwhile.
   */
  lock: async (db: Db, id: string): Promise<OrgRow | null> =>
    (await sql<OrgRow>`select ${columns} from identity_orgs o where o.id = ${id} for no key update`.execute(db))
      .rows[0] ?? null,

  update: async (
    db: Db,
    id: string,
    changes: { name?: string | undefined; slug?: string | undefined },
  ): Promise<OrgRow | null> =>
    (
      await sql<OrgRow>`update identity_orgs o set name = coalesce(${changes.name ?? null}, o.name), slug = coalesce(${changes.slug ?? null}, o.slug)
        where o.id = ${id} returning ${columns}`.execute(db)
    ).rows[0] ?? null,

  delete: async (db: Db, id: string): Promise<void> => {
    await sql`delete from identity_orgs where id = ${id}`.execute(db);
  },

  listOfUser: async (db: Db, userId: string): Promise<OrgMembershipRow[]> =>
    (
      await sql<OrgMembershipRow>`
        select ${columns}, r.id as role_id, r.name as role_name, r.system as role_system
          from identity_members m join identity_orgs o on o.id = m.org_id join identity_roles r on r.id = m.role_id
         where m.user_id = ${userId} and m.deactivated_at is null
         order by o.is_personal, lower(o.name), o.id`.execute(db)
    ).rows,

  /** With those in which they are shut out. */
  everyOfUser: async (db: Db, userId: string): Promise<OrgMembershipRow[]> =>
    (
      await sql<OrgMembershipRow>`
        select ${columns}, r.id as role_id, r.name as role_name, r.system as role_system
          from identity_members m join identity_orgs o on o.id = m.org_id join identity_roles r on r.id = m.role_id
         where m.user_id = ${userId} order by o.id`.execute(db)
    ).rows,

  /** Where a person goes on: the organisation used last, a shared one before the personal one. */
  lastUsed: async (db: Db, userId: string): Promise<OrgRow | null> =>
    (
      await sql<OrgRow>`
        select ${columns} from identity_members m join identity_orgs o on o.id = m.org_id
         where m.user_id = ${userId} and m.deactivated_at is null
         order by m.last_seen_at desc nulls last, o.is_personal, m.joined_at desc limit 1`.execute(db)
    ).rows[0] ?? null,

  personalOf: async (db: Db, userId: string): Promise<OrgRow | null> =>
    (
      await sql<OrgRow>`
        select ${columns} from identity_members m join identity_orgs o on o.id = m.org_id and o.is_personal
         where m.user_id = ${userId} order by o.created_at limit 1`.execute(db)
    ).rows[0] ?? null,

  limits: async (db: Db, orgId: string): Promise<{ plan: string; limits: Record<string, number | null> }> =>
    (
      await sql<{ plan: string; limits: Record<string, number | null> }>`
        select plan, limits from identity_subscriptions where org_id = ${orgId}`.execute(db)
    ).rows[0] ?? { plan: 'unlimited', limits: {} },

  counts: async (db: Db, orgId: string): Promise<{ seats: number; teams: number; agents: number }> =>
    (
      await sql<{ seats: number; teams: number; agents: number }>`select
        (select count(*)::int from identity_members where org_id = ${orgId} and deactivated_at is null) as seats,
        (select count(*)::int from identity_teams where org_id = ${orgId}) as teams,
        (select count(*)::int from identity_agents where org_id = ${orgId} and deleted_at is null and deactivated_at is null) as agents`.execute(
        db,
      )
    ).rows[0]!,

  /** Adds to a monthly counter, locking its row, and gives the new sum. */
  addUsage: async (db: Db, orgId: string, month: string, key: string, amount: number): Promise<number> =>
    (
      await sql<{ count: number }>`
        insert into identity_usage as u (org_id, month, key, count) values (${orgId}, ${month}, ${key}, ${amount})
        on conflict (org_id, month, key) do update set count = u.count + excluded.count returning count`.execute(db)
    ).rows[0]!.count,

  usage: async (db: Db, orgId: string, month: string, key: string): Promise<number> =>
    (
      await sql<{ count: number }>`
        select count from identity_usage where org_id = ${orgId} and month = ${month} and key = ${key}`.execute(db)
    ).rows[0]?.count ?? 0,
};
