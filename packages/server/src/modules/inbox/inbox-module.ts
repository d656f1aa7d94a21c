import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { createEventList, type EventLog, type EventReader } from './event-reader.ts';
import { createInboxEventFilter } from './inbox-event-filter.ts';
import { inboxJobs, inboxSweeps } from './inbox-jobs.ts';
import { inboxResources } from './inbox-mcp.ts';
import type { InboxParts } from './inbox-parts.ts';
import { createInboxServices, type InboxServices } from './inbox-services.ts';
import { answersBindings } from './routes/answers-routes.ts';
import { attachmentsBindings } from './routes/attachments-routes.ts';
import { channelsBindings } from './routes/channels-routes.ts';
import { commentsBindings } from './routes/comments-routes.ts';
import { eventsBindings } from './routes/events-routes.ts';
import { itemsBindings } from './routes/items-routes.ts';
import { lifecycleBindings } from './routes/lifecycle-routes.ts';
import { publishBindings } from './routes/publish-routes.ts';
import { relationsBindings } from './routes/relations-routes.ts';
import { statsBindings } from './routes/stats-routes.ts';
import { templatesBindings } from './routes/templates-routes.ts';
import { viewsBindings } from './routes/views-routes.ts';
import { createSealedRotation } from './sealed-rotation.ts';
import type { SurroundingParts } from './surrounding-parts.ts';
import { createSurroundingServices, type SurroundingServices } from './surrounding-services.ts';

/** What the composition root takes for other modules and hosts. */
export interface InboxModule extends Module {
  services: InboxServices;
  surroundings: SurroundingServices;
  /** Visits what is encrypted under the master key, when that key is replaced. */
  rotate: RotationVisit;
  /** Ends open waits as pending; call it when the server begins to drain. */
  release: () => void;
}

/** Events of all modules, for events.list and events.stream, which the inbox's contract holds. */
export interface EventParts {
  log: EventLog;
  eventsFor: EventReader['eventsFor'];
  /** Filters of the other modules; the inbox adds its own. */
  otherFilters: () => Parameters<typeof createEventList>[1];
}

/** Plug of the inbox: what the hosts need, each noun by itself. */
export const createInboxModule = (parts: InboxParts & SurroundingParts, events: EventParts): InboxModule => {
  const services = createInboxServices(parts);
  const surroundings = createSurroundingServices(parts, services.creation);
  const filter = createInboxEventFilter(parts.database);
  const reader: EventReader = {
    eventsFor: events.eventsFor,
    list: (caller, since, limit) =>
      createEventList(events.log, [filter, ...events.otherFilters()])(caller, since, limit),
  };
  return {
    name: 'inbox',
    services,
    surroundings,
    rotate: createSealedRotation(parts),
    release: services.waits.release,
    bindings: [
      ...itemsBindings(services),
      ...lifecycleBindings(services),
      ...answersBindings(services),
      ...eventsBindings(reader),
      ...channelsBindings(surroundings),
      ...templatesBindings(surroundings),
      ...viewsBindings(surroundings),
      ...commentsBindings(surroundings),
      ...attachmentsBindings(surroundings, parts.max_upload_bytes),
      ...relationsBindings(surroundings),
      ...statsBindings(surroundings),
      ...publishBindings(surroundings),
    ],
    jobs: inboxJobs(services.timers),
    eventFilters: [filter],
    resources: inboxResources(services),
    onEvent: services.waits.wake,
    sweeps: [
      ...inboxSweeps(services.timers),
      { name: 'inbox-deleted-files', every_ms: 3_600_000, run: surroundings.attachments.sweep },
    ],
  };
};
