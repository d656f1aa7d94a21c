import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { textPosition, timePosition, toPage } from '../../platform/paging/keyset.ts';
import { currentCaller } from './current-caller.ts';
import { endDevices } from './device-endings.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { lastOwner, requireMayGrant, requireMayManage, requireOwnOrg, requirePermission } from './identity-policy.ts';
import { memberView } from './identity-views.ts';
import type { InvitationsService } from './invitations-service.ts';
import { keysStore } from './keys-store.ts';
import { type MemberRow, membersStore } from './members-store.ts';
import { orgsStore } from './orgs-store.ts';
import type { PlanService } from './plan-service.ts';
import type { RoleRow } from './roles-store.ts';
import { rolesStore } from './roles-store.ts';
import type { SessionsService } from './sessions-service.ts';
import { sessionsStore } from './sessions-store.ts';

type Paged = { org: string; q?: string | undefined; limit: number; cursor?: string | undefined };
type MemberInput = { org: string; user: string };

const powersOf = (member: MemberRow) => ({ system: member.role_system, permissions: member.role_permissions });

/** People in an organisation: their role, and whether they are let in. */
export const createMembersService = (
  context: IdentityContext,
  { sessions, invitations, plan }: { sessions: SessionsService; invitations: InvitationsService; plan: PlanService },
) => {
  const { clock, database, transact } = context;

  /** The member, with the organisation locked: every change of who is an Owner passes here one after the other. */
  const lockMember = async (tx: Transaction, call: Call, input: MemberInput): Promise<MemberRow> => {
    const orgId = requireOwnOrg(call.caller, input.org);
    await orgsStore.lock(tx.db, orgId);
    const member = await membersStore.find(tx.db, orgId, input.user);
    if (member === null) throw notFound('The member');
    return member;
  };

  const requireAnotherOwner = async (tx: Transaction, call: Call, member: MemberRow): Promise<void> => {
    if (member.role_system !== 'owner' || member.deactivated_at !== null) return;
    if ((await membersStore.otherOwners(tx.db, call.caller.org_id, member.user_id)) === 0) throw lastOwner();
  };

  const announce = async (tx: Transaction, call: Call, userId: string, change: string): Promise<MemberRow | null> => {
    tx.emit({ kind: identityEvents.memberUpdated, id: userId, body: { user_id: userId, change } });
    return membersStore.find(tx.db, call.caller.org_id, userId);
  };

  const audit = (tx: Transaction, action: string, member: MemberRow, details: Record<string, unknown> = {}): void =>
    tx.audit({ action, target_type: 'user', target_id: member.user_id, details: { name: member.name, ...details } });

  /** Ends what a person who is shut out could still act with, invitations they sent included. */
  const shutOut = async (tx: Transaction, call: Call, userId: string): Promise<void> => {
    const orgId = call.caller.org_id;
    sessions.announceRevoked(tx, await sessionsStore.revokeInOrg(tx.db, orgId, userId, clock.now()));
    await invitations.withdrawOf(tx, orgId, userId, { system: null, permissions: [] });
  };

  const giveRole = async (tx: Transaction, call: Call, member: MemberRow, role: RoleRow): Promise<void> => {
    await membersStore.setRole(tx.db, call.caller.org_id, member.user_id, role.id);
    await invitations.withdrawOf(tx, call.caller.org_id, member.user_id, role);
    audit(tx, 'members.change_role', member, { from: member.role_name, to: role.name });
  };

  return {
    list: async (call: Call, input: Paged) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const rows = await membersStore.page(database.read, orgId, input.q, timePosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.joined_at, id: row.user_id }), memberView);
    },

    people: async (call: Call, input: Paged) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const rows = await membersStore.people(
        database.read,
        orgId,
        input.q,
        textPosition(input.cursor),
        input.limit + 1,
      );
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.name, id: row.id }),
        (row) => row,
      );
    },

    changeRole: (call: Call, input: MemberInput & { role: string }) =>
      transact(call, 'members.change_role', async (tx) => {
        const member = await lockMember(tx, call, input);
        const role = await rolesStore.find(tx.db, call.caller.org_id, input.role);
        if (role === null) throw notFound('The role');
        requireMayManage(call.caller, powersOf(member));
        requireMayGrant(call.caller, role);
        if (role.system !== 'owner') await requireAnotherOwner(tx, call, member);
        // Asked again with what the caller holds now, after the guard: of two Owners who demote each other the slower
        // one is told that the last Owner stays, not that they have no right.
        const caller = await currentCaller(tx, call.caller);
        requireMayManage(caller, powersOf(member));
        requireMayGrant(caller, role);
        await giveRole(tx, call, member, role);
        return memberView((await announce(tx, call, member.user_id, 'role_changed'))!);
      }),

    deactivate: (call: Call, input: MemberInput) =>
      transact(call, 'members.deactivate', async (tx) => {
        const member = await lockMember(tx, call, input);
        requireMayManage(call.caller, powersOf(member));
        if (member.deactivated_at !== null) return memberView(member);
        await requireAnotherOwner(tx, call, member);
        requireMayManage(await currentCaller(tx, call.caller), powersOf(member));
        await membersStore.setDeactivated(tx.db, call.caller.org_id, member.user_id, clock.now());
        await shutOut(tx, call, member.user_id);
        audit(tx, 'members.deactivate', member);
        return memberView((await announce(tx, call, member.user_id, 'deactivated'))!);
      }),

    reactivate: (call: Call, input: MemberInput) =>
      transact(call, 'members.reactivate', async (tx) => {
        const member = await lockMember(tx, call, input);
        requireMayManage(await currentCaller(tx, call.caller), powersOf(member));
        if (member.deactivated_at === null) return memberView(member);
        await plan.requireRoom(tx, call.caller.org_id, 'max_seats');
        await membersStore.setDeactivated(tx.db, call.caller.org_id, member.user_id, null);
        audit(tx, 'members.reactivate', member);
        return memberView((await announce(tx, call, member.user_id, 'reactivated'))!);
      }),

    remove: (call: Call, input: MemberInput): Promise<null> =>
      transact(call, 'members.remove', async (tx) => {
        const leaving = call.caller.kind === 'user' && input.user.toLowerCase() === call.caller.id;
        if (!leaving) requirePermission(call.caller, 'users.remove');
        const member = await lockMember(tx, call, input);
        if (!leaving) requireMayManage(call.caller, powersOf(member));
        await requireAnotherOwner(tx, call, member);
        if (!leaving) requireMayManage(await currentCaller(tx, call.caller), powersOf(member));
        await shutOut(tx, call, member.user_id);
        await keysStore.revokeOfMember(tx.db, call.caller.org_id, member.user_id, clock.now());
        await endDevices(tx, context, { org_id: call.caller.org_id, user_id: member.user_id }, 'owner_gone');
        await membersStore.delete(tx.db, call.caller.org_id, member.user_id);
        await announce(tx, call, member.user_id, 'removed');
        audit(tx, 'members.remove', member, { left: leaving });
        return null;
      }),
  };
};

export type MembersService = ReturnType<typeof createMembersService>;
