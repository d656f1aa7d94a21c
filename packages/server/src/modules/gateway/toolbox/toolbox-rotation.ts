import type { Database } from '../../../platform/db/database.ts';
import type { RotationVisit } from '../../../platform/secrets/secret-box.ts';
import { deploymentsStore } from './deployments-store.ts';
import { deploymentPlace } from './toolbox-parts.ts';

/** Brings variables and credentials of deployments under a new master key. */
export const createToolboxRotation =
  ({ read }: Database): RotationVisit =>
  async (reencrypt) => {
    for (const row of await deploymentsStore.sealed(read))
      for (const column of ['variables', 'registry', 'former'] as const) {
        const before = row[column];
        const renewed = before === null ? null : reencrypt(before, deploymentPlace(row.id));
        if (before !== null && renewed !== null) await deploymentsStore.reseal(read, row.id, column, before, renewed);
      }
  };
