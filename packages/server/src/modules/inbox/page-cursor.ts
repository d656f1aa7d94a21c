import { timePosition, toPage } from '../../platform/paging/keyset.ts';

/** Where a list by (created_at, id) goes on. */
export interface PagePoint {
  at: Date;
  id: string;
}

export const pointOf = (cursor: string | undefined): PagePoint | null => {
  const position = timePosition(cursor);
  return position === null ? null : { at: position.value, id: position.id };
};

/** Of `limit + 1` rows: the page, and the cursor when there is more. */
export const pageOf = <Row extends { created_at: Date; id: string }>(
  rows: readonly Row[],
  limit: number,
): { rows: Row[]; next_cursor: string | null } => {
  const { items, next_cursor } = toPage(
    rows,
    limit,
    (row) => ({ value: row.created_at, id: row.id }),
    (row) => row,
  );
  return { rows: items, next_cursor };
};
