import { createHash, randomBytes } from 'node:crypto';
import { type PersonalKeyView, personalKeyProof } from '@atrium/protocol';
import type { Database, Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { nameKey, requireFreeKey, requireSignature } from './agent-keys.ts';
import { currentCaller } from './current-caller.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireSession } from './identity-policy.ts';
import { keyHoldersStore } from './key-holders-store.ts';
import type { CeremonyAnswer, PasskeysService } from './passkeys-service.ts';
import { type PersonalKeyRow, personalKeysStore } from './personal-keys-store.ts';

const mostKeys = 20;

const keyView = (row: PersonalKeyRow): PersonalKeyView => ({
  ...{ id: row.id, public_key: row.public_key, fingerprint: row.fingerprint, label: row.label },
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
  revoked_at: row.revoked_at?.toISOString() ?? null,
});

/** Keys that people sign with: made in a browser, which keeps the private half, and approved by a passkey. */
export const createPersonalKeysService = (context: IdentityContext, passkeys: PasskeysService) => {
  const { clock, database, transact } = context;
  const db = database.read;

  const requireRoom = async (db: Database['read'], userId: string): Promise<void> => {
    if ((await personalKeysStore.countActive(db, userId)) < mostKeys) return;
    throw new AppError('in_use', `An account has at most ${mostKeys} keys to sign with; revoke one.`);
  };

  const announce = (
    tx: Transaction,
    userId: string,
    change: string,
    key: { id: string; fingerprint: string },
  ): void => {
    tx.emit({ kind: identityEvents.factorChanged, id: userId, body: { user_id: userId, change } });
    // Without the label: the trail outlives an account, and labels are what people call their things.
    const details = { fingerprint: key.fingerprint };
    tx.audit({ action: `factors.${change}`, target_type: 'personal_key', target_id: key.id, details });
  };

  return {
    list: async (call: Call) => ({
      items: (await personalKeysStore.ofUser(db, call.caller.id)).map(keyView),
      next_cursor: null,
    }),

    begin: async (call: Call, input: { public_key: string }) => {
      requireSession(call.caller);
      const { id: user_id } = call.caller;
      const { public_key } = input;
      await requireRoom(db, user_id);
      await requireFreeKey(db, await nameKey(public_key));
      const nonce = randomBytes(32).toString('base64url');
      const challenge = createHash('sha256')
        .update(personalKeyProof(user_id, public_key, nonce))
        .digest();
      return { ...(await passkeys.beginApproval(call, { challenge, public_key, nonce })), nonce };
    },

    create: async (call: Call, input: CeremonyAnswer & { proof: string; label: string }) => {
      requireSession(call.caller);
      const { id: user_id } = call.caller;
      const begun = await passkeys.takeApproval(call, input.ceremony_id);
      if (begun === null) throw invalid('ceremony_id', 'is unknown or over; begin again');
      const { public_key, nonce, challenge } = begun;
      await requireSignature(public_key, personalKeyProof(user_id, public_key, nonce), input.proof);
      const key = await nameKey(public_key);
      const made = await transact(call, 'personal_keys.create', async (tx) => {
        await currentCaller(tx, call.caller);
        if (!(await passkeys.approveIn(tx, user_id, challenge, input.credential))) return null;
        // Two that come at once are counted one after the other.
        await personalKeysStore.lock(tx.db, user_id);
        await requireRoom(tx.db, user_id);
        await keyHoldersStore.lock(tx.db, key.fingerprint);
        await requireFreeKey(tx.db, key);
        const row = { id: newId(), user_id, ...key, label: input.label, created_at: clock.now() };
        await personalKeysStore.insert(tx.db, row);
        announce(tx, user_id, 'personal_key_added', row);
        return keyView({ ...row, last_used_at: null, revoked_at: null });
      });
      // What the passkey showed stays written, so this is no refusal inside the transaction.
      if (made === null) throw invalid('credential', 'is not the approval of one of your passkeys');
      return made;
    },

    revoke: (call: Call, input: { id: string }): Promise<null> => {
      requireSession(call.caller);
      return transact(call, 'personal_keys.revoke', async (tx) => {
        const { id: user_id } = call.caller;
        const key = await personalKeysStore.revoke(tx.db, user_id, input.id, clock.now());
        if (key === null) throw notFound('The key');
        announce(tx, user_id, 'personal_key_revoked', key);
        return null;
      });
    },
  };
};

export type PersonalKeysService = ReturnType<typeof createPersonalKeysService>;
