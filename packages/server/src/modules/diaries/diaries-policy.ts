import { type DiaryPermit, type DiaryScope, diaryScopes, hasScope } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../platform/operations/caller.ts';

/**
 * Who may read, write and manage a diary, said once:
 * - a tuple (diary, owner | writers | readers, subject) gives it until its `expires_at`; the subject is an agent, a person,
 *   or the members of a team. owner manages, writes and reads; writers write and read; readers read.
 * - a network or public diary is read by everybody who is signed in.
 * - what a person or a team was given counts while they act in the organisation of the diary; an agent has one alone.
 * - an entry is read and written as its diary, but a quarantined or hidden one is seen by those only who may write.
 * - everybody, signed in or not, reads what is current in a public diary and neither set aside, hidden nor flagged.
 * Every list, count, search, event and check takes its condition from here.
 */

export type Condition = RawBuilder<boolean>;
/** A condition on the table alias it is asked for; stores put it into their statements. */
export type ConditionOn = (alias: string) => Condition;

/** How strong a grant is, for SQL to compare. */
export const levels = { reader: 1, writer: 2, owner: 3 } as const;

export const relationsFor: Readonly<Record<DiaryPermit, readonly string[]>> = {
  read: ['owner', 'writers', 'readers'],
  write: ['owner', 'writers'],
  manage: ['owner'],
};
export const levelFor: Readonly<Record<DiaryPermit, number>> = {
  read: levels.reader,
  write: levels.writer,
  manage: levels.owner,
};

/** The one asking, as SQL: values for a known caller, columns when the question is who all may. */
interface Subject {
  org_id: RawBuilder<unknown>;
  id: RawBuilder<unknown>;
  is_person: Condition;
}

const ref = (alias: string, column: string) => sql.ref(`${alias}.${column}`);
const never: Condition = sql<boolean>`false`;

const subjectOf = (caller: Caller): Subject => ({
  org_id: sql`${caller.org_id}::uuid`,
  id: sql`${caller.id}::uuid`,
  is_person: caller.kind === 'user' ? sql<boolean>`true` : never,
});

const principal = (p: string): Subject => ({
  org_id: ref(p, 'org_id'),
  id: ref(p, 'id'),
  is_person: sql<boolean>`(${ref(p, 'type')} = 'user')`,
});

const teamsOf = (subject: Subject) => sql`array(select tp.team_id from identity_team_people tp
  where tp.org_id = ${subject.org_id} and tp.user_id = ${subject.id})`;

/** Tuple `t` of a diary speaks of the subject and has not ended. */
const holds = (subject: Subject, t: string, now: Date): Condition => sql<boolean>`(
  (${ref(t, 'expires_at')} is null or ${ref(t, 'expires_at')} > ${now}) and case when ${subject.is_person}
    then ${ref(t, 'org_id')} = ${subject.org_id} and (
      (${ref(t, 'subject_namespace')} = 'User' and ${ref(t, 'subject_id')} = ${subject.id} and ${ref(t, 'subject_relation')} = '')
      or (${ref(t, 'subject_namespace')} = 'Team' and ${ref(t, 'subject_relation')} = 'member' and ${ref(t, 'subject_id')} = any(${teamsOf(subject)})))
    else ${ref(t, 'subject_namespace')} = 'Agent' and ${ref(t, 'subject_id')} = ${subject.id} and ${ref(t, 'subject_relation')} = '' end)`;

/** The same, narrowed so that an index of subjects finds the tuples. */
const candidates = (subject: Subject, t: string): Condition =>
  sql<boolean>`${ref(t, 'subject_id')} = any(array_append(${teamsOf(subject)}, ${subject.id}))`;

const isSystem = (caller: Caller): boolean => caller.kind === 'system';

/** Diaries that tuples give to the caller. Uncorrelated, so that PostgreSQL computes it once a statement. */
const granted = (caller: Caller, relations: readonly string[], now: Date, more: RawBuilder<unknown> = sql``) => {
  const subject = subjectOf(caller);
  return sql`array(select t.object_id from diary_tuples t where t.namespace = 'Diary'
    and t.relation = any(${[...relations]}::text[]) and ${candidates(subject, 't')} and ${holds(subject, 't', now)} ${more})`;
};

const inOrg = (caller: Caller, d: string): Condition => sql<boolean>`(${ref(d, 'org_id')} = ${caller.org_id}::uuid)`;

/** Rows of diary_diaries on which the caller has the permit. */
export const permitted =
  (caller: Caller, permit: DiaryPermit, now: Date): ConditionOn =>
  (d) => {
    if (isSystem(caller)) return inOrg(caller, d);
    const by = sql<boolean>`${ref(d, 'id')} = any(${granted(caller, relationsFor[permit], now)})`;
    return permit === 'read' ? sql<boolean>`(${ref(d, 'visibility')} <> 'private' or ${by})` : sql<boolean>`(${by})`;
  };

const scopeCondition = (caller: Caller, scope: DiaryScope, now: Date, d: string): Condition => {
  const own = granted(caller, ['owner'], now, sql`and t.subject_namespace <> 'Team'`);
  const direct = granted(caller, ['writers', 'readers'], now, sql`and t.subject_namespace <> 'Team'`);
  const team = granted(caller, relationsFor.read, now, sql`and t.subject_namespace = 'Team'`);
  switch (scope) {
    case 'own':
      return sql<boolean>`${ref(d, 'id')} = any(${own})`;
    case 'shared':
      return sql<boolean>`${ref(d, 'id')} = any(${direct})`;
    case 'team':
      return sql<boolean>`${ref(d, 'id')} = any(${team})`;
    case 'network':
      return sql<boolean>`${ref(d, 'visibility')} = 'network'`;
    case 'public':
      return sql<boolean>`${ref(d, 'visibility')} = 'public'`;
    default:
      return scope satisfies never;
  }
};

/** Diaries the caller reads that come by one of these ways; all of them together are what `permitted` for reading gives. */
export const readableAmong =
  (caller: Caller, scopes: readonly DiaryScope[], now: Date): ConditionOn =>
  (d) => {
    if (isSystem(caller)) return inOrg(caller, d);
    const chosen = diaryScopes.filter((scope) => scopes.includes(scope));
    return sql<boolean>`(${sql.join(
      chosen.map((scope) => scopeCondition(caller, scope, now, d)),
      sql` or `,
    )})`;
  };

/** One row: `level`, and whether the strongest and any grant came directly, for diary `d`. To be joined laterally. */
const grantsOf = (subject: Subject, d: string, now: Date): RawBuilder<unknown> => sql`(
  select max(case t.relation when 'owner' then ${sql.lit(levels.owner)} when 'writers' then ${sql.lit(levels.writer)} else ${sql.lit(levels.reader)} end) as level,
    coalesce(bool_or(t.subject_namespace <> 'Team'), false) as direct
  from diary_tuples t where t.namespace = 'Diary' and t.object_id = ${ref(d, 'id')} and ${holds(subject, 't', now)})`;

/** What the caller was given on diary `d`; `level` is null where it is seen for its visibility alone. */
export const grantOf =
  (caller: Caller, now: Date): ((d: string) => RawBuilder<unknown>) =>
  (d) =>
    isSystem(caller)
      ? sql`(select ${sql.lit(levels.owner)} as level, true as direct)`
      : grantsOf(subjectOf(caller), d, now);

/** What principal `p` of identity_principals was given on diary `d`: the same rule the other way round. */
export const grantOfPrincipal =
  (now: Date): ((d: string, p: string) => RawBuilder<unknown>) =>
  (d, p) =>
    grantsOf(principal(p), d, now);

/** Entry `e` of a diary that the caller reads: deleted ones nobody sees, those set aside or hidden who may write. */
export const entryVisible =
  (caller: Caller, now: Date): ((e: string, d: string) => Condition) =>
  (e, d) =>
    sql<boolean>`(${ref(e, 'deleted_at')} is null and ${permitted(caller, 'read', now)(d)}
    and ((${ref(e, 'status')} <> 'quarantined' and ${ref(e, 'hidden_at')} is null) or ${permitted(caller, 'write', now)(d)}))`;

/** Entry `e` of a public diary `d`, as far as whoever hid it is not asked. */
export const entryPublished =
  (now: Date): ((e: string, d: string) => Condition) =>
  (e, d) =>
    sql<boolean>`(${ref(d, 'visibility')} = 'public' and ${ref(e, 'status')} = 'active' and not ${ref(e, 'injection_risk')}
    and ${ref(e, 'deleted_at')} is null and ${ref(e, 'superseded_at')} is null
    and (${ref(e, 'expires_at')} is null or ${ref(e, 'expires_at')} > ${now}))`;

/** What anybody at all reads. */
export const entryPublic =
  (now: Date): ((e: string, d: string) => Condition) =>
  (e, d) =>
    sql<boolean>`(${entryPublished(now)(e, d)} and ${ref(e, 'hidden_at')} is null)`;

/** Diaries of which anybody reads. */
export const diaryPublic: ConditionOn = (d) => sql<boolean>`(${ref(d, 'visibility')} = 'public')`;

/** Diaries whose public entries the caller looks after; that they may at all is for the permission to say. */
export const moderated =
  (caller: Caller): ConditionOn =>
  (d) =>
    caller.is_operator ? sql<boolean>`true` : inOrg(caller, d);

/** May this caller be told about diaries at all? Tokens narrow what a grant allows. */
export const mayHear = (caller: Caller): boolean => isSystem(caller) || hasScope(caller.scopes, 'diary:read');
