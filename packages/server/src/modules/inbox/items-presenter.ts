import type { Actor, ItemView } from '@atrium/protocol';
import type { PresentableItem, PresentedRow } from './items-rows.ts';

const iso = (at: Date | null): string | null => (at === null ? null : at.toISOString());

export const creatorOf = (item: PresentedRow): Actor => ({
  type: item.created_by_type,
  id: item.created_by_type === 'system' ? null : item.created_by_id,
  name: item.created_by_name,
});

export const answererOf = (item: PresentedRow): Actor | null =>
  item.answered_by_type === null
    ? null
    : { type: item.answered_by_type, id: item.answered_by_id, name: item.answered_by_name ?? '' };

/** An item as one reader sees it. A claim that ran out and a window that closed are not shown. */
export const presentItem = (item: PresentableItem, reader: { id: string }, now: Date): ItemView => ({
  id: item.id,
  kind: item.kind,
  title: item.title,
  message: item.message,
  level: item.level,
  status: item.status,
  priority: item.priority,
  form: item.form,
  approval: item.approval as ItemView['approval'],
  actions: item.actions as ItemView['actions'],
  require: item.require as ItemView['require'],
  channel: item.channel_id === null ? null : { id: item.channel_id, name: item.channel_name ?? '' },
  tags: item.tags,
  metadata: item.metadata,
  created_by: creatorOf(item),
  asked_with: item.asked_with,
  assignee: item.assignee_id === null ? null : { type: 'user', id: item.assignee_id, name: item.assignee_name ?? '' },
  claimed_by: claimOf(item, now),
  parent_id: item.visible_parent_id,
  related_to: item.visible_related,
  run_id: item.run_id,
  call_id: item.call_id,
  occurrences: item.occurrences,
  first_occurred_at: item.first_occurred_at.toISOString(),
  last_occurred_at: item.last_occurred_at.toISOString(),
  on_timeout: item.on_timeout,
  escalation: item.escalation as ItemView['escalation'],
  escalated_steps: item.escalated_steps,
  deadline_at: iso(item.deadline_at),
  expires_at: iso(item.expires_at),
  snoozed_until: item.snoozed_until !== null && item.snoozed_until > now ? iso(item.snoozed_until) : null,
  pinned_at: iso(item.pinned_at),
  archived_at: iso(item.archived_at),
  answered_at: iso(item.answered_at),
  answered_by: answererOf(item),
  answer_source: item.answer_source,
  response: item.response,
  reply: item.reply as ItemView['reply'],
  step_up: item.oauth_approval_id !== null,
  approvals: item.approvals.map((reply) => ({ ...reply, at: new Date(reply.at).toISOString() })),
  correctable_until:
    item.answered_by_id === reader.id && item.correctable_until !== null && item.correctable_until > now
      ? iso(item.correctable_until)
      : null,
  generation: item.generation,
  viewed_at: iso(item.viewed_at),
  watching: item.watching,
  comment_count: item.comment_count,
  attachment_count: item.attachment_count,
  created_at: item.created_at.toISOString(),
  updated_at: item.updated_at.toISOString(),
});

const claimOf = (item: PresentedRow, now: Date): ItemView['claimed_by'] =>
  item.claimed_by_id === null || item.claimed_until === null || item.claimed_until <= now
    ? null
    : {
        type: 'user',
        id: item.claimed_by_id,
        name: item.claimed_by_name ?? '',
        until: item.claimed_until.toISOString(),
      };
