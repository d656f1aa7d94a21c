import type { AppView, ParsedInputOf, routesCreate } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { SuggestedApp } from './sighting.ts';

export interface WantedApp {
  app: SuggestedApp;
  /** Checked already, defaults left out. */
  route: Omit<ParsedInputOf<typeof routesCreate>, 'app_id'>;
  /**
   * The targets are what discovery found, and the caller may set them although they are private. False: they are the
   * caller's own, and need what targets of `routes.create` need.
   */
  found: boolean;
  /** Where both are kept when that is not here: they are locked, and the slug must be free. */
  origin?: { source: 'federation'; source_ref: string };
}

export interface MadeApp {
  app: AppView;
  route_id: string;
}

/** What discovery asks of apps and routes. Every method works in the open transaction. */
export interface AppMaker {
  /**
   * The app, unless the organisation has one of that slug, and a route of it, with their events and audit lines.
   * Refuses with `name_taken`, `gateway_route_conflict` or `gateway_target_refused`.
   */
  make(tx: Transaction, call: Call, wanted: WantedApp): Promise<MadeApp>;
  /** Targets of the route that begin with `from` begin with `to`; false when there are none. */
  retarget(
    tx: Transaction,
    call: Call,
    move: { route_id: string; from: string; to: string; container_ref: string | null },
  ): Promise<boolean>;
  /** Removes the route, and its app when that has no other one; nothing when it is gone already. */
  unmake(tx: Transaction, call: Call, route_id: string): Promise<void>;
  /** The route that somebody made for this container by hand. */
  routeOf(
    tx: Transaction,
    org_id: string,
    container_ref: string,
  ): Promise<{ route_id: string; app_id: string; targets: string[] } | null>;
}
