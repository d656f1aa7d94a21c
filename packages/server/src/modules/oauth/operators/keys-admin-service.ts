import type { SigningKeyView } from '@atrium/protocol';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { type KeyRow, keysStore } from '../stores/keys-store.ts';
import { operatorListsStore } from '../stores/operator-lists-store.ts';
import { createOperatorAct, type OperatorsContext, time, timeOrNull } from './operators-context.ts';

/** Signing keys as operators see and turn them. */
export const createKeysAdminService = (context: OperatorsContext) => {
  const { database, clock, keys, readKeys, key_grace_ms, key_rotation_ms } = context;
  const act = createOperatorAct(context);

  /** A key signed from its activation until the next one of its algorithm took over. */
  const signedUntil = (row: KeyRow, rows: readonly KeyRow[]): Date | null =>
    rows
      .filter((other) => other.alg === row.alg && other.activated_at !== null && other.activated_at > row.activated_at!)
      .map((other) => other.activated_at!)
      .toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;

  const liveTokens = async (row: KeyRow, rows: readonly KeyRow[]): Promise<number | null> =>
    row.activated_at === null || row.state === 'retired'
      ? null
      : operatorListsStore.liveJwts(database.read, row.activated_at, signedUntil(row, rows), clock.now());

  const list = async () => {
    const rows = await keysStore.all(database.read);
    const items = await Promise.all(
      rows.map(
        async (row): Promise<SigningKeyView> => ({
          kid: row.kid,
          alg: row.alg,
          state: row.state,
          public_jwk: row.public_jwk,
          created_at: time(row.created_at),
          not_before: time(row.not_before),
          activated_at: timeOrNull(row.activated_at),
          retire_at: timeOrNull(row.retire_at),
          live_tokens: await liveTokens(row, rows),
        }),
      ),
    );
    return { items, grace_s: key_grace_ms / 1000, rotate_every_s: key_rotation_ms / 1000 };
  };

  return {
    list: (_call: Call) => list(),

    rotate: async (call: Call) => {
      // Asked first: the ring has no notion of operators. It leaves the audit line itself.
      await act(call, async () => {});
      await keys.rotate(call);
      await readKeys();
      await act(call, ({ nudge }) => nudge('key'));
      return list();
    },

    retire: async (call: Call, { kid, force }: { kid: string; force: boolean }) => {
      await act(call, async ({ tx, now, done }) => {
        await keysStore.lockRotation(tx.db);
        const rows = await keysStore.all(tx.db);
        const row = rows.find((one) => one.kid === kid);
        if (row === undefined) throw notFound('The key');
        if (row.state === 'retired') return;
        if (row.state !== 'grace')
          throw new AppError(
            'oauth_key_in_use',
            row.state === 'active'
              ? 'This key signs new tokens. Rotate first; then it is in grace and can be retired.'
              : 'This key is the next one. It has signed nothing yet.',
          );
        const live = (await liveTokens(row, rows)) ?? 0;
        if (live > 0 && !force)
          throw new AppError('oauth_key_in_use', `${live} tokens that this key signed are still good.`, {
            extensions: { live_tokens: live },
          });
        await keysStore.setState(tx.db, kid, 'grace', { retire_at: now });
        await keysStore.retire(tx.db, now);
        await done('key', 'signing_keys.retire', { type: 'key', id: kid }, { live_tokens: live, force });
      });
      await readKeys();
      return list();
    },
  };
};

export type KeysAdminService = ReturnType<typeof createKeysAdminService>;
