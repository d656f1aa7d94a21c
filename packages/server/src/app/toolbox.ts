import { join, posix, resolve } from 'node:path';
import type { GatewayModule } from '../modules/gateway/index.ts';
import { createToolboxModule, type ToolboxModule } from '../modules/gateway/toolbox-module.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Storage } from './storage.ts';

/** Beside the packages, so that its files are found by people too. */
const shipped = resolve(import.meta.dirname, '../../../../toolbox');

const slashed = (path: string): string => posix.normalize(path.replaceAll('\\', '/')).replace(/(?!^)\/+$/, '');

/** The toolbox lives by the newest configuration: it reads it at each use. */
export const openToolbox = (
  options: { storage: Storage; clock: Clock; log: Logger; public_url: () => string },
  gateway: Pick<GatewayModule, 'services'>,
  current: () => ConfigValues,
): ToolboxModule => {
  const { storage, clock, log } = options;
  return createToolboxModule({
    ...{ database: storage.database, clock, secrets: storage.secrets, shipped },
    catalog_dir: () => {
      const { catalogDir } = current().config.toolbox;
      return catalogDir === null ? null : resolve(catalogDir);
    },
    settings: () => {
      const { toolbox, server } = current().config;
      const data_dir = resolve(toolbox.dataDir ?? join(server.dataDir, 'toolbox'));
      const host_data_dir = slashed(toolbox.hostDataDir ?? data_dir);
      const { enabled, autoRoute, autoStart } = toolbox;
      return { enabled, data_dir, host_data_dir, auto_route: autoRoute, auto_start: autoStart };
    },
    engine: () => {
      const { endpoint, certPath } = current().config.discovery.docker;
      return { endpoint, cert_path: certPath };
    },
    maker: gateway.services.maker,
    addressOf: (slug) => {
      const { gateway: settings } = current().config;
      const base = options.public_url().replace(/\/$/, '');
      if (settings.default_mode !== 'host' || settings.base_domain === null) return `${base}/apps/${slug}`;
      return `${URL.canParse(base) ? new URL(base).protocol : 'https:'}//${slug}.${settings.base_domain}`;
    },
    onError: (error, what) => log.error({ err: error }, what),
  });
};
