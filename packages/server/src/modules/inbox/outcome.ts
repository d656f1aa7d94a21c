import type { Outcome } from '@atrium/protocol';
import { answererOf } from './items-presenter.ts';
import type { ItemRow, Json } from './items-rows.ts';

/** Whether a waiter has something to be told, and what: the item closed, or a button pressed after `since`. */
export const isSettled = (item: ItemRow, since: Date | null): boolean =>
  item.deleted_at !== null || item.status !== 'open' || hasNewAction(item, since);

const hasNewAction = (item: ItemRow, since: Date | null): boolean =>
  item.last_action !== null && (since === null || new Date(item.last_action.at) > since);

/** How the item stands, as the asking principal gets it. `sealed` is given once; `state` only to who asked. */
export const outcomeOf = (
  item: ItemRow,
  reader: { id: string },
  options: { since?: Date | null; sealed?: Json | null } = {},
): Outcome => {
  const answered = item.status === 'answered';
  const action = item.last_action;
  const values = answered ? item.response : null;
  return {
    status: statusOf(item, options.since ?? null),
    source: item.answer_source,
    values: options.sealed == null ? values : { ...values, ...options.sealed },
    reply: item.reply as Outcome['reply'],
    decision: item.decision,
    action: action === null ? null : { id: action.id, text: action.text, at: action.at },
    answered_by: answererOf(item),
    answered_at: item.answered_at?.toISOString() ?? null,
    corrected: item.corrected,
    state: reader.id === item.created_by_id ? item.state : null,
  };
};

const statusOf = (item: ItemRow, since: Date | null): Outcome['status'] => {
  if (item.status !== 'open') return item.status;
  if (item.deleted_at !== null) return 'withdrawn';
  return hasNewAction(item, since) ? 'action' : 'pending';
};
