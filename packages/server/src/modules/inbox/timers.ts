import type { Transaction } from '../../platform/db/database.ts';
import type { ItemRow } from './items-rows.ts';

const args = (item: ItemRow) => ({ org_id: item.org_id, item_id: item.id, generation: item.generation });

/** When each reminder is due, earliest first. */
export const remindersOf = (item: Pick<ItemRow, 'deadline_at' | 'reminders_s'>): Date[] => {
  const deadline = item.deadline_at?.getTime();
  if (deadline === undefined) return [];
  return item.reminders_s.toSorted((a, b) => b - a).map((seconds) => new Date(deadline - seconds * 1000));
};

export const escalationDue = (item: Pick<ItemRow, 'escalation' | 'opened_at'>, step: number): Date | null => {
  const found = item.escalation[step];
  return found === undefined ? null : new Date(item.opened_at.getTime() + found.after_s * 1000);
};

/**
 * When an open item is over. With `escalate` the people of the last step get as long as those asked first.
 */
const expiryOf = (item: Pick<ItemRow, 'ttl_ms' | 'opened_at' | 'on_timeout' | 'escalation'>): Date | null => {
  if (item.ttl_ms === null) return null;
  const chain = item.on_timeout === 'escalate' ? (item.escalation.at(-1)?.after_s ?? 0) * 1000 : 0;
  return new Date(item.opened_at.getTime() + chain + item.ttl_ms);
};

/** The next reminder after `now`; those whose time is over are skipped, not sent late. */
export const reminderColumns = (
  item: Pick<ItemRow, 'deadline_at' | 'reminders_s'>,
  now: Date,
): Pick<ItemRow, 'next_reminder_at' | 'reminders_sent'> => {
  const due = remindersOf(item);
  const next = due.findIndex((at) => at > now);
  return { next_reminder_at: due[next] ?? null, reminders_sent: next < 0 ? due.length : next };
};

/** The columns that timers and the sweep go by, for a life of an item that begins at `opened_at`. */
export const timerColumns = (
  item: Pick<ItemRow, 'ttl_ms' | 'opened_at' | 'on_timeout' | 'escalation' | 'deadline_at' | 'reminders_s'>,
): Pick<ItemRow, 'expires_at' | 'next_escalation_at' | 'next_reminder_at' | 'escalated_steps' | 'reminders_sent'> => ({
  expires_at: expiryOf(item),
  escalated_steps: 0,
  next_escalation_at: escalationDue(item, 0),
  ...reminderColumns(item, item.opened_at),
});

/** A second enqueue under one id is ignored, so a time that changed within one life needs a job of its own. */
const idOf = (id: string, changed: boolean, at: Date): string => (changed ? `${id}-${at.getTime()}` : id);

export const enqueueExpiry = (tx: Transaction, item: ItemRow, changed = false): void => {
  if (item.expires_at === null) return;
  const id = idOf(`inbox-expire-${item.id}-${item.generation}`, changed, item.expires_at);
  tx.enqueue({ name: 'expire-item', id, args: args(item), run_at: item.expires_at });
};

export const enqueueEscalation = (tx: Transaction, item: ItemRow): void => {
  if (item.next_escalation_at === null) return;
  const step = item.escalated_steps;
  const id = `inbox-escalate-${item.id}-${item.generation}-${step}`;
  tx.enqueue({ name: 'escalate-item', id, args: { ...args(item), step }, run_at: item.next_escalation_at });
};

export const enqueueReminder = (tx: Transaction, item: ItemRow, changed = false): void => {
  if (item.next_reminder_at === null) return;
  const n = item.reminders_sent;
  const id = idOf(`inbox-remind-${item.id}-${item.generation}-${n}`, changed, item.next_reminder_at);
  tx.enqueue({ name: 'remind-item', id, args: { ...args(item), n }, run_at: item.next_reminder_at });
};

export const enqueueWake = (tx: Transaction, item: ItemRow): void => {
  if (item.snoozed_until === null) return;
  const { org_id, id: item_id, snooze_generation } = item;
  const id = `inbox-snooze-${item_id}-${snooze_generation}`;
  tx.enqueue({ name: 'wake-item', id, args: { org_id, item_id, snooze_generation }, run_at: item.snoozed_until });
};

/** Every timer of an item that has just opened. */
export const enqueueTimers = (tx: Transaction, item: ItemRow): void => {
  enqueueExpiry(tx, item);
  enqueueEscalation(tx, item);
  enqueueReminder(tx, item);
};
