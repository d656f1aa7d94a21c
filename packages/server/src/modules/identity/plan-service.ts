import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { IdentityContext } from './identity-context.ts';
import { planLimit, requireOwnOrg } from './identity-policy.ts';
import { orgsStore } from './orgs-store.ts';

const counted = { max_seats: 'seats', max_teams: 'teams', agents: 'agents' } as const;

/** After an amount was added to a monthly counter. `max` is null without a limit. */
export interface Consumption {
  current: number;
  max: number | null;
}

/** What the plan of an organisation allows. Checked inside the transaction that takes a place, under a lock. */
export const createPlanService = ({
  clock,
  database,
  hooks,
}: Pick<IdentityContext, 'clock' | 'database' | 'hooks'>) => {
  const month = (): string => `${clock.now().toISOString().slice(0, 7)}-01`;
  return {
    /** Refuses with 402 when no seat, team or agent is left. */
    requireRoom: async (tx: Transaction, orgId: string, limit: keyof typeof counted): Promise<void> => {
      if ((await orgsStore.limits(tx.db, orgId)).limits[limit] == null) return;
      await orgsStore.lock(tx.db, orgId);
      const max = (await orgsStore.limits(tx.db, orgId)).limits[limit];
      if (max == null) return;
      const current = (await orgsStore.counts(tx.db, orgId))[counted[limit]];
      if (current >= max) throw planLimit(limit, current, max);
    },

    /** Adds to a monthly counter, or refuses with 402 and adds nothing. The counter's row lock makes the check exact. */
    consume: async (tx: Transaction, orgId: string, key: 'monthly_notifications', amount = 1): Promise<Consumption> => {
      const { limits } = await orgsStore.limits(tx.db, orgId);
      const max = limits[key] ?? null;
      const current = await orgsStore.addUsage(tx.db, orgId, month(), key, amount);
      if (max !== null && current > max) throw planLimit(key, current - amount, max);
      return { current, max };
    },

    usage: async (call: Call, input: { org: string }) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const [{ plan, limits }, counts, notifications, ...bytes] = await Promise.all([
        orgsStore.limits(database.read, orgId),
        orgsStore.counts(database.read, orgId),
        orgsStore.usage(database.read, orgId, month(), 'monthly_notifications'),
        ...hooks.storageBytes.map((hook) => hook(orgId)),
      ]);
      const storage_bytes = bytes.reduce((sum, count) => sum + count, 0);
      return { plan, ...counts, notifications_this_month: notifications, storage_bytes, limits };
    },
  };
};

export type PlanService = ReturnType<typeof createPlanService>;
