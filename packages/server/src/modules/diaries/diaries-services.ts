import { createBulkService } from './bulk-service.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { createDiariesService } from './diaries-service.ts';
import { createEmbeddingService } from './embedding-service.ts';
import { createEntriesService } from './entries-service.ts';
import { createHooksService } from './hooks-service.ts';
import { createPermissionsService } from './permissions-service.ts';
import { createRelationsService } from './relations-service.ts';
import { createSearchIndexService } from './search-index-service.ts';
import { createSearchService } from './search-service.ts';
import { createSharesService } from './shares-service.ts';

/** The services of diaries, made once and shared by all doors. */
export const createDiariesServices = (parts: DiariesParts) => {
  const entries = createEntriesService(parts);
  return {
    diaries: createDiariesService(parts),
    shares: createSharesService(parts),
    entries,
    bulk: createBulkService(parts, entries),
    relations: createRelationsService(parts),
    permissions: createPermissionsService(parts),
    hooks: createHooksService(parts),
    search: createSearchService(parts),
    index: createSearchIndexService(parts),
    embedding: createEmbeddingService(parts),
  };
};

export type DiariesServices = ReturnType<typeof createDiariesServices>;
