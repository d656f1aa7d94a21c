import { describe, expect, it } from 'vitest';
import { entriesAround, readPostings } from './postings.ts';

type Made = [position: number, held: number, dated?: number, asks?: boolean, length?: number];

const bytesOf = (...made: Made[]): Buffer =>
  Buffer.concat(
    made.map(([position, held, dated = 0, asks = false, length = held === 0 ? 0 : 10]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(position, 0);
      bytes.writeUInt8(held, 4);
      bytes.writeUInt8((asks ? 128 : 0) + dated, 5);
      bytes.writeUInt16BE(length, 6);
      return bytes;
    }),
  );

describe('postings', () => {
  it('reads what the database lays out', () => {
    const { positions, held, dated, asks, lengths } = readPostings(bytesOf([3, 2, 1, true, 700], [70_000, 255]));
    expect([[...positions], [...held], [...dated], [...asks], [...lengths]]).toEqual([
      [3, 70_000],
      [2, 255],
      [1, 0],
      [1, 0],
      [700, 10],
    ]);
  });

  it('takes the last of several for one entry, and none of what is gone', () => {
    const { positions, held } = readPostings(bytesOf([5, 1], [7, 1], [5, 3], [7, 0], [2, 1], [9, 0]));
    expect([[...positions], [...held]]).toEqual([
      [2, 5],
      [1, 3],
    ]);
  });

  it('brings an entry back that was gone', () => {
    expect([...readPostings(bytesOf([5, 1], [5, 0], [5, 2])).held]).toEqual([2]);
  });

  it('collects what stands around some places, word by word', () => {
    const lists = new Map([
      ['one', readPostings(bytesOf([0, 1], [8, 2], [11, 1], [30, 1]))],
      ['two', readPostings(bytesOf([8, 1, 1]))],
    ]);
    const entries = entriesAround(lists, [1, 9], 2);
    expect([...entries.keys()].sort((x, y) => x - y)).toEqual([0, 8, 11]);
    expect([...entries.get(8)!.lexemes]).toEqual([
      ['one', { title: 0, tags: 0, content: 2, date: 0 }],
      ['two', { title: 0, tags: 0, content: 1, date: 1 }],
    ]);
  });
});
