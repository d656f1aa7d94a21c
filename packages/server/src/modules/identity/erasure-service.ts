import { Readable } from 'node:stream';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid } from '../../platform/errors/app-error.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { emailsStore } from './emails-store.ts';
import { exportStore } from './export-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import type { InvitationsService } from './invitations-service.ts';
import { membersStore } from './members-store.ts';
import type { OrgsService } from './orgs-service.ts';
import { type OrgMembershipRow, orgsStore } from './orgs-store.ts';
import { personalKeysStore } from './personal-keys-store.ts';
import type { SessionsService } from './sessions-service.ts';
import { endEveryWayIn } from './shut-out.ts';
import { signingRequestsStore } from './signing-requests-store.ts';
import { requireFresh } from './step-up.ts';
import { lastOperator } from './users-admin-service.ts';
import { usersAdminStore } from './users-admin-store.ts';
import { usersStore } from './users-store.ts';

/** Stands where the name of somebody stood who asked to be forgotten. */
const erasedName = 'Deleted person';

interface Services {
  sessions: SessionsService;
  invitations: InvitationsService;
  orgs: OrgsService;
}

/** An account as a whole: handed over to its person, or erased. */
export const createErasureService = (context: IdentityContext, { sessions, invitations, orgs }: Services) => {
  const { clock, database, hooks, transact } = context;
  const db = database.read;

  /** Shared organisations that would be left without an Owner. Each is locked, so that nobody steps down meanwhile. */
  const ownerless = async (tx: Transaction, userId: string, held: readonly OrgMembershipRow[]) => {
    const left: OrgMembershipRow[] = [];
    for (const org of held) {
      await orgsStore.lock(tx.db, org.id);
      if (org.is_personal || org.role_system !== 'owner') continue;
      if ((await membersStore.otherOwners(tx.db, org.id, userId)) === 0) left.push(org);
    }
    return left;
  };

  const leave = async (tx: Transaction, userId: string, orgId: string): Promise<void> => {
    await invitations.withdrawOf(tx, orgId, userId, { system: null, permissions: [] });
    await membersStore.delete(tx.db, orgId, userId);
    const body = { user_id: userId, change: 'removed' };
    tx.emit({ kind: identityEvents.memberUpdated, id: userId, org_id: orgId, body });
    tx.audit({ action: 'me.delete', target_type: 'user', target_id: userId, org_id: orgId });
  };

  return {
    export: async (call: Call) => {
      await requireFresh(context, call);
      const { id } = call.caller;
      const [account, ...others] = await Promise.all([
        exportStore.account(db, id),
        ...hooks.personExporting.map((hook) => hook(id)),
      ]);
      await transact(call, 'me.export', async (tx) => {
        tx.audit({ action: 'me.export', target_type: 'user', target_id: id });
      });
      const document = { exported_at: clock.now().toISOString(), ...account, ...Object.assign({}, ...others) };
      const bytes = Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
      return {
        stream: Readable.from([bytes]),
        content_type: 'application/json; charset=utf-8',
        length: bytes.length,
        file_name: `atrium-account-${clock.now().toISOString().slice(0, 10)}.json`,
        inline: false,
      };
    },

    delete: async (call: Call, input: { confirm: string }): Promise<null> => {
      await requireFresh(context, call);
      const { id } = call.caller;
      const nameless = { ...callAs(call, { ...call.caller, name: erasedName }), ip: null, user_agent: null };
      return transact(nameless, 'me.delete', async (tx) => {
        const operators = await usersAdminStore.lockOperators(tx.db);
        const [account, emails] = [await usersStore.find(tx.db, id), await emailsStore.ofUser(tx.db, id)];
        if (account === null || account.state !== 'active') throw new AppError('unauthorized');
        const primary = emails.find((email) => email.is_primary)?.address ?? '';
        if (input.confirm.trim().toLowerCase() !== primary.toLowerCase()) {
          throw invalid('confirm', 'must be your primary e-mail address');
        }
        if (operators.length === 1 && operators[0] === id) throw lastOperator();
        const held = await orgsStore.everyOfUser(tx.db, id);
        const left = await ownerless(tx, id, held);
        if (left.length > 0) {
          const names = left.map((org) => org.name).join(', ');
          throw new AppError('last_owner', `Make somebody else an Owner of ${names} first, or delete it.`, {
            extensions: { orgs: left.map((org) => ({ id: org.id, name: org.name })) },
          });
        }
        await endEveryWayIn(tx, { sessions, clock, hooks }, id);
        for (const org of held) {
          if (org.is_personal) await orgs.deleteIn(tx, nameless, org);
          else await leave(tx, id, org.id);
        }
        await personalKeysStore.forget(tx.db, id, clock.now());
        await signingRequestsStore.cancelOf(tx.db, id, clock.now());
        for (const hook of hooks.personErasing) await hook(tx, { id, name: erasedName });
        const texts = [account.name, ...emails.map(({ address }) => address)];
        await context.forgetInAudit(tx.db, { id, texts, instead: erasedName }, clock.now());
        await usersStore.erase(tx.db, id, erasedName);
        for (const org of held) {
          if (!org.is_personal) tx.emit({ kind: identityEvents.userErased, id, org_id: org.id, body: { user_id: id } });
        }
        tx.afterCommit(() => call.cookies?.clear());
        return null;
      });
    },
  };
};

export type ErasureService = ReturnType<typeof createErasureService>;
