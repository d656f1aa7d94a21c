import { type RouteView, routeDefaults } from '@atrium/protocol';
import { expect, test } from 'vitest';
import {
  asStreamTarget,
  changeOf,
  draftOf,
  draftWarnings,
  headersOf,
  headersText,
  meanwhile,
  ofKind,
  type RouteDraft,
  rebase,
  sayValue,
  slugOf,
} from './route-draft.ts';

const route: RouteView = {
  ...structuredClone(routeDefaults),
  hosts: [],
  exclude_paths: [],
  filters: [],
  people: { user_ids: [], team_ids: [], role_ids: [] },
  id: '01980000-0000-7000-8000-000000000001',
  app_id: '01980000-0000-7000-8000-000000000002',
  app_slug: 'notes',
  app_name: 'Notes',
  slug: 'notes',
  mode: 'path',
  path_base: '/apps/notes/',
  targets: [{ url: 'http://192.168.1.20:8080', weight: 1 }],
  scopes: [],
  rewrite: true,
  health: { skip: false, path: '/', interval_ms: 10_000, timeout_ms: 5000, unhealthy_after: 2, healthy_codes: [] },
  source: 'ui',
  locked: null,
  status: 'healthy',
  addresses: ['https://atrium.example/apps/notes/'],
  warnings: [],
  version: 3,
  created_at: '2026-11-20T09:00:00.000Z',
  updated_at: '2026-11-20T09:00:00.000Z',
};
const base = draftOf(route);
const draft = (change: Partial<RouteDraft>): RouteDraft => ({ ...base, ...change });

test('only changed fields are sent, whatever the order of their members', () => {
  expect(changeOf(base, draft({}))).toEqual({});
  expect(changeOf(base, draft({ targets: [{ weight: 1, url: 'http://192.168.1.20:8080' }] }))).toEqual({});
  expect(changeOf(base, draft({ access: 'public', max_body: 0 }))).toEqual({ access: 'public' });
  expect(changeOf(base, draft({ path_base: null }))).toEqual({ path_base: null });
});

test('a draft on an old version keeps its own changes and takes those of others', () => {
  const mine = draft({ access: 'public', path_base: '/apps/board/' });
  const theirs = draft({ strategy: 'sticky', path_base: '/apps/wall/' });
  expect(rebase(base, mine, theirs)).toEqual({ ...theirs, access: 'public', path_base: '/apps/board/' });
});

test('what changed meanwhile is told in words, and what both changed stands out', () => {
  const mine = draft({ access: 'public', path_base: '/apps/board/', max_body: 5 });
  const theirs = draft({ strategy: 'sticky', path_base: '/apps/wall/', max_body: 5 });
  expect(meanwhile(base, mine, theirs)).toEqual([
    { field: 'path_base', label: 'Path', before: '/apps/notes/', now: '/apps/wall/', contested: true },
    {
      field: 'strategy',
      label: 'Choice of target',
      before: 'In turn',
      now: 'The same for each visitor',
      contested: false,
    },
    // Both said the same: nothing to quarrel about.
    { field: 'max_body', label: 'Largest upload', before: '0', now: '5', contested: false },
  ]);
});

test('a draft warns of what would lock everybody out or let everything through', () => {
  const said = (change: Partial<RouteDraft>) => draftWarnings(draft(change)).map(({ tone }) => tone);
  expect(said({})).toEqual([]);
  expect(said({ targets: [] })).toEqual(['danger']);
  expect(said({ kind: 'redirect', targets: [] })).toEqual(['danger']);
  expect(said({ access: 'public' })).toEqual(['warning']);
  expect(said({ access: 'people' })).toEqual(['danger']);
  expect(said({ upstream_auth: { kind: 'bearer' } })).toEqual(['warning']);
  expect(said({ targets: [{ url: 'http://a.lan', weight: 0 }] })).toEqual(['danger']);
  const unverified = { verify: false, ca: null, server_name: null };
  expect(said({ upstream_tls: unverified })).toEqual([]);
  expect(said({ upstream_tls: unverified, targets: [{ url: 'https://a.lan', weight: 1 }] })).toEqual(['warning']);
});

test('headers are lines, and lines are headers again', () => {
  const headers = { 'X-Team': 'release: night', 'X-Debug': null };
  expect(headersText(headers)).toBe('X-Team: release: night\n-X-Debug');
  expect(headersOf(headersText(headers))).toEqual(headers);
  expect(headersOf('  \nX-Half')).toEqual({ 'X-Half': '' });
});

test('a short name is made of letters, digits and hyphens, and of nothing where there are none', () => {
  expect(slugOf('Home Media (4K)')).toBe('home-media-4k');
  expect(slugOf('Café Übersicht')).toBe('cafe-ubersicht');
  expect(slugOf('دفاتر')).toBe('');
  expect(slugOf('x'.repeat(90))).toHaveLength(64);
});

test('a route that becomes a port keeps where it leads to, and loses what needs HTTP', () => {
  const filters: RouteDraft['filters'] = [
    { kind: 'ip_allow', cidrs: ['10.0.0.0/8'] },
    { kind: 'retry', attempts: 1 },
  ];
  const port = draft({ ...ofKind(draft({ filters, strategy: 'sticky' }), 'stream') });
  expect(port).toMatchObject({
    ...{ kind: 'stream', access: 'public', strategy: 'round_robin', filters: [filters[0]] },
    stream: { protocol: 'tcp', port: 8080, names: [] },
    targets: [{ url: 'tcp://192.168.1.20:8080', weight: 1 }],
  });
  expect(sayValue('stream', port.stream)).toBe('TCP 8080');
  expect(draftWarnings(port)).toEqual([]);
  expect(ofKind(port, 'http')).toEqual({
    ...{ kind: 'http', stream: null, access: 'signed_in' },
    targets: [{ url: 'http://192.168.1.20:8080', weight: 1 }],
  });
  expect([asStreamTarget('https://a.lan/x', 'udp'), asStreamTarget('', 'tcp')]).toEqual(['udp://a.lan:443', 'tcp://']);
});
