import {
  auditExport,
  auditList,
  auditVerify,
  eventsHealth,
  eventsIngest,
  securityEventsList,
  serverAudit,
  serverCapabilities,
  serverHealth,
  serverLoad,
  serverMetrics,
  serverOpenidConfig,
  serverOverview,
  serverReadiness,
  settingsGet,
  settingsUpdate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../platform/operations/binding.ts';
import type { AuditService, IngestService, ServerService, SettingsService } from './index.ts';

export const adminRoutes = (services: {
  audit: AuditService;
  settings: SettingsService;
  ingest: IngestService;
  server: ServerService;
}): Binding[] => {
  const { audit, settings, ingest, server } = services;
  return [
    bind(auditList, audit.list),
    bind(auditExport, audit.export),
    bind(auditVerify, audit.verify),
    bind(settingsGet, settings.get),
    bind(settingsUpdate, settings.update),
    bind(eventsIngest, ingest.ingest),
    bind(eventsHealth, ingest.health),
    bind(serverOverview, server.overview),
    bind(serverCapabilities, server.capabilities),
    bind(serverHealth, server.health),
    bind(serverReadiness, server.readiness),
    bind(serverMetrics, server.metrics),
    bind(serverLoad, server.load),
    bind(serverOpenidConfig, server.openidConfig),
    bind(securityEventsList, server.events),
    bind(serverAudit, server.audit),
  ];
};
