import { AppError } from '../../platform/errors/app-error.ts';
import { answererOf } from './items-presenter.ts';
import type { ItemRow } from './items-rows.ts';

/** The loser of a race hears how the item ended and who was first. */
export const itemClosed = (item: ItemRow): AppError => {
  const by = answererOf(item);
  const who = by === null ? '' : ` by ${by.name}`;
  return new AppError('item_closed', `The item is already ${item.status}${who}.`, {
    extensions: { item_status: item.status, current_status: item.status, answered_by: by, ...reasonOf(item) },
  });
};

const reasonOf = (item: ItemRow): Record<string, unknown> =>
  item.withdrawn_reason === null ? {} : { withdrawn_reason: item.withdrawn_reason };

export const invalidTransition = (item: ItemRow, wanted: string): AppError =>
  new AppError('invalid_transition', `An item that is ${item.status} cannot be ${wanted}.`, {
    extensions: { item_status: item.status, current_status: item.status },
  });

export const denied = (message: string, required: string): AppError =>
  new AppError('permission_denied', message, { extensions: { error: 'permission denied', required } });
