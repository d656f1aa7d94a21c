import { deniedRangesStore, operatorListsStore, secretRevealsStore } from '../stores/operator-lists-store.ts';
import { createApprovalsAdminService } from './approvals-admin-service.ts';
import { createArtefactsAdminService } from './artefacts-admin-service.ts';
import { createClientsAdminService } from './clients-admin-service.ts';
import { createDenylistService } from './denylist-service.ts';
import { createKeysAdminService } from './keys-admin-service.ts';
import type { OperatorsContext } from './operators-context.ts';
import { createIssuersAdminService, createResourcesAdminService } from './resources-admin-service.ts';
import { createTokensAdminService } from './tokens-admin-service.ts';

const mostTopClients = 8;
const dayMs = 24 * 60 * 60_000;

/** Everything operators do with the authorization server. */
export const createOperatorsServices = (context: OperatorsContext) => {
  const { database, clock } = context;
  return {
    clients: createClientsAdminService(context),
    tokens: createTokensAdminService(context),
    keys: createKeysAdminService(context),
    resources: createResourcesAdminService(context),
    issuers: createIssuersAdminService(context),
    denylist: createDenylistService(context),
    artefacts: createArtefactsAdminService(context),
    approvals: createApprovalsAdminService(context),
    /** For the overview of the server. */
    figures: async () => {
      const now = clock.now();
      const [totals, top] = await Promise.all([
        operatorListsStore.totals(database.read, now),
        operatorListsStore.topClients(database.read, now, mostTopClients),
      ]);
      return { totals, top_clients: top.map((row) => ({ ...row, name: row.name ?? row.client_id })) };
    },
    sweep: async (): Promise<void> => {
      const now = clock.now();
      await secretRevealsStore.sweep(database.read, now);
      // A month after its end a range tells nobody anything.
      await deniedRangesStore.sweep(database.read, new Date(now.getTime() - 30 * dayMs));
    },
  };
};
export type OperatorsServices = ReturnType<typeof createOperatorsServices>;
