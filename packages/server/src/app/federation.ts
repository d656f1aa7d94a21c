import { createFederationModule, type FederationModule } from '../modules/gateway/federation-module.ts';
import type { GatePart } from '../modules/gateway/gate-module.ts';
import type { GatewayModule, GatewaySettings } from '../modules/gateway/index.ts';
import type { Identity } from '../modules/identity/index.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { systemResolve } from '../platform/net/address-guard.ts';
import { createTargetGuard } from '../platform/net/target-guard.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Limits } from './limits.ts';
import type { Storage } from './storage.ts';

export interface FederationOptions {
  values: ConfigValues;
  storage: Storage;
  limits: Limits;
  clock: Clock;
  log: Logger;
  public_url: () => string;
  served_pins: () => readonly string[];
}

/** The federation lives by the newest configuration: it is read at each use. */
export const openFederation = (
  options: FederationOptions,
  identity: Pick<Identity, 'homeOrg'>,
  gateway: Pick<GatewayModule, 'services'>,
  gate: GatePart,
  current: { values: () => ConfigValues; settings: () => GatewaySettings; own_ports: () => readonly number[] },
): FederationModule => {
  const { storage, limits, clock, log, values } = options;
  return createFederationModule(
    {
      ...{ database: storage.database, database_url: storage.url, clock, secrets: storage.secrets },
      ...{ limiter: limits.durable, public_url: options.public_url, served_pins: options.served_pins },
      settings: () => {
        const { federation } = current.values().config;
        return {
          ...{ enabled: federation.enabled, name: federation.name, bootstrap_peers: federation.bootstrapPeers },
          cluster_secret: current.values().secrets.federationSecret?.reveal() ?? null,
          mdns: federation.mdns,
          ...{ allow_remote_routes: federation.allowRemoteRoutes, allow_plain: federation.allowPlain },
          ...{ full_sync_ms: federation.fullSyncMs, anti_entropy_ms: federation.antiEntropyMs },
        };
      },
      orgOf: () => identity.homeOrg(values.config.discovery.org),
      guard: createTargetGuard({
        allow: () => current.settings().targets.allow.map(({ cidr }) => cidr),
        deny: () => current.settings().targets.deny.map(({ cidr }) => cidr),
        own_ports: current.own_ports,
      }),
      resolve: systemResolve,
      maker: gateway.services.maker,
      runs: values.config.server.role !== 'api',
      onError: (error, what) => log.warn({ err: error }, what),
    },
    gate.gate,
  );
};
