import { hasPermission, type inboxBulk, type OutputOf, type ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import type { AnswersService } from './answers-service.ts';
import { denied, itemClosed } from './inbox-errors.ts';
import { auditItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { visibleTo } from './inbox-policy.ts';
import * as transitions from './item-transitions.ts';
import type { ItemRow } from './items-rows.ts';
import { addWatchers, lockItems, markViewed, updateItem } from './items-store.ts';
import { requireSeeing, startTimers } from './lifecycle-service.ts';
import { decidedOutside } from './outside-decision.ts';

type Input = ParsedInputOf<typeof inboxBulk>;
/** True when the item changed. */
type Act = (tx: Transaction, call: Call, item: ItemRow) => Promise<boolean>;

export interface BulkService {
  run(call: Call, input: Input): Promise<OutputOf<typeof inboxBulk>>;
}

export const createBulkService = ({ database, clock }: InboxParts, answers: AnswersService): BulkService => {
  const stepwise =
    (transition: transitions.Transition): Act =>
    async (tx, call, item) => {
      const now = clock.now();
      const step = transition(item, { caller: call.caller, now });
      if (step === null) return true;
      const changed = await updateItem(tx.db, item.id, { ...step.change, updated_at: now });
      startTimers(tx, step.event, changed ?? item);
      return true;
    };

  const ack: Act = async (tx, call, item) => {
    await markViewed(tx.db, item.org_id, [item.id], call.caller.id, clock.now());
    return true;
  };

  const assign =
    (assignee: string | null): Act =>
    async (tx, call, item) => {
      if (assignee !== null) {
        await requireSeeing(tx, item, assignee, 'args.assignee');
        await addWatchers(tx.db, item, [{ id: assignee, type: 'user' }], clock.now());
      }
      return stepwise(transitions.assign(assignee))(tx, call, item);
    };

  const approve: Act = async (tx, call, item) => {
    if (item.status !== 'open') throw itemClosed(item);
    if (item.kind !== 'approval') throw invalid('', 'is not an approval');
    if (decidedOutside(item) !== null) throw invalid('', 'is decided by itself, not together with others');
    if (call.caller.kind !== 'user') throw denied('People approve; agents ask.', 'principal:user');
    await answers.answerIn(
      tx,
      call,
      item,
      { reply: { kind: 'accept' } },
      { actor: actorOf(call.caller), source: 'person' },
    );
    return true;
  };

  const actOf = ({ op, args }: Input): Act => {
    switch (op) {
      case 'ack':
        return ack;
      case 'dismiss':
        return stepwise(transitions.dismiss);
      case 'archive':
        return stepwise(transitions.archive);
      case 'unarchive':
        return stepwise(transitions.unarchive);
      case 'snooze':
        if (args.until === undefined) throw invalid('args.until', 'is required');
        return stepwise(transitions.snooze(new Date(args.until)));
      case 'unsnooze':
        return stepwise(transitions.unsnooze);
      case 'pin':
        return stepwise(transitions.pin);
      case 'unpin':
        return stepwise(transitions.unpin);
      case 'assign':
        if (args.assignee === undefined) throw invalid('args.assignee', 'is required');
        return assign(args.assignee);
      case 'add_tags':
        return stepwise(transitions.addTags(requireTags(args.tags)));
      case 'remove_tags':
        return stepwise(transitions.removeTags(requireTags(args.tags)));
      case 'restore':
        return stepwise(transitions.restore);
      case 'approve':
        return approve;
      default:
        return op satisfies never;
    }
  };

  return {
    run: (call, input) => {
      const archiving = input.op === 'archive' || input.op === 'unarchive';
      if (archiving && !hasPermission(call.caller.permissions, 'items.archive')) {
        throw denied('This needs the permission items.archive.', 'items.archive');
      }
      const act = actOf(input);
      return database.transaction(call, async (tx) => {
        const ids = [...new Set(input.ids)];
        const items = await lockItems(tx.db, visibleTo(call.caller), ids);
        const seen = new Set(items.map((item) => item.id));
        const changed: string[] = [];
        const failed: { id: string; code: string; detail: string }[] = [];
        for (const item of items) {
          try {
            if (await act(tx, call, item)) changed.push(item.id);
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            failed.push({ id: item.id, code: error.code, detail: error.message });
          }
        }
        if (changed.length > 0) {
          tx.emit({ kind: 'inbox.bulk.updated', id: newId(), body: { op: input.op, ids: changed } });
          for (const item of items) if (changed.includes(item.id)) auditItem(tx, `inbox.bulk.${input.op}`, item);
        }
        return { changed, not_found: ids.filter((id) => !seen.has(id)), failed };
      });
    },
  };
};

const requireTags = (tags: readonly string[] | undefined): readonly string[] => {
  if (tags === undefined || tags.length === 0) throw invalid('args.tags', 'is required');
  return tags;
};
