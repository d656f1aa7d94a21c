import { hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { EventFilter, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { CallRow, DefinitionRow, OfferedRow, Policy } from './tools-rows.ts';

export const toolEvents = {
  serverAdded: 'tools.server.added',
  serverChanged: 'tools.server.changed',
  serverRemoved: 'tools.server.removed',
  /** Its tools are others: one was found, changed, approved, renamed, or its policy is another. */
  toolsChanged: 'tools.server.tools_changed',
  callWaiting: 'tools.call.waiting',
  callDecided: 'tools.call.decided',
  callEnded: 'tools.call.ended',
} as const;

export const manages = (caller: Caller): boolean => hasPermission(caller.permissions, 'tools.manage');
export const mayInvoke = (caller: Caller): boolean =>
  hasScope(caller.scopes, 'tools:invoke') && hasPermission(caller.permissions, 'tools.use');

/** Whose tokens a call uses at a server where people sign in for themselves: an agent acts for its owner. */
export const personBehind = (caller: Pick<Caller, 'kind' | 'id' | 'owner_id'>): string | null =>
  caller.kind === 'user' ? caller.id : caller.owner_id;

/** Whose calls somebody sees: their own, and all who manage tools. */
export const seesCall = (caller: Caller, row: Pick<CallRow, 'by_id'>): boolean =>
  manages(caller) || (row.by_id !== null && row.by_id === caller.id);

export const policyFor = (
  row: Pick<OfferedRow, 'policy' | 'role_policies' | 'default_policy'>,
  caller: Pick<Caller, 'system_role' | 'role_id'>,
): Policy =>
  row.role_policies.find(({ role }) => role === caller.role_id || role === caller.system_role)?.policy ??
  row.policy ??
  row.default_policy;

export const stateOf = (row: DefinitionRow): 'new' | 'changed' | 'approved' | 'gone' => {
  if (!row.present) return 'gone';
  if (row.approved_fingerprint === null) return 'new';
  return row.approved_fingerprint === row.found_fingerprint ? 'approved' : 'changed';
};

export const offeredName = (row: Pick<OfferedRow, 'slug' | 'alias' | 'name'>): string =>
  `${row.slug}__${row.alias ?? row.name}`;

const mayLearn = (event: StoredEvent, caller: Caller): boolean => {
  if (caller.org_id !== event.org_id || !hasScope(caller.scopes, 'tools:read')) return false;
  if (!hasPermission(caller.permissions, 'tools.use')) return false;
  return !event.kind.startsWith('tools.call.') || seesCall(caller, { by_id: event.body['by'] as string | null });
};

export const toolEventFilters: readonly EventFilter[] = [eventFilter('tools.', mayLearn)];
