import type { ReportView } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { byEntry, parseReportList } from './report-lists.ts';

test('reports of one entry stand together, where the newest of them stood', () => {
  const report = (id: string, entry: string) => ({ id, entry: { id: entry } }) as ReportView;
  const gathered = byEntry([report('1', 'a'), report('2', 'b'), report('3', 'a')]);
  expect(gathered.map(({ entry, reports }) => [entry.id, reports.map(({ id }) => id)])).toEqual([
    ['a', ['1', '3']],
    ['b', ['2']],
  ]);
  expect(byEntry([])).toEqual([]);
});

test('an address that names no part of the queue is its beginning', () => {
  expect(parseReportList({ list: 'upheld' })).toEqual({ list: 'upheld' });
  expect(parseReportList({ list: ['gossip'] })).toEqual({ list: undefined });
});
