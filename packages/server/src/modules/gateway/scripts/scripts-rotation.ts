import type { RotationVisit } from '../../../platform/secrets/secret-box.ts';
import { chainsStore } from './chains-store.ts';
import { runsStore } from './runs-store.ts';
import { schedulesStore } from './schedules-store.ts';
import { runPlace, type ScriptsParts, schedulePlace, scriptPlace, stepPlace } from './scripts-parts.ts';
import { scriptsStore } from './scripts-store.ts';

/** Brings variables and passwords of scripts, runs, chains and schedules under a new master key. */
export const createScriptsRotation =
  ({ database: { read } }: Pick<ScriptsParts, 'database'>): RotationVisit =>
  async (reencrypt) => {
    for (const [store, place] of [
      [scriptsStore, scriptPlace],
      [runsStore, runPlace],
      [schedulesStore, schedulePlace],
    ] as const)
      for (const { id, sealed } of await store.sealed(read)) {
        const renewed = reencrypt(sealed, place(id));
        if (renewed !== null) await store.reseal(read, id, sealed, renewed);
      }
    for (const step of await chainsStore.sealed(read)) {
      const renewed = reencrypt(step.sealed, stepPlace(step.chain_id, step.position));
      if (renewed !== null) await chainsStore.reseal(read, step, step.sealed, renewed);
    }
  };
