import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { callsStore } from './calls-store.ts';
import { connectionsStore } from './connections-store.ts';
import { serversStore } from './servers-store.ts';
import { callPlace, connectionPlace, serverPlace, type ToolsParts } from './tools-parts.ts';

/** Brings secrets of servers, tokens and what waits under a new master key. Sign-ins live for minutes and are let go. */
export const createToolsRotation =
  ({ database: { read } }: Pick<ToolsParts, 'database'>): RotationVisit =>
  async (reencrypt) => {
    for (const [store, place] of [
      [serversStore, serverPlace],
      [connectionsStore, connectionPlace],
    ] as const)
      for (const { id, sealed } of await store.sealed(read)) {
        const renewed = reencrypt(sealed, place(id));
        if (renewed !== null) await store.reseal(read, id, sealed, renewed);
      }
    for (const one of await callsStore.sealed(read)) {
      const renewed = reencrypt(one.sealed, callPlace(one.id));
      if (renewed !== null) await callsStore.reseal(read, one, renewed);
    }
  };
