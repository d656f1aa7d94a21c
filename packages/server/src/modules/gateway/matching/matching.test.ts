import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteSnapshot } from '../snapshot.ts';
import { comparablePath, pathBelow, readRequestPath } from './request-path.ts';
import { isReservedPath } from './reserved-paths.ts';
import { createRouteTable, type RouteClaim } from './route-table.ts';

const routeOf = (slug: string): RouteSnapshot => ({ slug }) as RouteSnapshot;
const claim = (host: string, path: string): RouteClaim => ({ host, path, route: routeOf(`${host}${path}`) });

describe('the path of a request', () => {
  const refused = [
    '/apps/notes/../../api/v1/routes',
    '/apps/notes/..',
    '/apps/./notes',
    '/apps/notes/%2e%2e/x',
    '/apps/notes/%2E%2e%2fx',
    '/apps/notes/..%2Fx',
    '/apps/notes/x%2f..%2fy',
    '/apps/notes/.%2e/x',
    '/apps/notes/..%5cx',
    '/apps/notes/..\\x',
    '/apps/notes/a\\b',
    '/apps/notes/a%5Cb',
    '/apps/notes/%00',
    '/apps/notes/..;/x',
    '/apps/notes/%2%65%2%65/x',
    '/apps/notes#x',
    '/apps/notes?x#y',
  ];
  it.each(refused)('G26: %s is refused', (url) => expect(readRequestPath(url)).toBeNull());

  it.each([
    ['/apps/notes/%252e%252e/x', '/apps/notes/%252e%252e/x'],
    ['/apps/notes/%61%2D%7e', '/apps/notes/a-~'],
    ['/apps/notes/a%2fb', '/apps/notes/a%2fb'],
    ['/apps/notes/...', '/apps/notes/...'],
    ['/apps/notes/.hidden', '/apps/notes/.hidden'],
    ['/apps/notes/a..b', '/apps/notes/a..b'],
    ['/apps//notes', '/apps//notes'],
    ['/apps/notes/%zz%', '/apps/notes/%zz%'],
  ])('G26: %s is sent on as %s, decoded once at most', (url, path) =>
    expect(readRequestPath(`${url}?a=%2e%2e/`)).toEqual({ path, query: '?a=%2e%2e/' }),
  );

  it('a path that is accepted has no dot segment, however often it is decoded afterwards by one step', () => {
    const part = fc.constantFrom(
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '/',
      '\\',
      '%5c',
      '%25',
      'a',
      'b',
      ';',
      '%00',
      '%61',
      '%2',
      '%65',
      '65',
      '%',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const read = readRequestPath(`/${parts.join('')}`);
        if (read === null) return;
        const once = read.path.replace(/%([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(parseInt(hex, 16)));
        expect(once.split('/').some((segment) => segment === '.' || segment === '..')).toBe(false);
        expect(once).not.toContain('\\');
        expect(once).not.toContain('\0');
      }),
      { numRuns: 2000 },
    );
  });

  it('loses its base and nothing else', () => {
    expect(pathBelow('/apps/notes/', '/apps/notes/')).toBe('/');
    expect(pathBelow('/apps/notes', '/apps/notes')).toBe('/');
    expect(pathBelow('/apps/notes/a//b', '/apps/notes/')).toBe('/a//b');
    expect(pathBelow('//apps///notes//a', '/apps/notes/')).toBe('//a');
    expect(pathBelow('/a/b', '/')).toBe('/a/b');
  });
});

describe('the table of routes', () => {
  it('G13: takes the longest base, and a base without a slash does not hold its longer namesakes', () => {
    const table = createRouteTable([claim('', '/apps/a'), claim('', '/apps/a/b/'), claim('', '/apps/c/')]);
    const found = (path: string) => {
      const match = table.match('', path);
      return match === null ? null : [match.base, match.redirect];
    };
    expect(found('/apps/ab')).toBeNull();
    expect(found('/apps/a')).toEqual(['/apps/a', false]);
    expect(found('/apps/a/x')).toEqual(['/apps/a', false]);
    expect(found('/apps/a/b/x')).toEqual(['/apps/a/b/', false]);
    expect(found('/apps/a/b')).toEqual(['/apps/a/b/', true]);
    expect(found('/apps/c')).toEqual(['/apps/c/', true]);
    expect(found('//apps//c//x')).toEqual(['/apps/c/', false]);
    expect(found('/apps')).toBeNull();
  });

  it('prefers a named host to a wildcard, which stands for one label', () => {
    const table = createRouteTable([claim('*.example.org', '/'), claim('a.example.org', '/x/'), claim('', '/apps/q/')]);
    expect(table.match('b.example.org', '/x/y')?.route.slug).toBe('*.example.org/');
    expect(table.match('a.example.org', '/x/y')?.route.slug).toBe('a.example.org/x/');
    expect(table.match('a.example.org', '/y')).toBeNull();
    expect(table.match('c.b.example.org', '/')).toBeNull();
    expect(table.match('example.org', '/')).toBeNull();
    expect([table.knowsHost('b.example.org'), table.knowsHost('b.c.example.org'), table.knowsHost('')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('finds what a search through all claims finds', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'apps');
    const base = fc
      .tuple(fc.array(segment, { maxLength: 4 }), fc.boolean())
      .map(([segments, slash]) => (segments.length === 0 ? '/' : `/${segments.join('/')}${slash ? '/' : ''}`));
    const host = fc.constantFrom('', 'x.org', '*.org', 'a.x.org', '*.x.org');
    const claims = fc.uniqueArray(fc.tuple(host, base), { maxLength: 12, selector: (pair) => pair.join(' ') });
    const asked = fc.tuple(
      fc.constantFrom('', 'x.org', 'y.org', 'a.x.org', 'b.x.org', 'c.b.x.org'),
      fc.array(fc.oneof(segment, fc.constant('')), { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
    );
    const holds = (path: string, one: string): boolean =>
      one.endsWith('/') ? path.startsWith(one) : path === one || path.startsWith(`${one}/`);
    const oracle = (pairs: readonly (readonly [string, string])[], [name, sent]: readonly [string, string]) => {
      const path = comparablePath(sent);
      const named = pairs.filter(([one]) => one === name);
      const parent = name.split('.').slice(1).join('.');
      const pool = named.length > 0 || name === '' ? named : pairs.filter(([one]) => one === `*.${parent}`);
      const bases = pool.map(([, one]) => one);
      const lacking = bases.find((one) => one.endsWith('/') && path === one.slice(0, -1) && path !== '');
      if (lacking !== undefined && !bases.includes(path)) return [lacking, true];
      const best = bases.filter((one) => holds(path, one)).sort((a, b) => b.length - a.length)[0];
      return best === undefined ? null : [best, false];
    };
    fc.assert(
      fc.property(claims, fc.array(asked, { maxLength: 20 }), (pairs, requests) => {
        const table = createRouteTable(pairs.map(([name, path]) => claim(name, path)));
        for (const request of requests) {
          const match = table.match(...request);
          expect(match === null ? null : [match.base, match.redirect]).toEqual(oracle(pairs, request));
        }
      }),
      { numRuns: 500 },
    );
  });
});

it('paths of the product cannot be claimed', () => {
  for (const base of ['/', '/api', '/api/v1/x/', '/API/', '/oauth/', '/.well-known/x', '/ws'])
    expect(isReservedPath(base)).toBe(true);
  for (const base of ['/apps/a/', '/apis', '/grafana/']) expect(isReservedPath(base)).toBe(false);
});
