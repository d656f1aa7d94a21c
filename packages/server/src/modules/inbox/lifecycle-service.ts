import type { ItemView, inboxDelegate, ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { invalid } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { denied } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf } from './inbox-policy.ts';
import { insertNote } from './item-people-store.ts';
import { assign, claim, type Step, type Transition } from './item-transitions.ts';
import { lockOpen, lockSeen, viewOf } from './items-access.ts';
import type { ItemRow, Quorum } from './items-rows.ts';
import { addWatchers, findAudience, markViewed, updateItem } from './items-store.ts';
import { decidedOutside } from './outside-decision.ts';
import { namedApprovers } from './quorum.ts';
import { enqueueTimers, enqueueWake } from './timers.ts';

export interface LifecycleService {
  /** Applies one transition to one item, with its event, audit line and timers. */
  act(call: Call, id: string, action: string, transition: Transition): Promise<ItemView>;
  remove(call: Call, id: string, transition: Transition): Promise<void>;
  ack(call: Call, id: string): Promise<ItemView>;
  claim(call: Call, id: string): Promise<ItemView>;
  assign(call: Call, id: string, assignee: string | null): Promise<ItemView>;
  delegate(call: Call, input: ParsedInputOf<typeof inboxDelegate>): Promise<ItemView>;
}

/** Timers that a step starts. */
export const startTimers = (tx: Transaction, event: Step['event'], item: ItemRow): void => {
  if (event === 'restored') enqueueTimers(tx, item);
  if (event === 'snoozed') enqueueWake(tx, item);
};

/** The person, if they see the item; otherwise a refusal that says nothing about why. */
export const requireSeeing = async (tx: Transaction, item: ItemRow, user_id: string, path: string): Promise<string> => {
  const seeing = await findAudience(tx.db, item.id, [user_id], audienceOf);
  const person = seeing.find((one) => one.type === 'user');
  if (person === undefined) throw invalid(path, 'is nobody who can see this item');
  return person.name;
};

export const createLifecycleService = ({ database, clock }: InboxParts): LifecycleService => {
  const apply = async (
    tx: Transaction,
    call: Call,
    item: ItemRow,
    action: string,
    transition: Transition,
  ): Promise<ItemRow> => {
    const now = clock.now();
    const step = transition(item, { caller: call.caller, now });
    if (step === null) return item;
    const changed = await updateItem(tx.db, item.id, { ...step.change, updated_at: now });
    const after = changed ?? item;
    startTimers(tx, step.event, after);
    emitItem(tx, step.event, after, step.details);
    auditItem(tx, action, after, step.details);
    return after;
  };

  const act: LifecycleService['act'] = (call, id, action, transition) =>
    database.transaction(call, async (tx) => {
      await apply(tx, call, await lockSeen(tx, call.caller, id), action, transition);
      return viewOf(tx.db, call.caller, id, clock.now());
    });

  return {
    act,

    remove: (call, id, transition) =>
      database.transaction(call, async (tx) => {
        await apply(tx, call, await lockSeen(tx, call.caller, id), 'inbox.delete_item', transition);
      }),

    ack: (call, id) =>
      database.transaction(call, async (tx) => {
        const item = await lockSeen(tx, call.caller, id);
        const fresh = await markViewed(tx.db, item.org_id, [id], call.caller.id, clock.now());
        if (fresh.length > 0) {
          emitItem(tx, 'viewed', item, { by: actorOf(call.caller) });
          auditItem(tx, 'inbox.ack', item);
        }
        return viewOf(tx.db, call.caller, id, clock.now());
      }),

    claim: (call, id) => {
      if (call.caller.kind !== 'user') throw denied('People claim items; agents ask.', 'principal:user');
      return act(call, id, 'inbox.claim', claim);
    },

    assign: (call, id, assignee) =>
      database.transaction(call, async (tx) => {
        const item = await lockSeen(tx, call.caller, id);
        if (assignee !== null) {
          await requireSeeing(tx, item, assignee, 'assignee');
          await addWatchers(tx.db, item, [{ id: assignee, type: 'user' }], clock.now());
        }
        await apply(tx, call, item, 'inbox.assign', assign(assignee));
        return viewOf(tx.db, call.caller, id, clock.now());
      }),

    delegate: (call, { id, to, note }) =>
      database.transaction(call, async (tx) => {
        const item = await lockOpen(tx, call.caller, id);
        const now = clock.now();
        const name = await requireSeeing(tx, item, to, 'to');
        if (decidedOutside(item) !== null)
          throw denied('This request is for one person, who cannot hand it on.', 'approver');
        const named = namedApprovers(item.require);
        if (named.length > 0 && !named.includes(call.caller.id)) {
          throw denied('Only the people named in `require` hand their part on.', 'approver');
        }
        const change = {
          require: item.require === null ? null : replaced(item.require, call.caller.id, to),
          assignee_id: item.assignee_id === null || item.assignee_id === call.caller.id ? to : item.assignee_id,
          ...(item.claimed_by_id === call.caller.id
            ? { claimed_by_id: null, claimed_by_name: null, claimed_until: null }
            : {}),
          updated_at: now,
        };
        const changed = (await updateItem(tx.db, id, change)) ?? item;
        await addWatchers(tx.db, item, [{ id: to, type: 'user' }], now);
        if (note !== undefined) {
          const comment = {
            id: newId(),
            org_id: item.org_id,
            item_id: id,
            author: actorOf(call.caller),
            body: note,
            mentions: [to],
            at: now,
          };
          await insertNote(tx.db, comment);
          tx.emit({ kind: 'inbox.comment.created', id: comment.id, body: { item_id: id, author: comment.author } });
        }
        emitItem(tx, 'updated', changed, {
          changed: ['assignee'],
          delegated: { from: actorOf(call.caller), to: { type: 'user', id: to, name } },
        });
        auditItem(tx, 'inbox.delegate', changed, { to });
        return viewOf(tx.db, call.caller, id, now);
      }),
  };
};

const replaced = (require: Quorum, from: string, to: string): Quorum => {
  const swap = (ids: string[] | undefined) =>
    ids === undefined ? undefined : [...new Set(ids.map((id) => (id === from ? to : id)))];
  return { ...require, all_of: swap(require.all_of), any_of: swap(require.any_of) };
};
