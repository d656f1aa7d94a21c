import type { BoardGroup } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { findItems, moveGroup, moveTo, placeAt, removeItem, stepTo, toInput } from './arranging.ts';

const link = (id: string) =>
  ({ kind: 'link', id, size: 'small', title: id, url: `https://${id}.example`, icon: '', description: '' }) as const;
const groups: BoardGroup[] = [
  { id: 'first', name: 'First', items: [link('a'), link('b'), link('c')] },
  { id: 'none', name: 'None', items: [] },
  { id: 'last', name: 'Last', items: [link('d')] },
];
const order = (moved: readonly BoardGroup[]): string =>
  moved.map(({ items }) => items.map(({ id }) => id).join('')).join('|');

test('an item goes before what stands where it is put, whichever way it came', () => {
  expect(order(moveTo(groups, 'a', { group: 0, index: 2 }))).toBe('bac||d');
  expect(order(moveTo(groups, 'a', { group: 0, index: 3 }))).toBe('bca||d');
  expect(order(moveTo(groups, 'c', { group: 0, index: 0 }))).toBe('cab||d');
  expect(order(moveTo(groups, 'b', { group: 0, index: 1 }))).toBe('abc||d');
  expect(order(moveTo(groups, 'b', { group: 2, index: 1 }))).toBe('ac||db');
  expect(order(moveTo(groups, 'b', { group: 1, index: 0 }))).toBe('ac|b|d');
  expect(order(moveTo(groups, 'b', { group: 9, index: 0 }))).toBe('abc||d');
  expect(order(moveTo(groups, 'x', { group: 0, index: 0 }))).toBe('abc||d');
});

test('an item is put at a place by its number', () => {
  expect(order(placeAt(groups, 'a', { group: 0, index: 0 }))).toBe('abc||d');
  expect(order(placeAt(groups, 'a', { group: 0, index: 2 }))).toBe('bca||d');
  expect(order(placeAt(groups, 'c', { group: 0, index: 1 }))).toBe('acb||d');
  expect(order(placeAt(groups, 'a', { group: 2, index: 0 }))).toBe('bc||ad');
});

test('keys move it one place, over the edge of its group into the next, and no further than the board', () => {
  const walked = (id: string, keys: readonly ('ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown')[]): string =>
    order(
      keys.reduce<BoardGroup[]>((now, key) => {
        const to = stepTo(now, id, key);
        return to === null ? now : moveTo(now, id, to);
      }, groups),
    );
  expect(walked('a', ['ArrowRight'])).toBe('bac||d');
  expect(walked('a', ['ArrowRight', 'ArrowRight', 'ArrowRight'])).toBe('bc|a|d');
  expect(walked('d', ['ArrowLeft', 'ArrowLeft'])).toBe('abcd||');
  expect(walked('b', ['ArrowDown'])).toBe('ac|b|d');
  expect(walked('d', ['ArrowUp', 'ArrowUp'])).toBe('dabc||');
  expect(walked('a', ['ArrowLeft', 'ArrowUp'])).toBe('abc||d');
  expect(walked('d', ['ArrowRight', 'ArrowDown'])).toBe('abc||d');
});

test('groups change places with their neighbour, items are taken off and found', () => {
  expect(moveGroup(groups, 'last', -1).map(({ id }) => id)).toEqual(['first', 'last', 'none']);
  expect(moveGroup(groups, 'first', -1).map(({ id }) => id)).toEqual(['first', 'none', 'last']);
  expect(order(removeItem(groups, 'b'))).toBe('ac||d');
  expect(findItems(groups, 'EXAMPLE last').map(({ id }) => id)).toEqual(['d']);
});

test('an app goes by the item that it is', () => {
  const hidden = { kind: 'app', id: 'e', size: 'wide', widgets: ['health'], app: null } as const;
  expect(toInput([{ id: 'g', name: '', items: [{ ...hidden, widgets: [...hidden.widgets] }] }])).toEqual([
    { id: 'g', name: '', items: [{ kind: 'app', id: 'e', size: 'wide', widgets: ['health'] }] },
  ]);
});
