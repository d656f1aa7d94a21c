import { expect, test } from 'vitest';
import { askBefore, type BulkInput, oppositeOf, whatever } from './bulk-acts.ts';

const input = (change: Partial<BulkInput>): BulkInput => ({
  diary_ref: 'd',
  filter: { tags: ['deploy'] },
  action: 'archive',
  ...change,
});
const nothing = { tagged: new Map(), statuses: new Map() };

test('tags are taken off again from the entries that did not carry them, and given back to those that did', () => {
  const act = input({ action: 'tag', add_tags: ['new'], remove_tags: ['old'] });
  expect(askBefore(act).tags.map(({ tag, input: { filter, dry_run } }) => [tag, filter.tags, dry_run])).toEqual([
    ['new', ['deploy', 'new'], true],
    ['old', ['deploy', 'old'], true],
  ]);
  const before = {
    statuses: new Map(),
    tagged: new Map([
      ['new', ['1']],
      ['old', ['2', 'elsewhere']],
    ]),
  };
  expect(oppositeOf(act, ['1', '2', '3'], before)).toEqual([
    { diary_ref: 'd', filter: whatever(['2', '3']), action: 'tag', remove_tags: ['new'] },
    { diary_ref: 'd', filter: whatever(['2']), action: 'tag', add_tags: ['old'] },
  ]);
});

test('what is archived becomes what each entry was, and what was archived before stays so', () => {
  const act = input({ filter: { status: ['active', 'dead_end', 'archived'] } });
  expect(askBefore(act).statuses.map(({ status }) => status)).toEqual(['active', 'dead_end']);
  const before = {
    tagged: new Map(),
    statuses: new Map([
      ['active' as const, ['1', 'gone meanwhile']],
      ['dead_end' as const, []],
    ]),
  };
  expect(oppositeOf(act, ['1', '2'], before)).toEqual([
    { diary_ref: 'd', filter: whatever(['1']), action: 'update', set: { status: 'active' } },
  ]);
  // Without a word about it, a filter takes active entries.
  expect(askBefore(input({})).statuses.map(({ status }) => status)).toEqual(['active']);
});

test('what is deleted is restored by its ids, and nothing is nothing', () => {
  expect(oppositeOf(input({ action: 'delete' }), ['1'], nothing)).toEqual([
    { diary_ref: 'd', filter: { ids: ['1'] }, action: 'restore' },
  ]);
  expect(oppositeOf(input({ action: 'delete' }), [], nothing)).toEqual([]);
  expect(askBefore(input({ action: 'delete' }))).toEqual({ tags: [], statuses: [] });
});
