import { describe, expect, it } from 'vitest';
import { newId } from '../ids/ids.ts';
import { idPosition, textPosition, timePosition, toPage } from './keyset.ts';

describe('cursors', () => {
  const rows = [3, 2, 1].map((n) => ({ at: new Date(n * 1000), id: newId() }));
  const page = (limit: number) =>
    toPage(
      rows,
      limit,
      (row) => ({ value: row.at, id: row.id }),
      (row) => row.id,
    );

  it('lead to the row after the last one shown', () => {
    const { items, next_cursor } = page(2);
    expect(items).toEqual([rows[0]!.id, rows[1]!.id]);
    expect(timePosition(next_cursor!)).toEqual({ value: rows[1]!.at, id: rows[1]!.id });
  });

  it('end with the list', () => {
    expect(page(3).next_cursor).toBeNull();
    expect(timePosition(undefined)).toBeNull();
  });

  it.each([
    'x',
    '',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('["2026-01-01","no id"]').toString('base64url'),
    Buffer.from(`["never","${newId()}"]`).toString('base64url'),
  ])('of another making are refused: %j', (cursor) => {
    expect(() => timePosition(cursor)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });

  it('never carry what the database cannot store', () => {
    const cursor = Buffer.from(JSON.stringify(['a\0b', newId()])).toString('base64url');
    expect(() => textPosition(cursor)).toThrow(expect.objectContaining({ code: 'bad_request' }));
    expect(() => idPosition('%')).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});
