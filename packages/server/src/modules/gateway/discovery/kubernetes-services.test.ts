import { describe, expect, it } from 'vitest';
import {
  type ClusterView,
  type KubeIngress,
  type KubeObject,
  type KubeService,
  sightingsOf,
} from './kubernetes-services.ts';

type Labels = Record<string, string>;

const service = (
  name: string,
  parts: { namespace?: string; labels?: Labels; annotations?: Labels; spec?: KubeService['spec'] } = {},
): KubeService => ({
  metadata: {
    name,
    namespace: parts.namespace ?? 'apps',
    labels: parts.labels ?? {},
    annotations: parts.annotations ?? {},
  },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [{ port: 9000 }], ...parts.spec },
});
const ingress = (
  name: string,
  backend: string,
  parts: { labels?: Labels; tls?: boolean; annotations?: Labels } = {},
): KubeIngress => ({
  metadata: { name, namespace: 'apps', labels: parts.labels ?? {}, annotations: parts.annotations ?? {} },
  spec: {
    ...(parts.tls === true ? { tls: [{ hosts: [`${name}.example.org`] }] } : {}),
    rules: [
      {
        host: `${name}.example.org`,
        http: { paths: [{ path: '/', backend: { service: { name: backend, port: { number: 9000 } } } }] },
      },
    ],
  },
});
const namespace = (name: string, labels: Labels = {}): KubeObject => ({ metadata: { name, labels } });
const seen = (view: Partial<ClusterView>) =>
  sightingsOf({ ...{ services: [], ingresses: [], namespaces: [], inside: true, node: 'node.example.org' }, ...view });
const rated = (view: Partial<ClusterView>) =>
  seen(view).map(({ fingerprint, confidence }) => [fingerprint, confidence]);

const named = (name: string): Labels => ({ 'app.kubernetes.io/name': name });
const enabled: Labels = { 'atrium.enable': 'true' };

describe('G9: how certain a service of a cluster is', () => {
  it.each([
    ['a page by its component', service('a', { labels: { 'app.kubernetes.io/component': 'ui' } }), 0.5],
    ['with an id label', service('a', { labels: { 'nekzus.app.id': 'a' } }), 0.85],
    ['that asks to be here', service('a', { labels: enabled }), 0.95],
    ['by an annotation in slash form', service('a', { annotations: { 'nekzus/enable': 'true' } }), 0.95],
    ['of the type NodePort with a name', service('a', { labels: named('a'), spec: { type: 'NodePort' } }), 0.6],
    [
      'of the type LoadBalancer on 80',
      service('a', { labels: named('a'), spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }),
      0.7,
    ],
    ['of a known chart', service('a', { labels: { ...named('grafana'), 'app.kubernetes.io/component': 'web' } }), 0.7],
    ['of a mesh', service('a', { labels: { 'istio.io/rev': 'default' } }), 0.7],
    [
      'of a mesh with chart and port, capped',
      service('a', {
        labels: { ...named('grafana'), 'istio.io/rev': 'x', 'nekzus.app.id': 'a' },
        spec: { ports: [{ port: 3000 }] },
      }),
      0.85,
    ],
    ['everything at once', service('a', { labels: { ...named('grafana'), ...enabled, 'istio.io/rev': 'x' } }), 1],
  ])('%s', (_what, one, confidence) => {
    expect(rated({ services: [one] })).toEqual([['service apps/a', confidence]]);
  });

  it.each([
    ['an Ingress', ingress('g', 'g', { labels: named('x') }), 0.8],
    ['with a certificate', ingress('g', 'g', { labels: named('x'), tls: true }), 0.85],
    ['of a known chart with a certificate, capped', ingress('g', 'g', { labels: named('grafana'), tls: true }), 0.85],
    ['that asks to be here', ingress('g', 'g', { annotations: { 'atrium/enable': 'true' } }), 0.95],
    [
      'that asks, with certificate and chart',
      ingress('g', 'g', { labels: { ...named('grafana'), ...enabled }, tls: true }),
      1,
    ],
  ])('%s', (_what, one, confidence) => {
    expect(rated({ ingresses: [one] })).toEqual(inFrontOf(confidence));
    // What it leads to is told by it alone.
    expect(rated({ ingresses: [one], services: [service('g', { labels: named('x') })] })).toEqual(
      inFrontOf(confidence),
    );
  });
  const inFrontOf = (confidence: number) => [['ingress apps/g', confidence]];
});

describe('G9: which services of a cluster are left out', () => {
  it.each([
    ['without any label', service('a')],
    ['headless', service('a', { labels: { 'app.kubernetes.io/component': 'ui' }, spec: { clusterIP: 'None' } })],
    [
      'of the system',
      service('a', { namespace: 'kube-system', labels: { ...named('a') }, spec: { type: 'NodePort' } }),
    ],
    ['databases', service('redis-master', { labels: named('redis'), spec: { type: 'NodePort' } })],
    ['queues in a mesh', service('my-rabbitmq', { labels: { 'istio.io/rev': 'x' } })],
    [
      'that do not want to be here',
      service('a', { labels: { 'atrium.enable': 'false', 'app.kubernetes.io/component': 'ui' } }),
    ],
    [
      'that have no page',
      service('a', { labels: { 'app.kubernetes.io/component': 'ui' }, spec: { ports: [{ port: 5432 }] } }),
    ],
  ])('%s', (_what, one) => {
    expect(rated({ services: [one] })).toEqual([]);
  });

  it('but for those that ask', () => {
    const services = [
      service('a', { namespace: 'kube-system', labels: enabled }),
      service('b', { labels: enabled, spec: { clusterIP: 'None' } }),
      service('redis', { labels: enabled }),
    ];
    expect(rated({ services }).map(([fingerprint]) => fingerprint)).toEqual([
      'service kube-system/a',
      'service apps/b',
      'service apps/redis',
    ]);
  });
});

describe('G9: what a namespace says', () => {
  const labels = {
    'nekzus/enable': 'true',
    'nekzus.app.tags': 'production',
    'nekzus.route.scopes': 'access:production',
  };

  it('is inherited by its services, but not by its databases and by those who say otherwise', () => {
    const found = seen({
      namespaces: [namespace('apps', labels)],
      services: [
        service('web'),
        service('postgresql'),
        service('off', { labels: { 'atrium.enable': 'false' } }),
        service('headless', { spec: { clusterIP: 'None' } }),
      ],
    });
    expect(found.map(({ fingerprint }) => fingerprint)).toEqual(['service apps/web']);
    expect(found[0]).toMatchObject({
      explicit: true,
      confidence: 0.95,
      app: { tags: ['production'] },
      route: { access: 'scopes', scopes: ['access:production'] },
    });
  });

  it('of a mesh counts for its services', () => {
    expect(
      rated({ namespaces: [namespace('apps', { 'istio-injection': 'enabled' })], services: [service('web')] }),
    ).toEqual([['service apps/web', 0.7]]);
  });
});

describe('where a service of a cluster is reached', () => {
  const labels = enabled;
  const url = (view: Partial<ClusterView>) =>
    seen(view).map(({ addresses: [first] }) => `${first!.scheme}://${first!.host}:${first!.dial_port}`);

  it('by its name from inside, by what is open from outside', () => {
    const one = service('web', { labels, spec: { type: 'NodePort', ports: [{ port: 8443, nodePort: 30_000 }] } });
    expect(url({ services: [one] })).toEqual(['https://web.apps.svc.cluster.local:8443']);
    expect(url({ services: [one], inside: false })).toEqual(['https://node.example.org:30000']);
    const balanced = { ...one, status: { loadBalancer: { ingress: [{ ip: '192.0.2.4' }] } } };
    expect(url({ services: [balanced], inside: false })).toEqual(['https://192.0.2.4:8443']);
  });

  it('behind an Ingress by its host from outside, and past it from inside', () => {
    const view = { ingresses: [ingress('notes', 'web', { labels, tls: true })], services: [service('web')] };
    expect(url({ ...view, inside: false })).toEqual(['https://notes.example.org:443']);
    expect(url(view)).toEqual(['http://web.apps.svc.cluster.local:9000']);
  });
});
