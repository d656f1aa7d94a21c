import type { HeldScope } from '@atrium/protocol';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { tokenPrefixes } from './credentials.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireScopes } from './identity-policy.ts';
import { keyView } from './identity-views.ts';
import { keysStore } from './keys-store.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** What is kept of a key to recognise it by: the prefix and six characters, which leaves 220 bits secret. */
export const keyPrefix = (key: string): string => key.slice(0, 10);

/** API keys that act as their person in one organisation. */
export const createKeysService = ({ clock, database, transact }: IdentityContext) => ({
  list: async (call: Call, input: { limit: number; cursor?: string | undefined }) => {
    const rows = await keysStore.pageOfUser(
      database.read,
      call.caller.id,
      clock.now(),
      timePosition(input.cursor),
      input.limit + 1,
    );
    return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), keyView);
  },

  create: (call: Call, input: { name: string; scopes: HeldScope[]; expires_in_days: number | null }) =>
    transact(call, 'api_keys.create', async (tx) => {
      requireScopes(call.caller, input.scopes);
      const { id: user_id, org_id } = call.caller;
      const [id, at, api_key] = [newId(), clock.now(), newToken(tokenPrefixes.apiKey)];
      const scopes = [...new Set(input.scopes)];
      const expires_at = input.expires_in_days === null ? null : new Date(at.getTime() + input.expires_in_days * dayMs);
      const key = { id, name: input.name, prefix: keyPrefix(api_key), scopes, org_id, expires_at };
      await keysStore.insert(tx.db, { ...key, hash: hashToken(api_key), owner: { user_id }, at });
      tx.emit({ kind: identityEvents.keyCreated, id, body: { user_id } });
      tx.audit({
        action: 'api_keys.create',
        target_type: 'api_key',
        target_id: id,
        details: { name: input.name, scopes },
      });
      return { key: keyView({ ...key, created_at: at, last_used_at: null }), api_key };
    }),

  revoke: (call: Call, input: { id: string }): Promise<null> =>
    transact(call, 'api_keys.revoke', async (tx) => {
      const key = await keysStore.revokeOfUser(tx.db, call.caller.id, input.id, clock.now());
      if (key === null) throw notFound('The key');
      const { id, org_id, name } = key;
      tx.emit({ kind: identityEvents.keyRevoked, id, org_id, body: { user_id: call.caller.id } });
      tx.audit({ action: 'api_keys.revoke', org_id, target_type: 'api_key', target_id: id, details: { name } });
      return null;
    }),
});

export type KeysService = ReturnType<typeof createKeysService>;
