import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireOwnOrg } from './identity-policy.ts';
import { teamView } from './identity-views.ts';
import { membersStore } from './members-store.ts';
import type { PlanService } from './plan-service.ts';
import { toSlug } from './slug.ts';
import { type TeamMemberRow, type TeamRow, teamsStore } from './teams-store.ts';

type TeamInput = { org: string; id: string };
type Paged = { limit: number; cursor?: string | undefined };

const teamMemberView = ({ user_id, name, email, role }: TeamMemberRow) => ({ user_id, name, email, role });

/** Teams, and who is in them. */
export const createTeamsService = ({ clock, database, hooks, transact }: IdentityContext, plan: PlanService) => {
  const lockTeam = async (tx: Transaction, call: Call, input: TeamInput): Promise<TeamRow> => {
    const team = await teamsStore.lock(tx.db, requireOwnOrg(call.caller, input.org), input.id);
    if (team === null) throw notFound('The team');
    return team;
  };

  /** `user_id` is set when the change is about one person: it widens or narrows what they see. */
  const announce = (
    tx: Transaction,
    action: string,
    team: { id: string; name: string },
    details: Record<string, unknown> = {},
  ): void => {
    tx.emit({ kind: identityEvents.teamUpdated, id: team.id, body: { change: action.split('.')[1], ...details } });
    tx.audit({ action, target_type: 'team', target_id: team.id, details: { name: team.name, ...details } });
  };

  /** A slug is made once and stays when the team is renamed. */
  const freeSlug = async (tx: Transaction, orgId: string, name: string): Promise<string> => {
    const slug = toSlug(name);
    const taken = new Set(await teamsStore.slugs(tx.db, orgId, slug));
    let free = slug;
    for (let n = 2; taken.has(free); n += 1) free = `${slug}-${n}`;
    return free;
  };

  return {
    list: async (call: Call, input: Paged & { org: string }) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const rows = await teamsStore.page(database.read, orgId, timePosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), teamView);
    },

    create: (call: Call, input: { org: string; name: string; description: string }) =>
      transact(call, 'teams.create', async (tx) => {
        const orgId = requireOwnOrg(call.caller, input.org);
        await plan.requireRoom(tx, orgId, 'max_teams');
        const { name, description } = input;
        const id = newId();
        await teamsStore.insert(tx.db, {
          id,
          org_id: orgId,
          name,
          slug: await freeSlug(tx, orgId, name),
          description,
          at: clock.now(),
        });
        announce(tx, 'teams.create', { id, name });
        return teamView((await teamsStore.find(tx.db, orgId, id))!);
      }),

    update: (call: Call, input: TeamInput & { name?: string | undefined; description?: string | undefined }) =>
      transact(call, 'teams.update', async (tx) => {
        const team = await lockTeam(tx, call, input);
        await teamsStore.update(tx.db, call.caller.org_id, team.id, input);
        announce(tx, 'teams.update', { id: team.id, name: input.name ?? team.name });
        return teamView((await teamsStore.find(tx.db, call.caller.org_id, team.id))!);
      }),

    delete: (call: Call, input: TeamInput): Promise<null> =>
      transact(call, 'teams.delete', async (tx) => {
        const team = await lockTeam(tx, call, input);
        const org_id = call.caller.org_id;
        const member_ids = await teamsStore.memberIds(tx.db, team.id);
        for (const hook of hooks.teamDeleting)
          await hook(tx, call, { id: team.id, org_id, name: team.name, member_ids });
        await teamsStore.delete(tx.db, org_id, team.id);
        announce(tx, 'teams.delete', team);
        return null;
      }),

    listMembers: async (call: Call, input: TeamInput & Paged) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const after = timePosition(input.cursor);
      if ((await teamsStore.find(database.read, orgId, input.id)) === null) throw notFound('The team');
      const rows = await teamsStore.membersPage(database.read, orgId, input.id, after, input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.added_at, id: row.user_id }), teamMemberView);
    },

    addMember: (call: Call, input: TeamInput & { user_id: string; role: 'lead' | 'member' }) =>
      transact(call, 'teams.add_member', async (tx) => {
        const team = await lockTeam(tx, call, input);
        const org_id = call.caller.org_id;
        if ((await membersStore.find(tx.db, org_id, input.user_id)) === null) throw notFound('The member');
        await teamsStore.putMember(tx.db, {
          org_id,
          team_id: team.id,
          user_id: input.user_id,
          role: input.role,
          at: clock.now(),
        });
        announce(tx, 'teams.add_member', team, { user_id: input.user_id, role: input.role });
        return teamMemberView((await teamsStore.findMember(tx.db, org_id, team.id, input.user_id))!);
      }),

    removeMember: (call: Call, input: TeamInput & { user: string }): Promise<null> =>
      transact(call, 'teams.remove_member', async (tx) => {
        const team = await lockTeam(tx, call, input);
        const removed = await teamsStore.deleteMember(tx.db, call.caller.org_id, team.id, input.user);
        if (!removed) throw notFound('The member');
        announce(tx, 'teams.remove_member', team, { user_id: input.user });
        return null;
      }),
  };
};

export type TeamsService = ReturnType<typeof createTeamsService>;
