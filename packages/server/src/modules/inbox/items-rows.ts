import type { Actor, Form, ItemView } from '@atrium/protocol';

export type ItemKind = 'notice' | 'question' | 'approval';
export type ItemStatus = 'open' | 'answered' | 'dismissed' | 'expired' | 'withdrawn';
export type ItemLevel = 'info' | 'success' | 'warning' | 'error';
export type AnswerSource = 'person' | 'timeout' | 'rule' | 'quota' | 'system' | 'client';
export type OnTimeout = 'expire' | 'default' | 'deny' | 'escalate';
export type Decision = 'accept' | 'edit' | 'respond' | 'reject' | 'deny';
export type Json = Record<string, unknown>;

export interface Quorum {
  all_of?: string[] | undefined;
  any_of?: string[] | undefined;
  n?: number | undefined;
  four_eyes?: boolean | undefined;
}

export interface EscalationStep {
  after_s: number;
  to: { kind: 'user' | 'team' | 'channel'; id: string };
}

/** The button pressed last. */
export interface LastAction {
  id: string;
  text: string | null;
  at: string;
  by: Actor;
}

/** A row of inbox_items without its search vector. */
export interface ItemRow {
  id: string;
  org_id: string;
  kind: ItemKind;
  title: string;
  message: string;
  level: ItemLevel;
  status: ItemStatus;
  priority: number;
  form: Form | null;
  approval: Json | null;
  actions: Json[];
  require: Quorum | null;
  channel_id: string | null;
  tags: string[];
  metadata: Json;
  created_by_type: Actor['type'];
  created_by_id: string;
  created_by_name: string;
  created_by_owner_id: string | null;
  asked_with: ItemView['asked_with'];
  assignee_id: string | null;
  claimed_by_id: string | null;
  claimed_by_name: string | null;
  claimed_until: Date | null;
  parent_id: string | null;
  related_to: string[];
  run_id: string | null;
  call_id: string | null;
  state: string | null;
  idempotency_key: string | null;
  request_hash: string | null;
  dedupe_key: string | null;
  occurrences: number;
  first_occurred_at: Date;
  last_occurred_at: Date;
  on_timeout: OnTimeout | null;
  escalation: EscalationStep[];
  escalated_steps: number;
  next_escalation_at: Date | null;
  reminders_s: number[];
  reminders_sent: number;
  next_reminder_at: Date | null;
  deadline_at: Date | null;
  ttl_ms: number | null;
  expires_at: Date | null;
  snoozed_until: Date | null;
  pinned_at: Date | null;
  archived_at: Date | null;
  answered_at: Date | null;
  answered_by_type: Actor['type'] | null;
  answered_by_id: string | null;
  answered_by_name: string | null;
  answer_source: AnswerSource | null;
  response: Json | null;
  reply: Json | null;
  decision: Decision | null;
  corrected: boolean;
  sealed_values: string | null;
  sealed_taken_at: Date | null;
  correctable_until: Date | null;
  last_action: LastAction | null;
  withdrawn_reason: string | null;
  generation: number;
  snooze_generation: number;
  opened_at: Date;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
  /** The request of the authorization server that an answer decides. */
  oauth_approval_id: string | null;
  /** The request of another module that an answer decides. */
  decides_kind: 'signing_request' | 'diary_invitation' | 'script_run' | 'tool_call' | null;
  decides_id: string | null;
}

/** What an answer decides outside of the inbox: a request of another module that the item stands for. */
export interface OutsideDecision {
  kind: 'oauth_approval' | NonNullable<ItemRow['decides_kind']>;
  id: string;
}

/** What a reader of one item needs besides its row, found in the same statement. */
interface ItemDetails {
  channel_name: string | null;
  assignee_name: string | null;
  visible_parent_id: string | null;
  visible_related: string[];
  approvals: { by: Actor; decision: string; at: string }[];
  viewed_at: Date | null;
  watching: boolean;
  comment_count: number;
  attachment_count: number;
}

export type PresentedRow = Omit<ItemRow, UnpresentedColumn>;
export type PresentableItem = PresentedRow & ItemDetails;

/** Columns of inbox_items in their order, without the search vector. */
export const itemColumns = [
  ...[
    'id',
    'org_id',
    'kind',
    'title',
    'message',
    'level',
    'status',
    'priority',
    'form',
    'approval',
    'actions',
    'require',
  ],
  ...['channel_id', 'tags', 'metadata', 'created_by_type', 'created_by_id', 'created_by_name', 'created_by_owner_id'],
  ...[
    'assignee_id',
    'claimed_by_id',
    'claimed_by_name',
    'claimed_until',
    'parent_id',
    'related_to',
    'run_id',
    'call_id',
  ],
  ...['state', 'idempotency_key', 'request_hash', 'dedupe_key', 'occurrences', 'first_occurred_at', 'last_occurred_at'],
  ...[
    'on_timeout',
    'escalation',
    'escalated_steps',
    'next_escalation_at',
    'reminders_s',
    'reminders_sent',
    'next_reminder_at',
  ],
  ...[
    'deadline_at',
    'ttl_ms',
    'expires_at',
    'snoozed_until',
    'pinned_at',
    'archived_at',
    'answered_at',
    'answered_by_type',
  ],
  ...[
    'answered_by_id',
    'answered_by_name',
    'answer_source',
    'response',
    'reply',
    'decision',
    'corrected',
    'sealed_values',
  ],
  ...['sealed_taken_at', 'correctable_until', 'last_action', 'withdrawn_reason', 'generation', 'snooze_generation'],
  ...['opened_at', 'created_at', 'updated_at', 'deleted_at', 'asked_with', 'oauth_approval_id'],
  ...['decides_kind', 'decides_id'],
] as const;

/** Columns that no reader of an item is shown. */
const unpresentedColumns = [
  ...['org_id', 'created_by_owner_id', 'state', 'idempotency_key', 'request_hash', 'dedupe_key'],
  ...['next_escalation_at', 'reminders_s', 'reminders_sent', 'next_reminder_at', 'ttl_ms', 'decision', 'corrected'],
  ...['sealed_values', 'sealed_taken_at', 'last_action', 'withdrawn_reason', 'snooze_generation', 'opened_at'],
  ...['deleted_at', 'decides_kind', 'decides_id'],
] as const satisfies readonly (keyof ItemRow)[];
type UnpresentedColumn = (typeof unpresentedColumns)[number];

export const presentedColumns: readonly string[] = itemColumns.filter(
  (column) => !unpresentedColumns.some((unpresented) => unpresented === column),
);

export const jsonColumns: ReadonlySet<string> = new Set([
  ...['form', 'approval', 'actions', 'require', 'metadata', 'escalation', 'response', 'reply', 'last_action'],
]);
