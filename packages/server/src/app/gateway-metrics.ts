import type { DiscoveryModule } from '../modules/gateway/discovery-module.ts';
import type { GatewayModule } from '../modules/gateway/index.ts';
import { Durations } from '../platform/telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../platform/telemetry/families.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

export type ReloadResult = 'success' | 'error_load' | 'error_validation' | 'error_handler';

export interface GatewayCounting {
  snapshotBuilt: (seconds: number) => void;
  probed: (healthy: boolean, seconds: number) => void;
  ejected: (outcome: string) => void;
  /** A source of services was looked at whole. */
  scanned: (kind: string, seconds: number) => void;
  reloaded: (result: ReloadResult, seconds: number) => void;
  /** Where the gauges read. */
  of: (gateway: Pick<GatewayModule, 'source' | 'health'>) => void;
  discoversWith: (discovery: Pick<DiscoveryModule, 'workers'>) => void;
}

/** The families of the gateway's control plane. No label names a route, an app or anybody. */
export const createGatewayMetrics = ({ registry }: Pick<Metrics, 'registry'>): GatewayCounting => {
  const [builds, checks, reloads] = [new Durations(), new Durations(), new Durations()];
  const [checked, ejected, reloaded] = [new Tally(), new Tally(), new Tally()];
  const scans = new Map<string, Durations>();
  let last: { at: number; ok: boolean } | null = null;
  const tally = (name: string, help: string, label: string, counts: Tally) =>
    addCounter(registry, name, help, () => counts.as(label));
  const span = (name: string, help: string, durations: Durations) =>
    addHistogram(registry, name, help, () => [{ durations }]);
  span('atrium_snapshot_build_seconds', 'Time to compile routes after a change.', builds);
  span('atrium_service_health_check_duration_seconds', 'Time of a probe of a target.', checks);
  span('atrium_config_reload_duration_seconds', 'Time to read and apply the settings again.', reloads);
  tally('atrium_service_health_checks_total', 'Probes of targets, by result.', 'result', checked);
  const scanned = () =>
    [...scans].map(([kind, durations]) => ({ labels: { kind }, durations, value: durations.count }));
  addCounter(registry, 'atrium_discovery_scans_total', 'Looks at all that a source of services has, by kind.', scanned);
  addHistogram(registry, 'atrium_discovery_scan_duration_seconds', 'Time of such a look, by kind of source.', scanned);
  tally('atrium_target_ejections_total', 'Targets put out by failing connections, by outcome.', 'outcome', ejected);
  tally('atrium_config_reloads_total', 'Readings of changed settings, by result.', 'result', reloaded);
  addGauge(
    registry,
    'atrium_config_last_reload_time_seconds',
    'When settings were last read again.',
    [],
    () => (last === null ? [] : [{ value: last.at }]),
    'max',
  );
  addGauge(
    registry,
    'atrium_config_last_reload_status',
    '1 when that succeeded.',
    [],
    () => (last === null ? [] : [{ value: last.ok ? 1 : 0 }]),
    'min',
  );
  return {
    snapshotBuilt: (seconds) => builds.observe(seconds),
    probed: (healthy, seconds) => {
      checked.add(healthy ? 'healthy' : 'unhealthy');
      checks.observe(seconds);
    },
    ejected: (outcome) => ejected.add(outcome),
    scanned: (kind, seconds) => {
      const durations = scans.get(kind) ?? new Durations();
      scans.set(kind, durations);
      durations.observe(seconds);
    },
    discoversWith: (discovery) =>
      addGauge(
        registry,
        'atrium_discovery_workers_active',
        'Sources of services that this process looks at.',
        [],
        () => [{ value: discovery.workers() }],
      ),
    reloaded: (result, seconds) => {
      reloaded.add(result);
      reloads.observe(seconds);
      last = { at: Date.now() / 1000, ok: result === 'success' };
    },
    of: ({ source, health }) => {
      addGauge(
        registry,
        'atrium_storage_routes_total',
        'Routes of the server.',
        [],
        () => [{ value: source.current().routes.size }],
        'max',
      );
      addGauge(
        registry,
        'atrium_storage_apps_total',
        'Apps of the server that have a route.',
        [],
        () => [{ value: new Set([...source.current().routes.values()].map(({ app }) => app.id)).size }],
        'max',
      );
      addGauge(
        registry,
        'atrium_service_health_status',
        'Targets of routes, by how they are.',
        ['status'],
        () => {
          const states = { healthy: 0, unhealthy: 0, unknown: 0 };
          for (const route of source.current().routes.values())
            for (const { url } of route.targets) states[health.status(route.id, url)] += 1;
          return Object.entries(states).map(([status, value]) => ({ labels: { status }, value }));
        },
        'max',
      );
    },
  };
};
