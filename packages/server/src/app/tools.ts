import { resolve } from 'node:path';
import type { Identity } from '../modules/identity/index.ts';
import { createToolsModule, type ToolsModule } from '../modules/tools/tools-module.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { newId } from '../platform/ids/ids.ts';
import { systemResolve } from '../platform/net/address-guard.ts';
import { createTargetGuard } from '../platform/net/target-guard.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Storage } from './storage.ts';

/** MCP servers are reached under the same rules as targets of the gateway. */
export const openTools = (
  options: { storage: Storage; clock: Clock; log: Logger; public_url: () => string; version: string },
  identity: Pick<Identity, 'callerOf' | 'names'>,
  current: () => ConfigValues,
  own_ports: () => readonly number[],
): ToolsModule => {
  const { storage, clock, log, public_url, version } = options;
  const targets = () => current().config.gateway.targets;
  return createToolsModule({
    ...{ database: storage.database, clock, secrets: storage.secrets, holder: newId(), public_url, version },
    digest_key: storage.keysFor('tool calls')[0],
    scratch: resolve(current().config.server.dataDir, 'tool-servers'),
    settings: () => {
      const { tools } = current().config;
      return { stdio: tools.stdioEnabled, calls_kept_ms: tools.callsKeptMs };
    },
    guard: createTargetGuard({
      allow: () => targets().allow.map(({ cidr }) => cidr),
      deny: () => targets().deny.map(({ cidr }) => cidr),
      own_ports,
    }),
    resolve: systemResolve,
    principalIn: async (org_id, id) => {
      const kind = (await identity.names.principals([id])).get(id)?.type;
      return kind === undefined ? null : identity.callerOf({ org_id, kind, id });
    },
    onError: (error, what) => log.error({ err: error }, what),
  });
};
