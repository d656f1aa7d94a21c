import { titleOf } from './app-slug.ts';
import { rate, webPort } from './confidence.ts';
import { knownImage } from './known-images.ts';
import { type LabelReading, readLabels } from './labels.ts';
import { planPorts, schemeOf } from './port-choice.ts';
import type { Reason, SightedAddress, Sighting } from './sighting.ts';
import { suggestApp, suggestRoute } from './suggestion.ts';

/* What Services and Ingresses of a cluster are as services of Atrium. Nothing is asked of them. */

export interface KubeObject {
  metadata?: {
    name?: string;
    namespace?: string;
    resourceVersion?: string;
    labels?: Record<string, string> | null;
    annotations?: Record<string, string> | null;
  };
}

export interface KubeService extends KubeObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    externalName?: string;
    ports?: { name?: string; port?: number; nodePort?: number; protocol?: string; appProtocol?: string }[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

export interface KubeIngress extends KubeObject {
  spec?: {
    tls?: { hosts?: string[] }[];
    defaultBackend?: KubeBackend;
    rules?: { host?: string; http?: { paths?: { path?: string; backend?: KubeBackend }[] } }[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

interface KubeBackend {
  service?: { name?: string; port?: { number?: number; name?: string } };
}

export interface ClusterView {
  services: readonly KubeService[];
  ingresses: readonly KubeIngress[];
  namespaces: readonly KubeObject[];
  /** Whether this server runs in the cluster. */
  inside: boolean;
  /** Host of the API server: for a small cluster also a node. */
  node: string;
}

const systemNamespaces = new Set(['kube-system', 'kube-public', 'kube-node-lease']);
const pageComponents = new Set(['frontend', 'ui', 'web', 'dashboard']);

/** Charts whose pages people open, and what they are for. */
const charts: Readonly<Record<string, string>> = {
  grafana: 'monitoring',
  prometheus: 'monitoring',
  'kube-prometheus-stack': 'monitoring',
  alertmanager: 'monitoring',
  argocd: 'cicd',
  'argo-cd': 'cicd',
  'argo-workflows': 'cicd',
  loki: 'logging',
  kibana: 'logging',
  tempo: 'tracing',
  jaeger: 'tracing',
  jenkins: 'cicd',
  gitlab: 'cicd',
  gitea: 'cicd',
  harbor: 'registry',
  vault: 'secrets',
  consul: 'service-mesh',
  linkerd: 'service-mesh',
  kiali: 'service-mesh',
  'kubernetes-dashboard': 'dashboard',
  longhorn: 'storage',
  minio: 'storage',
  nextcloud: 'files',
  keycloak: 'identity',
  'home-assistant': 'home',
};

const backends =
  /(^|[-/])(postgres(ql)?|mysql|mariadb|mongodb?|cassandra|cockroachdb|redis|valkey|memcached|kafka|zookeeper|rabbitmq|nats|etcd|elasticsearch|opensearch|consul-server|vault-internal)(-|$)/;

const text = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value);
const labelsOf = (object: KubeObject): Record<string, string> => object.metadata?.labels ?? {};
const annotationsOf = (object: KubeObject): Record<string, string> => object.metadata?.annotations ?? {};
const nameOf = (object: KubeObject): string => object.metadata?.name ?? '';
const namespaceOf = (object: KubeObject): string => object.metadata?.namespace ?? 'default';

const chartOf = (labels: Record<string, string>): string | null => {
  const named = [
    labels['helm.sh/chart']?.replace(/-v?\d[\w.+-]*$/, ''),
    labels['chart']?.replace(/-v?\d[\w.+-]*$/, ''),
    labels['app.kubernetes.io/name'],
    labels['k8s-app'],
  ];
  return named.find((one) => one !== undefined && one in charts) ?? null;
};

const identityOf = (labels: Record<string, string>): string | null =>
  text(labels['app.kubernetes.io/name']) ?? text(labels['app']) ?? text(labels['k8s-app']);

const isMeshed = (object: KubeObject, namespace: KubeObject | undefined): boolean => {
  const labels = labelsOf(object);
  return (
    [labels, namespace === undefined ? {} : labelsOf(namespace)].some((one) => one['istio-injection'] === 'enabled') ||
    labels['istio.io/rev'] !== undefined ||
    labels['service.istio.io/canonical-name'] !== undefined ||
    annotationsOf(object)['sidecar.istio.io/inject'] === 'true'
  );
};

/** What a namespace hands down: that its services are wanted, tags and scopes. Not a name or a path, which are of one service. */
const inherited = (reading: LabelReading, namespace: KubeObject | undefined): LabelReading => {
  if (namespace === undefined) return reading;
  const from = readLabels(labelsOf(namespace), annotationsOf(namespace));
  return {
    ...reading,
    enable: reading.enable ?? from.enable,
    skip: reading.skip || from.skip,
    app: { ...reading.app, tags: reading.app.tags ?? from.app.tags },
    route: { ...reading.route, scopes: reading.route.scopes ?? from.route.scopes },
    any: reading.any || from.any,
  };
};

const isBackend = (service: KubeService): boolean => {
  const labels = labelsOf(service);
  const names = [
    nameOf(service),
    identityOf(labels) ?? '',
    labels['helm.sh/chart']?.replace(/-v?\d[\w.+-]*$/, '') ?? '',
  ];
  return names.some((name) => backends.test(name));
};

const isHeadless = ({ spec }: KubeService): boolean => spec?.clusterIP === 'None';

/** Why a Service without a label of ours is taken; null when it is not. */
const whyTaken = (service: KubeService, meshed: boolean): string | null => {
  const labels = labelsOf(service);
  const type = service.spec?.type ?? 'ClusterIP';
  if ((type === 'LoadBalancer' || type === 'NodePort') && identityOf(labels) !== null) return 'outside';
  if (pageComponents.has(labels['app.kubernetes.io/component'] ?? '')) return 'page';
  return meshed ? 'mesh' : null;
};

const addressOf = (service: KubeService, port: number, view: ClusterView): { host: string; dial_port: number } => {
  const name = `${nameOf(service)}.${namespaceOf(service)}.svc`;
  if (view.inside) return { host: `${name}.cluster.local`, dial_port: port };
  const balancer = service.status?.loadBalancer?.ingress?.[0];
  const outside = balancer?.ip ?? balancer?.hostname;
  if (outside !== undefined) return { host: outside, dial_port: port };
  const nodePort = service.spec?.ports?.find((one) => one.port === port)?.nodePort;
  if (nodePort !== undefined) return { host: view.node, dial_port: nodePort };
  const { clusterIP } = service.spec ?? {};
  return { host: clusterIP === undefined || clusterIP === '' ? `${name}.cluster.local` : clusterIP, dial_port: port };
};

const moreReasons = (chart: string | null, meshed: boolean, rest: readonly Reason[]): Reason[] => [
  ...(meshed ? [{ reason: 'part of a service mesh', adds: 0.2 }] : []),
  ...(chart === null ? [] : [{ reason: `${chart} is a known chart`, adds: 0.2 }]),
  ...rest,
];

const guessOf = (object: KubeObject, chart: string | null) => {
  const labels = labelsOf(object);
  const known = chart === null ? null : knownImage(chart);
  const name = identityOf(labels) ?? nameOf(object);
  return {
    names: [text(labels['app.kubernetes.io/instance']) === null ? null : identityOf(labels), nameOf(object)],
    name: known?.name ?? titleOf(name),
    icon: known?.icon,
    tags: ['kubernetes', ...(chart === null ? [] : [charts[chart]!])],
  };
};

const serviceSighting = (
  service: KubeService,
  reading: LabelReading,
  meshed: boolean,
  view: ClusterView,
): Sighting | null => {
  const ports = (service.spec?.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');
  const plan = planPorts(
    ports.flatMap(({ port }) => port ?? []),
    { primary: reading.primary_port, all: reading.all_ports, hint: null },
  );
  if (plan.ports.length === 0) return null;
  const addresses = plan.ports.map((port): SightedAddress => {
    const named = ports.find((one) => one.port === port);
    const byName = named?.appProtocol === 'https' || /^https/.test(named?.name ?? '') ? ('https' as const) : null;
    return { port, scheme: schemeOf(port, reading.scheme, byName), ...addressOf(service, port, view) };
  });
  const chart = chartOf(labelsOf(service));
  const type = service.spec?.type;
  const explicit = reading.enable === true;
  const app = suggestApp(reading, guessOf(service, chart));
  const open = type === 'LoadBalancer' || type === 'NodePort';
  return {
    source: 'kubernetes',
    fingerprint: `service ${namespaceOf(service)}/${nameOf(service)}`,
    name: `${namespaceOf(service)}/${nameOf(service)}`,
    addresses,
    ...rate({
      base: { reason: 'a Service of the cluster', adds: 0.5 },
      app_id: reading.app.id !== null,
      explicit,
      more: moreReasons(chart, meshed, [
        ...(open ? [{ reason: `of the type ${type}`, adds: 0.1 }] : []),
        ...webPort(addresses[0]!.port),
      ]),
    }),
    ...{ app, explicit, vouched: explicit, container_ref: null },
    route: suggestRoute(reading, app.slug),
    bindings: [],
  };
};

/** The Service behind the first path of an Ingress. */
const backendOf = (ingress: KubeIngress): NonNullable<KubeBackend['service']> | null =>
  ingress.spec?.rules
    ?.flatMap((rule) => rule.http?.paths ?? [])
    .find(({ backend }) => backend?.service?.name !== undefined)?.backend?.service ??
  ingress.spec?.defaultBackend?.service ??
  null;

const ingressSighting = (
  ingress: KubeIngress,
  service: KubeService | undefined,
  reading: LabelReading,
  meshed: boolean,
  view: ClusterView,
): Sighting | null => {
  const host = ingress.spec?.rules?.find((rule) => rule.host !== undefined && rule.host !== '')?.host ?? null;
  const tls = (ingress.spec?.tls ?? []).length > 0;
  const backend = backendOf(ingress);
  const asked = backend?.port?.number ?? service?.spec?.ports?.find((one) => one.name === backend?.port?.name)?.port;
  const balancer = ingress.status?.loadBalancer?.ingress?.[0];
  const entry = host !== null && !host.startsWith('*') ? host : (balancer?.ip ?? balancer?.hostname ?? null);
  // Inside the cluster the Service itself is nearer; outside of it only the Ingress can be reached.
  const inside = view.inside && service !== undefined && asked !== undefined;
  const outer = { port: tls ? 443 : 80, scheme: tls ? ('https' as const) : ('http' as const) };
  const addresses: SightedAddress[] = inside
    ? [{ port: asked, scheme: schemeOf(asked, reading.scheme), ...addressOf(service, asked, view) }]
    : entry === null
      ? []
      : [{ ...outer, host: entry, dial_port: outer.port }];
  if (addresses.length === 0) return null;
  const labels = { ...(service === undefined ? {} : labelsOf(service)), ...labelsOf(ingress) };
  const chart = chartOf(labels);
  const explicit = reading.enable === true;
  const app = suggestApp(reading, guessOf(ingress, chart));
  return {
    source: 'kubernetes',
    fingerprint: `ingress ${namespaceOf(ingress)}/${nameOf(ingress)}`,
    name: `${namespaceOf(ingress)}/${nameOf(ingress)}`,
    addresses,
    ...rate({
      base: { reason: host === null ? 'an Ingress of the cluster' : `an Ingress for ${host}`, adds: 0.8 },
      app_id: reading.app.id !== null,
      explicit,
      more: moreReasons(chart, meshed, [
        ...webPort(asked ?? outer.port),
        ...(tls ? [{ reason: 'it has a certificate', adds: 0.05 }] : []),
      ]),
    }),
    ...{ app, explicit, vouched: explicit, container_ref: null },
    route: suggestRoute(reading, app.slug),
    bindings: [],
  };
};

/** All services of the cluster that are worth a proposal. One that an Ingress leads to is told once, by the Ingress. */
export const sightingsOf = (view: ClusterView): Sighting[] => {
  const namespaces = new Map(view.namespaces.map((one) => [nameOf(one), one]));
  const services = new Map(view.services.map((one) => [`${namespaceOf(one)}/${nameOf(one)}`, one]));
  const led = new Set<string>();
  const found: Sighting[] = [];
  const unwanted = (reading: LabelReading, namespace: string): boolean =>
    reading.skip || reading.enable === false || (systemNamespaces.has(namespace) && reading.enable !== true);

  for (const ingress of view.ingresses) {
    const space = namespaceOf(ingress);
    const backend = backendOf(ingress);
    const key = `${space}/${backend?.name ?? ''}`;
    const service = services.get(key);
    const own = [labelsOf(ingress), annotationsOf(ingress)];
    const reading = inherited(
      readLabels(...own, ...(service === undefined ? [] : [labelsOf(service), annotationsOf(service)])),
      namespaces.get(space),
    );
    if (unwanted(reading, space)) {
      led.add(key);
      continue;
    }
    const identified = identityOf(labelsOf(ingress)) ?? (service === undefined ? null : identityOf(labelsOf(service)));
    if (reading.enable !== true && reading.app.id === null && identified === null) continue;
    const sighting = ingressSighting(
      ingress,
      service,
      reading,
      isMeshed(service ?? ingress, namespaces.get(space)),
      view,
    );
    if (sighting === null) continue;
    led.add(key);
    found.push(sighting);
  }

  for (const [key, service] of services) {
    const space = namespaceOf(service);
    const namespace = namespaces.get(space);
    const reading = inherited(readLabels(labelsOf(service), annotationsOf(service)), namespace);
    const meshed = isMeshed(service, namespace);
    const asked = readLabels(labelsOf(service), annotationsOf(service));
    const wanted = reading.enable === true || asked.app.id !== null;
    if (led.has(key) || unwanted(reading, space)) continue;
    // What a whole namespace wants is not said of its databases and of services without an address.
    if ((isHeadless(service) || isBackend(service)) && asked.enable !== true) continue;
    if (service.spec?.type === 'ExternalName' && asked.enable !== true) continue;
    if (!wanted && whyTaken(service, meshed) === null) continue;
    const sighting = serviceSighting(service, reading, meshed, view);
    if (sighting !== null) found.push(sighting);
  }
  return found;
};
