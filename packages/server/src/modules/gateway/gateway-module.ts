import type { Module, StoredEvent } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { boardEventFilters } from './boards/boards-events.ts';
import { KeptJars } from './cookie-jars.ts';
import { cookiesStore } from './cookies-store.ts';
import { gatewayEventFilters } from './gateway-event-filter.ts';
import { gatewayEvents } from './gateway-events.ts';
import { gatewayResources } from './gateway-mcp.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { createGatewayRotation } from './gateway-rotation.ts';
import { createGatewayServices, type GatewayServices } from './gateway-services.ts';
import { HealthRounds } from './health/health-rounds.ts';
import { TargetStates } from './health/target-states.ts';
import type { CookieJars } from './rewriting/cookie-jar.ts';
import { appsBindings } from './routes/apps-routes.ts';
import { boardsBindings } from './routes/boards-routes.ts';
import { configBindings } from './routes/config-routes.ts';
import { routesBindings } from './routes/routes-routes.ts';
import { trafficBindings } from './routes/traffic-routes.ts';
import type { HealthState } from './routes-rows.ts';
import type { SnapshotSource } from './snapshot.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';

const hourMs = 3_600_000;
const flushMs = 5000;

/** What the composition root takes for the data plane, other modules and hosts. */
export interface GatewayModule extends Module {
  services: GatewayServices;
  source: SnapshotSource;
  health: TargetStates;
  /** Cookies of apps that are kept for people. */
  jars: CookieJars;
  /** Visits what is encrypted under the master key, when that key is replaced. */
  rotate: RotationVisit;
  /** Before the doors open: the snapshot stands when it resolves. */
  start: () => Promise<void>;
  /** To be called when `settings()` answers something else than before. */
  settingsChanged: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Plug of the gateway: what the hosts need of its control plane. `probes`: whether this process asks targets. */
export const createGatewayModule = (
  parts: GatewayParts,
  options: { directory: () => string; probes: boolean; onEjected?: (outcome: string) => void },
): GatewayModule => {
  const { database, clock, onError } = parts;
  const jars = new KeptJars(parts);
  const keeper = new SnapshotKeeper(parts, (whose) => {
    const [principal, route] = whose.split(' ');
    // What this process wrote itself is on its way already, and newer than what the table tells.
    jars
      .flush()
      .then(() => jars.reload(principal!, route ?? null))
      .catch((error: unknown) => onError(error, 'reading kept cookies'));
  });
  const states = new TargetStates(clock, options.onEjected);
  const services = createGatewayServices(parts, keeper, states, options);
  const rounds = new HealthRounds(parts, keeper, states);
  let flushing: NodeJS.Timeout | null = null;

  keeper.onSwap(() => {
    const { routes } = keeper.current();
    states.keepOnly((id, url) => routes.get(id)?.targets.some((target) => target.url === url) ?? false);
  });

  const flush = (): Promise<void> =>
    services.traffic.flush().catch((error: unknown) => onError(error, 'counting requests'));

  const onEvent = (event: StoredEvent): void => {
    if (event.kind !== gatewayEvents.healthChanged) return;
    const [target, status] = [String(event.body['target']), event.body['status'] as HealthState];
    states.probed(event.id, target, status);
    rounds.hear(event.id, target, status);
  };

  return {
    name: 'gateway',
    services,
    source: keeper,
    jars,
    health: states,
    rotate: createGatewayRotation(parts),
    bindings: [
      ...appsBindings(services),
      ...routesBindings(services),
      ...configBindings(services),
      ...trafficBindings(services),
      ...boardsBindings(services),
    ],
    eventFilters: [...gatewayEventFilters(database), ...boardEventFilters],
    resources: gatewayResources(services),
    onEvent,
    sweeps: [
      { name: 'gateway-stats', every_ms: 24 * hourMs, run: services.traffic.prune },
      { name: 'gateway-cookies', every_ms: hourMs, run: () => cookiesStore.removeExpired(database.read, clock.now()) },
    ],
    start: async () => {
      await keeper.start();
      await jars.load();
      await rounds.load();
      if (options.probes) rounds.start();
      flushing = setInterval(() => void flush(), flushMs).unref();
    },
    settingsChanged: () => keeper.rebuild(),
    stop: async () => {
      if (flushing !== null) clearInterval(flushing);
      await rounds.stop();
      await keeper.stop();
      await jars.flush();
      await flush();
    },
  };
};
