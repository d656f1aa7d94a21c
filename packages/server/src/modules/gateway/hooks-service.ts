import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { peopleStore } from './people-store.ts';

/** What this module does when identity removes a person, a team or an organisation, in identity's transaction. */
export const createHooksService = ({ database }: Pick<GatewayParts, 'database'>) => ({
  personErasing: (tx: Transaction, { id, name }: { id: string; name: string }): Promise<void> =>
    peopleStore.erase(tx.db, id, name),
  personExporting: async (userId: string): Promise<Record<string, unknown>> => ({
    gateway: await peopleStore.export(database.read, userId),
  }),
  teamDeleting: (tx: Transaction, _: Call, team: { id: string; org_id: string }): Promise<void> =>
    peopleStore.forgetTeam(tx.db, team.org_id, team.id),
  /** In the transaction and not by the foreign key alone: the routes end in every process when it commits. */
  orgDeleting: (tx: Transaction, { id }: { id: string }): Promise<void> => peopleStore.removeOrg(tx.db, id),
});
