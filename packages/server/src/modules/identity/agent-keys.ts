import { fingerprintOf, publicKeyOf, registrationKeyForm, verifyText } from '@atrium/protocol';
import type { Database, Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { agentKeysStore, type KeyOrigin } from './agent-keys-store.ts';
import { type AgentRow, agentsStore } from './agents-store.ts';
import { currentCaller } from './current-caller.ts';
import type { IdentityContext } from './identity-context.ts';
import type { HookKeyChange, IdentityHooks } from './identity-hooks.ts';
import { requireScopes } from './identity-policy.ts';
import { keyHoldersStore } from './key-holders-store.ts';

/* What registration, recovery and signing share about keys. */

/** A key with the name that it goes by. */
export interface NamedKey {
  public_key: string;
  fingerprint: string;
}

export const nameKey = async (public_key: string): Promise<NamedKey> => ({
  public_key,
  fingerprint: await fingerprintOf(publicKeyOf(public_key)),
});

const taken = (holder: { public_key: string }, key: NamedKey): AppError =>
  holder.public_key === key.public_key
    ? new AppError('key_already_registered')
    : new AppError('fingerprint_collision', undefined, { extensions: { fingerprint: key.fingerprint } });

/** Refuses a key that an agent or a person has or had. Others may still be registering it: under its lock it is sure. */
export const requireFreeKey = async (db: Database['read'], key: NamedKey): Promise<void> => {
  const holder = await keyHoldersStore.findTaken(db, key.public_key, key.fingerprint);
  if (holder !== null) throw taken(holder, key);
};

/** Never puts a key to anybody but the first who came with it. */
export const insertKey = async (
  tx: Transaction,
  agent: { id: string; org_id: string },
  key: NamedKey,
  origin: KeyOrigin,
  at: Date,
  continuity?: Record<string, string>,
): Promise<void> => {
  await keyHoldersStore.lock(tx.db, key.fingerprint);
  // A person may have come with it meanwhile.
  await requireFreeKey(tx.db, key);
  const row = { id: newId(), org_id: agent.org_id, agent_id: agent.id, ...key, origin, at };
  if (await agentKeysStore.insert(tx.db, continuity === undefined ? row : { ...row, continuity })) return;
  await requireFreeKey(tx.db, key);
  // The agent itself got a key meanwhile.
  throw new AppError('agent_key_exists');
};

/** The Idempotency-Key that a proof is made for. */
export const registrationKeyOf = (call: Call): string => {
  const key = call.idempotency?.key;
  if (key !== undefined && registrationKeyForm.test(key)) return key;
  throw new AppError(
    'bad_request',
    'Send the header Idempotency-Key: 32 random bytes as 43 characters of base64url. The proof is made for it.',
  );
};

/** In the transaction that changes the key, so that whoever tells others of it forgets none. */
export const keyChangedHooks =
  (hooks: Pick<IdentityHooks, 'agentKeyChanged'>) =>
  async (tx: Transaction, change: HookKeyChange): Promise<void> => {
    for (const hook of hooks.agentKeyChanged) await hook(tx, change);
  };

export const requireSignature = async (publicKey: string, text: string, signature: string): Promise<void> => {
  if (!(await verifyText(publicKey, text, signature))) throw new AppError('invalid_signature');
};

/** Keys and secrets belong to agents; people have passwords and passkeys. */
export const requireAgent = (caller: Caller): void => {
  if (caller.kind !== 'user' && caller.kind !== 'system') return;
  throw new AppError('permission_denied', 'This is for agents.', {
    extensions: { error: 'permission denied', required: 'principal:agent' },
  });
};

/**
 * The agent that calls, locked, where the answer is worth all of it: a credential that may do less must not turn into
 * a secret or a key that may do everything.
 */
export const lockOwnAgent = async (
  { clock }: Pick<IdentityContext, 'clock'>,
  tx: Transaction,
  caller: Caller,
): Promise<AgentRow> => {
  requireAgent(caller);
  await currentCaller(tx, caller);
  const agent = await agentsStore.lock(tx.db, caller.org_id, caller.id, clock.now());
  if (agent === null) throw notFound('The agent');
  requireScopes(caller, agent.scopes as Parameters<typeof requireScopes>[1]);
  return agent;
};

/** An agent that acts by proving its key, before it has a credential. It may do nothing but what it proved. */
export const provenAgent = (agent: {
  id: string;
  org_id: string;
  name: string;
  owner_id: string | null;
  kind?: 'agent' | 'device' | 'service';
}): Caller => ({
  kind: agent.kind ?? 'agent',
  id: agent.id,
  name: agent.name,
  org_id: agent.org_id,
  org_name: '',
  system_role: null,
  role_id: null,
  permissions: [],
  scopes: [],
  item_scope: { kind: 'own' },
  owner_id: agent.owner_id,
  is_operator: false,
  credential: { kind: 'internal', id: null, expires_at: null },
});
