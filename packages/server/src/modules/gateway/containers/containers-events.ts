import { containersList } from '@atrium/protocol';
import { eventFilter } from '../../../platform/events/event-filter.ts';
import type { EventFilter } from '../../../platform/module.ts';
import { isAllowed } from '../../../platform/operations/authorize.ts';

/** Facts about acts on containers. */
export const containerEvents = {
  start: 'gateway.container.started',
  stop: 'gateway.container.stopped',
  restart: 'gateway.container.restarted',
  failed: 'gateway.container.failed',
} as const;

/** For whoever may see containers in the organisation of the one who acted. */
export const containerEventFilters: EventFilter[] = [
  eventFilter(
    'gateway.container.',
    (event, caller) => caller.org_id === event.org_id && isAllowed(containersList, caller),
  ),
];
