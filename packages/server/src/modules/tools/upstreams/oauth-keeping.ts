import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { connectionsStore } from '../connections-store.ts';
import { connectionPlace, type ToolsParts } from '../tools-parts.ts';
import type { ConnectionRow, ServerRow } from '../tools-rows.ts';
import type { OauthKeeping, OauthMemory } from './oauth-provider.ts';

const memoryOf = ({ secrets }: Pick<ToolsParts, 'secrets'>, row: ConnectionRow | null): OauthMemory =>
  row === null ? {} : (JSON.parse(secrets.decrypt(row.sealed, connectionPlace(row.id))) as OauthMemory);

/** What the official client remembers, in a row of its own for each person: nobody else's can be read by it. */
export const keepingOf = (
  parts: ToolsParts,
  server: Pick<ServerRow, 'id' | 'org_id'>,
  user_id: string | null,
): OauthKeeping => {
  const { database, clock, secrets } = parts;
  return {
    read: async () => memoryOf(parts, await connectionsStore.find(database.read, server.id, user_id)),

    write: (change) =>
      database.transaction(internalCall(systemCaller({ id: server.org_id }), newId()), async (tx) => {
        const at = clock.now();
        const found = await connectionsStore.lock(tx.db, server.id, user_id);
        const id = found?.id ?? newId();
        const memory = change(memoryOf(parts, found));
        const sealed = secrets.encrypt(JSON.stringify(memory), connectionPlace(id));
        const connected = memory.tokens !== undefined;
        if (found !== null) return connectionsStore.update(tx.db, id, sealed, connected, at);
        const row = { id, org_id: server.org_id, server_id: server.id, user_id, sealed, connected };
        await connectionsStore.insert(tx.db, row, at);
      }),
  };
};
