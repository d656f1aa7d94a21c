import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { createGatewayTest, defaultGatewaySettings, type GatewayTest } from '../../../test/support/make-gateway.ts';
import { callBy, makeOrg } from '../../../test/support/make-inbox.ts';
import type { Call } from '../../platform/operations/call.ts';

let test: GatewayTest;
let admin: Call;
let orgId: string;
beforeAll(async () => {
  test = await createGatewayTest();
  const org = await makeOrg(test.pool, 'Home');
  orgId = org.id;
  admin = callBy(await org.person('Ada', 'admin'));
});
afterAll(() => test.drop());

const services = () => test.gateway.services;
const target = (n = 10) => [{ url: `http://203.0.114.${n}:8080`, weight: 1 }];
const app = (slug: string, more: Record<string, unknown> = {}) =>
  services().apps.create(admin, {
    ...{ slug, icon: '📦', tags: [], group: null, description: '', position: 0, route: { targets: target() } },
    ...more,
  });
const newest = async () => (await services().documents.list(admin, { limit: 1 })).items[0]!;
const exported = async () => parse((await services().documents.export(admin)).document);
const routeOf = async (slug: string) =>
  (await services().routes.list(admin, { limit: 200 })).items.find((route) => route.slug === slug);
const eventsOf = async (kind: string) =>
  (
    await test.pool.query('select body from core_events where org_id = $1 and kind = $2 order by seq', [orgId, kind])
  ).rows.map((row) => row.body);

describe('versions', () => {
  it('G50: rolling back to a version restores what it was exactly, with the same ids', async () => {
    await app('kept');
    await app('changed', { name: 'Before' });
    const gone = await app('gone');
    const before = { document: await exported(), version: await newest() };
    const ids = { gone: gone.routes[0]!.id, changed: (await routeOf('changed'))!.id };

    await services().apps.update(admin, { slug: 'changed', name: 'After', tags: ['x'] });
    await services().routes.update(admin, {
      id: ids.changed,
      path_base: '/apps/moved/',
      targets: target(99),
      health: { skip: true, path: '/h', interval_ms: 1000, timeout_ms: 100, unhealthy_after: 1, healthy_codes: [] },
    });
    await services().apps.remove(admin, 'gone');
    // It has the address now that the changed one gets back.
    await app('new', { route: { targets: target(), path_base: '/apps/changed/' } });
    const after = await exported();

    const difference = await services().documents.diff(admin, { number: before.version.number, against: 'now' });
    expect(difference.changes.map(({ path }) => path)).toEqual([
      ...['apps.changed.name', 'apps.changed.tags', 'apps.gone', 'apps.new'],
      ...['routes.changed.health', 'routes.changed.path_base', 'routes.changed.targets', 'routes.gone', 'routes.new'],
    ]);

    const made = await services().documents.rollback(admin, { number: before.version.number });
    expect(made).toMatchObject({ source: 'rollback', result: 'applied', actor: { name: 'Ada' } });
    expect(await exported()).toEqual(before.document);
    expect((await routeOf('gone'))!.id).toBe(ids.gone);
    const none = await services().documents.diff(admin, { number: before.version.number, against: 'now' });
    expect(none.changes).toEqual([]);

    // And back again: a roll-back is a version like others.
    await services().documents.rollback(admin, { number: made.number - 1 });
    expect(await exported()).toEqual(after);
  });

  it('a version of another organisation, or one that never was, is not there', async () => {
    const foreign = await makeOrg(test.pool, 'Foreign');
    const eve = callBy(await foreign.person('Eve', 'owner'));
    await expect(services().documents.diff(eve, { number: 1, against: 'now' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(services().documents.rollback(admin, { number: 9999 })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('a secret that is gone is not made up: the route comes back with a warning', async () => {
    const made = await app('secretive', {
      route: {
        targets: target(),
        upstream_auth: { kind: 'bearer', token: 'hush' },
        filters: [{ kind: 'basic_auth', users: [{ name: 'me', password: 'open sesame' }] }],
      },
    });
    const { number } = await newest();
    await services().apps.remove(admin, made.slug);
    await services().documents.rollback(admin, { number });
    const route = await routeOf('secretive');
    expect(route).toMatchObject({ upstream_auth: { kind: 'bearer' } });
    expect(route!.warnings).toEqual([
      'The secret for the app is missing; set it again.',
      'A password of the filter basic_auth is missing; set it again.',
    ]);
  });
});

describe('a dry run', () => {
  it('tells what a document would change, and changes nothing', async () => {
    await app('trial', { name: 'Trial' });
    const before = await exported();
    const { number } = await newest();
    const document = `
apps:
  - { slug: trial, name: On trial }
  - { slug: fresh, name: Fresh }
routes:
  - { slug: fresh, targets: [{ url: "http://203.0.114.1" }] }
`;
    const answer = await services().documents.dryRun(admin, { document });
    expect(answer).toMatchObject({ valid: true, problems: [] });
    expect(answer.changes.map(({ path }) => path)).toEqual(['apps.fresh', 'apps.trial.name', 'routes.fresh']);
    expect(await exported()).toEqual(before);
    expect((await newest()).number).toBe(number);
  });

  it('finds every problem of a document', async () => {
    const document = JSON.stringify({
      routes: [
        { slug: 'a', app: 'trial', targets: target(), path_base: '/apps/trial/' },
        { slug: 'b', app: 'nobody', targets: target() },
        { slug: 'c', app: 'trial', targets: [{ url: 'http://192.168.1.1' }] },
        { slug: 'd', app: 'trial', mode: 'host' },
      ],
    });
    const { valid, problems } = await services().documents.dryRun(admin, { document });
    expect(valid).toBe(false);
    expect(problems.map(({ path }) => path)).toEqual([
      'routes.0',
      'routes.1.app',
      'routes.2',
      'routes.3.hosts',
      'routes.3.targets',
    ]);
    expect((await services().documents.dryRun(admin, { document: 'apps: [{' })).problems).not.toEqual([]);
    const wrong = await services().documents.dryRun(admin, { document: 'apps: [{ slug: "no slug" }]' });
    expect(wrong.problems.map(({ path }) => path)).toEqual(['apps.0.slug', 'apps.0.name']);
  });

  it('an export is a document that changes nothing', async () => {
    const { document } = await services().documents.export(admin);
    // Secrets are masked in it, and a route that has lost its own cannot say so.
    await services().apps.remove(admin, 'secretive');
    const clean = (await services().documents.export(admin)).document;
    expect(document).toContain('secretive');
    expect(await services().documents.dryRun(admin, { document: clean })).toEqual({
      valid: true,
      problems: [],
      changes: [],
    });
  });
});

describe('files', () => {
  const main = (apps: unknown, routes: unknown = []) => ({
    ...{ main: { path: '/etc/atrium.yaml', apps, routes }, problems: [], applied: [], waiting_for_restart: [] },
  });
  const directory = mkdtempSync(join(tmpdir(), 'gateway-d-'));
  beforeAll(() => {
    test.settings.now = { ...defaultGatewaySettings(), org: orgId };
    test.directory.now = directory;
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const reload = (given = main([])) => services().files.reload(given);
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);

  it('are the word of an operator, and their rows are locked with the place to change them', async () => {
    await reload(
      main([{ slug: 'house', name: 'House' }], [{ slug: 'house', targets: [{ url: 'http://192.168.1.5:8123' }] }]),
    );
    expect(await routeOf('house')).toMatchObject({ locked: '/etc/atrium.yaml', source: 'file' });
    await expect(services().apps.update(admin, { slug: 'house', name: 'Mine' })).rejects.toMatchObject({
      code: 'gateway_route_locked',
    });
    expect(await newest()).toMatchObject({ source: 'file', actor: { type: 'system' } });
    const { number } = await newest();
    const told = (await eventsOf('gateway.config.reloaded')).length;
    // The same file again is no news.
    await reload(
      main([{ slug: 'house', name: 'House' }], [{ slug: 'house', targets: [{ url: 'http://192.168.1.5:8123' }] }]),
    );
    expect((await newest()).number).toBe(number);
    expect(await eventsOf('gateway.config.reloaded')).toHaveLength(told);
  });

  it('G11: a file that is added, broken and removed: the route comes, stays with an event, and goes', async () => {
    write(
      'notes.yaml',
      'apps: [{ slug: filed, name: Filed }]\nroutes: [{ slug: filed, targets: [{ url: "http://192.168.1.6" }] }]\n',
    );
    write('notes.yaml~', 'nonsense: [');
    await reload();
    expect(await routeOf('filed')).toMatchObject({ locked: join(directory, 'notes.yaml') });
    write('notes.yaml', 'apps: [{ slug: filed');
    await reload();
    await reload();
    expect(await routeOf('filed')).toBeDefined();
    const rejections = await eventsOf('gateway.config.rejected');
    expect(rejections).toHaveLength(1);
    expect(rejections[0]).toMatchObject({ file: join(directory, 'notes.yaml') });
    expect(await newest()).toMatchObject({ result: 'rejected' });
    write(
      'notes.yaml',
      'apps: [{ slug: filed, name: Filed }]\nroutes: [{ slug: filed, targets: [{ url: "http://169.254.169.254" }] }]\n',
    );
    await reload();
    expect((await routeOf('filed'))!.targets[0]!.url).toBe('http://192.168.1.6');
    expect(await eventsOf('gateway.config.rejected')).toHaveLength(2);
    rmSync(join(directory, 'notes.yaml'));
    await reload();
    expect(await routeOf('filed')).toBeUndefined();
  });

  it('a secret in a file is taken once, and taken anew when it changes', async () => {
    const document = (token: string, password: string) =>
      JSON.stringify({
        apps: [{ slug: 'sealed', name: 'Sealed' }],
        routes: [
          {
            slug: 'sealed',
            targets: target(),
            upstream_auth: { kind: 'bearer', token },
            filters: [{ kind: 'basic_auth', users: [{ name: 'me', password }] }],
          },
        ],
      });
    const versions: number[] = [];
    for (const [token, password] of [
      ['one', 'password-1'],
      ['one', 'password-1'],
      ['two', 'password-1'],
      ['two', 'password-2'],
    ] as const) {
      write('sealed.json', document(token, password));
      // Another process, which has not read the file before.
      await test.another().services.files.reload(main([]));
      versions.push((await routeOf('sealed'))!.version);
    }
    expect(versions).toEqual([1, 1, 2, 3]);
    rmSync(join(directory, 'sealed.json'));
    await test.another().services.files.reload(main([]));
    expect(await routeOf('sealed')).toBeUndefined();
  });

  it('two routes of a file change places, and an app with routes of people outlives its file', async () => {
    const routes = (a: string, b: string) => [
      { slug: 'swap-a', app: 'swap', targets: target(), path_base: a },
      { slug: 'swap-b', app: 'swap', targets: target(), path_base: b },
    ];
    const apps = [{ slug: 'swap', name: 'Swap' }];
    await reload(main(apps, routes('/apps/x/', '/apps/y/')));
    await reload(main(apps, routes('/apps/y/', '/apps/x/')));
    expect((await routeOf('swap-a'))!.path_base).toBe('/apps/y/');
    const { app_id } = (await routeOf('swap-a'))!;
    await services().routes.create(admin, { app_id, slug: 'by-hand', targets: target() });
    await reload(main([]));
    expect(await routeOf('swap-a')).toBeUndefined();
    expect((await services().apps.get(admin, 'swap')).routes.map((route) => route.slug)).toEqual(['by-hand']);
    await services().apps.update(admin, { slug: 'swap', name: 'Ours now' });
  });

  it('rolling back leaves what files keep as it is', async () => {
    const { number } = await newest();
    mkdirSync(directory, { recursive: true });
    write('late.yaml', 'apps: [{ slug: late, name: Late }]\n');
    await reload();
    await services().documents.rollback(admin, { number });
    expect((await services().apps.get(admin, 'late')).name).toBe('Late');
  });

  it('hundreds of routes are written by a few statements, each with its event, its line and its address', async () => {
    const count = 250;
    const slugs = Array.from({ length: count }, (_, n) => `many-${n}`);
    const routes = (version: number) =>
      slugs.map((slug, n) => ({ slug, targets: [{ url: `http://192.168.${version}.${n + 1}` }] }));
    const apps = slugs.map((slug) => ({ slug, name: slug }));
    const statementsOf = async (act: () => Promise<unknown>): Promise<number> => {
      const asked = vi.spyOn(pg.Client.prototype, 'query');
      await act();
      const { length } = asked.mock.calls;
      asked.mockRestore();
      return length;
    };
    const told = async () => {
      const { rows } = await test.pool.query(
        `select (select count(*)::int from core_events where org_id = $1 and kind = any($2)) as events,
          (select count(*)::int from core_audit where org_id = $1 and action = any($3)) as lines,
          (select count(*)::int from gateway_claims where path like '/apps/many-%') as claims`,
        [
          orgId,
          ['gateway.route.created', 'gateway.route.updated', 'gateway.route.deleted'],
          ['routes.create', 'routes.update', 'routes.delete'],
        ],
      );
      return rows[0] as { events: number; lines: number; claims: number };
    };
    const before = await told();
    const { number } = await newest();
    expect(await statementsOf(() => reload(main(apps, routes(1))))).toBeLessThan(50);
    expect(await statementsOf(() => reload(main(apps, routes(2))))).toBeLessThan(50);
    expect(await told()).toEqual({ events: before.events + 2 * count, lines: before.lines + 2 * count, claims: count });
    expect((await newest()).number).toBe(number + 2);
    expect(await routeOf('many-249')).toMatchObject({ version: 2, targets: [{ url: 'http://192.168.2.250' }] });
    const { changes } = await services().documents.diff(admin, { number: number + 2, against: 'previous' });
    expect(changes.map(({ path }) => path).toSorted()).toEqual(
      slugs.map((slug) => `routes.${slug}.targets`).toSorted(),
    );

    // What is wrong is told by its place, wherever that is, and nothing of the document is kept.
    const wrong = routes(3).map((route, n) =>
      n === 7
        ? { ...route, mode: 'host' }
        : n === 120
          ? { ...route, path_base: '/apps/many-3/' }
          : n === 240
            ? { ...route, app: 'nobody' }
            : route,
    );
    await reload(main(apps, wrong));
    expect((await newest()).problems.map((problem) => problem.split(':')[0])).toEqual([
      'routes.7.hosts',
      'routes.120',
      'routes.240.app',
    ]);
    expect(await routeOf('many-0')).toMatchObject({ version: 2 });

    expect(await statementsOf(() => reload(main([])))).toBeLessThan(50);
    expect((await told()).claims).toBe(0);
    await expect(services().apps.get(admin, 'many-1')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('with no organisation yet nothing is taken, and it is said so', async () => {
    test.settings.now = { ...defaultGatewaySettings(), org: 'nobody' };
    expect(await reload()).toBe(false);
    expect(test.notices.at(-1)).toMatchObject({ facts: { org: 'nobody' } });
  });
});
