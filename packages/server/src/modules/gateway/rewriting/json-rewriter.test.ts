import { expect, test } from 'vitest';
import { createAddressMap } from './address-map.ts';
import { rewriteBaseSettings, rewriteManifest } from './json-rewriter.ts';
import { matchesGlob } from './path-globs.ts';

const map = createAddressMap({
  base: '/apps/x/',
  host: 'atrium.local',
  target: { hostname: '10.0.0.5', port: 3000, base_path: '' },
});

test.each([
  ['{"urlBase":"","apiRoot":"/api/v3"}', '{"urlBase":"/apps/x","apiRoot":"/api/v3"}'],
  ['{"urlBase": "/sonarr"}', '{"urlBase": "/apps/x/sonarr"}'],
  ['{"urlBase":"\\/sonarr"}', '{"urlBase":"/apps/x/sonarr"}'],
  ["window.Radarr = {urlBase: '',a:1}", "window.Radarr = {urlBase: '/apps/x',a:1}"],
  ['x.urlBase = "/"', 'x.urlBase = "/apps/x/"'],
  ['{"baseUrl":"/bazarr/"}', '{"baseUrl":"/apps/x/bazarr/"}'],
])('G47: %s tells the app where it is', (given, expected) => {
  expect(rewriteBaseSettings(given, map)).toBe(expected);
  expect(rewriteBaseSettings(expected, map)).toBe(expected);
});
test.each(['{"baseUrl":""}', '{"urlBase":"https://h/"}', '{"curlBase":"/a"}', 'urlBase = other', '{"urlBase":"a/b"}'])(
  '%s says nothing about it',
  (given) => {
    expect(rewriteBaseSettings(given, map)).toBe(given);
  },
);

test('G47: a manifest leads below the base with all of its addresses', () => {
  const manifest = {
    name: 'A/B',
    id: '/',
    start_url: '/?pwa',
    scope: '/',
    description: '/not an address',
    icons: [{ src: '/i.png', type: 'image/png' }, { src: 'https://cdn.example.org/i.png' }],
    shortcuts: [{ name: '/n', url: '/new', icons: [{ src: '/n.png' }] }],
    share_target: { action: '/share', params: { url: '/link' } },
  };
  const found = rewriteManifest(JSON.stringify(manifest), map);
  expect(JSON.parse(found)).toEqual({
    ...manifest,
    id: '/apps/x/',
    start_url: '/apps/x/?pwa',
    scope: '/apps/x/',
    icons: [{ src: '/apps/x/i.png', type: 'image/png' }, { src: 'https://cdn.example.org/i.png' }],
    shortcuts: [{ name: '/n', url: '/apps/x/new', icons: [{ src: '/apps/x/n.png' }] }],
    share_target: { action: '/apps/x/share', params: { url: '/link' } },
  });
  expect(rewriteManifest(found, map)).toBe(found);
  expect(rewriteManifest('{ broken', map)).toBe('{ broken');
});

test.each([
  ['/api/*', '/api/a', true],
  ['/api/*', '/api/a/b', false],
  ['/api/**', '/api/a/b', true],
  ['/api/**', '/api', false],
  ['**/raw/**', '/a/raw/b/c', true],
  ['/a/**/b', '/a/b', true],
  ['/a/**/b', '/a/x/y/b', true],
  ['*.html', '/deep/down/page.html', true],
  ['*.html', '/page.htm', false],
  ['/a?c', '/abc', true],
  ['/a?c', '/a/c', false],
  ['/', '/', true],
])('glob %s and path %s: %s', (glob, path, expected) => {
  expect(matchesGlob(glob, path)).toBe(expected);
});
test('a glob made of stars is decided as well', () => {
  expect(matchesGlob(`/${'*a'.repeat(200)}b`, `/${'a'.repeat(2000)}`)).toBe(false);
});
