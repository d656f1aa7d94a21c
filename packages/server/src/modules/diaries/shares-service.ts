import {
  diariesAcceptInvitation,
  diariesDeclineInvitation,
  type diariesListInvitations,
  type diariesListShares,
  type diariesShare,
  type diariesUpdateShare,
  diaryLimits,
  normaliseFingerprint,
  type OutputOf,
  type ParsedInputOf,
  type ShareView,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { diaryIdOf, holdDiary, requireDiary } from './diaries-access.ts';
import { beyondPolicy, invitationClosed, limitReached, noShare } from './diaries-errors.ts';
import { auditDiary, emitShare } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import type { SeenDiary, ShareRow, TupleRow } from './diaries-rows.ts';
import { diariesStore, subjectsStore } from './diaries-store.ts';
import { shareStatusOf, shareViewOf } from './diaries-views.ts';
import type { InvitationBoard } from './invitation-board.ts';
import { sharesStore } from './shares-store.ts';
import { tuplesStore } from './tuples-store.ts';

type Subject = { kind: ShareRow['subject_kind']; id: string };
type Named = Subject | { kind: 'key'; id: string };

const dayMs = 86_400_000;
const namespaces = { agent: 'Agent', user: 'User', team: 'Team' } as const;

const inviteeOf = ({ kind, id, org_id }: Caller) => ({ kind: kind === 'user' ? 'user' : 'agent', id, org_id }) as const;

/** The tuple that an accepted share stands for. */
const tupleOf = (share: ShareRow, revision: number): TupleRow => ({
  namespace: 'Diary',
  object_id: share.diary_id,
  relation: share.role === 'writer' ? 'writers' : 'readers',
  subject_namespace: namespaces[share.subject_kind],
  subject_id: share.shared_with,
  subject_relation: share.subject_kind === 'team' ? 'member' : '',
  diary_id: share.diary_id,
  org_id: share.org_id,
  expires_at: share.expires_at,
  revision,
});

const subjectIn = (input: ParsedInputOf<typeof diariesShare>): Named => {
  const named = (['user', 'agent', 'team'] as const).flatMap((kind): Named[] => {
    const id = input[`${kind}_id`];
    return id === undefined ? [] : [{ kind, id: id.toLowerCase() }];
  });
  if (input.fingerprint !== undefined) named.push({ kind: 'key', id: normaliseFingerprint(input.fingerprint) });
  const [only] = named;
  if (only === undefined || named.length > 1)
    throw invalid('', 'Name one of user_id, agent_id, team_id and fingerprint.');
  return only;
};

const requireFuture = (at: string | null | undefined, now: Date): Date | null => {
  if (at == null) return null;
  const end = new Date(at);
  if (end <= now) throw invalid('expires_at', 'must lie in the future');
  return end;
};

const unknown: Readonly<Record<Subject['kind'], string>> = {
  user: 'The person',
  agent: 'The agent',
  team: 'The team',
};

/** Who else may use a diary: offers, their acceptance, changes and ends. Rows and tuples change together. */
export const createSharesService = ({ database, clock, settingsOf }: DiariesParts, invitations: InvitationBoard) => {
  const requireSubject = async (tx: Transaction, diary: SeenDiary, subject: Subject): Promise<void> => {
    const found =
      subject.kind === 'team'
        ? await subjectsStore.team(tx.db, diary.org_id, subject.id)
        : await subjectsStore.principal(tx.db, diary.org_id, subject.id, subject.kind);
    if (found === null || ('active' in found && !found.active)) throw notFound(unknown[subject.kind]);
  };

  /** A key names its agent wherever that is; an organisation that keeps its diaries to itself has no use for strangers. */
  const agentOfKey = async (tx: Transaction, diary: SeenDiary, fingerprint: string): Promise<Subject> => {
    const holder = await subjectsStore.keyHolder(tx.db, fingerprint);
    if (holder === null || !holder.active) throw notFound(unknown.agent);
    if (holder.org_id !== diary.org_id) {
      const { diary_max_visibility } = await settingsOf(diary.org_id);
      if (diary_max_visibility === 'private') throw beyondPolicy(diary_max_visibility);
    }
    return { kind: 'agent', id: holder.id };
  };

  const subjectOf = async (tx: Transaction, diary: SeenDiary, named: Named): Promise<Subject> => {
    if (named.kind === 'key') return agentOfKey(tx, diary, named.id);
    await requireSubject(tx, diary, named);
    return named;
  };

  const requireRoom = async (tx: Transaction, diary: SeenDiary, now: Date): Promise<void> => {
    const max = diaryLimits.pending_invitations;
    if ((await sharesStore.countPending(tx.db, diary.id, now)) >= max)
      throw limitReached('pending_invitations', max, `A diary has at most ${max} open invitations.`);
  };

  const grant = async (tx: Transaction, share: ShareRow, now: Date): Promise<number> => {
    const revision = await diariesStore.nextRevision(tx.db, share.diary_id, now);
    const tuple = tupleOf(share, revision);
    await tuplesStore.removeSubject(tx.db, share.diary_id, tuple, ['writers', 'readers']);
    await tuplesStore.put(tx.db, tuple);
    return revision;
  };

  const withdraw = async (tx: Transaction, share: ShareRow, now: Date): Promise<number> => {
    const revision = await diariesStore.nextRevision(tx.db, share.diary_id, now);
    await tuplesStore.removeSubject(tx.db, share.diary_id, tupleOf(share, revision), ['writers', 'readers']);
    return revision;
  };

  const requireShare = async (tx: Transaction, diary_id: string, ref: string): Promise<ShareRow> => {
    const share = isUuid(ref)
      ? await sharesStore.find(tx.db, diary_id, ref)
      : await sharesStore.ofKey(tx.db, diary_id, normaliseFingerprint(ref));
    if (share === null) throw noShare();
    return share;
  };

  const auditShare = (tx: Transaction, action: string, share: ShareRow, details: Record<string, unknown> = {}): void =>
    auditDiary(
      tx,
      action,
      { id: share.diary_id, org_id: share.org_id },
      { share_id: share.id, subject: { kind: share.subject_kind, id: share.shared_with }, ...details },
    );

  /** The invitee's own share; the diary is held, so that an answer and a revocation come one after the other. */
  const holdOffered = async (tx: Transaction, call: Call, id: string, now: Date): Promise<ShareRow> => {
    const invitee = inviteeOf(call.caller);
    const offered = await sharesStore.offered(tx.db, invitee, id);
    if (offered === null) throw noShare();
    await diariesStore.lock(tx.db, offered.diary_id, 'update');
    const share = await sharesStore.offered(tx.db, invitee, id);
    if (share === null) throw noShare();
    const status = shareStatusOf(share, now);
    if (status !== 'pending') throw invitationClosed(status);
    return share;
  };

  /** The item that stands for an invitation is held before its diary, as by who answers it there. */
  const settle = async (
    tx: Transaction,
    call: Call,
    id: string,
    why: Parameters<InvitationBoard['settling']>[3],
  ): Promise<void> => {
    // A fingerprint names the share of an agent, and agents have no such items.
    const org_id = isUuid(id) ? await sharesStore.orgOf(tx.db, id) : null;
    if (org_id !== null) await invitations.settling(tx, call, { id, org_id }, why);
  };

  const answer = async (tx: Transaction, call: Call, share_id: string, accepted: boolean): Promise<ShareView> => {
    const now = clock.now();
    const share = await holdOffered(tx, call, share_id, now);
    await sharesStore.setStatus(tx.db, share.id, accepted ? 'accepted' : 'declined', now);
    if (accepted) await grant(tx, share, now);
    else await diariesStore.nextRevision(tx.db, share.diary_id, now);
    emitShare(tx, accepted ? 'share_accepted' : 'share_declined', share);
    if (accepted) auditShare(tx, 'diaries.accept_invitation', share, { role: share.role });
    else auditShare(tx, 'diaries.decline_invitation', share);
    return shareViewOf(await requireShare(tx, share.diary_id, share.id), now);
  };

  return {
    share: (call: Call, input: ParsedInputOf<typeof diariesShare>): Promise<ShareView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        const named = subjectIn(input);
        // An invitation that nobody answered in time may still stand somewhere.
        if (named.kind === 'user') {
          const id = await diaryIdOf(tx.db, call.caller, input.diary_ref, now);
          for (const former of await sharesStore.openToPeople(tx.db, id, named.id))
            await invitations.settling(tx, call, former, 'changed');
        }
        const diary = await holdDiary(tx, call, input.diary_ref, 'manage', now);
        const subject = await subjectOf(tx, diary, named);
        if (subject.id === diary.owner_id) throw new AppError('bad_request', 'The diary is yours already.');
        const before = await sharesStore.ofSubject(tx.db, diary.id, subject);
        if (before !== null && ['pending', 'accepted'].includes(shareStatusOf(before, now)))
          throw new AppError('share_exists', `There is a share with them, ${before.status}.`, {
            extensions: { share_id: before.id, share_status: before.status },
          });
        // A team is given the diary at once: there is nobody whose consent would stand for its members.
        const given = subject.kind === 'team';
        if (!given) await requireRoom(tx, diary, now);
        const by = actorOf(call.caller);
        const share: ShareRow = {
          id: before?.id ?? newId(),
          diary_id: diary.id,
          org_id: diary.org_id,
          diary_name: diary.name,
          revision: diary.revision,
          subject_kind: subject.kind,
          shared_with: subject.id,
          subject_name: null,
          fingerprint: null,
          role: input.role,
          status: given ? 'accepted' : 'pending',
          invited_by_kind: by.type,
          invited_by_id: by.id,
          invited_by_name: by.name,
          invited_at: now,
          responded_at: null,
          invitation_expires_at: new Date(now.getTime() + diaryLimits.invitation_days * dayMs),
          expires_at: requireFuture(input.expires_at, now),
        };
        await sharesStore.put(tx.db, share);
        if (given) await grant(tx, share, now);
        else await diariesStore.nextRevision(tx.db, diary.id, now);
        await invitations.offered(tx, call, share);
        emitShare(tx, 'shared', share);
        auditShare(tx, 'diaries.share', share, {
          role: share.role,
          expires_at: share.expires_at?.toISOString() ?? null,
        });
        return shareViewOf(await requireShare(tx, diary.id, share.id), now);
      }),

    list: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListShares>,
    ): Promise<OutputOf<typeof diariesListShares>> => {
      const now = clock.now();
      const diary = await requireDiary(database.read, call.caller, input.diary_ref, 'manage', now);
      const rows = await sharesStore.page(database.read, diary.id, {
        statuses: input.status,
        now,
        limit: input.limit + 1,
        after: timePosition(input.cursor),
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.invited_at, id: row.id }),
        (row) => shareViewOf(row, now),
      );
    },

    update: (call: Call, input: ParsedInputOf<typeof diariesUpdateShare>): Promise<ShareView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        await settle(tx, call, input.share_id, 'changed');
        const diary = await holdDiary(tx, call, input.diary_ref, 'manage', now);
        const before = await requireShare(tx, diary.id, input.share_id);
        const status = shareStatusOf(before, now);
        if (status !== 'pending' && status !== 'accepted') throw invitationClosed(status);
        const share: ShareRow = {
          ...before,
          role: input.role ?? before.role,
          expires_at: input.expires_at === undefined ? before.expires_at : requireFuture(input.expires_at, now),
        };
        await sharesStore.setTerms(tx.db, share);
        if (status === 'accepted') await grant(tx, share, now);
        else await invitations.offered(tx, call, share);
        emitShare(tx, 'share_updated', share);
        auditShare(tx, 'diaries.update_share', share, {
          role: share.role,
          expires_at: share.expires_at?.toISOString() ?? null,
        });
        return shareViewOf(await requireShare(tx, diary.id, share.id), now);
      }),

    revoke: (call: Call, input: { diary_ref: string; share_id: string }): Promise<ShareView> =>
      database.transaction(call, async (tx) => {
        const now = clock.now();
        await settle(tx, call, input.share_id, 'revoked');
        const diary = await holdDiary(tx, call, input.diary_ref, 'manage', now);
        const share = await requireShare(tx, diary.id, input.share_id);
        if (share.status === 'declined' || share.status === 'revoked') throw invitationClosed(share.status);
        await sharesStore.setStatus(tx.db, share.id, 'revoked', share.responded_at);
        await withdraw(tx, share, now);
        emitShare(tx, 'share_revoked', share);
        auditShare(tx, 'diaries.revoke_share', share);
        return shareViewOf(await requireShare(tx, diary.id, share.id), now);
      }),

    invitations: async (
      call: Call,
      input: ParsedInputOf<typeof diariesListInvitations>,
    ): Promise<OutputOf<typeof diariesListInvitations>> => {
      const now = clock.now();
      const page = { now, limit: input.limit + 1, after: timePosition(input.cursor) };
      const rows = await sharesStore.invitations(database.read, inviteeOf(call.caller), page);
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.invited_at, id: row.id }),
        (row) => shareViewOf(row, now),
      );
    },

    accept: (call: Call, share_id: string): Promise<ShareView> =>
      database.transaction(call, async (tx) => {
        await settle(tx, call, share_id, 'accepted');
        return answer(tx, call, share_id, true);
      }),

    decline: (call: Call, share_id: string): Promise<ShareView> =>
      database.transaction(call, async (tx) => {
        await settle(tx, call, share_id, 'declined');
        return answer(tx, call, share_id, false);
      }),

    /** The same from where the invitation is shown, in the transaction that closes it there. */
    decide: async (tx: Transaction, call: Call, { id, approved }: { id: string; approved: boolean }): Promise<void> => {
      // Over there nothing asked for the scope of diaries.
      authorize(approved ? diariesAcceptInvitation : diariesDeclineInvitation, call.caller);
      await answer(tx, call, id, approved);
    },
  };
};

export type SharesService = ReturnType<typeof createSharesService>;
