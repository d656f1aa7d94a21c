import {
  type ChainPosition,
  chainStart,
  type DiaryView,
  type DiaryVisibility,
  type diariesCreate,
  type diariesList,
  type diariesTransfer,
  type diariesUpdate,
  diaryLimits,
  diaryVisibilities,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { invalid, notFound } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { audienceStore } from './audience-store.ts';
import { chainsStore } from './chains-store.ts';
import { diaryIdOf, holdDiary, readerOf, requireDiary } from './diaries-access.ts';
import { beyondPolicy, tooLongForPublic } from './diaries-errors.ts';
import { auditDiary, emitDeleted, emitDiary, emitEntries } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { grantOfPrincipal } from './diaries-policy.ts';
import type { DiaryRow, SeenDiary, TupleRow } from './diaries-rows.ts';
import { diariesStore, subjectsStore } from './diaries-store.ts';
import { diaryViewOf } from './diaries-views.ts';
import { entriesStore } from './entries-store.ts';
import type { InvitationBoard } from './invitation-board.ts';
import { reanalyse } from './search-index-service.ts';
import { sharesStore } from './shares-store.ts';
import { tuplesStore } from './tuples-store.ts';

const tooLongShown = 50;
/** Who hears that a diary is gone; of a larger audience the rest finds out when it asks. */
const readersTold = 1000;

/** What the scanner flagged stays out of a public diary, whatever the diary's own policy says. */
export const effectivePolicy = (
  diary: Pick<DiaryRow, 'visibility' | 'injection_policy'>,
): DiaryRow['injection_policy'] =>
  diary.visibility === 'public' && diary.injection_policy === 'flag' ? 'quarantine' : diary.injection_policy;

export const ownerTuple = (
  diary: Pick<DiaryRow, 'id' | 'org_id' | 'revision'>,
  owner: { kind: 'agent' | 'user'; id: string },
): TupleRow => ({
  namespace: 'Diary',
  object_id: diary.id,
  relation: 'owner',
  subject_namespace: owner.kind === 'user' ? 'User' : 'Agent',
  subject_id: owner.id,
  subject_relation: '',
  diary_id: diary.id,
  org_id: diary.org_id,
  expires_at: null,
  revision: diary.revision,
});

/** What a diary is made with. */
export interface NewDiary {
  org_id: string;
  owner: { kind: 'agent' | 'user'; id: string; name: string };
  name: string;
  visibility: DiaryVisibility;
  language: string;
  injection_policy: DiaryRow['injection_policy'];
  signed?: boolean;
  /** Of a copy: the diary it comes from, and the chain it goes on with. */
  origin?: { id: string; chain_id: string | null; chain: ChainPosition | null };
}

/** Diaries as containers: made, found, renamed, opened, handed over, deleted. */
export const createDiariesService = ({ database, clock, settingsOf }: DiariesParts, invitations: InvitationBoard) => {
  const requireAllowed = async (org_id: string, visibility: DiaryVisibility): Promise<void> => {
    const { diary_max_visibility } = await settingsOf(org_id);
    if (diaryVisibilities.indexOf(visibility) > diaryVisibilities.indexOf(diary_max_visibility))
      throw beyondPolicy(diary_max_visibility);
  };

  /** Makes a diary in an open transaction; for higher acts that make one with something else. */
  const createIn = async (tx: Transaction, wanted: NewDiary): Promise<SeenDiary> => {
    const at = clock.now();
    const { owner, origin, signed = false, ...named } = wanted;
    const id = newId();
    const diary: SeenDiary = {
      id,
      ...named,
      owner_kind: owner.kind,
      owner_id: owner.id,
      owner_name: owner.name,
      signed,
      chain_id: signed ? (origin?.chain_id ?? id) : null,
      origin_id: origin?.id ?? null,
      revision: 1,
      created_at: at,
      updated_at: at,
      level: 3,
      direct: true,
    };
    await diariesStore.insert(tx.db, diary);
    if (diary.chain_id !== null)
      await chainsStore.insert(tx.db, diary, origin?.chain ?? (await chainStart(diary.chain_id)));
    await tuplesStore.put(tx.db, ownerTuple(diary, owner));
    emitDiary(tx, 'created', diary);
    auditDiary(tx, 'diaries.create', diary, { visibility: diary.visibility, owner_id: owner.id, signed });
    return diary;
  };

  /** Before a diary is read by everybody: nothing too long is in it, and what was flagged is set aside. */
  const prepareForPublic = async (tx: Transaction, diary: DiaryRow): Promise<void> => {
    const long = await entriesStore.longerThan(tx.db, diary.id, diaryLimits.public_content, tooLongShown);
    if (long.length > 0) throw tooLongForPublic(long);
  };

  const setAsideFlagged = async (tx: Transaction, call: Call, diary: DiaryRow): Promise<void> => {
    const at = clock.now();
    const ids = await entriesStore.quarantineFlagged(tx.db, diary.id, at);
    if (ids.length === 0) return;
    await entriesStore.record(tx.db, ids, 'quarantined', actorOf(call.caller), at);
    emitEntries(tx, diary, 'quarantine', ids);
    auditDiary(tx, 'diaries.quarantine', diary, { entries: ids.length });
  };

  /** Whoever manages an organisation takes over what nobody there can reach any more. */
  const heldForTransfer = async (tx: Transaction, call: Call, ref: string, now: Date): Promise<DiaryRow> => {
    try {
      return await holdDiary(tx, call, ref, 'manage', now);
    } catch (error) {
      if (!isUuid(ref) || !hasPermission(call.caller.permissions, 'org.manage')) throw error;
      await diariesStore.lock(tx.db, ref, 'update');
      const diary = await diariesStore.findAny(tx.db, ref);
      if (diary === null || diary.org_id !== call.caller.org_id) throw error;
      const owner = await subjectsStore.principal(tx.db, diary.org_id, diary.owner_id, diary.owner_kind);
      if (owner?.active === true) throw error;
      return diary;
    }
  };

  const newOwner = async (tx: Transaction, diary: DiaryRow, input: ParsedInputOf<typeof diariesTransfer>) => {
    const kind = input.user_id === undefined ? 'agent' : 'user';
    const id = input.user_id ?? input.agent_id;
    if (id === undefined || (input.user_id !== undefined && input.agent_id !== undefined))
      throw invalid('', 'Name one of user_id and agent_id.');
    const principal = await subjectsStore.principal(tx.db, diary.org_id, id, kind);
    if (principal === null || !principal.active) throw notFound(kind === 'user' ? 'The person' : 'The agent');
    return { kind, id, name: principal.name } as const;
  };

  /** What stands for open invitations elsewhere ends, before the diary is held; with one who may not do this it all comes back. */
  const endInvitations = async (
    tx: Transaction,
    call: Call,
    ref: string,
    person: string | null,
    now: Date,
  ): Promise<void> => {
    const id = await diaryIdOf(tx.db, call.caller, ref, now);
    for (const share of await sharesStore.openToPeople(tx.db, id, person))
      await invitations.settling(tx, call, share, 'gone');
  };

  return {
    createIn,

    create: async (call: Call, input: ParsedInputOf<typeof diariesCreate>): Promise<DiaryView> => {
      const { caller } = call;
      await requireAllowed(caller.org_id, input.visibility);
      const owner = { kind: caller.kind === 'user' ? 'user' : 'agent', id: caller.id, name: caller.name } as const;
      return database.transaction(call, async (tx) =>
        diaryViewOf(await createIn(tx, { ...input, org_id: caller.org_id, owner })),
      );
    },

    list: async (call: Call, input: ParsedInputOf<typeof diariesList>): Promise<OutputOf<typeof diariesList>> => {
      const reader = readerOf(call.caller, clock.now(), input.scope);
      const rows = await diariesStore.page(database.read, reader, {
        limit: input.limit + 1,
        after: timePosition(input.cursor),
        q: input.q,
      });
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), diaryViewOf);
    },

    get: async (call: Call, ref: string): Promise<DiaryView> =>
      diaryViewOf(await requireDiary(database.read, call.caller, ref, 'read', clock.now())),

    update: (call: Call, input: ParsedInputOf<typeof diariesUpdate>): Promise<DiaryView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const before = await holdDiary(tx, call, input.diary_ref, 'manage', now);
        const after: SeenDiary = {
          ...before,
          name: input.name ?? before.name,
          visibility: input.visibility ?? before.visibility,
          language: input.language ?? before.language,
          injection_policy: input.injection_policy ?? before.injection_policy,
        };
        const members = ['name', 'visibility', 'language', 'injection_policy'] as const;
        const changed = members.filter((member) => before[member] !== after[member]);
        if (changed.length === 0) return diaryViewOf(before);
        if (changed.includes('visibility')) {
          await requireAllowed(before.org_id, after.visibility);
          if (after.visibility === 'public') await prepareForPublic(tx, before);
          after.revision = await diariesStore.nextRevision(tx.db, before.id, now);
        }
        after.updated_at = now;
        await diariesStore.update(tx.db, after);
        if (changed.includes('language')) await reanalyse(tx, after.id);
        if (effectivePolicy(after) !== 'flag' && effectivePolicy(before) === 'flag')
          await setAsideFlagged(tx, call, after);
        emitDiary(tx, 'updated', after, { changed });
        const told = changed.filter((member) => member !== 'name').map((member) => [member, after[member]]);
        auditDiary(tx, 'diaries.update', after, { changed, ...Object.fromEntries(told) });
        return diaryViewOf(after);
      }),

    remove: (call: Call, ref: string): Promise<void> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        await endInvitations(tx, call, ref, null, now);
        const diary = await holdDiary(tx, call, ref, 'manage', now);
        const ids = await audienceStore.readers(tx.db, grantOfPrincipal(now), diary, readersTold);
        await diariesStore.delete(tx.db, diary.id);
        emitDeleted(tx, diary, { everybody: diary.visibility !== 'private', ids });
        auditDiary(tx, 'diaries.delete', diary);
      }),

    transfer: (call: Call, input: ParsedInputOf<typeof diariesTransfer>): Promise<OutputOf<typeof diariesTransfer>> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        if (input.user_id !== undefined) await endInvitations(tx, call, input.diary_ref, input.user_id, now);
        const diary = await heldForTransfer(tx, call, input.diary_ref, now);
        const owner = await newOwner(tx, diary, input);
        if (owner.id === diary.owner_id) throw invalid('', 'The diary belongs to them already.');
        const revision = await diariesStore.nextRevision(tx.db, diary.id, now);
        const former = ownerTuple({ ...diary, revision }, { kind: diary.owner_kind, id: diary.owner_id });
        await tuplesStore.removeSubject(tx.db, diary.id, former);
        // What was shared with the new owner has become its own.
        const tuple = ownerTuple({ ...diary, revision }, owner);
        await tuplesStore.removeSubject(tx.db, diary.id, tuple);
        await sharesStore.removeSubject(tx.db, diary.id, owner);
        await tuplesStore.put(tx.db, tuple);
        await diariesStore.setOwner(tx.db, diary.id, owner);
        emitDiary(tx, 'updated', diary, { changed: ['owner'], owner: { type: owner.kind, id: owner.id } });
        auditDiary(tx, 'diaries.transfer', diary, { from: diary.owner_id, to: owner.id });
        return { id: diary.id, owner: { type: owner.kind, id: owner.id, name: owner.name }, revision };
      }),
  };
};

export type DiariesService = ReturnType<typeof createDiariesService>;
