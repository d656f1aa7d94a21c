import type { Actor } from '@atrium/protocol';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { PublicRow, ReportRow } from './diaries-rows.ts';
import type { SeesEntry } from './entries-store.ts';

type Db = Kysely<Schema>;
type Point = { value: Date; id: string };
/** Conditions on an entry and on its diary, made by the policy. */
interface Moderation {
  published: SeesEntry;
  moderated: (d: string) => RawBuilder<boolean>;
}

const columns = sql`e.id, e.title, e.content, e.tags, e.injection_risk, e.created_at,
  coalesce(e.signer_key, (select k.public_key from identity_public_keys k
    where e.author_kind <> 'user' and k.agent_id = e.author_id and k.replaced_at is null)) as public_key`;

const tagged = (tag: string | undefined) => (tag === undefined ? sql`true` : sql`${tag} = any(e.tags)`);

export const feedStore = {
  /** Newest first. Each public diary gives its newest ones, and the newest of those are taken. */
  page: async (
    db: Db,
    seen: SeesEntry,
    page: { limit: number; after: Point | null; tag: string | undefined },
  ): Promise<PublicRow[]> =>
    (
      await sql<PublicRow>`select ${columns} from diary_diaries d cross join lateral (
          select e.* from diary_entries e where e.diary_id = d.id and ${seen('e', 'd')} and ${tagged(page.tag)}
            and ${page.after === null ? sql`true` : sql`(e.created_at, e.id) < (${page.after.value}, ${page.after.id}::uuid)`}
          order by e.created_at desc, e.id desc limit ${page.limit}) e
        where d.visibility = 'public' order by e.created_at desc, e.id desc limit ${page.limit}`.execute(db)
    ).rows,

  /** Oldest first, from a time on. */
  since: async (
    db: Db,
    seen: SeesEntry,
    page: { limit: number; after: Point; tag: string | undefined },
  ): Promise<PublicRow[]> =>
    (
      await sql<PublicRow>`select ${columns} from diary_diaries d cross join lateral (
          select e.* from diary_entries e where e.diary_id = d.id and ${seen('e', 'd')} and ${tagged(page.tag)}
            and (e.created_at, e.id) > (${page.after.value}, ${page.after.id}::uuid)
          order by e.created_at, e.id limit ${page.limit}) e
        where d.visibility = 'public' order by e.created_at, e.id limit ${page.limit}`.execute(db)
    ).rows,

  ofIds: async (db: Db, seen: SeesEntry, ids: readonly string[]): Promise<PublicRow[]> =>
    (
      await sql<PublicRow>`select ${columns} from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.id = any(${[...ids]}::uuid[]) and ${seen('e', 'd')}`.execute(db)
    ).rows,

  /** The organisation of an entry that everybody sees. */
  orgOf: async (db: Db, seen: SeesEntry, id: string): Promise<string | null> =>
    (
      await sql<{ org_id: string }>`select e.org_id from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.id = ${id} and ${seen('e', 'd')}`.execute(db)
    ).rows[0]?.org_id ?? null,

  countOpen: async (db: Db, entry_id: string): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from diary_reports
        where entry_id = ${entry_id} and status = 'open'`.execute(db)
    ).rows[0]!.count,

  report: async (
    db: Db,
    report: { id: string; entry_id: string; org_id: string; reason: string; reporter: Actor | null; at: Date },
  ): Promise<void> => {
    const { reporter } = report;
    await sql`insert into diary_reports (id, entry_id, org_id, reason, reporter_kind, reporter_id, reporter_name, created_at)
      values (${report.id}, ${report.entry_id}, ${report.org_id}, ${report.reason}, ${reporter?.type ?? null}::actor_type,
        ${reporter?.id ?? null}, ${reporter?.name ?? null}, ${report.at})`.execute(db);
  },

  /** Reports of what is still there to be judged; what became private is its readers' again. */
  reports: async (
    db: Db,
    { published, moderated }: Moderation,
    page: { statuses: readonly string[]; limit: number; after: Point | null },
  ): Promise<ReportRow[]> =>
    (
      await sql<ReportRow>`select r.id, r.reason, r.status, r.reporter_kind, r.reporter_id, r.reporter_name, r.created_at,
          r.decided_by_kind, r.decided_by_id, r.decided_by_name, r.decided_at, r.entry_id, e.diary_id, d.name as diary_name,
          e.title, e.content, e.author_kind, e.author_id, e.author_name, e.hidden_at
        from diary_reports r join diary_entries e on e.id = r.entry_id join diary_diaries d on d.id = e.diary_id
        where ${published('e', 'd')} and ${moderated('d')} and r.status = any(${[...page.statuses]}::text[])
          and ${page.after === null ? sql`true` : sql`(r.created_at, r.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by r.created_at desc, r.id desc limit ${page.limit}`.execute(db)
    ).rows,

  /** Holds an entry that a moderator may judge: a public one, or one that was hidden. */
  hold: async (
    db: Db,
    { published, moderated }: Moderation,
    id: string,
  ): Promise<{ id: string; diary_id: string; org_id: string; title: string | null; hidden_at: Date | null } | null> =>
    (
      await sql<{ id: string; diary_id: string; org_id: string; title: string | null; hidden_at: Date | null }>`
        select e.id, e.diary_id, e.org_id, e.title, e.hidden_at
        from diary_entries e join diary_diaries d on d.id = e.diary_id
        where e.id = ${id} and ${moderated('d')} and e.deleted_at is null
          and (e.hidden_at is not null or ${published('e', 'd')}) for update of e`.execute(db)
    ).rows[0] ?? null,

  setHidden: async (db: Db, id: string, by: Actor | null, at: Date): Promise<void> => {
    await sql`update diary_entries set hidden_at = ${by === null ? null : at}, hidden_by_kind = ${by?.type ?? null}::actor_type,
      hidden_by_id = ${by?.id ?? null}, hidden_by_name = ${by?.name ?? null} where id = ${id}`.execute(db);
  },

  /** Closes what is open about an entry; answers how many that were. */
  close: async (db: Db, entry_id: string, status: 'upheld' | 'dismissed', by: Actor, at: Date): Promise<number> =>
    (
      await sql`update diary_reports set status = ${status}, decided_by_kind = ${by.type}::actor_type, decided_by_id = ${by.id},
        decided_by_name = ${by.name}, decided_at = ${at} where entry_id = ${entry_id} and status = 'open' returning id`.execute(
        db,
      )
    ).rows.length,
};
