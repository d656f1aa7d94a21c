import type { Config } from '../../platform/config/config.ts';

/** What of the configuration this module lives by. Replaced as a whole when a file changes; never changed in place. */
export type GatewaySettings = Config['gateway'] & {
  /** Further names of the server itself. */
  extra_hosts: readonly string[];
};

export const gatewaySettingsOf = ({ gateway, server }: Pick<Config, 'gateway' | 'server'>): GatewaySettings => ({
  ...gateway,
  extra_hosts: server.extraHosts,
});
