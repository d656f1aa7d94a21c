import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { credentialsStore } from './credentials-store.ts';

/**
 * The caller with the role they hold inside this transaction. A caller may have been resolved seconds ago, and power
 * that was taken away meanwhile must not be handed on.
 */
export const currentCaller = async (tx: Transaction, caller: Caller): Promise<Caller> => {
  if (caller.kind === 'system') return caller;
  const row = await credentialsStore.principal(tx.db, caller.org_id, caller.kind, caller.id);
  if (row === null) throw new AppError('unauthorized');
  const { permissions, system_role, role_id } = row;
  return { ...caller, permissions, system_role, role_id };
};
