import type { Config } from '../../platform/config/config.ts';

/** What of the configuration this module lives by. Replaced as a whole when a file changes; never changed in place. */
export type GatewaySettings = Config['gateway'] & {
  /** Further names of the server itself. */
  extra_hosts: readonly string[];
  /** A database of countries by address; null = there is none. */
  geoip_file: string | null;
};

export const gatewaySettingsOf = ({
  gateway,
  gatewayData,
  server,
}: Pick<Config, 'gateway' | 'gatewayData' | 'server'>): GatewaySettings => ({
  ...gateway,
  extra_hosts: server.extraHosts,
  geoip_file: gatewayData.geoipFile,
});
