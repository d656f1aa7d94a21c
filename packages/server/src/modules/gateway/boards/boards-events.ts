import { hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../../platform/events/event-filter.ts';
import type { EventFilter } from '../../../platform/module.ts';
import { personBehind } from '../access-policy.ts';

/** Facts about boards. The body names the owner; null is the organisation. */
export const boardEvents = {
  created: 'gateway.board.created',
  updated: 'gateway.board.updated',
  deleted: 'gateway.board.deleted',
} as const;

export const boardEventFilters: readonly EventFilter[] = [
  eventFilter('gateway.board.', (event, caller) => {
    const owner = event.body['owner_id'] ?? null;
    return (
      caller.org_id === event.org_id &&
      hasScope(caller.scopes, 'gateway:read') &&
      hasPermission(caller.permissions, 'apps.open') &&
      (owner === null || owner === personBehind(caller))
    );
  }),
];
