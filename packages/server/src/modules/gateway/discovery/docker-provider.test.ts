import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerServer,
  type DockerServerOptions,
  startDockerServer,
} from '../../../../test/support/docker-server.ts';
import { makeCertificate } from '../../../../test/support/make-certificate.ts';
import { startPage } from '../../../../test/support/test-discovery.ts';
import { until } from '../../../../test/support/until.ts';
import { systemClock } from '../../../platform/clock/clock.ts';
import { answersHttp } from '../../../platform/net/http-probe.ts';
import { createDockerProvider, type DockerSettings } from './docker-provider.ts';
import type { Provider, ProviderState } from './provider.ts';
import type { Sighting } from './sighting.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-docker-'));
let page: Awaited<ReturnType<typeof startPage>>;
beforeAll(async () => {
  page = await startPage();
});
afterAll(async () => {
  await page.close();
  rmSync(folder, { recursive: true, force: true });
});

let docker: DockerServer | null = null;
let provider: Provider | null = null;
afterEach(async () => {
  await provider?.stop();
  await docker?.close();
  [provider, docker] = [null, null];
});

let sockets = 0;
const serve = async (options: DockerServerOptions = {}): Promise<DockerServer> => {
  sockets += 1;
  docker = await startDockerServer({ socket: join(folder, `${sockets}.sock`), ...options });
  return docker;
};

/** A provider of its own, and what it told so far. */
const follow = (endpoint: string, settings: Partial<DockerSettings> = {}, own_ids: string[] = []) => {
  const told: (Sighting | { gone: string })[] = [];
  const states: ProviderState[] = [];
  provider = createDockerProvider({
    settings: {
      ...{ endpoint, cert_path: null, mode: 'all', networks: [], exclude: [], resync_ms: 300_000 },
      ...{ include_system: false, ...settings },
    },
    sink: {
      sight: (sighting) => void told.push(sighting),
      gone: (_source, fingerprint) => void told.push({ gone: fingerprint }),
    },
    clock: systemClock,
    onState: (state) => void states.push(state),
    answers: answersHttp,
    own_ids,
  });
  provider.start();
  const now = () => states.at(-1)!;
  return {
    told,
    states,
    now,
    running: () => until(() => now().state === 'running', 'the provider runs'),
    last: (fingerprint: string) =>
      told.findLast((one) => ('gone' in one ? one.gone : one.fingerprint) === fingerprint) ?? null,
    urls: () =>
      told.flatMap((one) => ('gone' in one ? [] : [`${one.addresses[0]!.host}:${one.addresses[0]!.dial_port}`])),
  };
};

const published = (name: string, port = page.port, ip = '127.0.0.1') => ({
  name,
  labels: { 'atrium.enable': 'true' },
  ports: [{ private: 8080, public: port, ip }],
});

describe('a Docker engine', () => {
  it('is spoken to in a version that both know, and told of by what starts, moves, is renamed and stops', async () => {
    const engine = await serve({ newest: '1.43' });
    engine.run(published('there-before'));
    const seen = follow(engine.endpoint);
    await seen.running();
    await until(() => seen.last('container there-before'), 'what ran before');
    expect([...engine.versions]).toEqual(['1.43']);

    const other = await startPage();
    const id = engine.run(published('notes'));
    await until(() => seen.last('container notes'), 'what starts');
    expect(seen.last('container notes')).toMatchObject({
      container_ref: id,
      addresses: [{ port: 8080, dial_port: page.port }],
    });
    engine.run(published('notes', other.port));
    await until(() => seen.urls().includes(`127.0.0.1:${other.port}`), 'the new address');
    engine.rename('notes', 'memos');
    await until(() => seen.last('container memos'), 'the new name');
    expect(seen.last('container notes')).toEqual({ gone: 'container notes' });
    engine.stop('memos');
    await until(() => seen.told.some((one) => 'gone' in one && one.gone === 'container memos'), 'the goodbye');
    await other.close();
  });

  it('that breaks the stream is asked again, and nothing is gone or lost by that', async () => {
    const engine = await serve();
    engine.run(published('stays'));
    engine.run(published('goes'));
    const seen = follow(engine.endpoint);
    await until(() => seen.last('container goes') && seen.last('container stays'), 'both');
    engine.cut();
    await until(() => seen.now().state === 'retrying', 'the break is noticed');
    engine.stop('goes');
    engine.run(published('comes'));
    await until(() => seen.last('container comes'), 'what started meanwhile');
    await until(() => seen.told.some((one) => 'gone' in one), 'what stopped meanwhile');
    expect(seen.told.flatMap((one) => ('gone' in one ? [one.gone] : []))).toEqual(['container goes']);
    expect(seen.now()).toMatchObject({ state: 'running', failures: 0 });
  });

  it('without a socket is tried again, with the line to add, until it is there', async () => {
    const socket = join(folder, 'late.sock');
    const seen = follow(`unix://${socket}`);
    await until(() => seen.now().state === 'retrying', 'it is tried again');
    expect(seen.now()).toMatchObject({ failures: 1, hint: expect.stringContaining('/var/run/docker.sock') });
    docker = await startDockerServer({ socket });
    docker.run(published('notes'));
    await until(() => seen.last('container notes'), 'it recovers by itself');
  });

  it('behind a proxy without some rights is listed all the same, and what is missing is said', async () => {
    const engine = await serve();
    engine.denied.add('/events');
    engine.denied.add('/networks');
    engine.denied.add('/_ping');
    engine.run(published('notes'));
    const seen = follow(engine.endpoint);
    await until(() => seen.last('container notes'), 'the list');
    await until(() => seen.now().missing_rights.length === 3, 'the rights');
    expect(seen.now()).toMatchObject({ state: 'running', missing_rights: ['PING', 'NETWORKS', 'EVENTS'] });
    engine.run(published('later'));
    provider!.rescan();
    await until(() => seen.last('container later'), 'what a rescan finds');
  });

  it('that knows little more than lists, and begins its stream with the first event, is followed all the same', async () => {
    const engine = await serve({ late_events: true });
    for (const path of ['/_ping', '/version', '/networks']) engine.denied.add(path);
    engine.run(published('notes'));
    const seen = follow(engine.endpoint);
    await until(() => seen.last('container notes'), 'the list');
    await until(() => engine.streams === 1, 'the stream');
    engine.run(published('later'));
    await until(() => seen.last('container later'), 'an event');
    expect([...engine.versions]).toEqual([]);
  });

  it('that gives no list says which right to give', async () => {
    const engine = await serve();
    engine.denied.add('/containers');
    const seen = follow(engine.endpoint);
    await until(() => seen.now().state === 'retrying', 'the refusal');
    expect(seen.now().hint).toContain('CONTAINERS=1');
    engine.denied.clear();
    provider!.rescan();
    await seen.running();
  });

  it('behind TLS wants a certificate of ours, and gets it', async () => {
    const ca = makeCertificate({ subject: { CN: 'Engines' }, authority: true });
    const served = makeCertificate({ subject: { CN: 'localhost' }, alternatives: { dns: 'localhost' }, issuer: ca });
    const client = makeCertificate({ subject: { CN: 'atrium' }, issuer: ca });
    const certificates = mkdtempSync(join(folder, 'tls-'));
    for (const [name, text] of Object.entries({ ca: ca.pem, cert: client.pem, key: client.key }))
      writeFileSync(join(certificates, `${name}.pem`), text);
    docker = await startDockerServer({ tls: { cert: served.pem, key: served.key, ca: ca.pem } });
    docker.run(published('notes'));
    const seen = follow(docker.endpoint, { cert_path: certificates });
    await until(() => seen.last('container notes'), 'the list over TLS');
  });
});

describe('containers', () => {
  it('G3: databases are not asked, and pages are told in the order of their ports', async () => {
    const engine = await serve();
    const other = await startPage();
    const database = await startPage();
    let asked = 0;
    database.server.on('request', () => {
      asked += 1;
    });
    engine.run({
      name: 'many',
      ports: [
        { private: 9000, public: page.port, ip: '127.0.0.1' },
        { private: 8080, public: other.port, ip: '127.0.0.1' },
        { private: 5432, public: database.port, ip: '127.0.0.1' },
        { private: 7777, public: 1, ip: '127.0.0.1' },
      ],
    });
    const seen = follow(engine.endpoint);
    const many = (await until(() => seen.last('container many'), 'the container')) as Sighting;
    expect(many.addresses.map(({ port }) => port)).toEqual([8080, 9000]);
    expect(asked).toBe(0);
    await Promise.all([other.close(), database.close()]);
  });

  it('whose page comes up later are told then, or before when they ask to be here', async () => {
    const engine = await serve();
    const late = await startPage();
    const { port } = late;
    await late.close();
    engine.run({ name: 'quiet', ports: [{ private: 8080, public: port, ip: '127.0.0.1' }] });
    engine.run(published('eager', port));
    const seen = follow(engine.endpoint);
    await until(() => seen.last('container eager'), 'who asks to be here');
    expect(seen.last('container quiet')).toBeNull();
    const server = (await import('node:http')).createServer((_request, response) => response.end());
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    await until(() => seen.last('container quiet'), 'whose page came up');
    server.close();
  });

  it('in the network of this server are reached there', async () => {
    const engine = await serve();
    const own = engine.run({ name: 'self', labels: { 'atrium.enable': 'true' }, networks: { web: '127.0.0.9' } });
    engine.run({ ...published('notes'), ports: [{ private: page.port }], networks: { web: '127.0.0.1' } });
    const seen = follow(engine.endpoint, {}, [own.slice(0, 12)]);
    await until(() => seen.last('container notes'), 'the container');
    expect([seen.urls(), seen.last('container self')]).toEqual([[`127.0.0.1:${page.port}`], null]);
  });

  it('that join a network are looked at again', async () => {
    const engine = await serve();
    engine.run({ name: 'notes', ports: [{ private: page.port }], networks: { far: '' } });
    const seen = follow(engine.endpoint);
    await seen.running();
    engine.connect('notes', 'web', '127.0.0.1');
    await until(() => seen.last('container notes'), 'the container');
  });

  it('of one service of Compose are one service', async () => {
    const engine = await serve();
    const labels = (number: string) => ({
      'com.docker.compose.project': 'p',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': number,
    });
    engine.run({ ...published('p-web-2'), labels: labels('2') });
    engine.run({ ...published('p-web-1'), labels: labels('1') });
    const seen = follow(engine.endpoint);
    await until(() => (seen.last('compose p/web') as Sighting | null)?.name === 'p-web-1', 'the first of them');
    engine.stop('p-web-1');
    await until(() => (seen.last('compose p/web') as Sighting).name === 'p-web-2', 'the other one');
    engine.stop('p-web-2');
    await until(() => 'gone' in seen.last('compose p/web')!, 'none is left');
  });
});
