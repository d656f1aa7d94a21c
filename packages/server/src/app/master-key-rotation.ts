import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { createCircuitBreakers } from '../platform/net/circuit-breaker.ts';
import { alone } from '../platform/processes/siblings.ts';
import { readKeyRecord, writeKeyRecord } from '../platform/secrets/key-record.ts';
import { addMasterKey } from '../platform/secrets/master-key.ts';
import { rotateSecrets } from '../platform/secrets/secret-box.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { createLimits } from './limits.ts';
import { createModules } from './modules.ts';
import { openStorage, type Storage } from './storage.ts';

export interface Rotation {
  /** Id of the key that everything is under now. */
  key_id: string;
  /** Where the keys lie. */
  place: 'master.key' | 'ATRIUM_MASTER_KEY';
  /** Envelopes looked at, and those that were under another key. */
  seen: number;
  renewed: number;
}

/**
 * Brings every stored secret under a new master key. The key is made in `master.key`; with ATRIUM_MASTER_KEY it is the
 * first of that list. What an interruption leaves is under two keys that are both known, and the next run ends it.
 */
export const rotateMasterKey = async (values: ConfigValues, clock: Clock, log: Logger): Promise<Rotation> => {
  const place = values.secrets.masterKey === null ? 'master.key' : 'ATRIUM_MASTER_KEY';
  let storage = await openStorage(values, clock, log);
  try {
    if (place === 'master.key') await refuseLiveServers(storage);
    // When the record names another key, an earlier run added the new one and did not come to its end.
    if ((await readKeyRecord(storage.pool)) === storage.secrets.currentKeyId) {
      if (place === 'ATRIUM_MASTER_KEY') throw new StartupError(noNewKey);
      addMasterKey(values.config.server.dataDir);
      await storage.close();
      storage = await openStorage(values, clock, log);
    }
    return { place, ...(await renewAll(storage, values, clock, log)) };
  } finally {
    await storage.close();
  }
};

const noNewKey =
  'Everything is under the first key of ATRIUM_MASTER_KEY already. Put a new key before it, NEW,OLD, give that to every server on the database, restart them, then run this again.';

/** Servers that run would not know a key that is added to the file now. Those of ATRIUM_MASTER_KEY were given it before. */
const refuseLiveServers = async (storage: Storage): Promise<void> => {
  const found = await storage.pool.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and application_name in ('atrium-jobs', 'atrium-events')`,
  );
  if (found.rowCount === 0) return;
  throw new StartupError(
    'An Atrium server is running on this database, and it would not know the new key. Stop it, run this, start it again.',
  );
};

const renewAll = async (storage: Storage, values: ConfigValues, clock: Clock, log: Logger) => {
  const limits = await createLimits(values, storage, clock, log);
  try {
    const modules = await createModules({
      metrics: createMetrics({ processMetrics: false }),
      breakers: createCircuitBreakers(clock),
      values,
      storage,
      limits,
      clock,
      log,
      served_pins: () => [],
      public_url: () => '',
      version: '',
      siblings: alone,
      process_number: 1,
    });
    const counted = await rotateSecrets(storage.secrets, modules.rotations);
    await modules.renew_signatures();
    await writeKeyRecord(storage.pool, storage.secrets.currentKeyId, clock.now());
    await modules.close();
    return { key_id: storage.secrets.currentKeyId, ...counted };
  } finally {
    await limits.close();
  }
};
