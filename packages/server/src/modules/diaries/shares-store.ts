import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { ShareRow } from './diaries-rows.ts';

type Db = Kysely<Schema>;

const selected = sql`select s.id, s.diary_id, s.org_id, d.name as diary_name, d.revision, s.subject_kind, s.shared_with,
    case s.subject_kind when 'team' then (select tn.name from identity_team_names tn where tn.org_id = s.org_id and tn.id = s.shared_with)
      else (select p.name from identity_principals p where p.org_id = s.org_id and p.id = s.shared_with limit 1) end as subject_name,
    case s.subject_kind when 'agent' then (select k.fingerprint from identity_public_keys k
      where k.agent_id = s.shared_with and k.replaced_at is null) end as fingerprint,
    s.role, s.status, s.invited_by_kind, s.invited_by_id, s.invited_by_name, s.invited_at, s.responded_at,
    s.invitation_expires_at, s.expires_at
  from diary_shares s join diary_diaries d on d.id = s.diary_id`;

type Point = { value: Date; id: string } | null;
interface Invitee {
  kind: 'agent' | 'user';
  id: string;
  org_id: string;
}
/** A person is asked in the organisation of the diary; an agent has one organisation, wherever the diary is. */
const offeredTo = ({ kind, id, org_id }: Invitee) => sql`(s.subject_kind = ${kind} and s.shared_with = ${id}
  and ${kind === 'agent' ? sql`true` : sql`s.org_id = ${org_id}`})`;

const after = (point: Point) =>
  point === null ? sql`true` : sql`(s.invited_at, s.id) < (${point.value}, ${point.id}::uuid)`;

export const sharesStore = {
  /** A new share, or the fresh invitation of a subject whose former one is over. */
  put: async (db: Db, s: Omit<ShareRow, 'diary_name' | 'subject_name' | 'fingerprint' | 'revision'>): Promise<void> => {
    await sql`insert into diary_shares (id, diary_id, org_id, subject_kind, shared_with, role, status, invited_by_kind,
        invited_by_id, invited_by_name, invited_at, responded_at, invitation_expires_at, expires_at)
      values (${s.id}, ${s.diary_id}, ${s.org_id}, ${s.subject_kind}, ${s.shared_with}, ${s.role}, ${s.status},
        ${s.invited_by_kind}::actor_type, ${s.invited_by_id}, ${s.invited_by_name}, ${s.invited_at}, ${s.responded_at},
        ${s.invitation_expires_at}, ${s.expires_at})
      on conflict (diary_id, subject_kind, shared_with) do update set role = excluded.role, status = excluded.status,
        invited_by_kind = excluded.invited_by_kind, invited_by_id = excluded.invited_by_id,
        invited_by_name = excluded.invited_by_name, invited_at = excluded.invited_at, responded_at = excluded.responded_at,
        invitation_expires_at = excluded.invitation_expires_at, expires_at = excluded.expires_at`.execute(db);
  },

  find: async (db: Db, diary_id: string, id: string): Promise<ShareRow | null> =>
    (await sql<ShareRow>`${selected} where s.id = ${id} and s.diary_id = ${diary_id}`.execute(db)).rows[0] ?? null,

  /** Of the agent that has this key, or had it. */
  ofKey: async (db: Db, diary_id: string, fingerprint: string): Promise<ShareRow | null> =>
    (
      await sql<ShareRow>`${selected} where s.diary_id = ${diary_id} and s.subject_kind = 'agent' and s.shared_with =
        (select k.agent_id from identity_public_keys k where k.fingerprint = ${fingerprint})`.execute(db)
    ).rows[0] ?? null,

  ofSubject: async (
    db: Db,
    diary_id: string,
    subject: { kind: ShareRow['subject_kind']; id: string },
  ): Promise<ShareRow | null> =>
    (
      await sql<ShareRow>`${selected} where s.diary_id = ${diary_id} and s.subject_kind = ${subject.kind}
        and s.shared_with = ${subject.id}`.execute(db)
    ).rows[0] ?? null,

  orgOf: async (db: Db, id: string): Promise<string | null> =>
    (await sql<{ org_id: string }>`select org_id from diary_shares where id = ${id}`.execute(db)).rows[0]?.org_id ??
    null,

  /** Open invitations of people to a diary; of one person when one is named. */
  openToPeople: async (
    db: Db,
    diary_id: string,
    person: string | null = null,
  ): Promise<{ id: string; org_id: string }[]> =>
    (
      await sql<{ id: string; org_id: string }>`select id, org_id from diary_shares where diary_id = ${diary_id}
        and subject_kind = 'user' and status = 'pending' and ${person === null ? sql`true` : sql`shared_with = ${person}`}
        order by id`.execute(db)
    ).rows,

  offered: async (db: Db, invitee: Invitee, id: string): Promise<ShareRow | null> =>
    (await sql<ShareRow>`${selected} where s.id = ${id} and ${offeredTo(invitee)}`.execute(db)).rows[0] ?? null,

  /** `expired` is no state of a row: it is a pending invitation whose time is over. */
  page: async (
    db: Db,
    diary_id: string,
    page: { statuses: readonly string[]; now: Date; limit: number; after: Point },
  ): Promise<ShareRow[]> =>
    (
      await sql<ShareRow>`${selected} where s.diary_id = ${diary_id}
        and (case when s.status = 'pending' and s.invitation_expires_at <= ${page.now} then 'expired' else s.status end)
          = any(${[...page.statuses]}::text[])
        and ${after(page.after)} order by s.invited_at desc, s.id desc limit ${page.limit}`.execute(db)
    ).rows,

  invitations: async (
    db: Db,
    invitee: Invitee,
    page: { now: Date; limit: number; after: Point },
  ): Promise<ShareRow[]> =>
    (
      await sql<ShareRow>`${selected} where ${offeredTo(invitee)} and s.status = 'pending' and s.invitation_expires_at > ${page.now}
        and ${after(page.after)} order by s.invited_at desc, s.id desc limit ${page.limit}`.execute(db)
    ).rows,

  countPending: async (db: Db, diary_id: string, now: Date): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from diary_shares s where s.diary_id = ${diary_id}
        and s.status = 'pending' and s.invitation_expires_at > ${now}`.execute(db)
    ).rows[0]!.count,

  setStatus: async (db: Db, id: string, status: ShareRow['status'], responded_at: Date | null): Promise<void> => {
    await sql`update diary_shares set status = ${status}, responded_at = ${responded_at} where id = ${id}`.execute(db);
  },

  setTerms: async (db: Db, share: Pick<ShareRow, 'id' | 'role' | 'expires_at'>): Promise<void> => {
    await sql`update diary_shares set role = ${share.role}, expires_at = ${share.expires_at} where id = ${share.id}`.execute(
      db,
    );
  },

  removeSubject: async (
    db: Db,
    diary_id: string,
    subject: { kind: ShareRow['subject_kind']; id: string },
  ): Promise<void> => {
    await sql`delete from diary_shares where diary_id = ${diary_id} and subject_kind = ${subject.kind}
      and shared_with = ${subject.id}`.execute(db);
  },
};
