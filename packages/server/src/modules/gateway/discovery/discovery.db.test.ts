import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import makeMdns from 'multicast-dns';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKubernetesServer } from '../../../../test/support/kubernetes-server.ts';
import { callBy } from '../../../../test/support/make-inbox.ts';
import { createTestDiscovery, makeSighting, type TestDiscovery } from '../../../../test/support/test-discovery.ts';
import { until } from '../../../../test/support/until.ts';
import { systemClock } from '../../../platform/clock/clock.ts';
import { createGuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { createHttpProvider } from './http-provider.ts';
import { createKubernetesProvider } from './kubernetes-provider.ts';
import { createMdnsProvider } from './mdns-provider.ts';
import type { ProviderState } from './provider.ts';
import type { Sighting } from './sighting.ts';

let t: TestDiscovery;
const folder = mkdtempSync(join(tmpdir(), 'atrium-discovery-'));
beforeAll(async () => {
  t = await createTestDiscovery();
});
afterAll(async () => {
  await t.drop();
  rmSync(folder, { recursive: true, force: true });
});

const call = () => callBy(t.operator);
const list = async (state: 'pending' | 'approved' | 'dismissed' = 'pending') =>
  (await t.proposals.list(call(), { state, limit: 200 })).items;
const named = async (name: string, state?: Parameters<typeof list>[0]) =>
  (await list(state)).find((one) => one.name === name) ?? null;
const found = (name: string) => until(() => named(name), `${name} is found`);
const kinds = (id: string) => t.events.filter((event) => event.id === id).map(({ kind }) => kind);
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
/** Straight into the tables, as the intake does it when it is due. */
const write = (sighting: Sighting) =>
  t.service.write([
    {
      kind: 'sight',
      key: `${sighting.source} ${sighting.fingerprint}`,
      source: sighting.source,
      fingerprint: sighting.fingerprint,
      sighting,
    },
  ]);
const writeGone = ({ source, fingerprint }: Sighting) =>
  t.service.write([{ kind: 'gone', key: `${source} ${fingerprint}`, source, fingerprint }]);
const proposed = async (parts: Partial<Sighting> = {}) => {
  const sighting = makeSighting(parts);
  await write(sighting);
  return { sighting, id: (await named(sighting.name))!.id };
};
const targetsOf = async (app: string) =>
  (
    await t.pool.query(
      'select targets from gateway_routes r join gateway_apps a on a.id = r.app_id where a.slug = $1',
      [app],
    )
  ).rows[0].targets;

describe('a proposal', () => {
  it('becomes an app and a route in one transaction, with an event and a line of the trail', async () => {
    const { id, sighting } = await proposed({ route: { access: 'scopes', scopes: ['access:x'], websockets: false } });
    const { proposal, app } = await t.proposals.approve(call(), { id, app: { name: 'Notes of mine' } });
    expect(proposal).toMatchObject({
      state: 'approved',
      app_slug: sighting.app.slug,
      decided_by: { name: 'Operator' },
    });
    expect(app).toMatchObject({ name: 'Notes of mine', routes: [{ access: 'scopes', mode: 'path' }] });
    expect(kinds(id)).toEqual(['gateway.proposal.found', 'gateway.proposal.approved']);
    expect(await targetsOf(sighting.app.slug)).toEqual([
      { url: `http://127.0.0.1:${sighting.addresses[0]!.dial_port}`, weight: 1 },
    ]);
    const route = await t.pool.query(
      'select path_base, websockets, scopes, container_ref from gateway_routes where slug = $1',
      [sighting.app.slug],
    );
    expect(route.rows[0]).toEqual({
      path_base: `/apps/${sighting.app.slug}/`,
      websockets: false,
      scopes: ['access:x'],
      container_ref: sighting.container_ref,
    });
    const audit = await t.pool.query(
      "select actor_name from core_audit where action = 'discovery.approve' and target_id = $1",
      [id],
    );
    expect(audit.rows).toEqual([{ actor_name: 'Operator' }]);
  });

  it('G3: takes one of the ports that were found and no other', async () => {
    const addresses = [8080, 9000].map((port) => ({
      port,
      scheme: 'http' as const,
      host: '127.0.0.1',
      dial_port: port + 20_000,
    }));
    const { id, sighting } = await proposed({ addresses });
    expect(await code(t.proposals.approve(call(), { id, port: 5432 }))).toBe('validation_failed');
    await t.proposals.approve(call(), { id, port: 9000 });
    expect(await targetsOf(sighting.app.slug)).toEqual([{ url: 'http://127.0.0.1:29000', weight: 1 }]);
  });

  it('G7: that two approve at once is one app, and the second hears of the first', async () => {
    const { id, sighting } = await proposed();
    const answers = await Promise.all([1, 2].map(() => code(t.proposals.approve(call(), { id }))));
    expect(answers.toSorted()).toEqual(['discovery_already_decided', 'done']);
    const apps = await t.pool.query('select count(*)::int as n from gateway_apps where slug = $1', [sighting.app.slug]);
    expect(apps.rows[0].n).toBe(1);
    expect(await code(t.proposals.dismiss(call(), id))).toBe('discovery_already_decided');
    expect(await code(t.proposals.approve(call(), { id: crypto.randomUUID() }))).toBe('not_found');
  });

  it('whose name is taken waits, and nothing of it is made', async () => {
    const first = await proposed();
    await t.proposals.approve(call(), { id: first.id });
    const { makeOrg } = await import('../../../../test/support/make-inbox.ts');
    const other = await makeOrg(t.pool, 'Other');
    await t.pool.query('update gateway_apps set org_id = $1 where slug = $2', [other.id, 'nobody']);
    await t.pool.query(
      "insert into gateway_apps (id, org_id, slug, name, source, created_by_type, created_by_name, created_at, updated_at) values (gen_random_uuid(), $1, 'foreign', 'f', 'ui', 'system', 's', now(), now())",
      [other.id],
    );
    const second = await proposed({
      app: { ...first.sighting.app, slug: 'foreign' },
      fingerprint: 'container foreign',
      name: 'foreign',
    });
    expect(await code(t.proposals.approve(call(), { id: second.id }))).toBe('name_taken');
    expect((await t.proposals.get(call(), second.id)).state).toBe('pending');
    await t.proposals.approve(call(), { id: second.id, app: { slug: 'foreign-2' } });
  });

  it('with a wrong field of the route is refused by the name of the field', async () => {
    const { id } = await proposed();
    const refused = await t.proposals
      .approve(call(), { id, route: { path_base: 'no slash', nothing: 1 } })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'validation_failed' });
    expect((refused as { errors: { path: string }[] }).errors.map(({ path }) => path)).toContain('route.path_base');
  });

  it('at a private address that nobody vouched for needs an operator, and so do targets of the caller', async () => {
    const admin = callBy(await t.org.person('Admin', 'admin'));
    const guessed = await proposed({ vouched: false, explicit: false });
    expect(await code(t.proposals.approve(admin, { id: guessed.id }))).toBe('operator_required');
    const route = { targets: [{ url: 'http://192.168.1.1' }] };
    const vouched = await proposed();
    expect(await code(t.proposals.approve(admin, { id: vouched.id, route }))).toBe('gateway_target_refused');
    expect(await code(t.proposals.approve(admin, { id: vouched.id }))).toBe('done');
  });

  it('of another organisation does not exist', async () => {
    const { makeOrg } = await import('../../../../test/support/make-inbox.ts');
    const other = await (await makeOrg(t.pool, 'Foreign')).person('Eve', 'owner');
    const { id } = await proposed();
    const foreign = callBy({ ...other, is_operator: true });
    expect(await code(t.proposals.get(foreign, id))).toBe('not_found');
    expect(await code(t.proposals.approve(foreign, { id }))).toBe('not_found');
    expect((await t.proposals.list(foreign, { state: 'pending', limit: 50 })).items).toEqual([]);
  });

  it('G6: that was dismissed stays so, with who and when, until somebody wants it back', async () => {
    const { id, sighting } = await proposed();
    await t.proposals.dismiss(call(), id);
    await write({ ...sighting, confidence: 1 });
    expect(await t.proposals.get(call(), id)).toMatchObject({
      state: 'dismissed',
      decided_by: { name: 'Operator' },
      decided_at: expect.any(String),
    });
    expect((await t.proposals.rescan(call(), { restore_dismissed: false })).restored).toBe(0);
    expect((await t.proposals.rescan(call(), { restore_dismissed: true })).restored).toBeGreaterThan(0);
    expect(await t.proposals.get(call(), id)).toMatchObject({ state: 'pending', decided_by: null });
    await t.proposals.dismiss(call(), id);
    expect((await t.proposals.restore(call(), id)).state).toBe('pending');
  });

  it('is listed most certain first, page by page, and found by its words', async () => {
    for (const confidence of [0.5, 0.85, 0.85])
      await proposed({ confidence, name: `paged ${confidence} ${crypto.randomUUID()}` });
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await t.proposals.list(call(), {
        state: 'pending',
        limit: 2,
        q: 'PAGED',
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.items.map(({ confidence }) => confidence));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([0.85, 0.85, 0.5]);
    expect(await code(t.proposals.list(call(), { state: 'pending', limit: 2, cursor: 'nonsense' }))).toBe(
      'bad_request',
    );
  });

  it('that nobody saw for a day is gone, and back when it is seen', async () => {
    const { id, sighting } = await proposed();
    t.clock.advance(23 * 3_600_000);
    await t.service.sweep();
    expect((await t.proposals.get(call(), id)).gone).toBe(false);
    t.clock.advance(2 * 3_600_000);
    await t.service.sweep();
    expect((await t.proposals.get(call(), id)).gone).toBe(true);
    await write(sighting);
    expect((await t.proposals.get(call(), id)).gone).toBe(false);
    await writeGone(sighting);
    expect((await t.proposals.get(call(), id)).gone).toBe(true);
  });
});

describe('an approved app', () => {
  it('G4: is followed to another address, once, and keeps a path of its target', async () => {
    const { id, sighting } = await proposed();
    const base = `http://127.0.0.1:${sighting.addresses[0]!.dial_port}`;
    await t.proposals.approve(call(), { id });
    await t.pool.query('update gateway_routes set targets = $1 where slug = $2', [
      JSON.stringify([
        { url: `${base}/base`, weight: 3 },
        { url: 'http://192.0.2.1', weight: 1 },
      ]),
      sighting.app.slug,
    ]);
    const moved = {
      ...sighting,
      container_ref: 'another',
      addresses: [{ ...sighting.addresses[0]!, dial_port: 31_000 }],
    };
    await writeGone(sighting);
    await write(moved);
    await write(moved);
    expect(await targetsOf(sighting.app.slug)).toEqual([
      { url: 'http://127.0.0.1:31000/base', weight: 3 },
      { url: 'http://192.0.2.1', weight: 1 },
    ]);
    const route = await t.pool.query('select container_ref, version from gateway_routes where slug = $1', [
      sighting.app.slug,
    ]);
    expect(route.rows[0]).toEqual({ container_ref: 'another', version: 2 });
    expect((await t.proposals.get(call(), id)).state).toBe('approved');
  });

  it('whose chosen port is silent for a while is followed when it is back elsewhere', async () => {
    const [a, b] = [8080, 9000].map((port) => ({
      port,
      scheme: 'http' as const,
      host: '127.0.0.1',
      dial_port: port + 30_000,
    }));
    const { id, sighting } = await proposed({ addresses: [a!, b!] });
    await t.proposals.approve(call(), { id, port: 9000 });
    await write({ ...sighting, addresses: [a!] });
    await write({ ...sighting, addresses: [a!, { ...b!, dial_port: 39_999 }] });
    expect(await targetsOf(sighting.app.slug)).toEqual([{ url: 'http://127.0.0.1:39999', weight: 1 }]);
  });

  it('whose target somebody changed is left alone', async () => {
    const { id, sighting } = await proposed();
    await t.proposals.approve(call(), { id });
    await t.pool.query('update gateway_routes set targets = $1 where slug = $2', [
      '[{"url":"http://192.0.2.9","weight":1}]',
      sighting.app.slug,
    ]);
    await write({ ...sighting, addresses: [{ ...sighting.addresses[0]!, dial_port: 31_001 }] });
    expect(await targetsOf(sighting.app.slug)).toEqual([{ url: 'http://192.0.2.9', weight: 1 }]);
  });

  it('that somebody made by hand for a container is followed, and not proposed', async () => {
    const { id, sighting } = await proposed();
    await t.proposals.approve(call(), { id });
    await t.pool.query('delete from gateway_proposals where id = $1', [id]);
    await write(sighting);
    expect(await named(sighting.name)).toBeNull();
    await write({ ...sighting, addresses: [{ ...sighting.addresses[0]!, dial_port: 31_002 }] });
    expect(await targetsOf(sighting.app.slug)).toEqual([{ url: 'http://127.0.0.1:31002', weight: 1 }]);
  });

  it('G12: that is open to everybody is told of, critical, and one of this machine alone is not', async () => {
    const open = await proposed({ bindings: [{ port: 8080, address: '0.0.0.0' }] });
    const near = await proposed({ bindings: [{ port: 8080, address: '192.168.1.4' }] });
    const closed = await proposed({ bindings: [{ port: 8080, address: '127.0.0.1' }] });
    expect((await t.proposals.get(call(), open.id)).security_notes).toMatchObject([{ severity: 'critical' }]);
    t.notices.length = 0;
    for (const { id } of [open, near, closed]) await t.proposals.approve(call(), { id });
    const exposed = t.events.filter(({ kind }) => kind === 'gateway.exposure.found');
    expect(exposed.map(({ id, body }) => [id, body['severity']])).toEqual([
      [open.id, 'critical'],
      [near.id, 'warning'],
    ]);
    expect(t.notices.map(({ title }) => title)).toEqual([`${open.sighting.app.name} is open past the sign-in`]);
    await write({ ...closed.sighting, bindings: [{ port: 8080, address: '0.0.0.0' }] });
    expect(t.notices).toHaveLength(2);
  });
});

describe('G12: approving by itself', () => {
  it('takes what is explicit and certain enough, as the system, and leaves the rest to people', async () => {
    t.auto.enabled = true;
    const decide = async (parts: Partial<Sighting>) => {
      const sighting = makeSighting(parts);
      await write(sighting);
      const row = await t.pool.query('select state, decided_by_type from gateway_proposals where fingerprint = $1', [
        sighting.fingerprint,
      ]);
      return [row.rows[0].state, row.rows[0].decided_by_type];
    };
    expect(await decide({ confidence: 0.95 })).toEqual(['approved', 'system']);
    expect(await decide({ confidence: 0.94 })).toEqual(['pending', null]);
    expect(await decide({ explicit: false, confidence: 0.85 })).toEqual(['pending', null]);
    expect(await decide({ route: { access: 'public' }, confidence: 1 })).toEqual(['pending', null]);
    // Anybody in the network can announce a service that says it is wanted.
    expect(await decide({ source: 'mdns', vouched: false, confidence: 1 })).toEqual(['pending', null]);
    t.auto.enabled = false;
    expect(await decide({ confidence: 1 })).toEqual(['pending', null]);
    const audit = await t.pool.query(
      "select actor_type from core_audit where action = 'discovery.approve' and actor_type = 'system'",
    );
    expect(audit.rows).toHaveLength(1);
  });
});

/** Runs a provider into the intake until the test is over. */
const states: ProviderState[] = [];
const common = () => ({
  sink: t.intake,
  clock: systemClock,
  onState: (state: ProviderState) => void states.push(state),
});

describe('G9: a cluster', () => {
  it('is listed and watched; a history that ended is read anew without anything twice', {
    tags: ['long'],
  }, async () => {
    const cluster = await startKubernetesServer();
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      `current-context: home\nclusters: [{name: c, cluster: {server: "${cluster.url}"}}]\nusers: [{name: u, user: {token: secret-of-the-cluster}}]\ncontexts: [{name: home, context: {cluster: c, user: u}}]\n`,
    );
    const meta = (name: string, labels = {}, annotations = {}) => ({ name, namespace: 'apps', labels, annotations });
    const spec = { type: 'ClusterIP', clusterIP: '10.96.0.4', ports: [{ port: 3000 }] };
    cluster.put('namespaces', { metadata: { name: 'apps', labels: { 'nekzus.app.tags': 'home' } } });
    cluster.put('services', { metadata: meta('grafana', { 'app.kubernetes.io/name': 'grafana' }), spec });
    cluster.put('services', { metadata: meta('slash', {}, { 'nekzus/enable': 'true' }), spec });
    cluster.put('services', {
      metadata: meta('headless', { 'app.kubernetes.io/component': 'ui' }),
      spec: { ...spec, clusterIP: 'None' },
    });
    cluster.put('services', {
      metadata: { ...meta('dns', { 'app.kubernetes.io/component': 'ui' }), namespace: 'kube-system' },
      spec,
    });
    cluster.put('ingresses', {
      metadata: meta('grafana', { 'app.kubernetes.io/name': 'grafana' }),
      spec: {
        tls: [{ hosts: ['g.example.org'] }],
        rules: [
          {
            host: 'g.example.org',
            http: { paths: [{ backend: { service: { name: 'grafana', port: { number: 3000 } } } }] },
          },
        ],
      },
    });
    const settings = { access: kubeconfig, context: null, namespaces: [], resync_ms: 300_000 };
    const provider = createKubernetesProvider({ ...common(), settings });
    provider.start();
    const mine = async () => (await list()).filter(({ source }) => source === 'kubernetes');
    await found('apps/slash');
    await found('apps/grafana');
    expect((await mine()).map(({ fingerprint, confidence }) => [fingerprint, confidence])).toEqual([
      ['service apps/slash', 1],
      ['ingress apps/grafana', 0.85],
    ]);
    expect((await found('apps/slash')).suggested_app.tags).toEqual(['home']);
    await until(() => cluster.watches === 3, 'three watches');
    cluster.bookmark();
    cluster.put('services', { metadata: meta('later', { 'atrium.enable': 'true' }), spec });
    await found('apps/later');

    const lists = cluster.lists.services;
    cluster.forget('services');
    await until(() => cluster.lists.services > lists && cluster.watches === 3, 'the list is read anew');
    cluster.put('services', { metadata: meta('last', { 'atrium.enable': 'true' }), spec });
    const last = await found('apps/last');
    expect((await mine()).map(({ name, gone }) => [name, gone]).toSorted()).toEqual([
      ['apps/grafana', false],
      ['apps/last', false],
      ['apps/later', false],
      ['apps/slash', false],
    ]);
    expect(t.events.filter(({ id, kind }) => id === last.id && kind === 'gateway.proposal.found')).toHaveLength(1);
    cluster.remove('services', 'later', 'apps');
    await until(async () => (await named('apps/later'))?.gone, 'what was removed is gone');
    expect([...cluster.tokens]).toEqual(['Bearer secret-of-the-cluster']);
    await provider.stop();
    await cluster.close();
  });

  it('whose role sees no Ingresses is shown all the same, and the right is named', async () => {
    const cluster = await startKubernetesServer();
    cluster.denied.add('ingresses');
    const kubeconfig = join(folder, 'narrow');
    writeFileSync(
      kubeconfig,
      `current-context: a\nclusters: [{name: c, cluster: {server: "${cluster.url}"}}]\nusers: [{name: u, user: {}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n`,
    );
    cluster.put('services', {
      metadata: { name: 'web', namespace: 'narrow', labels: { 'atrium.enable': 'true' } },
      spec: { ports: [{ port: 80 }] },
    });
    const settings = { access: kubeconfig, context: null, namespaces: ['narrow', 'empty'], resync_ms: 300_000 };
    const provider = createKubernetesProvider({ ...common(), settings });
    provider.start();
    await found('narrow/web');
    expect(states.at(-1)).toMatchObject({ state: 'running', missing_rights: ['ingresses.networking.k8s.io'] });
    await provider.stop();
    await cluster.close();
  });
});

describe('G10: the local network', () => {
  it('a service that announces itself is found, and its goodbye takes it away; an approved app stays', async () => {
    const port = 30_000 + Math.floor(Math.random() * 20_000);
    const responder = makeMdns({ interface: '127.0.0.1', bind: '0.0.0.0', port, reuseAddr: true });
    const fqdn = 'Notes. At home._http._tcp.local';
    const answers = (ttl: number) => [
      { type: 'PTR' as const, name: '_http._tcp.local', ttl, data: fqdn },
      { type: 'SRV' as const, name: fqdn, ttl, data: { target: 'nas.local', port: 5005 } },
      { type: 'TXT' as const, name: fqdn, ttl, data: ['app_id=nas', 'app_name=NAS'] },
      { type: 'A' as const, name: 'nas.local', ttl, data: '127.0.0.1' },
    ];
    let silent = false;
    // Each record by itself, so that the rest has to be asked for.
    responder.on('query', ({ questions = [] }) => {
      if (silent) return;
      for (const question of questions) {
        const own = answers(120).filter(({ type, name }) => type === question.type && name === question.name);
        if (own.length > 0) responder.respond(own);
      }
    });
    await new Promise<void>((ready) => responder.once('ready', () => ready()));
    const settings = { scan_ms: 60_000, services: ['_http._tcp'], port, addresses: ['127.0.0.1'] };
    const provider = createMdnsProvider({ ...common(), settings });
    provider.start();
    const proposal = await found('Notes. At home');
    expect(proposal).toMatchObject({
      confidence: 0.85,
      detected: { scheme: 'http', host: '127.0.0.1', port: 5005 },
      suggested_app: { slug: 'nas', name: 'NAS' },
    });
    await t.proposals.approve(call(), { id: proposal.id });

    const other = 'Other._http._tcp.local';
    responder.respond([
      { type: 'PTR', name: '_http._tcp.local', ttl: 120, data: other },
      { type: 'SRV', name: other, ttl: 120, data: { target: 'nas.local', port: 5006 } },
      { type: 'TXT', name: other, ttl: 120, data: [] },
    ]);
    const pending = await found('Other');
    silent = true;
    responder.respond([fqdn, other].map((data) => ({ type: 'PTR' as const, name: '_http._tcp.local', ttl: 0, data })));
    await until(async () => (await t.proposals.get(call(), pending.id)).gone, 'the goodbye');
    await until(async () => (await t.proposals.get(call(), proposal.id)).gone, 'the goodbye of the approved one');
    expect(await targetsOf('nas')).toEqual([{ url: 'http://127.0.0.1:5005', weight: 1 }]);
    await provider.stop();
    await new Promise<void>((closed) => responder.destroy(closed));
  });
});

describe('a document on the web', () => {
  it('is asked for only when it changed, and what it lists is proposed, or made when it is trusted', {
    tags: ['long'],
  }, async () => {
    let document = {
      apps: [{ slug: 'wiki', name: 'Wiki', tags: ['docs'] }],
      routes: [{ slug: 'wiki', app: 'wiki', targets: [{ url: 'http://127.0.0.1:8081/base' }] }],
    };
    let fresh = 0;
    const server = createServer((request, response) => {
      const etag = `"${document.routes.length}"`;
      if (request.headers['if-none-match'] === etag) return response.writeHead(304).end();
      fresh += 1;
      response.writeHead(200, { etag, 'content-type': 'application/json' });
      return response.end(JSON.stringify(document));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/apps.json`;
    const fetch = createGuardedFetch({ allow: ['127.0.0.1'] });
    const start = (trust: boolean) => {
      const provider = createHttpProvider({ ...common(), fetch, settings: { url, interval_ms: 50, trust } });
      provider.start();
      return provider;
    };
    const provider = start(false);
    const wiki = await found('Wiki');
    expect(wiki).toMatchObject({ source: 'http', confidence: 0.8, suggested_app: { tags: ['docs'] } });
    document = {
      ...document,
      routes: [...document.routes, { slug: 'blog', app: 'blog', targets: [{ url: 'http://127.0.0.1:8082' }] }],
    };
    await found('blog');
    expect(fresh).toBe(2);
    await t.proposals.approve(call(), { id: wiki.id });
    expect(await targetsOf('wiki')).toEqual([{ url: 'http://127.0.0.1:8081/base', weight: 1 }]);
    await provider.stop();
    const trusting = start(true);
    await until(() => named('blog', 'approved'), 'the other one is made');
    await trusting.stop();
    await fetch.close();
    server.close();
  });
});

it('what no table takes is written without it, and what cannot be written at all holds up nobody', async () => {
  const impossible = makeSighting({ name: 'impossible', confidence: 7 });
  const hostile = makeSighting({
    fingerprint: 'container \u0000',
    name: 'hostile \u0000\ud800',
    route: { note: '\u0000' },
  });
  t.errors.length = 0;
  for (const sighting of [impossible, hostile, makeSighting({ name: 'bystander' })]) t.intake.sight(sighting);
  await found('bystander');
  await found('hostile \ufffd\ufffd');
  expect(await named('impossible')).toBeNull();
  expect(t.errors.length).toBeGreaterThan(0);
});

it('many at once are all written, in batches, and none is found twice', async () => {
  const sightings = Array.from({ length: 200 }, (_, n) => makeSighting({ name: `many ${n}` }));
  for (const sighting of [...sightings, ...sightings]) t.intake.sight(sighting);
  const count = async () =>
    (await t.pool.query("select count(*)::int as n from gateway_proposals where name like 'many %'")).rows[0]
      .n as number;
  await until(async () => (await count()) === 200, 'all of them');
  const told = t.events.filter(
    ({ kind, body }) => kind === 'gateway.proposal.found' && String(body['name']).startsWith('many '),
  );
  expect(told).toHaveLength(200);
});
