import { randomBytes } from 'node:crypto';
import type { HeldScope } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller, ItemScope } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { type AgentRow, agentsStore } from './agents-store.ts';
import { tokenPrefixes } from './credentials.ts';
import { currentCaller } from './current-caller.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireItemScope, requireMayGrant, requireMayManage, requireScopes } from './identity-policy.ts';
import { agentView } from './identity-views.ts';
import { keyPrefix } from './keys-service.ts';
import { keysStore } from './keys-store.ts';
import type { PlanService } from './plan-service.ts';
import { type RoleRow, rolesStore } from './roles-store.ts';
import { systemRoleIds } from './system-roles.ts';

export interface NewAgent {
  name: string;
  description: string;
  kind: 'agent' | 'device' | 'service';
  scopes: HeldScope[];
  role?: string | undefined;
  item_scope: ItemScope;
}

export interface AgentChanges {
  id: string;
  name?: string | undefined;
  description?: string | undefined;
  scopes?: HeldScope[] | undefined;
  role?: string | undefined;
  item_scope?: ItemScope | undefined;
  active?: boolean | undefined;
}

/** Agents, devices and services: API-only members with keys of their own. */
export const createAgentsService = ({ clock, database, hooks, transact }: IdentityContext, plan: PlanService) => {
  const show = async (tx: Transaction, orgId: string, id: string) =>
    agentView((await agentsStore.find(tx.db, orgId, id, clock.now()))!, clock.now());

  const lockAgent = async (tx: Transaction, caller: Caller, id: string): Promise<AgentRow> => {
    const agent = await agentsStore.lock(tx.db, caller.org_id, id, clock.now());
    if (agent === null) throw notFound('The agent');
    return agent;
  };

  /** Whoever may use or change an agent can act as it, so they must hold what it holds. */
  const requireMayControl = (caller: Caller, agent: AgentRow): void => {
    requireMayManage(caller, { system: agent.role_system, permissions: agent.role_permissions });
    requireScopes(caller, agent.scopes as HeldScope[]);
    requireItemScope(caller, agent.item_scope);
  };

  const grantedRole = async (tx: Transaction, caller: Caller, role: string): Promise<RoleRow> => {
    const found = await rolesStore.find(tx.db, caller.org_id, role);
    if (found === null) throw notFound('The role');
    requireMayGrant(caller, found);
    return found;
  };

  const requireVisibleChannels = async (caller: Caller, scope: ItemScope): Promise<void> => {
    requireItemScope(caller, scope);
    if (scope.kind !== 'channels') return;
    for (const hook of hooks.visibleChannels) {
      const visible = new Set(await hook(caller, scope.channel_ids));
      if (!scope.channel_ids.every((id) => visible.has(id)))
        throw invalid('item_scope.channel_ids', 'there is no such channel');
    }
  };

  const issueKey = async (
    tx: Transaction,
    orgId: string,
    agentId: string,
    scopes: readonly string[],
  ): Promise<string> => {
    const key = newToken(tokenPrefixes.apiKey);
    await keysStore.insert(tx.db, {
      ...{
        id: newId(),
        hash: hashToken(key),
        prefix: keyPrefix(key),
        name: 'agent key',
        org_id: orgId,
        owner: { agent_id: agentId },
      },
      ...{ scopes, at: clock.now(), expires_at: null },
    });
    return key;
  };

  const setActive = async (tx: Transaction, caller: Caller, agent: AgentRow, active: boolean): Promise<void> => {
    if (active === (agent.deactivated_at === null)) return;
    if (active) await plan.requireRoom(tx, caller.org_id, 'agents');
    await agentsStore.setDeactivated(tx.db, caller.org_id, agent.id, active ? null : clock.now());
    if (!active) for (const hook of hooks.agentShutOut) await hook(tx, agent);
  };

  return {
    list: async (call: Call, input: { q?: string | undefined; limit: number; cursor?: string | undefined }) => {
      const [after, now] = [timePosition(input.cursor), clock.now()];
      const rows = await agentsStore.page(database.read, call.caller.org_id, {
        q: input.q,
        after,
        limit: input.limit + 1,
        now,
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => agentView(row, now),
      );
    },

    get: async (call: Call, input: { id: string }) => {
      const agent = await agentsStore.find(database.read, call.caller.org_id, input.id, clock.now());
      if (agent === null) throw notFound('The agent');
      return agentView(agent, clock.now());
    },

    create: (call: Call, input: NewAgent) =>
      transact(call, 'agents.create', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const role = await grantedRole(tx, caller, input.role ?? systemRoleIds.member);
        requireScopes(caller, input.scopes);
        await requireVisibleChannels(caller, input.item_scope);
        await plan.requireRoom(tx, caller.org_id, 'agents');
        const [id, org_id] = [newId(), caller.org_id];
        const client_id = `agent_${randomBytes(16).toString('base64url')}`;
        const client_secret = newToken(tokenPrefixes.clientSecret);
        const scopes = [...new Set(input.scopes)];
        const { name, description, kind, item_scope } = input;
        await agentsStore.insert(tx.db, {
          ...{
            id,
            org_id,
            kind,
            name,
            description,
            client_id,
            client_secret_hash: hashToken(client_secret),
            role_id: role.id,
          },
          ...{ scopes, item_scope, owner_id: caller.kind === 'user' ? caller.id : caller.owner_id, at: clock.now() },
        });
        const api_key = await issueKey(tx, org_id, id, scopes);
        tx.emit({ kind: identityEvents.agentCreated, id, body: { name } });
        tx.audit({
          action: 'agents.create',
          target_type: 'agent',
          target_id: id,
          details: { name, kind, role: role.name, scopes, item_scope },
        });
        return { agent: await show(tx, org_id, id), api_key, client_id, client_secret };
      }),

    update: (call: Call, input: AgentChanges) =>
      transact(call, 'agents.update', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const agent = await lockAgent(tx, caller, input.id);
        requireMayControl(caller, agent);
        const role = input.role === undefined ? undefined : await grantedRole(tx, caller, input.role);
        const scopes = input.scopes && [...new Set(input.scopes)];
        if (scopes !== undefined) requireScopes(caller, scopes);
        if (input.item_scope !== undefined) await requireVisibleChannels(caller, input.item_scope);
        const { name, description, item_scope } = input;
        await agentsStore.update(tx.db, caller.org_id, agent.id, {
          name,
          description,
          scopes,
          item_scope,
          role_id: role?.id,
        });
        if (scopes !== undefined) await keysStore.setScopesOfAgent(tx.db, caller.org_id, agent.id, scopes);
        if (input.active !== undefined) await setActive(tx, caller, agent, input.active);
        const change = input.active === undefined ? 'updated' : input.active ? 'activated' : 'deactivated';
        tx.emit({ kind: identityEvents.agentUpdated, id: agent.id, body: { change, name: name ?? agent.name } });
        const details = { name: name ?? agent.name, role: role?.name, scopes, item_scope, active: input.active };
        tx.audit({ action: 'agents.update', target_type: 'agent', target_id: agent.id, details });
        return show(tx, caller.org_id, agent.id);
      }),

    delete: (call: Call, input: { id: string }): Promise<null> =>
      transact(call, 'agents.delete', async (tx) => {
        const agent = await lockAgent(tx, call.caller, input.id);
        const now = clock.now();
        await keysStore.endOfAgent(tx.db, call.caller.org_id, agent.id, now, now);
        for (const hook of hooks.agentShutOut) await hook(tx, agent);
        await agentsStore.markDeleted(tx.db, call.caller.org_id, agent.id, systemRoleIds.viewer, now);
        tx.emit({ kind: identityEvents.agentDeleted, id: agent.id, body: { name: agent.name } });
        tx.audit({ action: 'agents.delete', target_type: 'agent', target_id: agent.id, details: { name: agent.name } });
        return null;
      }),

    rotateKey: (call: Call, input: { id: string; grace_minutes: number }) =>
      transact(call, 'agents.rotate_key', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const agent = await lockAgent(tx, caller, input.id);
        requireMayControl(caller, agent);
        const now = clock.now();
        await keysStore.endOfAgent(
          tx.db,
          caller.org_id,
          agent.id,
          new Date(now.getTime() + input.grace_minutes * 60_000),
          now,
        );
        const api_key = await issueKey(tx, caller.org_id, agent.id, agent.scopes);
        tx.emit({ kind: identityEvents.agentUpdated, id: agent.id, body: { change: 'key_rotated', name: agent.name } });
        tx.audit({
          action: 'agents.rotate_key',
          target_type: 'agent',
          target_id: agent.id,
          details: { grace_minutes: input.grace_minutes },
        });
        return { agent: await show(tx, caller.org_id, agent.id), api_key };
      }),
  };
};

export type AgentsService = ReturnType<typeof createAgentsService>;
