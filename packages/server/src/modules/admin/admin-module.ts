import { externalEventPrefix, hasPermission, hasScope } from '@atrium/protocol';
import type { EventFilter, Module, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { adminRoutes } from './admin-routes.ts';
import type { AuditService, IngestService, ServerService, SettingsService } from './index.ts';

/** Whoever may read the settings may learn that they changed; the keys are named, values are not. */
const seen = (event: StoredEvent, caller: Caller): Record<string, unknown> | null =>
  caller.org_id === event.org_id &&
  hasScope(caller.scopes, 'org:read') &&
  hasPermission(caller.permissions, 'items.read')
    ? event.body
    : null;

const settingsFilter: EventFilter = {
  prefix: 'core.settings.',
  fanOut: async (event, receivers) => receivers.map((caller) => seen(event, caller)),
  replay: async (caller, events) => events.map((event) => seen(event, caller)),
};

/** What others report is for those who tend to such connections, or read what happened. */
const mayLearn = (event: StoredEvent, caller: Caller): Record<string, unknown> | null =>
  caller.org_id === event.org_id &&
  hasScope(caller.scopes, 'org:read') &&
  (hasPermission(caller.permissions, 'webhooks.manage') || hasPermission(caller.permissions, 'audit.read'))
    ? event.body
    : null;

const externalFilter: EventFilter = {
  prefix: externalEventPrefix,
  fanOut: async (event, receivers) => receivers.map((caller) => mayLearn(event, caller)),
  replay: async (caller, events) => events.map((event) => mayLearn(event, caller)),
};

export const adminModule = (services: {
  audit: AuditService;
  settings: SettingsService;
  ingest: IngestService;
  server: ServerService;
}): Module => ({
  name: 'admin',
  bindings: adminRoutes(services),
  eventFilters: [settingsFilter, externalFilter],
});
