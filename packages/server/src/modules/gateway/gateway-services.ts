import { createAppMakerService } from './app-maker-service.ts';
import { createAppsService } from './apps-service.ts';
import { createBoardsService } from './boards/boards-service.ts';
import { createCookiesService } from './cookies-service.ts';
import { createDocumentsService } from './documents-service.ts';
import { createFilesService } from './files-service.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { createGatewayWriting } from './gateway-writing.ts';
import { createHooksService } from './hooks-service.ts';
import { createRouteTrialService } from './route-trial-service.ts';
import { createRoutesService } from './routes-service.ts';
import type { SnapshotSource, TargetHealth } from './snapshot.ts';
import { createTrafficService } from './traffic-service.ts';

/** The services of apps and routes, made once and shared by all doors. */
export type GatewayServices = ReturnType<typeof createGatewayServices>;

export const createGatewayServices = (
  parts: GatewayParts,
  source: SnapshotSource,
  health: TargetHealth,
  files: { directory: () => string },
) => {
  const writing = createGatewayWriting(parts);
  const apps = createAppsService(parts, writing);
  const documents = createDocumentsService(parts, writing);
  return {
    apps,
    documents,
    routes: createRoutesService(parts, writing),
    trial: createRouteTrialService(parts, source, apps, health),
    boards: createBoardsService(parts, apps),
    traffic: createTrafficService(parts, apps),
    cookies: createCookiesService(parts),
    hooks: createHooksService(parts),
    maker: createAppMakerService(parts, writing),
    files: createFilesService(parts, writing, documents, files),
  };
};
