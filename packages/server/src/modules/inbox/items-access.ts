import type { ItemView } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { type AppError, notFound } from '../../platform/errors/app-error.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { itemClosed } from './inbox-errors.ts';
import { readerOf, visibleTo } from './inbox-policy.ts';
import { presentItem } from './items-presenter.ts';
import type { ItemRow } from './items-rows.ts';
import { type Db, findItem, findPresentable, lockItem } from './items-store.ts';

/** An item that does not exist, is foreign or is hidden: one and the same answer. */
export const noItem = (): AppError => notFound('The item');

export const requireItem = async (db: Db, caller: Caller, id: string): Promise<ItemRow> => {
  const item = await findItem(db, visibleTo(caller), id);
  if (item === null) throw noItem();
  return item;
};

/** Loads and locks. Whatever comes between loading and the end of the transaction waits. */
export const lockSeen = async (tx: Transaction, caller: Caller, id: string): Promise<ItemRow> => {
  const item = await lockItem(tx.db, visibleTo(caller), id);
  if (item === null) throw noItem();
  return item;
};

export const lockOpen = async (tx: Transaction, caller: Caller, id: string): Promise<ItemRow> => {
  const item = await lockSeen(tx, caller, id);
  if (item.status !== 'open') throw itemClosed(item);
  return item;
};

/** A conditional update that found its condition gone, although the row was locked: say how the item stands now. */
export const requireChanged = async (tx: Transaction, item: ItemRow, changed: ItemRow | null): Promise<ItemRow> => {
  if (changed !== null) return changed;
  throw itemClosed(
    (await findItem(tx.db, visibleTo(systemCaller({ id: item.org_id }), { deleted: true }), item.id)) ?? item,
  );
};

export const viewOf = async (db: Db, caller: Caller, id: string, now: Date): Promise<ItemView> => {
  const item = await findPresentable(db, readerOf(caller), id);
  if (item === null) throw noItem();
  return presentItem(item, caller, now);
};
