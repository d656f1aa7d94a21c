import { externalEventPrefix, hasPermission, hasScope } from '@atrium/protocol';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { Module, StoredEvent } from '../../platform/module.ts';
import type { Caller } from '../../platform/operations/caller.ts';
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

const isAddressed = (event: StoredEvent, caller: Caller): boolean =>
  Array.isArray(event.body['device_ids']) && event.body['device_ids'].includes(caller.id);

/**
 * What others report is for those who tend to such connections, or read what happened; activity for everybody who
 * watches the gateway, unless it is for certain devices, which then learn of it as well.
 */
const externalFilter = eventFilter(externalEventPrefix, (event, caller) => {
  if (caller.org_id !== event.org_id) return false;
  const { permissions, scopes } = caller;
  if (caller.kind === 'device' && isAddressed(event, caller)) return hasScope(scopes, 'device:self');
  const tends = hasPermission(permissions, 'webhooks.manage') || hasPermission(permissions, 'audit.read');
  if (tends && hasScope(scopes, 'org:read')) return true;
  const activity = event.kind === `${externalEventPrefix}activity` && !('device_ids' in event.body);
  return activity && hasScope(scopes, 'gateway:read') && hasPermission(permissions, 'gateway.view');
});

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
