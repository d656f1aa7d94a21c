import { createAttachmentsService } from './attachments-service.ts';
import { createChannelMembersService } from './channel-members-service.ts';
import { createChannelRulesService } from './channel-rules-service.ts';
import { createChannelsService } from './channels-service.ts';
import { createCommentsService } from './comments-service.ts';
import type { CreationService } from './creation-service.ts';
import { createHistoryService } from './history-service.ts';
import type { InboxParts } from './inbox-parts.ts';
import { createPublishService } from './publish-service.ts';
import { createRelationsService } from './relations-service.ts';
import { createStatsService } from './stats-service.ts';
import type { SurroundingParts } from './surrounding-parts.ts';
import { createTemplatesService } from './templates-service.ts';
import { createViewsService } from './views-service.ts';
import { createWatchersService } from './watchers-service.ts';

/** The services of what surrounds an item: where it lies, what hangs on it, how it is counted. */
export type SurroundingServices = ReturnType<typeof createSurroundingServices>;

export const createSurroundingServices = (parts: InboxParts & SurroundingParts, creation: CreationService) => ({
  channels: createChannelsService(parts),
  members: createChannelMembersService(parts),
  rules: createChannelRulesService(parts),
  publish: createPublishService(parts, creation),
  templates: createTemplatesService(parts),
  views: createViewsService(parts),
  comments: createCommentsService(parts),
  attachments: createAttachmentsService(parts),
  watchers: createWatchersService(parts),
  relations: createRelationsService(parts),
  history: createHistoryService(parts),
  stats: createStatsService(parts),
});
