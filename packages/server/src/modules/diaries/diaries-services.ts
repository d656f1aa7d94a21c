import { createAccessService } from './access-service.ts';
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
import { InvitationBoard } from './invitation-board.ts';
import { createModerationService } from './moderation-service.ts';
import { createPermissionsService } from './permissions-service.ts';
import { createProfileService } from './profile-service.ts';
import { createRelationsService } from './relations-service.ts';
import { createSearchIndexService } from './search-index-service.ts';
import { createSearchService } from './search-service.ts';
import { createSharesService } from './shares-service.ts';
import { createUpkeepService } from './upkeep-service.ts';

/** The services of diaries, made once and shared by all doors. */
export const createDiariesServices = (parts: DiariesParts) => {
  const access = createAccessService(parts);
  const entries = createEntriesService(parts, access);
  const invitations = new InvitationBoard();
  const diaries = createDiariesService(parts, invitations);
  const search = createSearchService(parts, access);
  return {
    diaries,
    invitations,
    shares: createSharesService(parts, invitations),
    entries,
    bulk: createBulkService(parts, entries),
    relations: createRelationsService(parts, entries),
    discovery: createDiscoveryService(parts),
    feed: createFeedService(parts, search, access),
    moderation: createModerationService(parts),
    integrity: createIntegrityService(parts),
    exports: createExportService(parts),
    imports: createImportService(parts, diaries, entries),
    permissions: createPermissionsService(parts),
    profile: createProfileService(parts),
    upkeep: createUpkeepService(parts),
    access,
    hooks: createHooksService(parts, diaries, invitations),
    search,
    index: createSearchIndexService(parts),
    embedding: createEmbeddingService(parts),
  };
};

export type DiariesServices = ReturnType<typeof createDiariesServices>;
