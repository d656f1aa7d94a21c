/**
 * Admin: what owners and admins look at and set, and what operators see of the server as a whole. Owns admin_*: backups and when they are made; the audit trail and the settings are the platform's.
 * Announces admin.backup.* (core.settings.updated comes from the settings store).
 * Leaves to others: which items a reader may see, which the inbox tells through `visibleItemTitles`.
 */
export { type AuditService, createAuditService, type VisibleItemTitles } from './audit-service.ts';
export { createIngestService, type IngestService } from './ingest-service.ts';
export { createServerService, type HostFacts, type ServerParts, type ServerService } from './server-service.ts';
export { createSettingsService, type SettingsService } from './settings-service.ts';
