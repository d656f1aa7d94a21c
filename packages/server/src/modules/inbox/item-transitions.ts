import { AppError, invalid } from '../../platform/errors/app-error.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { denied, invalidTransition, itemClosed } from './inbox-errors.ts';
import type { ItemEvent } from './inbox-events.ts';
import type { ItemRow } from './items-rows.ts';
import type { ItemChange } from './items-store.ts';
import { decidedOutside } from './outside-decision.ts';
import { timerColumns } from './timers.ts';

/** What an act does to a locked row; null when the item is already as wanted. Throws when the act is not possible. */
export type Transition = (item: ItemRow, by: { caller: Caller; now: Date }) => Step | null;
export interface Step {
  event: ItemEvent;
  change: ItemChange;
  details?: Record<string, unknown>;
}

const day = 86_400_000;
const noClaim = { claimed_by_id: null, claimed_by_name: null, claimed_until: null };

const requireOpen = (item: ItemRow): void => {
  if (item.status !== 'open') throw itemClosed(item);
};

/** Somebody outside waits for the decision, so the item ends by that or by its time, and does not begin again. */
const requireOwnEnd = (item: ItemRow, caller: Caller): void => {
  if (decidedOutside(item) === null || caller.kind === 'system') return;
  throw new AppError('invalid_transition', 'Approve or reject this request; otherwise it ends when its time is over.', {
    extensions: { item_status: item.status, current_status: item.status },
  });
};

/** Who asked, the person behind the asking agent, Owners and Admins. */
export const mayTakeBack = (caller: Caller, item: ItemRow): boolean =>
  caller.kind === 'system' ||
  caller.id === item.created_by_id ||
  (caller.kind === 'user' && caller.id === item.created_by_owner_id) ||
  (caller.kind === 'user' && (caller.system_role === 'owner' || caller.system_role === 'admin'));

export const dismiss: Transition = (item, { caller }) => {
  requireOpen(item);
  requireOwnEnd(item, caller);
  return { event: 'dismissed', change: { status: 'dismissed', snoozed_until: null, ...noClaim } };
};

export const withdraw =
  (reason: string | undefined): Transition =>
  (item, { caller }) => {
    if (!mayTakeBack(caller, item)) throw denied('Only who asked takes an item back.', 'creator');
    requireOpen(item);
    requireOwnEnd(item, caller);
    const change = { status: 'withdrawn', withdrawn_reason: reason ?? null, snoozed_until: null, ...noClaim } as const;
    return { event: 'withdrawn', change };
  };

/** A deleted question counts as taken back for whoever waits for it. */
export const remove: Transition = (item, { caller, now }) => {
  if (!mayTakeBack(caller, item)) throw denied('Only who asked, an Owner or an Admin deletes an item.', 'creator');
  if (item.status === 'open') requireOwnEnd(item, caller);
  const status = item.status === 'open' ? 'withdrawn' : item.status;
  return { event: 'deleted', change: { deleted_at: now, status, sealed_values: null } };
};

export const snooze =
  (until: Date): Transition =>
  (item, { now }) => {
    requireOpen(item);
    if (until <= now) throw invalid('until', 'is over');
    if (until.getTime() - now.getTime() > 366 * day) throw invalid('until', 'is more than 366 days away');
    const change = { snoozed_until: until, snooze_generation: item.snooze_generation + 1 };
    return { event: 'snoozed', change, details: { until } };
  };

export const unsnooze: Transition = (item) =>
  item.snoozed_until === null
    ? null
    : { event: 'woken', change: { snoozed_until: null, snooze_generation: item.snooze_generation + 1 } };

/** A new life: timers of the earlier one find another generation and do nothing. A TTL starts anew. */
export const restore: Transition = (item, { caller, now }) => {
  requireOwnEnd(item, caller);
  if (item.status === 'open' || item.status === 'answered') throw invalidTransition(item, 'restored');
  const change = {
    status: 'open',
    generation: item.generation + 1,
    opened_at: now,
    ...timerColumns({ ...item, opened_at: now }),
    answer_source: null,
    decision: null,
    withdrawn_reason: null,
    snoozed_until: null,
    archived_at: null,
    // Another open item may have the key by now.
    dedupe_key: null,
    ...noClaim,
  } as const;
  return { event: 'restored', change };
};

export const archive: Transition = (item, { now }) =>
  item.archived_at === null ? { event: 'archived', change: { archived_at: now } } : null;
export const unarchive: Transition = (item) =>
  item.archived_at === null ? null : { event: 'unarchived', change: { archived_at: null } };
export const pin: Transition = (item, { now }) =>
  item.pinned_at === null ? { event: 'updated', change: { pinned_at: now }, details: { changed: ['pinned'] } } : null;
export const unpin: Transition = (item) =>
  item.pinned_at === null ? null : { event: 'updated', change: { pinned_at: null }, details: { changed: ['pinned'] } };

const claimMs = 120_000;

export const claim: Transition = (item, { caller, now }) => {
  requireOpen(item);
  const held = item.claimed_until !== null && item.claimed_until > now;
  if (held && item.claimed_by_id !== caller.id) {
    throw new AppError('already_claimed', `${item.claimed_by_name} is answering.`, {
      extensions: {
        claimed_by: { type: 'user', id: item.claimed_by_id, name: item.claimed_by_name },
        until: item.claimed_until,
      },
    });
  }
  const claimed_until = new Date(now.getTime() + claimMs);
  const change = { claimed_by_id: caller.id, claimed_by_name: caller.name, claimed_until };
  return { event: 'claimed', change, details: { by: caller.id, until: claimed_until } };
};

export const release: Transition = (item, { caller }) =>
  item.claimed_by_id === caller.id ? { event: 'released', change: noClaim } : null;

export const assign =
  (assignee: string | null): Transition =>
  (item) =>
    item.assignee_id === assignee
      ? null
      : { event: 'updated', change: { assignee_id: assignee }, details: { changed: ['assignee'] } };

export const addTags =
  (tags: readonly string[]): Transition =>
  (item) => {
    const all = [...new Set([...item.tags, ...tags])];
    if (all.length > 20) throw invalid('args.tags', 'an item has at most 20 tags');
    return all.length === item.tags.length
      ? null
      : { event: 'updated', change: { tags: all }, details: { changed: ['tags'] } };
  };

export const removeTags =
  (tags: readonly string[]): Transition =>
  (item) => {
    const left = item.tags.filter((tag) => !tags.includes(tag));
    return left.length === item.tags.length
      ? null
      : { event: 'updated', change: { tags: left }, details: { changed: ['tags'] } };
  };
