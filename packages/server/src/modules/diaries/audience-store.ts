import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { DiaryRow } from './diaries-rows.ts';

type Db = Kysely<Schema>;
type GrantOfPrincipal = (d: string, p: string) => RawBuilder<unknown>;

/** What one principal may do with one diary, as far as events need to know. */
export interface Standing {
  principal_id: string;
  diary_id: string;
  visibility: DiaryRow['visibility'];
  level: number | null;
}

export interface HolderRow {
  kind: 'agent' | 'user';
  id: string;
  name: string;
  active: boolean;
  relation: string;
  subject_namespace: string;
  subject_id: string;
  subject_relation: string;
  team_name: string | null;
  expires_at: Date | null;
  revision: number;
}

/** Questions the other way round: not what somebody may see, but who sees something. */
export const audienceStore = {
  /** For these principals and diaries of one organisation: what was given to each. */
  standings: async (
    db: Db,
    grant: GrantOfPrincipal,
    org_id: string,
    diaries: readonly string[],
    principals: readonly string[],
  ): Promise<Standing[]> =>
    (
      await sql<Standing>`select p.id as principal_id, d.id as diary_id, d.visibility, g.level
        from diary_diaries d
        join identity_principals p on p.org_id = d.org_id and p.id = any(${[...principals]}::uuid[]) and p.active
        cross join lateral ${grant('d', 'p')} g
        where d.org_id = ${org_id} and d.id = any(${[...diaries]}::uuid[])`.execute(db)
    ).rows,

  /** Entries among these that are set aside now. */
  quarantined: async (db: Db, ids: readonly string[]): Promise<string[]> =>
    (
      await sql<{
        id: string;
      }>`select id from diary_entries where id = any(${[...ids]}::uuid[]) and status = 'quarantined'`.execute(db)
    ).rows.map((row) => row.id),

  /** Active principals to whom something was given on a diary. */
  readers: async (
    db: Db,
    grant: GrantOfPrincipal,
    diary: Pick<DiaryRow, 'id' | 'org_id'>,
    limit: number,
  ): Promise<string[]> =>
    (
      await sql<{ id: string }>`select p.id from diary_diaries d
        join identity_principals p on p.org_id = d.org_id and p.active
        cross join lateral ${grant('d', 'p')} g
        where d.id = ${diary.id} and g.level is not null order by p.id limit ${limit}`.execute(db)
    ).rows.map((row) => row.id),

  /** What one principal may do with one diary, wherever both are; null when there is no such active principal or diary. */
  standing: async (
    db: Db,
    grant: GrantOfPrincipal,
    diary_id: string,
    subject: { kind: 'agent' | 'user'; id: string },
  ): Promise<Standing | null> =>
    (
      await sql<Standing>`select p.id as principal_id, d.id as diary_id, d.visibility, g.level
        from diary_diaries d
        join identity_principals p on p.id = ${subject.id} and (p.type = 'user') = ${subject.kind === 'user'} and p.active
        cross join lateral ${grant('d', 'p')} g
        where d.id = ${diary_id} order by g.level desc nulls last limit 1`.execute(db)
    ).rows[0] ?? null,

  /** Diaries on which a principal has at least a level, or which everybody reads when that is enough. */
  objects: async (
    db: Db,
    grant: GrantOfPrincipal,
    subject: { kind: 'agent' | 'user'; id: string },
    level: number,
    page: { limit: number; after: string | null },
  ): Promise<{ id: string; revision: number }[]> =>
    (
      await sql<{ id: string; revision: number }>`select distinct d.id, d.revision from identity_principals p
        cross join diary_diaries d cross join lateral ${grant('d', 'p')} g
        where p.id = ${subject.id} and (p.type = 'user') = ${subject.kind === 'user'} and p.active
          and (coalesce(g.level, 0) >= ${level} or (${level} = 1 and d.visibility <> 'private'))
          and ${page.after === null ? sql`true` : sql`d.id > ${page.after}::uuid`} order by d.id limit ${page.limit}`.execute(
        db,
      )
    ).rows,

  /** Everybody a tuple speaks of, members of teams one by one, in the order of ids. */
  holders: async (
    db: Db,
    diary: Pick<DiaryRow, 'id' | 'org_id'>,
    relations: readonly string[],
    page: { now: Date; limit: number; after: { value: string; id: string } | null; only?: string },
  ): Promise<(HolderRow & { key: string })[]> =>
    (
      await sql<HolderRow & { key: string }>`select * from (
          select case when p.type = 'user' then 'user' else 'agent' end as kind, p.id, p.name, p.active, t.relation,
            t.subject_namespace, t.subject_id, t.subject_relation, tn.name as team_name, t.expires_at, t.revision,
            t.relation || ':' || t.subject_id as key
          from diary_tuples t
          left join identity_team_people tp on t.subject_namespace = 'Team' and tp.org_id = t.org_id and tp.team_id = t.subject_id
          left join identity_team_names tn on t.subject_namespace = 'Team' and tn.org_id = t.org_id and tn.id = t.subject_id
          join identity_principals p on p.id = coalesce(tp.user_id, t.subject_id)
            and (p.org_id = t.org_id or t.subject_namespace = 'Agent') and (p.type = 'user') = (t.subject_namespace <> 'Agent')
          where t.namespace = 'Diary' and t.object_id = ${diary.id} and t.relation = any(${[...relations]}::text[])
            and (t.expires_at is null or t.expires_at > ${page.now})
            and ${page.only === undefined ? sql`true` : sql`p.id = ${page.only}::uuid`}) h
        where ${page.after === null ? sql`true` : sql`(h.key, h.id) > (${page.after.value}, ${page.after.id}::uuid)`}
        order by h.key, h.id limit ${page.limit}`.execute(db)
    ).rows,

  /** The tuple that gives something to a team itself. */
  teamTuples: async (
    db: Db,
    diary_id: string,
    team_id: string,
    relations: readonly string[],
    now: Date,
  ): Promise<{ relation: string; team_name: string; expires_at: Date | null; revision: number }[]> =>
    (
      await sql<{ relation: string; team_name: string; expires_at: Date | null; revision: number }>`
        select t.relation, tn.name as team_name, t.expires_at, t.revision from diary_tuples t
        join identity_team_names tn on tn.org_id = t.org_id and tn.id = t.subject_id
        where t.namespace = 'Diary' and t.object_id = ${diary_id} and t.subject_namespace = 'Team' and t.subject_id = ${team_id}
          and t.relation = any(${[...relations]}::text[]) and (t.expires_at is null or t.expires_at > ${now})
        order by t.relation`.execute(db)
    ).rows,

  /** The diary an entry belongs to, by its tuple. */
  parentOf: async (db: Db, entry_id: string): Promise<string | null> =>
    (
      await sql<{ id: string }>`select t.subject_id as id from diary_tuples t
        where t.namespace = 'DiaryEntry' and t.object_id = ${entry_id} and t.relation = 'parent'`.execute(db)
    ).rows[0]?.id ?? null,
};
