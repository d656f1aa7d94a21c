import type { PrincipalKind, SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface InvitationRow {
  id: string;
  org_id: string;
  org_name: string;
  email: string | null;
  role_id: string;
  role_name: string;
  role_system: SystemRole | null;
  team_id: string | null;
  team_name: string | null;
  max_uses: number | null;
  uses: number;
  created_by_type: PrincipalKind;
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
}

const select = sql`
  select i.id, i.org_id, o.name as org_name, i.email, r.id as role_id, r.name as role_name, r.system as role_system,
         t.id as team_id, t.name as team_name, i.max_uses, i.uses, i.created_by_type, i.created_by_id, i.created_by_name,
         i.created_at, i.expires_at, i.revoked_at
    from identity_invitations i
    join identity_orgs o on o.id = i.org_id
    join identity_roles r on r.id = i.role_id
    left join identity_teams t on t.id = i.team_id`;

/** Invitations. Only the hash of a code is stored. */
export const invitationsStore = {
  insert: async (
    db: Db,
    invitation: {
      id: string;
      org_id: string;
      hash: string;
      email: string | null;
      role_id: string;
      team_id: string | null;
      max_uses: number | null;
      created_by_type: PrincipalKind;
      created_by_id: string | null;
      created_by_name: string;
      created_at: Date;
      expires_at: Date;
    },
  ): Promise<void> => {
    const i = invitation;
    await sql`insert into identity_invitations (id, org_id, hash, email, role_id, team_id, max_uses, created_by_type,
        created_by_id, created_by_name, created_at, expires_at)
      values (${i.id}, ${i.org_id}, ${i.hash}, ${i.email}, ${i.role_id}, ${i.team_id}, ${i.max_uses}, ${i.created_by_type},
        ${i.created_by_id}, ${i.created_by_name}, ${i.created_at}, ${i.expires_at})`.execute(db);
  },

  find: async (db: Db, orgId: string, id: string): Promise<InvitationRow | null> =>
    (await sql<InvitationRow>`${select} where i.org_id = ${orgId} and i.id = ${id}`.execute(db)).rows[0] ?? null,

  findByHash: async (db: Db, hash: string): Promise<InvitationRow | null> =>
    (await sql<InvitationRow>`${select} where i.hash = ${hash}`.execute(db)).rows[0] ?? null,

  page: async (db: Db, orgId: string, after: Position<Date> | null, limit: number): Promise<InvitationRow[]> =>
    (
      await sql<InvitationRow>`${select} where i.org_id = ${orgId}
           and (${after?.value ?? null}::timestamptz is null or (i.created_at, i.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by i.created_at desc, i.id desc limit ${limit}`.execute(db)
    ).rows,

  /** Takes one use if there is one left; the condition and the count are one statement, so no two get the last one. */
  takeUse: async (db: Db, id: string, now: Date): Promise<boolean> =>
    (
      await sql`update identity_invitations set uses = uses + 1
        where id = ${id} and revoked_at is null and expires_at > ${now} and (max_uses is null or uses < max_uses)
        returning id`.execute(db)
    ).rows.length > 0,

  hasUsed: async (db: Db, id: string, userId: string): Promise<boolean> =>
    (await sql`select from identity_invitation_uses where invitation_id = ${id} and user_id = ${userId}`.execute(db))
      .rows.length > 0,

  insertUse: async (db: Db, id: string, userId: string, at: Date): Promise<void> => {
    await sql`insert into identity_invitation_uses (invitation_id, user_id, used_at) values (${id}, ${userId}, ${at})
      on conflict do nothing`.execute(db);
  },

  /** What a person has sent and nobody, or not everybody, has taken yet. */
  liveOfMaker: async (db: Db, orgId: string, userId: string, now: Date) =>
    (
      await sql<{ id: string; system: SystemRole | null; permissions: string[] }>`
        select i.id, r.system, r.permissions from identity_invitations i join identity_roles r on r.id = i.role_id
         where i.org_id = ${orgId} and i.created_by_type = 'user' and i.created_by_id = ${userId}
           and i.revoked_at is null and i.expires_at > ${now} and (i.max_uses is null or i.uses < i.max_uses)`.execute(
        db,
      )
    ).rows,

  /** Keeps the code, encrypted, until its letter is sent. */
  keepCode: async (db: Db, id: string, sealed: string): Promise<void> => {
    await sql`update identity_invitations set code = ${sealed} where id = ${id}`.execute(db);
  },

  toMail: async (db: Db, id: string, now: Date): Promise<(InvitationRow & { code: string }) | null> =>
    (
      await sql<
        InvitationRow & { code: string }
      >`select l.*, i.code from (${select}) l join identity_invitations i on i.id = l.id
        where l.id = ${id} and i.code is not null and l.email is not null and l.revoked_at is null and l.expires_at > ${now}`.execute(
        db,
      )
    ).rows[0] ?? null,

  markMailed: async (db: Db, id: string, at: Date): Promise<void> => {
    await sql`update identity_invitations set code = null, mailed_at = ${at} where id = ${id}`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; code: string }[]> =>
    (
      await sql<{ id: string; code: string }>`select id, code from identity_invitations where code is not null`.execute(
        db,
      )
    ).rows,

  reseal: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update identity_invitations set code = ${to} where id = ${id} and code = ${from}`.execute(db);
  },

  revoke: async (db: Db, orgId: string, id: string, at: Date): Promise<boolean> =>
    (
      await sql`update identity_invitations set revoked_at = ${at}
        where org_id = ${orgId} and id = ${id} and revoked_at is null returning id`.execute(db)
    ).rows.length > 0,
};
