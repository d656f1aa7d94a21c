/** What an event about apps, routes and their health makes stale. */
export const appReads = ['apps.list', 'apps.get', 'apps.health', 'routes.list', 'routes.get', 'routes.list_shares'];
export const proposalReads = ['discovery.list_proposals', 'discovery.get_proposal', 'discovery.status'];
export const configReads = ['gateway.list_versions', 'gateway.diff_version', 'gateway.info', 'gateway.export'];
