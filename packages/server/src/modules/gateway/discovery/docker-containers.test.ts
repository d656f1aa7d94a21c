import { describe, expect, it } from 'vitest';
import { commonVersion, type DockerContainer } from '../runtime/docker-api.ts';
import {
  chosenNetworks,
  factsOf,
  fingerprintOf,
  type NetworkChoice,
  type Outlook,
  portsOf,
  sightingOf,
  standsBefore,
  waysTo,
  whySkipped,
} from './docker-containers.ts';
import { exposureOf } from './exposure.ts';
import { isOwnImage, isSystemImage, knownImage } from './known-images.ts';

const all: NetworkChoice = { mode: 'all', networks: [], exclude: [] };
const outside: Outlook = { own_ids: [], own_networks: null, machine: '127.0.0.1' };

const container = (parts: Partial<DockerContainer> & { labels?: Record<string, string>; ports?: number[] } = {}) =>
  factsOf({
    ...{ Id: 'a'.repeat(64), Names: ['/notes'], Image: 'example/notes:1', Created: 1, State: 'running' },
    Labels: parts.labels ?? {},
    Ports: (parts.ports ?? [5000]).map((PrivatePort) => ({ PrivatePort, Type: 'tcp' })),
    NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
    ...parts,
  });

const sighted = (parts: Parameters<typeof container>[0]) => {
  const facts = container(parts);
  const ways = portsOf(facts).ports.flatMap((port) => waysTo(facts, port, outside, all).slice(0, 1));
  return sightingOf(facts, ways);
};

describe('G2: how certain a container is', () => {
  it.each([
    ['nothing known', {}, 0.5],
    ['a port of web pages', { ports: [8080] }, 0.6],
    ['a known image', { Image: 'ghcr.io/immich-app/immich-server:v1' }, 0.7],
    ['a known image on 3000', { Image: 'grafana/grafana', ports: [3000] }, 0.8],
    [
      'with a Traefik label too, capped',
      { Image: 'grafana/grafana', ports: [3000], labels: { 'traefik.enable': 'true' } },
      0.85,
    ],
    ['a Traefik label alone', { labels: { 'traefik.enable': 'true' } }, 0.65],
    ['Traefik and Caddy count once', { labels: { 'traefik.enable': 'true', caddy: 'x.example.org' } }, 0.65],
    ['a Homepage label', { labels: { 'homepage.name': 'Notes' } }, 0.6],
    ['an id label', { labels: { 'nekzus.app.id': 'notes' } }, 0.85],
    ['an id label on 80, capped', { labels: { 'atrium.app.id': 'notes' }, ports: [80] }, 0.85],
    ['enable=true', { labels: { 'atrium.enable': 'true' } }, 0.95],
    ['enable=true on 80', { labels: { 'nekzus.enable': 'true' }, ports: [80] }, 1],
    [
      'everything at once',
      {
        Image: 'grafana/grafana',
        ports: [3000],
        labels: { 'atrium.enable': 'true', 'atrium.app.id': 'g', 'traefik.enable': 'true' },
      },
      1,
    ],
  ])('%s gives the right number, and its reasons add up to it', (_what, parts, expected) => {
    const { confidence, reasons } = sighted(parts);
    expect(confidence).toBe(expected);
    expect(reasons.reduce((sum, { adds }) => sum + adds, 0)).toBeCloseTo(expected, 5);
  });

  it('what other products say is a hint in words, never a host of ours', () => {
    const { reasons, route } = sighted({ labels: { 'traefik.http.routers.a.rule': 'Host(`n.example.org`)' } });
    expect(reasons.map(({ reason }) => reason)).toContain('labels of traefik name n.example.org');
    expect(route).toEqual({ access: 'signed_in' });
  });
});

describe('which containers are left out', () => {
  it.each([
    ['enable=false', { labels: { 'atrium.enable': 'false' } }, true],
    ['skip', { labels: { 'nekzus.skip': 'true', 'nekzus.enable': 'true' } }, true],
    [
      'Portainer, also with enable=true',
      { Image: 'portainer/portainer-ce', labels: { 'nekzus.enable': 'true' } },
      true,
    ],
    [
      'Portainer with a test label',
      { Image: 'portainer/portainer-ce', labels: { 'nekzus.enable': 'true', 'nekzus.test': 'true' } },
      false,
    ],
    ['Traefik', { Image: 'docker.io/library/traefik:v3' }, true],
    ['a page by the makers of Traefik', { Image: 'traefik/whoami' }, false],
    ['parts of Kubernetes', { Image: 'registry.k8s.io/pause:3.9' }, true],
    ['this program', { Image: 'ghcr.io/example/atrium:1.2' }, true],
    ['the program it replaces', { Image: 'nstalgic/nekzus' }, true],
    ['anything else', {}, false],
  ])('%s', (_what, parts, skipped) => {
    expect(whySkipped(container(parts), outside, all, false) !== null).toBe(skipped);
  });

  it('itself, by the beginning of its id', () => {
    expect(whySkipped(container(), { ...outside, own_ids: ['a'.repeat(12)] }, all, false)).toBe('it is this server');
  });

  it('images are told apart by their parts', () => {
    expect([isSystemImage('localhost:5000/caddy:2'), isSystemImage('example/caddyshack')]).toEqual([true, false]);
    expect([isOwnImage('atrium'), isOwnImage('example/atriumish')]).toEqual([true, false]);
    expect(knownImage('lscr.io/linuxserver/jellyfin@sha256:00')?.name).toBe('Jellyfin');
  });
});

describe('G3: ports', () => {
  it.each([
    ['a database is not asked', { ports: [5432, 8080] }, { ports: [8080], probe: true }],
    [
      'those of pages come first',
      { ports: [9000, 3000, 4000, 80, 8080] },
      { ports: [80, 8080, 3000, 4000, 9000], probe: true },
    ],
    [
      'a label chooses one without asking',
      { ports: [80, 9000], labels: { 'atrium.primary_port': '9000' } },
      { ports: [9000], probe: false },
    ],
    [
      'a label takes all without asking',
      { ports: [22, 80], labels: { 'atrium.discover.all_ports': 'true' } },
      { ports: [80, 22], probe: false },
    ],
    [
      'another product names one, which is asked first',
      { ports: [80, 9000], labels: { 'traefik.http.services.a.loadbalancer.server.port': '9000' } },
      { ports: [9000, 80], probe: true },
    ],
  ])('%s', (_what, parts, plan) => {
    expect(portsOf(container(parts))).toEqual(plan);
  });

  it('UDP is no page', () => {
    expect(
      portsOf(
        container({
          Ports: [
            { PrivatePort: 53, Type: 'udp' },
            { PrivatePort: 8080, Type: 'udp' },
          ],
        }),
      ).ports,
    ).toEqual([]);
  });
});

describe('where a container is reached', () => {
  const facts = container({
    Ports: [
      { PrivatePort: 8443, PublicPort: 32_001, IP: '::', Type: 'tcp' },
      { PrivatePort: 8443, PublicPort: 32_000, IP: '0.0.0.0', Type: 'tcp' },
    ],
    NetworkSettings: { Networks: { web: { IPAddress: '172.20.0.3' }, back: { IPAddress: '172.19.0.3' } } },
  });
  const urls = (outlook: Outlook, choice = all) =>
    waysTo(facts, 8443, outlook, choice).map(({ scheme, host, dial_port }) => `${scheme}://${host}:${dial_port}`);

  it('from outside by the published port of this machine, then by its networks in the order of their names', () => {
    expect(urls(outside)).toEqual([
      'https://127.0.0.1:32000',
      'https://127.0.0.1:32001',
      'https://172.19.0.3:8443',
      'https://172.20.0.3:8443',
    ]);
  });

  it('from inside by the network that both are in', () => {
    expect(urls({ ...outside, own_networks: ['web'] })[0]).toBe('https://172.20.0.3:8443');
  });

  it("from another machine by the engine's", () => {
    expect(urls({ ...outside, machine: 'docker.example.org' })[0]).toBe('https://docker.example.org:32000');
  });

  it('by the networks that were chosen', () => {
    const names = (choice: Partial<NetworkChoice>) =>
      chosenNetworks(facts, { ...all, ...choice }).map(({ name }) => name);
    expect(names({})).toEqual(['back', 'web']);
    expect(names({ mode: 'first' })).toEqual(['back']);
    expect(names({ mode: 'preferred', networks: ['other', 'web'] })).toEqual(['web']);
    expect(names({ exclude: ['back'] })).toEqual(['web']);
    expect(whySkipped(facts, outside, { ...all, networks: ['none'] }, false)).toBe('its networks are left out');
  });

  it('with the network of the machine at the port itself', () => {
    const host = container({ HostConfig: { NetworkMode: 'host' }, labels: { 'atrium.primary_port': '8123' } });
    expect(waysTo(host, 8123, outside, all)).toEqual([
      { port: 8123, scheme: 'http', host: '127.0.0.1', dial_port: 8123 },
    ]);
  });
});

describe('who a container is', () => {
  const compose = (number: string, parts: Partial<DockerContainer> = {}) =>
    container({
      ...parts,
      labels: {
        'com.docker.compose.project': 'home',
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': number,
      },
    });

  it('is its service of Compose, otherwise its name', () => {
    expect([fingerprintOf(compose('1')), fingerprintOf(container())]).toEqual(['compose home/web', 'container notes']);
  });

  it('the first of several stands for the service, and of those the newest', () => {
    const [one, again, two] = [
      compose('1', { Id: 'a', Created: 1 }),
      compose('1', { Id: 'b', Created: 2 }),
      compose('2', { Id: 'c', Created: 9 }),
    ];
    expect([two, one, again].sort(standsBefore).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });
});

describe('G12: what is open past the sign-in', () => {
  it.each([
    ['0.0.0.0', 'critical'],
    ['::', 'critical'],
    ['203.0.113.7', 'critical'],
    ['192.168.1.5', 'warning'],
    ['fd00::5', 'warning'],
    ['127.0.0.1', undefined],
    ['::1', undefined],
  ])('bound to %s is %s', (address, severity) => {
    expect(exposureOf([{ port: 8080, address }])[0]?.severity).toBe(severity);
  });

  it('is told once a port, as the worst of it', () => {
    const notes = exposureOf([
      { port: 80, address: '192.168.1.5' },
      { port: 80, address: '0.0.0.0' },
      { port: 80, address: '::' },
    ]);
    expect(notes.map(({ severity }) => severity)).toEqual(['critical']);
  });
});

it.each([
  ['1.43', '1.43'],
  ['1.99', '1.51'],
  ['2.0', '1.51'],
  [undefined, null],
  ['unknown', null],
])('an engine of %s is spoken to in %s', (engine, version) => {
  expect(commonVersion(engine)).toBe(version);
});
