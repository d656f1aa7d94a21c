import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { emailsStore } from './emails-store.ts';
import { factorsStore } from './factors-store.ts';
import { loginsStore } from './logins-store.ts';

/** After something was taken away, inside the same transaction: nobody locks themselves out by it. */
export const requireOtherWayIn = async (tx: Transaction, userId: string): Promise<void> => {
  const held = await factorsStore.held(tx.db, userId);
  if (held.has_password || held.passkeys > 0) return;
  if ((await loginsStore.count(tx.db, userId)) > 0) return;
  const emails = await emailsStore.ofUser(tx.db, userId);
  if (emails.some(({ verified_at }) => verified_at !== null)) return;
  throw new AppError('in_use', 'This is your only way in. Set a password or add a passkey first.');
};
