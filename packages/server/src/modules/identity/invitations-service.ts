import { randomBytes } from 'node:crypto';
import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import { currentCaller } from './current-caller.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { deadInvitation, mayHaveGranted, type Powers, requireMayGrant, requireOwnOrg } from './identity-policy.ts';
import { invitationView } from './identity-views.ts';
import { type InvitationRow, invitationsStore } from './invitations-store.ts';
import { membersStore } from './members-store.ts';
import { type OrgRow, orgsStore } from './orgs-store.ts';
import type { PlanService } from './plan-service.ts';
import { rolesStore } from './roles-store.ts';
import { teamsStore } from './teams-store.ts';
import { usersStore } from './users-store.ts';

const codeForm = /^[A-Za-z0-9_-]{32}$/;
const newCode = (): string => randomBytes(24).toString('base64url');

/** Where the code of an invitation lies encrypted. */
export const invitationPlace = (id: string): string => `identity_invitations.code:${id}`;

export interface InvitationInput {
  org: string;
  email?: string | undefined;
  role: string;
  team_id?: string | undefined;
  max_uses: number | null;
  expires_in_hours: number;
}

/** Invitations by address or by link. */
export const createInvitationsService = (
  { clock, database, options, secrets, transact }: IdentityContext,
  plan: PlanService,
) => {
  const announce = (tx: Transaction, invitation: { id: string; org_id: string }, change: string): void =>
    tx.emit({ kind: identityEvents.invitationUpdated, id: invitation.id, org_id: invitation.org_id, body: { change } });

  const isLive = (row: InvitationRow): boolean =>
    row.revoked_at === null && row.expires_at > clock.now() && (row.max_uses === null || row.uses < row.max_uses);

  const byCode = (db: Transaction['db'], code: string): Promise<InvitationRow | null> =>
    codeForm.test(code) ? invitationsStore.findByHash(db, hashToken(code)) : Promise.resolve(null);

  const live = async (code: string): Promise<InvitationRow> => {
    const row = await byCode(database.read as Transaction['db'], code);
    if (row === null || !isLive(row)) throw deadInvitation();
    return row;
  };

  /** Everything a person gets by joining. */
  const join = async (tx: Transaction, call: Call, row: InvitationRow): Promise<void> => {
    const at = clock.now();
    const member = { org_id: row.org_id, user_id: call.caller.id, role_id: row.role_id, at };
    await membersStore.insert(tx.db, member);
    await invitationsStore.insertUse(tx.db, row.id, call.caller.id, at);
    if (row.team_id !== null) {
      await teamsStore.putMember(tx.db, {
        org_id: row.org_id,
        team_id: row.team_id,
        user_id: call.caller.id,
        role: 'member',
        at,
      });
      tx.emit({
        kind: identityEvents.teamUpdated,
        id: row.team_id,
        org_id: row.org_id,
        body: { change: 'add_member', user_id: call.caller.id },
      });
    }
    tx.emit({
      kind: identityEvents.memberUpdated,
      id: call.caller.id,
      org_id: row.org_id,
      body: { user_id: call.caller.id, change: 'joined' },
    });
    announce(tx, row, 'accepted');
    tx.audit({
      ...{ action: 'auth.accept_invitation', org_id: row.org_id, target_type: 'invitation', target_id: row.id },
      details: { role: row.role_name, team: row.team_name },
    });
  };

  /**
   * Joins the organisation inside an open transaction. A member stays as they are and uses nothing up. Somebody who
   * was shut out does not come back by a link.
   */
  const acceptIn = async (tx: Transaction, call: Call, code: string): Promise<OrgRow> => {
    const offered = await byCode(tx.db, code);
    const org = offered === null ? null : await orgsStore.lock(tx.db, offered.org_id);
    const row = await byCode(tx.db, code);
    if (row === null || org === null || row.revoked_at !== null || row.expires_at <= clock.now())
      throw deadInvitation();
    const userId = call.caller.id;
    if (row.email !== null && !(await usersStore.hasVerifiedEmail(tx.db, userId, row.email))) throw deadInvitation();
    const member = await membersStore.find(tx.db, row.org_id, userId);
    if (member !== null) {
      const known = isLive(row) || (await invitationsStore.hasUsed(tx.db, row.id, userId));
      if (member.deactivated_at !== null || !known) throw deadInvitation();
      return org;
    }
    if (!(await invitationsStore.takeUse(tx.db, row.id, clock.now()))) throw deadInvitation();
    await plan.requireRoom(tx, row.org_id, 'max_seats');
    await join(tx, call, row);
    return org;
  };

  return {
    acceptIn,

    /** For registering: the invitation, if that address may use it. */
    findLive: async (code: string, email: string): Promise<InvitationRow> => {
      const row = await live(code);
      if (row.email !== null && row.email.toLowerCase() !== email.toLowerCase()) throw deadInvitation();
      return row;
    },

    /** Withdraws what a person could not hand out any more with the powers they now hold. */
    withdrawOf: async (tx: Transaction, orgId: string, userId: string, powers: Powers): Promise<void> => {
      for (const { id, ...role } of await invitationsStore.liveOfMaker(tx.db, orgId, userId, clock.now())) {
        if (mayHaveGranted(powers, role)) continue;
        await invitationsStore.revoke(tx.db, orgId, id, clock.now());
        announce(tx, { id, org_id: orgId }, 'revoked');
        tx.audit({
          action: 'invitations.revoke',
          target_type: 'invitation',
          target_id: id,
          details: { reason: 'its maker lost the right' },
        });
      }
    },

    list: async (call: Call, input: { org: string; limit: number; cursor?: string | undefined }) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const rows = await invitationsStore.page(database.read, orgId, timePosition(input.cursor), input.limit + 1);
      const now = clock.now();
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => invitationView(row, now),
      );
    },

    create: (call: Call, input: InvitationInput) =>
      transact(call, 'invitations.create', async (tx) => {
        const org_id = requireOwnOrg(call.caller, input.org);
        const role = await rolesStore.find(tx.db, org_id, input.role);
        if (role === null) throw notFound('The role');
        requireMayGrant(await currentCaller(tx, call.caller), role);
        if (input.team_id !== undefined && (await teamsStore.find(tx.db, org_id, input.team_id)) === null)
          throw notFound('The team');
        const [id, code, maker, now] = [newId(), newCode(), actorOf(call.caller), clock.now()];
        await invitationsStore.insert(tx.db, {
          ...{
            id,
            org_id,
            hash: hashToken(code),
            role_id: role.id,
            team_id: input.team_id ?? null,
            email: input.email ?? null,
          },
          max_uses: input.email === undefined ? input.max_uses : 1,
          ...{ created_by_type: maker.type, created_by_id: maker.id, created_by_name: maker.name, created_at: now },
          expires_at: new Date(now.getTime() + input.expires_in_hours * 3_600_000),
        });
        if (input.email !== undefined) {
          await invitationsStore.keepCode(tx.db, id, secrets.encrypt(code, invitationPlace(id)));
          tx.enqueue({ name: 'send-mail', id: `identity-mail-${id}`, args: { kind: 'invitation', id } });
        }
        announce(tx, { id, org_id }, 'created');
        const details = { role: role.name, email: input.email ?? null, max_uses: input.max_uses };
        tx.audit({ action: 'invitations.create', target_type: 'invitation', target_id: id, details });
        const invitation = invitationView((await invitationsStore.find(tx.db, org_id, id))!, now);
        return { invitation, invite_code: code, invite_url: `${options.public_url()}/invite/${code}` };
      }),

    revoke: (call: Call, input: { org: string; id: string }): Promise<null> =>
      transact(call, 'invitations.revoke', async (tx) => {
        const org_id = requireOwnOrg(call.caller, input.org);
        if (!(await invitationsStore.revoke(tx.db, org_id, input.id, clock.now()))) throw deadInvitation();
        announce(tx, { id: input.id, org_id }, 'revoked');
        tx.audit({ action: 'invitations.revoke', target_type: 'invitation', target_id: input.id });
        return null;
      }),

    preview: async (_call: Call, input: { code: string }) => {
      const row = await live(input.code);
      return {
        org_name: row.org_name,
        role: row.role_name,
        team_name: row.team_name,
        inviter_name: row.created_by_name,
        email: row.email,
      };
    },
  };
};

export type InvitationsService = ReturnType<typeof createInvitationsService>;
