import {
  type ContainersModule,
  createContainersModule,
  type EngineSettings,
} from '../modules/gateway/containers-module.ts';
import type { GatewayModule } from '../modules/gateway/index.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { Config, ConfigValues } from '../platform/config/config.ts';
import type { Caller } from '../platform/operations/caller.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Storage } from './storage.ts';

/** The engine is reached as discovery reaches it. */
export const engineSettings = ({ containers, discovery }: Config): EngineSettings => ({
  runtime: containers.runtime,
  docker: { endpoint: discovery.docker.endpoint, cert_path: discovery.docker.certPath },
  kubernetes: {
    kubeconfig: discovery.kubernetes.kubeconfig,
    context: discovery.kubernetes.context,
    namespaces: discovery.kubernetes.namespaces,
  },
});

export const openContainers = (
  { values, storage, clock, log }: { values: ConfigValues; storage: Storage; clock: Clock; log: Logger },
  { apps }: GatewayModule['services'],
  refresh: (caller: Caller) => Promise<Caller | null>,
): ContainersModule =>
  createContainersModule({
    ...{ database: storage.database, clock, refresh, settings: engineSettings(values.config) },
    watches: values.config.server.role !== 'api',
    apps: { routeIds: apps.openRouteIds, allRouteIds: apps.allOpenRouteIds },
    onError: (error, what) => log.warn({ err: error }, what),
  });
