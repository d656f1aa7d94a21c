import { createBulkService } from './bulk-service.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { createDiariesService } from './diaries-service.ts';
import { createDiscoveryService } from './discovery-service.ts';
import { createEmbeddingService } from './embedding-service.ts';
import { createEntriesService } from './entries-service.ts';
import { createExportService } from './export-service.ts';
import { createFeedService } from './feed-service.ts';
import { createHooksService } from './hooks-service.ts';
import { createImportService } from './import-service.ts';
import { createIntegrityService } from './integrity-service.ts';
import { createModerationService } from './moderation-service.ts';
import { createPermissionsService } from './permissions-service.ts';
import { createRelationsService } from './relations-service.ts';
import { createSearchIndexService } from './search-index-service.ts';
import { createSearchService } from './search-service.ts';
import { createSharesService } from './shares-service.ts';

/** The services of diaries, made once and shared by all doors. */
export const createDiariesServices = (parts: DiariesParts) => {
  const entries = createEntriesService(parts);
  const diaries = createDiariesService(parts);
  return {
    diaries,
    shares: createSharesService(parts),
    entries,
    bulk: createBulkService(parts, entries),
    relations: createRelationsService(parts),
    discovery: createDiscoveryService(parts),
    feed: createFeedService(parts),
    moderation: createModerationService(parts),
    integrity: createIntegrityService(parts),
    exports: createExportService(parts),
    imports: createImportService(parts, diaries, entries),
    permissions: createPermissionsService(parts),
    hooks: createHooksService(parts, diaries),
    search: createSearchService(parts),
    index: createSearchIndexService(parts),
    embedding: createEmbeddingService(parts),
  };
};

export type DiariesServices = ReturnType<typeof createDiariesServices>;
