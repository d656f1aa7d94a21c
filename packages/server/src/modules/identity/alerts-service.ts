import type { Call } from '../../platform/operations/call.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { usersAdminStore } from './users-admin-store.ts';

/** What operators are called to. */
export type AlertName = 'client_guessed' | 'clock_moved_back';

export interface Alert {
  alert: AlertName;
  /** What it is about, where that is one thing. */
  target: { type: string; id: string } | null;
  details: Record<string, unknown>;
}

const server = '00000000-0000-0000-0000-000000000000';

/** Tells operators that something wants their eyes: an event where they are, a line in the trail of the server. */
export const createAlertsService = ({ database }: IdentityContext) => ({
  raise: (call: Call, { alert, target, details }: Alert): Promise<void> =>
    database.transaction(call, async (tx) => {
      const body = { alert, ...details };
      // To each organisation that an operator is in: events belong to one, and nobody is in that of the server.
      for (const org_id of await usersAdminStore.operatorOrgs(tx.db))
        tx.emit({ kind: identityEvents.alertRaised, id: server, org_id, body });
      tx.audit({
        action: 'alerts.raise',
        target_type: target?.type ?? 'server',
        target_id: target?.id ?? null,
        org_id: server,
        details: body,
      });
    }),
});
