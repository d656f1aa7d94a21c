import type {
  DiaryPermit,
  diariesCheck,
  diariesCheckBatch,
  diariesExplain,
  diariesListObjects,
  diariesListSubjects,
  OutputOf,
  ParsedInputOf,
} from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { isUuid } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { idPosition, textPosition, toPage } from '../../platform/paging/keyset.ts';
import { audienceStore, type HolderRow } from './audience-store.ts';
import { readerOf, requireDiary } from './diaries-access.ts';
import { noDiary } from './diaries-errors.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { grantOf, grantOfPrincipal, levelFor, permitted, relationsFor } from './diaries-policy.ts';
import type { DiaryRow } from './diaries-rows.ts';
import { diariesStore } from './diaries-store.ts';

type Question = ParsedInputOf<typeof diariesCheck>;
type Subject = NonNullable<Question['subject']>;
type Path = OutputOf<typeof diariesExplain>['paths'][number];

/** Permits of an entry are those of its diary. */
const permitOf = ({ object, permit }: Question): DiaryPermit => {
  const ofDiary: Readonly<Record<string, DiaryPermit>> = { read: 'read', write: 'write', manage: 'manage' };
  const ofEntry: Readonly<Record<string, DiaryPermit>> = { view: 'read', edit: 'write', delete: 'write' };
  const found = (object.kind === 'diary' ? ofDiary : ofEntry)[permit];
  if (found === undefined) throw invalid('permit', `is none of ${object.kind === 'diary' ? 'a diary' : 'an entry'}`);
  return found;
};

const pathOf = (row: HolderRow): Path => ({
  relation: row.relation,
  subject: `${row.subject_namespace}:${row.subject_id}${row.subject_relation === '' ? '' : `#${row.subject_relation}`}`,
  team: row.team_name === null ? null : { id: row.subject_id, name: row.team_name },
  expires_at: row.expires_at?.toISOString() ?? null,
  revision: row.revision,
});

const selfOf = (caller: Caller): Subject => ({ kind: caller.kind === 'user' ? 'user' : 'agent', id: caller.id });

/** More ways than that lead one principal to one diary only in somebody's test. */
const mostPaths = 200;

/** The rules of access, asked. About oneself anybody may ask; about others who owns the diary, and operators. */
export const createPermissionsService = ({ database, clock }: DiariesParts) => {
  const db = database.read;

  const diaryOf = async ({ object }: Question): Promise<DiaryRow | null> => {
    const id = object.kind === 'diary' ? object.id : await audienceStore.parentOf(db, object.id);
    return id === null ? null : diariesStore.findAny(db, id);
  };

  const isSelf = (caller: Caller, subject: Subject | undefined): boolean => {
    const self = selfOf(caller);
    return subject === undefined || (subject.kind === self.kind && subject.id.toLowerCase() === self.id);
  };

  const owns = async (caller: Caller, diary: DiaryRow, now: Date): Promise<boolean> =>
    ((await diariesStore.find(db, readerOf(caller, now), diary.id))?.level ?? 0) >= levelFor.manage;

  /** Whoever may not ask about a diary hears the same as of one that does not exist. */
  const requireAsker = async (caller: Caller, diary: DiaryRow | null, now: Date): Promise<DiaryRow> => {
    if (diary === null || !(caller.is_operator || (await owns(caller, diary, now)))) throw noDiary();
    return diary;
  };

  const givenToTeam = (diary: DiaryRow, team: string, permit: DiaryPermit, now: Date) =>
    audienceStore.teamTuples(db, diary.id, team, relationsFor[permit], now);

  const allowed = async (diary: DiaryRow, subject: Subject, permit: DiaryPermit, now: Date): Promise<boolean> => {
    if (subject.kind === 'team') return (await givenToTeam(diary, subject.id, permit, now)).length > 0;
    const standing = await audienceStore.standing(db, grantOfPrincipal(now), diary.id, {
      kind: subject.kind,
      id: subject.id,
    });
    if (standing === null) return false;
    if (permit === 'read' && standing.visibility !== 'private') return true;
    return (standing.level ?? 0) >= levelFor[permit];
  };

  const selfAllowed = async (caller: Caller, question: Question, permit: DiaryPermit, now: Date): Promise<boolean> => {
    const diary = await diaryOf(question);
    if (diary === null) return false;
    const seen = await diariesStore.find(
      db,
      { readable: permitted(caller, permit, now), grant: grantOf(caller, now) },
      diary.id,
    );
    return seen !== null;
  };

  const answer = async (call: Call, question: Question): Promise<boolean> => {
    const now = clock.now();
    const permit = permitOf(question);
    if (isSelf(call.caller, question.subject)) return selfAllowed(call.caller, question, permit, now);
    const diary = await requireAsker(call.caller, await diaryOf(question), now);
    return allowed(diary, question.subject!, permit, now);
  };

  return {
    check: async (call: Call, input: Question): Promise<OutputOf<typeof diariesCheck>> => ({
      allowed: await answer(call, input),
    }),

    checkBatch: async (
      call: Call,
      input: ParsedInputOf<typeof diariesCheckBatch>,
    ): Promise<OutputOf<typeof diariesCheckBatch>> => {
      const ids = new Set(input.checks.map(({ correlation_id }) => correlation_id));
      if (ids.size < input.checks.length) throw invalid('checks', 'holds a correlation_id twice');
      const results: OutputOf<typeof diariesCheckBatch>['results'] = [];
      for (const { correlation_id, ...question } of input.checks) {
        try {
          results.push({ correlation_id, allowed: await answer(call, question), error: null });
        } catch (error) {
          // One question that cannot be answered is no reason to leave the others without an answer; a fault is.
          if (!(error instanceof AppError) || error.status >= 500) throw error;
          results.push({ correlation_id, allowed: false, error: error.code });
        }
      }
      return { results };
    },

    objects: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListObjects>,
    ): Promise<OutputOf<typeof diariesListObjects>> => {
      const now = clock.now();
      const { subject_id, subject_kind, permit, limit, cursor } = input;
      if ((subject_id === undefined) !== (subject_kind === undefined))
        throw invalid('subject_id', 'goes with subject_kind');
      const other = subject_id !== undefined && !isSelf(call.caller, { kind: subject_kind!, id: subject_id });
      if (other && !call.caller.is_operator) throw notFound(subject_kind === 'user' ? 'The person' : 'The agent');
      const page = { limit: limit + 1, after: idPosition(cursor) };
      const rows = other
        ? await audienceStore.objects(
            db,
            grantOfPrincipal(now),
            { kind: subject_kind!, id: subject_id },
            levelFor[permit],
            page,
          )
        : await diariesStore.ids(db, permitted(call.caller, permit, now), page);
      return toPage(
        rows,
        limit,
        (row) => ({ value: '', id: row.id }),
        (row) => row,
      );
    },

    subjects: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListSubjects>,
    ): Promise<OutputOf<typeof diariesListSubjects>> => {
      const now = clock.now();
      const { caller } = call;
      // An operator is no reader, but may see who is.
      const ref = input.diary_ref;
      const watched = caller.is_operator && isUuid(ref) ? await diariesStore.findAny(db, ref) : null;
      const diary = watched ?? (await requireDiary(db, caller, ref, 'manage', now));
      const rows = await audienceStore.holders(db, diary, relationsFor[input.permit], {
        now,
        limit: input.limit + 1,
        after: textPosition(input.cursor),
      });
      const page = toPage(
        rows,
        input.limit,
        (row) => ({ value: row.key, id: row.id }),
        (row) => ({ kind: row.kind, id: row.id, name: row.name, active: row.active, via: pathOf(row) }),
      );
      return { ...page, visibility: diary.visibility };
    },

    explain: async (
      call: Call,
      input: ParsedInputOf<typeof diariesExplain>,
    ): Promise<OutputOf<typeof diariesExplain>> => {
      const now = clock.now();
      const permit = permitOf(input);
      const found = await diaryOf(input);
      const self = isSelf(call.caller, input.subject);
      const readable =
        self && found !== null
          ? (await diariesStore.find(db, readerOf(call.caller, now), found.id)) === null
            ? null
            : found
          : await requireAsker(call.caller, found, now);
      if (readable === null) throw noDiary();
      const subject = input.subject ?? selfOf(call.caller);
      const { visibility } = readable;
      if (subject.kind === 'team') {
        const rows = await givenToTeam(readable, subject.id, permit, now);
        const paths = rows.map((row) => ({
          relation: row.relation,
          subject: `Team:${subject.id}#member`,
          team: { id: subject.id, name: row.team_name },
          expires_at: row.expires_at?.toISOString() ?? null,
          revision: row.revision,
        }));
        return { allowed: paths.length > 0, active: true, visibility, paths };
      }
      const rows = await audienceStore.holders(db, readable, relationsFor[permit], {
        now,
        limit: mostPaths,
        after: null,
        only: subject.id,
      });
      const open: Path[] =
        permit === 'read' && visibility !== 'private'
          ? [{ relation: 'visibility', subject: visibility, team: null, expires_at: null, revision: null }]
          : [];
      const is = await allowed(readable, subject, permit, now);
      const active = is || rows.some((row) => row.active);
      return { allowed: is, active, visibility, paths: [...open, ...rows.map(pathOf)] };
    },
  };
};

export type PermissionsService = ReturnType<typeof createPermissionsService>;
