import { identityProof, identityProofMs, rotationProof } from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import {
  insertKey,
  keyChangedHooks,
  lockOwnAgent,
  nameKey,
  requireAgent,
  requireFreeKey,
  requireSignature,
} from './agent-keys.ts';
import { type AgentKeyRow, agentKeysStore } from './agent-keys-store.ts';
import { agentProfilesStore } from './agent-profiles-store.ts';
import { agentsStore } from './agents-store.ts';
import { tokenPrefixes } from './credentials.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { recoveryStore } from './recovery-store.ts';

/** Clocks of clients may be a little ahead. */
const aheadMs = 60_000;

const identityOf = ({ agent_id, public_key, fingerprint }: AgentKeyRow) => ({
  identity_id: agent_id,
  public_key,
  fingerprint,
});

/** What an agent does with its own key, secret and profile. */
export const createAgentKeysService = (context: IdentityContext) => {
  const { clock, database, hooks, transact } = context;

  const keyChanged = keyChangedHooks(hooks);

  const requireFresh = (time: string): void => {
    const age = clock.now().getTime() - Date.parse(time);
    if (age <= identityProofMs && age >= -aheadMs) return;
    throw new AppError('invalid_signature', 'proof_time is not within the last five minutes.');
  };

  return {
    whoami: async ({ caller }: Call) => {
      const isAgent = caller.kind !== 'user' && caller.kind !== 'system';
      const agent = isAgent ? await agentsStore.find(database.read, caller.org_id, caller.id, clock.now()) : null;
      const key = isAgent ? await agentKeysStore.currentOf(database.read, caller.org_id, caller.id) : null;
      const { id: identity_id, kind, name, org_id } = caller;
      const { public_key = null, fingerprint = null } = key ?? {};
      return { ...{ identity_id, kind, name, org_id }, public_key, fingerprint, client_id: agent?.client_id ?? null };
    },

    identity: async ({ caller }: Call) => {
      const key = await agentKeysStore.currentOf(database.read, caller.org_id, caller.id);
      if (key === null) throw notFound('The key');
      return identityOf(key);
    },

    attach: async (call: Call, input: { public_key: string; proof_time: string; proof: string }) => {
      const { caller } = call;
      requireAgent(caller);
      requireFresh(input.proof_time);
      await requireSignature(input.public_key, identityProof(caller.id, input.proof_time), input.proof);
      const key = await nameKey(input.public_key);
      return transact(call, 'agents.attach_key', async (tx) => {
        const agent = await lockOwnAgent(context, tx, caller);
        if (agent.fingerprint !== null) throw new AppError('agent_key_exists');
        await requireFreeKey(tx.db, key);
        const { id, name } = agent;
        const { org_id } = caller;
        await insertKey(tx, { id, org_id }, key, 'attached', clock.now());
        for (const hook of hooks.agentRegistered) await hook(tx, { id, org_id, name, ...key }, call);
        await keyChanged(tx, { id, org_id, name, ...key, change: 'attached' });
        const details = { name, fingerprint: key.fingerprint, change: 'attached' };
        tx.emit({ kind: identityEvents.agentKeyChanged, id, body: details });
        tx.audit({ action: 'agents.attach_key', target_type: 'agent', target_id: id, details });
        return { identity_id: id, ...key };
      });
    },

    rotateSecret: (call: Call) =>
      transact(call, 'agents.rotate_secret', async (tx) => {
        const { id, name, client_id } = await lockOwnAgent(context, tx, call.caller);
        const client_secret = newToken(tokenPrefixes.clientSecret);
        await agentsStore.setSecret(tx.db, call.caller.org_id, id, hashToken(client_secret));
        tx.emit({ kind: identityEvents.agentSecretRotated, id, body: { name } });
        tx.audit({ action: 'agents.rotate_secret', target_type: 'agent', target_id: id, details: { name } });
        return { client_id, client_secret };
      }),

    rotateKey: async (call: Call, input: { public_key: string; old_signature: string; new_signature: string }) => {
      const { caller } = call;
      requireAgent(caller);
      const { org_id } = caller;
      const old = await agentKeysStore.currentOf(database.read, org_id, caller.id);
      if (old === null) throw new AppError('agent_key_missing');
      const text = rotationProof(caller.id, old.public_key, input.public_key);
      await requireSignature(old.public_key, text, input.old_signature);
      await requireSignature(input.public_key, text, input.new_signature);
      const key = await nameKey(input.public_key);
      return transact(call, 'agents.rotate_identity_key', async (tx) => {
        const { id, name } = await lockOwnAgent(context, tx, caller);
        await requireFreeKey(tx.db, key);
        const at = clock.now();
        // Another rotation was quicker: the old key that signed this one is not the agent's any more.
        if (!(await agentKeysStore.replace(tx.db, org_id, old.id, at))) throw new AppError('generation_conflict');
        const { old_signature, new_signature } = input;
        await insertKey(tx, { id, org_id }, key, old.origin, at, {
          ...{ previous: old.public_key, old_signature, new_signature },
        });
        await recoveryStore.endGrants(tx.db, org_id, id);
        await keyChanged(tx, { id, org_id, name, ...key, change: 'rotated' });
        const details = { name, fingerprint: key.fingerprint, change: 'rotated' };
        tx.emit({ kind: identityEvents.agentKeyChanged, id, body: details });
        tx.audit({
          ...{ action: 'agents.rotate_identity_key', target_type: 'agent', target_id: id },
          details: { ...details, previous_fingerprint: old.fingerprint },
        });
        return { identity_id: id, ...key, previous_fingerprint: old.fingerprint };
      });
    },

    updateProfile: (
      call: Call,
      input: { display_name?: string | undefined; description?: string | undefined; listed?: boolean | undefined },
    ) =>
      transact(call, 'agents.update_profile', async (tx) => {
        const { caller } = call;
        requireAgent(caller);
        const agent = await agentsStore.lock(tx.db, caller.org_id, caller.id, clock.now());
        if (agent === null) throw notFound('The agent');
        // The directory is one of keys.
        if (agent.fingerprint === null) throw new AppError('agent_key_missing');
        const { id, name, description, fingerprint } = agent;
        const at = clock.now();
        const profile = await agentProfilesStore.put(
          tx.db,
          { id, org_id: caller.org_id, name, description },
          input,
          at,
        );
        tx.emit({ kind: identityEvents.agentUpdated, id, body: { change: 'profile', name } });
        const { display_name, listed } = profile;
        tx.audit({
          ...{ action: 'agents.update_profile', target_type: 'agent', target_id: id },
          details: { name, display_name, listed },
        });
        return { identity_id: id, fingerprint, display_name, description: profile.description, listed };
      }),
  };
};

export type AgentKeysService = ReturnType<typeof createAgentKeysService>;
