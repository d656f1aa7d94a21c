import { randomBytes } from 'node:crypto';
import { enrolProof, hasScope, registerProof } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import {
  insertKey,
  keyChangedHooks,
  type NamedKey,
  nameKey,
  provenAgent,
  registrationKeyOf,
  requireFreeKey,
  requireSignature,
} from './agent-keys.ts';
import { agentKeysStore } from './agent-keys-store.ts';
import { agentsStore } from './agents-store.ts';
import { tokenPrefixes } from './credentials.ts';
import { currentCaller } from './current-caller.ts';
import { enrolmentsStore } from './enrolments-store.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { mayHaveGranted, requireItemScope, requireMayManage, requireScopes } from './identity-policy.ts';
import type { PlanService } from './plan-service.ts';
import { rolesStore } from './roles-store.ts';
import { systemRoleIds } from './system-roles.ts';
import { vouchersStore } from './vouchers-store.ts';

export interface RegistrationInput {
  public_key: string;
  voucher_code: string;
  proof?: string | undefined;
  name?: string | undefined;
}

export interface EnrolmentInput {
  enrolment_token: string;
  public_key: string;
  proof?: string | undefined;
}

/** How long a lost answer can be fetched again. Afterwards the key itself is the way back. */
const replayMs = 10 * 60_000;
const enrolmentMs = 24 * 60 * 60_000;

const nobody = { org_id: '00000000-0000-0000-0000-000000000000', id: '00000000-0000-0000-0000-000000000000' };

/** One answer for all that may be wrong with a voucher or token: a guesser learns nothing from it. */
const registrationFailed = (): AppError => new AppError('registration_failed');

/** How agents come by their first key: with a voucher, or with the token of an agent that somebody made for them. */
export const createRegistrationService = (context: IdentityContext, plan: PlanService) => {
  const { clock, database, hooks, limiter, options, transact } = context;

  const keyChanged = keyChangedHooks(hooks);

  const admit = async (call: Call, purpose: typeof registerProof, publicKey: string, proof: string | undefined) => {
    await requireGuess(limiter, 'registration', addressKey(call.ip), options.agent_keys.registration);
    const key = registrationKeyOf(call);
    if (proof === undefined) throw new AppError('proof_required');
    await requireSignature(publicKey, purpose(key, publicKey), proof);
  };

  /** The caller is only being made, so that a repeat is known by the Idempotency-Key alone. */
  const madeBy = (call: Call, caller: Caller): Call => ({
    ...call,
    caller,
    idempotency: call.idempotency && { ...call.idempotency, owner: nobody, ttl_ms: replayMs },
  });

  const welcome = async (
    tx: Transaction,
    call: Call,
    agent: { id: string; org_id: string; name: string } & NamedKey,
    change: 'registered' | 'attached',
  ) => {
    for (const hook of hooks.agentRegistered) await hook(tx, agent, call);
    await keyChanged(tx, { ...agent, change });
  };

  /** Takes the voucher, if whoever gave it could still make such an agent. */
  const redeem = async (tx: Transaction, code: string, agentId: string) => {
    const voucher = await vouchersStore.redeem(tx.db, hashToken(code), agentId, clock.now());
    if (voucher === null) throw registrationFailed();
    const issuer = await vouchersStore.issuer(tx.db, voucher.org_id, voucher.issuer_id);
    const role = await rolesStore.find(tx.db, voucher.org_id, systemRoleIds.member);
    if (issuer?.active !== true || !mayHaveGranted(issuer, role!)) throw registrationFailed();
    await vouchersStore.place(tx.db, voucher);
    const held = issuer.scopes;
    const scopes = held === null ? voucher.scopes : voucher.scopes.filter((scope) => hasScope(held, scope));
    return { ...voucher, scopes, owner_id: issuer.owner_id };
  };

  return {
    register: async (call: Call, input: RegistrationInput) => {
      await admit(call, registerProof, input.public_key, input.proof);
      const key = await nameKey(input.public_key);
      const org_id = await vouchersStore.orgOf(database.read, hashToken(input.voucher_code));
      if (org_id === null) throw registrationFailed();
      const [id, name] = [newId(), input.name ?? `agent-${key.fingerprint}`];
      const client_id = `agent_${randomBytes(16).toString('base64url')}`;
      const client_secret = newToken(tokenPrefixes.clientSecret);
      const acting = madeBy(call, provenAgent({ id, org_id, name, owner_id: null }));
      return transact(acting, 'agents.register', async (tx) => {
        await requireFreeKey(tx.db, key);
        const voucher = await redeem(tx, input.voucher_code, id);
        await plan.requireRoom(tx, org_id, 'agents');
        const at = clock.now();
        const { scopes, owner_id, issuer_id } = voucher;
        await agentsStore.insert(tx.db, {
          ...{ id, org_id, kind: 'agent', name, description: '', client_id, scopes, owner_id, at },
          ...{ client_secret_hash: hashToken(client_secret), role_id: systemRoleIds.member },
          item_scope: { kind: 'own' },
        });
        await insertKey(tx, { id, org_id }, key, 'registered', at);
        await welcome(tx, acting, { id, org_id, name, ...key }, 'registered');
        const { fingerprint } = key;
        tx.emit({ kind: identityEvents.agentRegistered, id, body: { name, fingerprint, voucher_id: voucher.id } });
        tx.emit({
          kind: identityEvents.voucherRedeemed,
          id: voucher.id,
          body: { issuer_id, agent_id: id, fingerprint },
        });
        tx.audit({
          ...{ action: 'agents.register', target_type: 'agent', target_id: id },
          details: { name, fingerprint, scopes, voucher_id: voucher.id, issuer_id },
        });
        return { identity_id: id, ...key, client_id, client_secret };
      });
    },

    enrol: (call: Call, input: { id: string }) =>
      transact(call, 'agents.enrol', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const now = clock.now();
        const agent = await agentsStore.lock(tx.db, caller.org_id, input.id, now);
        if (agent === null) throw notFound('The agent');
        requireMayManage(caller, { system: agent.role_system, permissions: agent.role_permissions });
        requireScopes(caller, agent.scopes as Parameters<typeof requireScopes>[1]);
        requireItemScope(caller, agent.item_scope);
        if (agent.fingerprint !== null) throw new AppError('agent_key_exists');
        const enrolment_token = newToken(tokenPrefixes.enrolment);
        const expires_at = new Date(now.getTime() + enrolmentMs);
        await enrolmentsStore.put(tx.db, {
          ...{ hash: hashToken(enrolment_token), org_id: caller.org_id, agent_id: agent.id },
          ...{ created_at: now, expires_at },
        });
        tx.audit({
          ...{ action: 'agents.enrol', target_type: 'agent', target_id: agent.id },
          details: { name: agent.name },
        });
        return { enrolment_token, expires_at: expires_at.toISOString() };
      }),

    redeemEnrolment: async (call: Call, input: EnrolmentInput) => {
      await admit(call, enrolProof, input.public_key, input.proof);
      const key = await nameKey(input.public_key);
      const hash = hashToken(input.enrolment_token);
      const known = await enrolmentsStore.find(database.read, hash);
      const asked = known && (await agentsStore.find(database.read, known.org_id, known.agent_id, clock.now()));
      if (known === null || asked === null) throw registrationFailed();
      const { id, name, kind, client_id, owner_id } = asked;
      const { org_id } = known;
      const client_secret = newToken(tokenPrefixes.clientSecret);
      const acting = madeBy(call, provenAgent({ id, org_id, name, kind, owner_id }));
      return transact(acting, 'agents.redeem_enrolment', async (tx) => {
        await requireFreeKey(tx.db, key);
        const at = clock.now();
        const agent = await agentsStore.lock(tx.db, org_id, id, at);
        if (agent === null || agent.deactivated_at !== null) throw registrationFailed();
        if ((await enrolmentsStore.take(tx.db, hash, at)) === null) throw registrationFailed();
        if ((await agentKeysStore.currentOf(tx.db, org_id, id)) !== null) throw new AppError('agent_key_exists');
        await insertKey(tx, { id, org_id }, key, 'attached', at);
        await agentsStore.setSecret(tx.db, org_id, id, hashToken(client_secret));
        for (const hook of hooks.agentShutOut) await hook(tx, agent);
        await welcome(tx, acting, { id, org_id, name, ...key }, 'attached');
        const details = { name, fingerprint: key.fingerprint, change: 'attached' };
        tx.emit({ kind: identityEvents.agentKeyChanged, id, body: details });
        tx.audit({ action: 'agents.attach_key', target_type: 'agent', target_id: id, details });
        return { identity_id: id, ...key, client_id, client_secret };
      });
    },
  };
};

export type RegistrationService = ReturnType<typeof createRegistrationService>;
