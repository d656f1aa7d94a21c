import { externalEventPrefix, hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { Module } from '../../platform/module.ts';
import { adminRoutes } from './admin-routes.ts';
import type { AuditService, IngestService, ServerService, SettingsService } from './index.ts';

/** Whoever may read the settings may learn that they changed; the keys are named, values are not. */
const settingsFilter = eventFilter(
  'core.settings.',
  (event, caller) =>
    caller.org_id === event.org_id &&
    hasScope(caller.scopes, 'org:read') &&
    hasPermission(caller.permissions, 'items.read'),
);

/** What others report is for those who tend to such connections, or read what happened. */
const externalFilter = eventFilter(
  externalEventPrefix,
  (event, caller) =>
    caller.org_id === event.org_id &&
    hasScope(caller.scopes, 'org:read') &&
    (hasPermission(caller.permissions, 'webhooks.manage') || hasPermission(caller.permissions, 'audit.read')),
);

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
