import { AppError } from '../../platform/errors/app-error.ts';
import { isUuid } from '../../platform/ids/ids.ts';

/** Where a list sorted by a word or a number, then by id, goes on. */
export interface KeyPoint {
  key: string;
  id: string;
}

const broken = (): AppError => new AppError('bad_request', 'The cursor is not one of this list.');

export const keyPointOf = (cursor: string | undefined, form: RegExp = /^[^\0]*$/): KeyPoint | null => {
  if (cursor === undefined) return null;
  const [id, ...rest] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const key = rest.join(' ');
  if (id === undefined || !isUuid(id) || !form.test(key)) throw broken();
  return { id, key };
};

/** Of `limit + 1` rows: the page, and the cursor when there is more. */
export const keyPageOf = <Row extends { id: string }>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => string | number,
): { rows: Row[]; next_cursor: string | null } => {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { rows: page, next_cursor: more ? Buffer.from(`${last.id} ${keyOf(last)}`).toString('base64url') : null };
};
