import { randomBytes } from 'node:crypto';
import { type HeldScope, hasPermission, hasScope, newcomerScopes, normaliseFingerprint } from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken } from '../../platform/secrets/tokens.ts';
import { agentKeysStore } from './agent-keys-store.ts';
import { currentCaller } from './current-caller.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireMayGrant, requirePermission } from './identity-policy.ts';
import { rolesStore } from './roles-store.ts';
import { systemRoleIds } from './system-roles.ts';
import { type IssuerKind, type VoucherRow, vouchersStore } from './vouchers-store.ts';

const openAtMost = 5;
const lifeMs = 24 * 60 * 60_000;

/** Where the code of a voucher lies encrypted, for its issuer. */
export const voucherPlace = (id: string): string => `identity_vouchers.code:${id}`;

/** Members vouch for newcomers, one agent a code. */
export const createVouchersService = ({ clock, database, limiter, options, secrets, transact }: IdentityContext) => {
  /** A code is worth what its newcomer may do: a credential of the same issuer that may do less does not get to see it. */
  const mayHaveCode = (row: VoucherRow, caller: Caller): boolean =>
    row.issuer_id === caller.id && row.scopes.every((scope) => hasScope(caller.scopes, scope as HeldScope));

  const view = (row: VoucherRow, caller: Caller) => ({
    id: row.id,
    code:
      row.code_sealed !== null && mayHaveCode(row, caller)
        ? secrets.decrypt(row.code_sealed, voucherPlace(row.id))
        : null,
    issued_by: { kind: row.issuer_type, id: row.issuer_id, fingerprint: row.issuer_fingerprint },
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  });

  return {
    create: async (call: Call) => {
      await requireGuess(limiter, 'vouch', call.caller.id, options.agent_keys.vouch);
      return transact(call, 'vouchers.create', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const { org_id, id: issuer_id } = caller;
        const issuer_type = caller.kind as IssuerKind;
        const role = await rolesStore.find(tx.db, org_id, systemRoleIds.member);
        requireMayGrant(caller, role!);
        if (!(await vouchersStore.lockIssuer(tx.db, { org_id, kind: issuer_type, id: issuer_id })))
          throw new AppError('unauthorized');
        const now = clock.now();
        if ((await vouchersStore.countOpen(tx.db, org_id, issuer_id, now)) >= openAtMost)
          throw new AppError('voucher_limit', undefined, { extensions: { limit: openAtMost } });
        const [id, code] = [newId(), randomBytes(32).toString('hex')];
        const expires_at = new Date(now.getTime() + lifeMs);
        await vouchersStore.insert(tx.db, {
          ...{ id, org_id, issuer_type, issuer_id, created_at: now, expires_at },
          ...{ hash: hashToken(code), code_sealed: secrets.encrypt(code, voucherPlace(id)) },
          scopes: newcomerScopes.filter((scope) => hasScope(caller.scopes, scope)),
        });
        tx.emit({ kind: identityEvents.voucherIssued, id, body: { issuer_id } });
        tx.audit({ action: 'vouchers.create', target_type: 'voucher', target_id: id });
        const key = await agentKeysStore.currentOf(tx.db, org_id, issuer_id);
        return { id, code, expires_at: expires_at.toISOString(), issued_by: key?.fingerprint ?? null };
      });
    },

    list: async (call: Call, input: { everyone: boolean; limit: number; cursor?: string | undefined }) => {
      const { caller } = call;
      if (input.everyone) requirePermission(caller, 'agents.manage');
      const rows = await vouchersStore.pageOpen(database.read, {
        ...{ org_id: caller.org_id, issuer_id: input.everyone ? null : caller.id, now: clock.now() },
        ...{ after: timePosition(input.cursor), limit: input.limit + 1 },
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => view(row, caller),
      );
    },

    revoke: (call: Call, input: { id: string }): Promise<null> =>
      transact(call, 'vouchers.revoke', async (tx) => {
        const caller = await currentCaller(tx, call.caller);
        const of = hasPermission(caller.permissions, 'agents.manage') ? null : caller.id;
        const revoked = await vouchersStore.revoke(tx.db, caller.org_id, input.id, of, clock.now());
        if (revoked === null) throw notFound('The voucher');
        tx.emit({ kind: identityEvents.voucherRevoked, id: input.id, body: { issuer_id: revoked.issuer_id } });
        tx.audit({ action: 'vouchers.revoke', target_type: 'voucher', target_id: input.id });
        return null;
      }),

    graph: async (
      _call: Call,
      input: {
        root?: string | undefined;
        max_depth?: number | undefined;
        limit: number;
        cursor?: string | undefined;
      },
    ) => {
      const db = database.read;
      const after = timePosition(input.cursor);
      const root = input.root === undefined ? null : await agentKeysStore.lookUp(db, normaliseFingerprint(input.root));
      if (input.root !== undefined && root === null) throw notFound('The key');
      const rows = await vouchersStore.edges(db, {
        root: root && { agent_id: root.agent_id, depth: await vouchersStore.depthOf(db, root.agent_id) },
        ...{ max_depth: input.max_depth ?? null, after, limit: input.limit + 1 },
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.redeemed_at, id: row.id }),
        ({ issuer_type, issuer_fingerprint, redeemer_fingerprint, redeemed_at, depth, descendants, active }) => ({
          ...{ issuer_kind: issuer_type, issuer_fingerprint, redeemer_fingerprint },
          ...{ redeemed_at: redeemed_at.toISOString(), depth, descendants, active },
        }),
      );
    },
  };
};

export type VouchersService = ReturnType<typeof createVouchersService>;
