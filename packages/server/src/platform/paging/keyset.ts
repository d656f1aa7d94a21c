import { AppError } from '../errors/app-error.ts';
import { isUuid } from '../ids/ids.ts';

/** Where a page ended: the value it is sorted by, then the id that breaks ties. */
export interface Position<Value> {
  value: Value;
  id: string;
}

const badCursor = (): AppError => new AppError('bad_request', 'The cursor is not one of this list.');

const decode = (cursor: string, isId: (id: string) => boolean = isUuid): Position<string> => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw badCursor();
  }
  if (!Array.isArray(parsed) || parsed.length !== 2) throw badCursor();
  const [value, id] = parsed as unknown[];
  if (typeof value !== 'string' || typeof id !== 'string' || !isId(id) || `${value}${id}`.includes('\0'))
    throw badCursor();
  return { value, id };
};

const encode = (value: string, id: string): string => Buffer.from(JSON.stringify([value, id])).toString('base64url');

/** Position of a list sorted by time. `isId` says what breaks ties where that is no UUID. */
export const timePosition = (cursor: string | undefined, isId?: (id: string) => boolean): Position<Date> | null => {
  if (cursor === undefined) return null;
  const { value, id } = decode(cursor, isId);
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) throw badCursor();
  return { value: at, id };
};

/** Position of a list sorted by text. */
export const textPosition = (cursor: string | undefined, isId?: (id: string) => boolean): Position<string> | null =>
  cursor === undefined ? null : decode(cursor, isId);

const countForm = /^\d{1,15}$/;

/** Position of a list sorted by a count. */
export const countPosition = (cursor: string | undefined, isId?: (id: string) => boolean): Position<number> | null => {
  const position = textPosition(cursor, isId);
  if (position === null) return null;
  if (!countForm.test(position.value)) throw badCursor();
  return { value: Number(position.value), id: position.id };
};

/** Cuts rows that were read with `limit + 1` into a page and the cursor of the next one. */
export const toPage = <Row, View>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => Position<Date | string>,
  view: (row: Row) => View,
): { items: View[]; next_cursor: string | null } => {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  if (rows.length <= limit || last === undefined) return { items: kept.map(view), next_cursor: null };
  const { value, id } = position(last);
  return { items: kept.map(view), next_cursor: encode(value instanceof Date ? value.toISOString() : value, id) };
};

/** Position of a list sorted by id alone. */
export const idPosition = (cursor: string | undefined): string | null =>
  cursor === undefined ? null : decode(cursor).id;
