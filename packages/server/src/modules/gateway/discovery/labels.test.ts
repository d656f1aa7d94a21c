import { describe, expect, it } from 'vitest';
import { appSlug, firstSlug, titleOf } from './app-slug.ts';
import { readForeignLabels } from './foreign-labels.ts';
import { readLabels } from './labels.ts';
import { pathBaseOf, suggestApp, suggestRoute } from './suggestion.ts';

describe('labels of ours', () => {
  it('G2: are read under both names, and atrium wins where both are there', () => {
    const nekzus = readLabels({ 'nekzus.enable': 'true', 'nekzus.app.id': 'notes', 'nekzus.route.path': '/notes/' });
    const atrium = readLabels({ 'atrium.enable': 'true', 'atrium.app.id': 'notes', 'atrium.route.path': '/notes/' });
    expect(nekzus).toEqual(atrium);
    const both = readLabels({ 'nekzus.app.id': 'old', 'nekzus.app.name': 'Old', 'atrium.app.id': 'new' });
    expect([both.app.id, both.app.name]).toEqual(['new', 'Old']);
  });

  it.each([
    ['dotted', { 'atrium.app.id': 'n', 'atrium.route.strip_prefix': 'false', 'atrium.primary_port': '9000' }],
    ['with a slash', { 'atrium/app-id': 'n', 'atrium/route-strip-prefix': 'false', 'atrium/primary-port': '9000' }],
    ['with slash and dots', { 'nekzus/app.id': 'n', 'nekzus/route.strip_prefix': 'no', 'nekzus/primary_port': '9000' }],
  ])('are read %s', (_how, labels) => {
    const reading = readLabels(labels);
    expect([reading.app.id, reading.route.strip_prefix, reading.primary_port]).toEqual(['n', false, 9000]);
  });

  it('of an earlier map win over those of a later one, in each of the two names', () => {
    const reading = readLabels({ 'nekzus/enable': 'false' }, { 'nekzus.enable': 'true', 'nekzus.app.tags': 'a, b' });
    expect([reading.enable, reading.app.tags]).toEqual([false, ['a', 'b']]);
  });

  it('that mean nothing are silent', () => {
    const reading = readLabels({ 'atrium.enable': 'perhaps', 'atrium.primary_port': '70000', 'atrium.scheme': 'ftp' });
    expect([reading.enable, reading.primary_port, reading.scheme, reading.any]).toEqual([null, null, null, true]);
    expect(readLabels({ atriumenable: 'true', 'com.atrium.enable': 'true' }).any).toBe(false);
  });
});

describe('what a route is to be', () => {
  const route = (labels: Record<string, string>) => suggestRoute(readLabels(labels), 'notes');

  it.each([
    ['the id label asks for its scope', { 'atrium.app.id': 'notes' }, { access: 'scopes', scopes: ['access:notes'] }],
    [
      'scopes of a label are taken instead',
      { 'atrium.app.id': 'n', 'atrium.route.scopes': 'a:b, c:d' },
      { access: 'scopes', scopes: ['a:b', 'c:d'] },
    ],
    ['no scopes at all mean signed in', { 'atrium.app.id': 'n', 'atrium.route.scopes': '' }, { access: 'signed_in' }],
    ['without an id label it is for who is signed in', { 'atrium.enable': 'true' }, { access: 'signed_in' }],
    ['access of a label counts', { 'atrium.app.id': 'n', 'atrium.route.access': 'public' }, { access: 'public' }],
    [
      'a host makes a route of that host',
      { 'atrium.route.host': 'N.Example.org.' },
      { access: 'signed_in', mode: 'host', hosts: ['n.example.org'] },
    ],
    [
      'host and path make both',
      { 'atrium.route.host': 'n.example.org', 'atrium.route.path': '/n/' },
      { mode: 'both', path_base: '/apps/n/' },
    ],
    ['sockets are off unless a label says so', { 'atrium.enable': 'true' }, { websockets: false }],
    ['sockets of a label', { 'atrium.route.websocket': 'true' }, { websockets: true }],
    ['health is not asked when a label says so', { 'atrium.health.skip': 'true' }, { health: { skip: true } }],
    ['rewriting off', { 'atrium.route.rewrite_html': 'false' }, { rewrite: false }],
  ])('%s', (_what, labels, expected) => {
    expect(route(labels)).toMatchObject(expected);
  });

  it('nothing is said of sockets where no label of ours is', () => {
    expect(route({ 'traefik.enable': 'true' })).toEqual({ access: 'signed_in' });
  });

  it.each([
    ['/apps/notes/', '/apps/notes/'],
    ['/notes', '/apps/notes'],
    ['notes/', '/apps/notes/'],
    ['/', null],
    ['/apps/', null],
    ['/a/../b', null],
    ['/a%2fb', null],
  ])('the path %s becomes %s', (path, expected) => {
    expect(pathBaseOf(path)).toBe(expected);
  });
});

describe('names', () => {
  it.each([
    ['Home Assistant', 'home-assistant'],
    ['My_App-2', 'My_App-2'],
    ['Küche & Bad', 'kuche-bad'],
    ['日本', null],
    [`${'x'.repeat(70)}`, 'x'.repeat(64)],
  ])('the slug of %s is %s', (text, slug) => {
    expect(appSlug(text)).toBe(slug);
  });

  it('come from the first text that makes one, and are never empty', () => {
    expect([firstSlug(null, '日本', 'web'), firstSlug('日本')]).toEqual(['web', 'app']);
    expect(titleOf('home_assistant')).toBe('Home assistant');
  });

  it('of an app have no control characters and a picture in any case', () => {
    const app = suggestApp(readLabels({ 'atrium.app.name': 'No\ntes', 'atrium.app.tags': 'a,a,b' }), {
      names: ['x'],
      name: 'x',
    });
    expect(app).toEqual({ slug: 'x', name: 'No tes', icon: '📦', tags: ['a', 'b'], group: null, description: '' });
  });
});

describe('labels of other products', () => {
  it('of Traefik tell host, port and scheme', () => {
    const hints = readForeignLabels({
      'traefik.enable': 'true',
      'traefik.http.routers.web.rule': 'Host(`notes.example.org`) && PathPrefix(`/x`)',
      'traefik.http.services.web.loadbalancer.server.port': '9000',
      'traefik.http.services.web.loadbalancer.server.scheme': 'https',
    });
    expect(hints).toMatchObject({ products: ['traefik'], host: 'notes.example.org', port: 9000, scheme: 'https' });
    expect(readForeignLabels({ 'traefik.enable': 'false' }).products).toEqual([]);
  });

  it('of Caddy, Homepage and Homarr tell what they have', () => {
    const hints = readForeignLabels({
      caddy: 'notes.example.org',
      'caddy.reverse_proxy': '{{upstreams 8080}}',
      'homepage.name': 'Notes',
      'homepage.group': 'Home',
      'homepage.icon': 'notes.png',
      'homarr.icon': 'https://example.org/n.png',
      'homepage.description': 'Things to remember',
    });
    expect(hints).toEqual({
      products: ['caddy', 'homepage', 'homarr'],
      ...{ host: 'notes.example.org', port: 8080, scheme: null, name: 'Notes', group: 'Home', icon: null },
      description: 'Things to remember',
    });
  });
});
