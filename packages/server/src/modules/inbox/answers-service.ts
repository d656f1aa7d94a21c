import {
  type Actor,
  type ApprovalReply,
  applyDefaults,
  type ItemView,
  type inboxAnswer,
  type inboxCorrect,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../platform/operations/caller.ts';
import { type CheckedAnswer, checkAnswer, type GivenAnswer } from './answer-values.ts';
import { findAttachmentFacts, findLatestResponseId, findNewestReplies, insertResponse } from './answers-store.ts';
import { refuse } from './creation-checks.ts';
import { deleteDraft } from './drafts-store.ts';
import { denied, invalidTransition } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { isRequester } from './inbox-policy.ts';
import { findOwner } from './item-people-store.ts';
import { lockOpen, lockSeen, requireChanged, viewOf } from './items-access.ts';
import type { AnswerSource, Decision, ItemRow, Json } from './items-rows.ts';
import { addWatchers, type ItemChange, updateCorrectable, updateOpenItem } from './items-store.ts';
import { decidedOutside } from './outside-decision.ts';
import { isShared, namedApprovers, verdictOf } from './quorum.ts';
import type { RulesService } from './rules-service.ts';
import type { RuleRow } from './rules-store.ts';
import { answerPlace, createSealedValues } from './sealed-values.ts';

export interface AnswersService {
  answer(call: Call, input: ParsedInputOf<typeof inboxAnswer>): Promise<ItemView>;
  correct(call: Call, input: ParsedInputOf<typeof inboxCorrect>): Promise<ItemView>;
  /** One answer inside another act's transaction; `item` is locked and open. Returns the item as it is then. */
  answerIn(tx: Transaction, call: Call, item: ItemRow, given: GivenAnswer, by: AnswerBy): Promise<ItemRow>;
  answerByRule(tx: Transaction, item: ItemRow, rule: RuleRow): Promise<ItemRow>;
  /** What `on_timeout` says, for a time that is over or a quota that is used up. */
  timeOut(tx: Transaction, item: ItemRow, source: 'timeout' | 'quota'): Promise<ItemRow>;
}

interface AnswerBy {
  actor: Actor;
  source: AnswerSource;
}

/** Text is stored with its charset, which attachments are shown without. */
const bareMime = (mime: string): string => mime.split(';')[0]!.trim().toLowerCase();

export const createAnswersService = (parts: InboxParts, rules: RulesService): AnswersService => {
  const { database, clock } = parts;
  const sealed = createSealedValues(parts);

  const record = async (
    tx: Transaction,
    item: ItemRow,
    by: AnswerBy,
    answer: Pick<CheckedAnswer, 'values' | 'reply' | 'decision'>,
    more: { device?: string | null; supersedes?: string | null } = {},
  ): Promise<void> =>
    insertResponse(tx.db, {
      id: newId(),
      org_id: item.org_id,
      item_id: item.id,
      by: by.actor,
      source: by.source,
      values: answer.values,
      reply: answer.reply as Json | null,
      decision: answer.decision,
      generation: item.generation,
      device: more.device ?? null,
      supersedes: more.supersedes ?? null,
      at: clock.now(),
    });

  const closing = (
    by: AnswerBy,
    answer: Pick<CheckedAnswer, 'values' | 'reply' | 'decision'>,
  ): ItemChange & { updated_at: Date } => {
    const now = clock.now();
    return {
      status: 'answered',
      answered_at: now,
      answered_by_type: by.actor.type,
      answered_by_id: by.actor.id,
      answered_by_name: by.actor.name,
      answer_source: by.source,
      response: answer.values,
      reply: answer.reply as Json | null,
      decision: answer.decision,
      claimed_by_id: null,
      claimed_by_name: null,
      claimed_until: null,
      snoozed_until: null,
      updated_at: now,
    };
  };

  const announce = (tx: Transaction, item: ItemRow, by: AnswerBy): void => {
    emitItem(tx, 'answered', item, { answered_by: by.actor, source: by.source, decision: item.decision });
    auditItem(tx, 'inbox.answer', item, { source: by.source, decision: item.decision, answered_by: by.actor.id });
  };

  const requireFiles = async (tx: Transaction, item: ItemRow, answer: CheckedAnswer): Promise<void> => {
    if (answer.files.length === 0) return;
    const stored = await findAttachmentFacts(
      tx.db,
      item,
      answer.files.map(([, file]) => file.attachment_id),
    );
    const errors = answer.files.flatMap(([path, file]) => {
      const fits = stored.some(
        (one) => one.id === file.attachment_id && one.size === file.size && bareMime(one.mime) === bareMime(file.mime),
      );
      return fits ? [] : [{ path, message: 'is no file attached to this item' }];
    });
    if (errors.length > 0) refuse(errors);
  };

  const requireApprover = async (tx: Transaction, call: Call, item: ItemRow, answer: CheckedAnswer): Promise<void> => {
    const { caller } = call;
    if (caller.kind === 'system') return;
    const named = namedApprovers(item.require);
    if (named.length > 0 && !named.includes(caller.id)) {
      throw denied('Only the people named in `require` decide this item.', 'approver');
    }
    if (item.require?.four_eyes !== true || answer.decision === 'reject') return;
    const owner = await findOwner(tx.db, item.org_id, item.created_by_id);
    if (isRequester(caller, item) || owner === caller.id) throw new AppError('four_eyes_required');
  };

  const answerIn = async (
    tx: Transaction,
    call: Call,
    item: ItemRow,
    given: GivenAnswer,
    by: AnswerBy,
  ): Promise<ItemRow> => {
    const answer = checkAnswer(item, given);
    await requireApprover(tx, call, item, answer);
    await requireFiles(tx, item, answer);
    const outside = decidedOutside(item);
    if (outside !== null) await parts.decideOutside(tx, call, { ...outside, approved: answer.decision === 'accept' });
    await record(tx, item, by, answer, { device: call.user_agent?.slice(0, 200) ?? null });
    const person = by.actor.type === 'user' && by.actor.id !== null ? { id: by.actor.id, type: 'user' } : null;
    if (person !== null) {
      await addWatchers(tx.db, item, [person], clock.now());
      await deleteDraft(tx.db, item.id, person.id);
    }
    const shared = isShared(item.require);
    if (shared) {
      const verdict = verdictOf(item.require, await findNewestReplies(tx.db, item));
      if (!verdict.closed) return keepOpen(tx, item, by, answer);
      if (item.kind === 'approval') Object.assign(answer, { decision: verdict.decision, reply: verdict.reply });
    }
    const { correction_window_s } = await parts.settingsOf(item.org_id);
    // What was decided elsewhere may have had its effect already.
    const final = shared || outside !== null;
    const correctable = !final && by.source === 'person' && correction_window_s > 0;
    const change = {
      ...closing(by, answer),
      sealed_values: sealed.seal(answer.sealed, answerPlace(item.id)),
      correctable_until: correctable ? new Date(clock.now().getTime() + correction_window_s * 1000) : null,
    };
    const closed = await requireChanged(tx, item, await updateOpenItem(tx.db, item, change));
    if (answer.reply !== null) await rules.add(tx, call, item, answer.reply);
    announce(tx, closed, by);
    return closed;
  };

  /** One reply of several: kept, and the item waits for the others. */
  const keepOpen = async (tx: Transaction, item: ItemRow, by: AnswerBy, answer: CheckedAnswer): Promise<ItemRow> => {
    const kept = await requireChanged(tx, item, await updateOpenItem(tx.db, item, { updated_at: clock.now() }));
    emitItem(tx, 'approved', kept, { by: by.actor, decision: answer.decision });
    auditItem(tx, 'inbox.approve', kept, { decision: answer.decision });
    return kept;
  };

  const replace = async (tx: Transaction, call: Call, item: ItemRow, given: GivenAnswer): Promise<void> => {
    const by: AnswerBy = { actor: actorOf(call.caller), source: 'person' };
    const answer = checkAnswer(item, given);
    await requireApprover(tx, call, item, answer);
    await requireFiles(tx, item, answer);
    const now = clock.now();
    const supersedes = await findLatestResponseId(tx.db, item, call.caller.id);
    const { values: response, decision } = answer;
    const change = {
      response,
      reply: answer.reply as Json | null,
      decision,
      sealed_values: sealed.seal(answer.sealed, answerPlace(item.id)),
      sealed_taken_at: null,
      corrected: true,
      updated_at: now,
    };
    const corrected = await updateCorrectable(tx.db, item, change);
    if (corrected === null) throw new AppError('correction_closed');
    await record(tx, item, by, answer, { device: call.user_agent?.slice(0, 200) ?? null, supersedes });
    await rules.revokeOf(tx, item);
    if (answer.reply !== null) await rules.add(tx, call, item, answer.reply);
    emitItem(tx, 'corrected', corrected, { answered_by: by.actor, decision });
    auditItem(tx, 'inbox.correct', corrected, { decision });
  };

  const expire = async (tx: Transaction, item: ItemRow, source: 'timeout' | 'quota', decision: Decision | null) => {
    const change = {
      status: 'expired',
      answer_source: source,
      decision,
      claimed_by_id: null,
      claimed_until: null,
      updated_at: clock.now(),
    } as const;
    const expired = await requireChanged(tx, item, await updateOpenItem(tx.db, item, change));
    emitItem(tx, 'expired', expired, { source, decision });
    auditItem(tx, 'inbox.expire', expired, { source, decision });
    return expired;
  };

  const timeOut = async (tx: Transaction, item: ItemRow, source: 'timeout' | 'quota'): Promise<ItemRow> => {
    const form = item.on_timeout === 'default' ? item.form : null;
    // After an escalation without result an approval is denied and a question expires, as without any policy.
    if (form === null)
      return expire(tx, item, source, item.kind === 'approval' && item.on_timeout !== 'expire' ? 'deny' : null);
    const by: AnswerBy = { actor: actorOf(systemCaller({ id: item.org_id })), source };
    const answer = { ...checkAnswer(item, { values: applyDefaults(form) }) };
    await record(tx, item, by, answer);
    const change = { ...closing(by, answer), sealed_values: sealed.seal(answer.sealed, answerPlace(item.id)) };
    const closed = await requireChanged(tx, item, await updateOpenItem(tx.db, item, change));
    announce(tx, closed, by);
    return closed;
  };

  return {
    answer: (call, input) =>
      database.transaction(call, async (tx) => {
        const item = await lockOpen(tx, call.caller, input.id);
        const source = call.caller.kind === 'system' ? 'system' : 'person';
        await answerIn(tx, call, item, input, { actor: actorOf(call.caller), source });
        return viewOf(tx.db, call.caller, item.id, clock.now());
      }),

    correct: (call, input) =>
      database.transaction(call, async (tx) => {
        const item = await lockSeen(tx, call.caller, input.id);
        if (item.status !== 'answered') throw invalidTransition(item, 'corrected');
        const open = item.correctable_until !== null && item.correctable_until > clock.now();
        if (item.answered_by_id !== call.caller.id || !open) throw new AppError('correction_closed');
        await replace(tx, call, item, input);
        return viewOf(tx.db, call.caller, item.id, clock.now());
      }),

    answerIn,

    answerByRule: async (tx, item, rule) => {
      const by: AnswerBy = {
        actor: { type: rule.created_by_type, id: rule.created_by_id, name: rule.created_by_name },
        source: 'rule',
      };
      const answer = { values: null, reply: { kind: 'accept' } as ApprovalReply, decision: 'accept' as const };
      await record(tx, item, by, answer);
      const closed = await requireChanged(tx, item, await updateOpenItem(tx.db, item, closing(by, answer)));
      auditItem(tx, 'always_rules.use', item, { rule_id: rule.id, tool: rule.tool, uses: rule.uses });
      announce(tx, closed, by);
      return closed;
    },

    timeOut,
  };
};
