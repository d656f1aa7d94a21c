import type { Transaction } from '../../platform/db/database.ts';
import { creatorOf } from './items-presenter.ts';
import type { ItemRow } from './items-rows.ts';

export type ItemEvent =
  | 'created'
  | 'updated'
  | 'answered'
  | 'dismissed'
  | 'archived'
  | 'unarchived'
  | 'viewed'
  | 'expired'
  | 'withdrawn'
  | 'restored'
  | 'corrected'
  | 'action'
  | 'claimed'
  | 'released'
  | 'escalated'
  | 'reminded'
  | 'snoozed'
  | 'woken'
  | 'approved'
  | 'deleted';

/** What every `inbox.item.*` event carries, so that lists are patched without fetching. Never an answer. */
const bodyOf = (item: ItemRow): Record<string, unknown> => ({
  status: item.status,
  kind: item.kind,
  title: item.title,
  level: item.level,
  priority: item.priority,
  channel_id: item.channel_id,
  assignee_id: item.assignee_id,
  created_by: creatorOf(item),
  run_id: item.run_id,
  tags: item.tags,
  occurrences: item.occurrences,
  generation: item.generation,
  snoozed_until: item.snoozed_until,
  archived: item.archived_at !== null,
  pinned: item.pinned_at !== null,
});

export const emitItem = (tx: Transaction, event: ItemEvent, item: ItemRow, more: Record<string, unknown> = {}): void =>
  tx.emit({ kind: `inbox.item.${event}`, id: item.id, org_id: item.org_id, body: { ...bodyOf(item), ...more } });

/** The audit line of an act on an item. Details hold ids and names of things, never text of people or answers. */
export const auditItem = (
  tx: Transaction,
  action: string,
  item: Pick<ItemRow, 'id' | 'org_id'>,
  details: Record<string, unknown> = {},
): void =>
  tx.audit({ action, target_type: 'item', target_id: item.id, item_id: item.id, org_id: item.org_id, details });
