import type { Module } from '../../platform/module.ts';
import { createDiariesEventFilter } from './diaries-event-filter.ts';
import { diariesJobs } from './diaries-jobs.ts';
import { diariesPrompts, diariesResources } from './diaries-mcp.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { createDiariesServices, type DiariesServices } from './diaries-services.ts';
import { mountDiscovery } from './endpoints/discovery-endpoints.ts';
import { diariesBindings } from './routes/diaries-routes.ts';
import { entriesBindings } from './routes/entries-routes.ts';
import { feedBindings } from './routes/feed-routes.ts';
import { integrityBindings } from './routes/integrity-routes.ts';
import { permissionsBindings } from './routes/permissions-routes.ts';
import { searchBindings } from './routes/search-routes.ts';
import { upkeepBindings } from './routes/upkeep-routes.ts';

/** What the composition root takes for other modules and hosts. */
export interface DiariesModule extends Module {
  services: DiariesServices;
}

/** Plug of the diaries: what the hosts need. */
export const createDiariesModule = (parts: DiariesParts): DiariesModule => {
  const services = createDiariesServices(parts);
  return {
    name: 'diaries',
    services,
    bindings: [
      ...diariesBindings(services),
      ...entriesBindings(services),
      ...integrityBindings(services),
      ...feedBindings(services),
      ...permissionsBindings(services),
      ...searchBindings(services),
      ...upkeepBindings(services),
    ],
    jobs: diariesJobs(services),
    eventFilters: [createDiariesEventFilter(parts.database, parts.clock)],
    resources: diariesResources(services),
    prompts: diariesPrompts(services),
    http: ({ app }) => mountDiscovery(app, services.discovery),
    onEvent: services.feed.onEvent,
    sweeps: [
      { name: 'diaries-purge', every_ms: 3_600_000, run: services.entries.sweep },
      { name: 'diaries-search-pages', every_ms: 300_000, run: services.search.sweep },
      { name: 'diaries-access', every_ms: 86_400_000, run: services.access.sweep },
      { name: 'diaries-index', every_ms: 60_000, run: services.index.catchUp },
      { name: 'diaries-words', every_ms: 3_600_000, run: services.index.sweep },
      ...(parts.embedder == null ? [] : [{ name: 'diaries-embed', every_ms: 5000, run: services.embedding.sweep }]),
    ],
  };
};
