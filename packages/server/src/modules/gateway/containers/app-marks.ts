import type { Clock } from '../../../platform/clock/clock.ts';
import type { Transaction } from '../../../platform/db/database.ts';
import { gatewayEvents } from '../gateway-events.ts';
import { healthStore } from '../health-store.ts';
import type { HealthState } from '../routes-rows.ts';
import { targetKey } from '../target-guard.ts';
import { isMeant } from './container-refs.ts';
import { type ContainedRoute, containersStore } from './containers-store.ts';

export const stoppedWords = 'its container was stopped';

/** Says of the apps that a container runs, at once and before any probe, that they are down or to be asked anew. */
export const markApps = async (
  tx: Transaction,
  clock: Clock,
  container: { id: string; name: string },
  runs: boolean,
): Promise<void> => {
  const routes = (await containersStore.routes(tx.db, null)).filter((route) => isMeant(route.container_ref, container));
  for (const route of routes) await markRoute(tx, clock, route, runs);
};

export const markRoute = async (tx: Transaction, clock: Clock, route: ContainedRoute, runs: boolean): Promise<void> => {
  const status: HealthState = runs ? 'unknown' : 'unhealthy';
  const known = await healthStore.ofRoutes(tx.db, [route.id]);
  for (const target of route.targets.map(({ url }) => targetKey(url))) {
    const row = known.find(({ target_url }) => target_url === target);
    // A container that starts takes back only what its end had said.
    if (runs ? row?.last_error !== stoppedWords : row?.status === 'unhealthy') continue;
    const error = runs ? null : stoppedWords;
    const before = await healthStore.record(tx.db, {
      ...{ route_id: route.id, target_url: target, status, error, latency_ms: null, at: clock.now() },
      ...{ failures: runs ? 0 : 1, successes: 0 },
    });
    if (before === null || before === status) continue;
    tx.emit({
      kind: gatewayEvents.healthChanged,
      id: route.id,
      org_id: route.org_id,
      body: { app_id: route.app_id, app_slug: route.app_slug, target, before, status, error },
    });
  }
};
