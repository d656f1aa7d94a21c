import { resolve } from 'node:path';
import { createScriptsModule, type ScriptsModule } from '../modules/gateway/scripts-module.ts';
import type { Identity } from '../modules/identity/index.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { newId } from '../platform/ids/ids.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Storage } from './storage.ts';

/** Scripts live by the newest configuration: it is read at each use. */
export const openScripts = (
  options: { values: ConfigValues; storage: Storage; clock: Clock; log: Logger },
  identity: Pick<Identity, 'callerOf' | 'names'>,
  current: () => ConfigValues,
): ScriptsModule => {
  const { storage, clock, log, values } = options;
  return createScriptsModule({
    ...{ database: storage.database, clock, secrets: storage.secrets, holder: newId() },
    scratch: resolve(values.config.server.dataDir, 'script-runs'),
    settings: () => {
      const { scripts, server } = current().config;
      const directory = resolve(server.dataDir, scripts.directory);
      return {
        ...{ enabled: scripts.enabled, directory, host_directory: scripts.hostDirectory ?? directory },
        default_timeout_s: Math.round(scripts.defaultTimeoutMs / 1000),
        ...{ max_output_bytes: scripts.maxOutputBytes, allow_host: scripts.allowHost },
      };
    },
    engine: () => {
      const { endpoint, certPath } = current().config.discovery.docker;
      return { endpoint, cert_path: certPath };
    },
    principalIn: async (org_id, id) => {
      const kind = (await identity.names.principals([id])).get(id)?.type;
      return kind === undefined ? null : identity.callerOf({ org_id, kind, id });
    },
    onError: (error, what) => log.error({ err: error }, what),
  });
};
