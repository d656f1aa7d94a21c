import type { AppView } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { findServices, groupServices, tileBy } from './service-grid.ts';

const app = (name: string, change: Partial<AppView> = {}): AppView => ({
  id: `01980000-0000-7000-8000-${name.length.toString(16).padStart(12, '0')}`,
  slug: name.toLowerCase(),
  name,
  icon: '📦',
  tags: [],
  group: null,
  description: '',
  position: 0,
  source: 'ui',
  routes: [],
  status: 'healthy',
  latency_ms: null,
  pinned: false,
  version: 1,
  created_at: '2026-11-20T09:00:00.000Z',
  updated_at: '2026-11-20T09:00:00.000Z',
  ...change,
});
const names = (apps: readonly AppView[]) => apps.map(({ name }) => name);

test('an app is found by every word of its name, group, description and tags, and first by how it is called', () => {
  const apps = [
    app('Grafana', { description: 'Charts of the media server' }),
    app('Home media', { group: 'Home' }),
    app('Media', { tags: ['film'] }),
  ];
  expect(names(findServices(apps, 'media'))).toEqual(['Media', 'Home media', 'Grafana']);
  expect(names(findServices(apps, 'FILM med'))).toEqual(['Media']);
  expect(names(findServices(apps, '  '))).toEqual(['Grafana', 'Home media', 'Media']);
  expect(findServices(apps, 'nothing')).toEqual([]);
});

test('what is pinned stands first and once; groups keep the order of the server', () => {
  const apps = [
    app('A', { group: 'Work' }),
    app('B', { group: 'Home', pinned: true }),
    app('C', { group: 'Home' }),
    app('D'),
  ];
  expect(groupServices(apps).map((group) => [group.name, names(group.apps)])).toEqual([
    ['Pinned', ['B']],
    ['Work', ['A']],
    ['Home', ['C']],
    ['', ['D']],
  ]);
});

test('arrows go where the tiles stand, across groups of uneven length', () => {
  // Three, then one below a heading, then two.
  const places = [
    { left: 0, top: 0 },
    { left: 100, top: 0 },
    { left: 200, top: 0 },
    { left: 0, top: 80 },
    { left: 0, top: 140 },
    { left: 100, top: 140 },
  ];
  expect(tileBy(places, 2, 'ArrowDown')).toBe(3);
  expect(tileBy(places, 3, 'ArrowDown')).toBe(4);
  expect(tileBy(places, 5, 'ArrowUp')).toBe(3);
  expect(tileBy(places, 2, 'ArrowRight')).toBe(3);
  expect(tileBy(places, 0, 'ArrowLeft')).toBeNull();
  expect(tileBy(places, 1, 'ArrowUp')).toBeNull();
  expect(tileBy(places, 4, 'ArrowDown')).toBeNull();
  expect([tileBy(places, 4, 'Home'), tileBy(places, 0, 'End')]).toEqual([0, 5]);
  expect(tileBy([], 0, 'ArrowDown')).toBeNull();
});
