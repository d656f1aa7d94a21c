import type { RouteTarget } from '@atrium/protocol';
import type { Db } from '../apps-store.ts';

/** A route that says in which container its app runs. */
export interface ContainedRoute {
  id: string;
  org_id: string;
  app_id: string;
  app_slug: string;
  app_name: string;
  container_ref: string;
  targets: RouteTarget[];
}

export const containersStore = {
  /** Of one organisation, or of all. */
  routes: async (db: Db, orgId: string | null): Promise<ContainedRoute[]> => {
    let query = db
      .selectFrom('gateway_routes as r')
      .innerJoin('gateway_apps as a', 'a.id', 'r.app_id')
      .select(['r.id', 'r.org_id', 'r.app_id', 'r.container_ref', 'r.targets'])
      .select(['a.slug as app_slug', 'a.name as app_name'])
      .where('r.container_ref', 'is not', null)
      .orderBy('a.slug')
      .orderBy('r.slug');
    if (orgId !== null) query = query.where('r.org_id', '=', orgId);
    return (await query.execute()) as unknown as ContainedRoute[];
  },
};
