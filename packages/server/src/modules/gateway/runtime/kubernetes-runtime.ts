import type { ContainerAction } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import { ServiceClient, ServiceRefusal } from '../../../platform/net/service-client.ts';
import { readClusterAccess } from '../discovery/kubeconfig.ts';
import {
  idOf,
  inspectedOf,
  type KubePod,
  type KubeWorkload,
  mainContainer,
  podListed,
  quantity,
  readId,
  replicasAnnotation,
  runs,
  type WorkloadKind,
  workloadKinds,
  workloadListed,
} from './kubernetes-answers.ts';
import { plainLines } from './log-lines.ts';
import {
  ActionFailed,
  type Inspected,
  type Listed,
  type LogWishes,
  NoContainer,
  NoRight,
  type Rights,
  type Runtime,
  type RuntimeEvent,
  type RuntimeLine,
  type Usage,
} from './runtime.ts';

export interface KubernetesEndpoint {
  /** Path of a kubeconfig, or of the folder of a pod's account. */
  access: string;
  context: string | null;
  /** Empty: all. */
  namespaces: readonly string[];
}

const pageSize = 500;
const watchSeconds = 290;
const roleLine =
  'kubectl create clusterrole atrium-containers --verb=get,list,watch,patch --resource=deployments.apps,statefulsets.apps,pods,pods/log';
const roleHint = `Give the account of Atrium this role: ${roleLine}`;
const metricsHint =
  'Install the metrics server of Kubernetes, or let the account of Atrium list pods of metrics.k8s.io';

interface Connection {
  client: ServiceClient;
  namespaces: readonly string[];
}

const refusedWith = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof ServiceRefusal && statuses.includes(error.status);

/** Deployments, stateful sets and pods of a cluster, in the place of containers. */
export class KubernetesRuntime implements Runtime {
  readonly kind = 'kubernetes';
  readonly #settings: KubernetesEndpoint;
  readonly #clock: Clock;
  #connection: Promise<Connection> | null = null;

  constructor(settings: KubernetesEndpoint, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get endpoint(): string {
    return this.#settings.access;
  }

  async ping(signal: AbortSignal): Promise<void> {
    const { client } = await this.#open();
    await client.json('/version', signal).catch((error: unknown) => {
      if (!(error instanceof ServiceRefusal)) throw error;
    });
  }

  async rights(signal: AbortSignal): Promise<Rights> {
    const { client, namespaces } = await this.#open();
    const missing: string[] = [];
    const may = async (verb: string, group: string, resource: string, subresource = ''): Promise<boolean> => {
      const resourceAttributes = { verb, group, resource, subresource, namespace: namespaces[0] ?? '' };
      const review = await client.act<{ status?: { allowed?: boolean } }>(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        signal,
        {
          json: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes },
          },
        },
      );
      const allowed = review?.status?.allowed === true;
      const name = `${resource}${subresource === '' ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
      if (!allowed) missing.push(`${verb} ${name}`);
      return allowed;
    };
    const sets = ['deployments', 'statefulsets'];
    const every = async (verb: string): Promise<boolean> => {
      const answers = [];
      for (const set of sets) answers.push(await may(verb, 'apps', set));
      return answers.every(Boolean);
    };
    const listed = [await every('list'), await may('list', '', 'pods')];
    const events = await every('watch');
    const control = await every('patch');
    const logs = await may('get', '', 'pods', 'log');
    const known = missing.length > 0;
    const stats = await may('list', 'metrics.k8s.io', 'pods');
    const hint = known ? roleHint : stats ? null : metricsHint;
    return { read: listed.every(Boolean), control, stats, logs, events, missing, hint };
  }

  async list(signal: AbortSignal): Promise<Listed[]> {
    const [deployments, sets, pods] = await Promise.all([
      this.#all<KubeWorkload>('apps', 'deployments', signal),
      this.#all<KubeWorkload>('apps', 'statefulsets', signal),
      this.#all<KubePod>('', 'pods', signal),
    ]);
    return [
      ...deployments.map((one) => workloadListed('deployment', one)),
      ...sets.map((one) => workloadListed('statefulset', one)),
      ...pods.filter(({ metadata }) => (metadata?.ownerReferences ?? []).length === 0).map(podListed),
    ];
  }

  async inspect(id: string, signal: AbortSignal): Promise<Inspected> {
    const { kind, namespace, name } = named(id);
    if (kind === 'pod') {
      const pod = await this.#get<KubePod>(id, `/api/v1/namespaces/${namespace}/pods/${name}`, signal);
      const { metadata, spec } = pod;
      return inspectedOf(podListed(pod), { metadata, spec, template: metadata }, [pod]);
    }
    const workload = await this.#workload(id, kind, namespace, name, signal);
    const pods = await this.#podsOf(workload, namespace, signal);
    const { template } = workload.spec ?? {};
    const made = { metadata: workload.metadata, spec: template?.spec, template: template?.metadata };
    return inspectedOf(workloadListed(kind, workload), made, pods);
  }

  async act(id: string, action: ContainerAction, _timeout_s: number, signal: AbortSignal): Promise<void> {
    const { kind, namespace, name } = named(id);
    if (kind === 'pod') throw new ActionFailed('nothing keeps this pod running, so it would not come back');
    const workload = await this.#workload(id, kind, namespace, name, signal);
    const wanted = workload.spec?.replicas ?? 1;
    const change = changeFor(action, wanted, workload.metadata?.annotations?.[replicasAnnotation], this.#clock.now());
    if (change === null) return;
    const path = `/apis/apps/v1/namespaces/${namespace}/${workloadKinds[kind].resource}/${name}`;
    const { client } = await this.#open();
    try {
      await this.#ask(id, [`patch ${workloadKinds[kind].resource}.apps`], () =>
        client.act('PATCH', path, signal, { json: change, type: 'application/merge-patch+json' }),
      );
    } catch (error) {
      if (error instanceof ServiceRefusal) throw new ActionFailed(error.message.replace(/^\d+ for \S+: /, ''));
      throw error;
    }
  }

  async usage(id: string, signal: AbortSignal): Promise<Usage> {
    const { kind, namespace, name } = named(id);
    const base = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
    const at = this.#clock.now();
    const none = { received_bytes: null, sent_bytes: null, read_bytes: null, written_bytes: null, processes: null };
    const { client } = await this.#open();
    const inspected = await this.inspect(id, signal);
    const query =
      kind === 'pod' ? '' : `?labelSelector=${selectorOf(await this.#workload(id, kind, namespace, name, signal))}`;
    interface PodUse {
      containers?: { usage?: { cpu?: string; memory?: string } }[];
    }
    const measured = await this.#ask('', ['list pods.metrics.k8s.io'], () =>
      kind === 'pod'
        ? client.json<PodUse>(`${base}/${name}`, signal).then((one) => [one])
        : client.json<{ items?: PodUse[] }>(`${base}${query}`, signal).then(({ items }) => items ?? []),
    ).catch((error: unknown) => {
      // Without a metrics server nobody has measured.
      if (refusedWith(error, 404, 503) || error instanceof NoRight) return null;
      throw error;
    });
    const sum = (key: 'cpu' | 'memory'): number | null =>
      measured === null
        ? null
        : measured
            .flatMap((pod) => pod.containers ?? [])
            .reduce((all, { usage }) => all + (quantity(usage?.[key]) ?? 0), 0);
    const cpu = sum('cpu');
    const limit = inspected.limits.memory_bytes;
    return {
      ...{ id, at, ...none },
      cpu_percent: cpu === null ? null : Math.round(cpu * 10_000) / 100,
      memory_bytes: sum('memory'),
      memory_limit_bytes: limit === null ? null : limit * (inspected.replicas?.ready || 1),
    };
  }

  async *logs(id: string, { tail, follow, since }: LogWishes, signal: AbortSignal): AsyncGenerator<RuntimeLine> {
    const { kind, namespace, name } = named(id);
    const pods =
      kind === 'pod'
        ? [await this.#get<KubePod>(id, `/api/v1/namespaces/${namespace}/pods/${name}`, signal)]
        : await this.#podsOf(await this.#workload(id, kind, namespace, name, signal), namespace, signal);
    // The newest one that runs: after a rollout that is where the lines come from.
    const newest = (a: KubePod, b: KubePod): number =>
      Number(runs(b)) - Number(runs(a)) ||
      (b.metadata?.creationTimestamp ?? '').localeCompare(a.metadata?.creationTimestamp ?? '');
    const pod = pods.toSorted(newest)[0];
    if (pod === undefined) return;
    const query = new URLSearchParams({
      ...{ timestamps: 'true', follow: String(follow) },
      ...(tail === 'all' ? {} : { tailLines: String(tail) }),
      ...(since === null ? {} : { sinceTime: since }),
    });
    const main = mainContainer(pod.spec, pod.metadata).name;
    if (main !== undefined) query.set('container', main);
    const { client } = await this.#open();
    const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata?.name ?? ''}/log?${query}`;
    const { body } = await this.#ask(id, ['get pods/log'], () => client.bytes(path, signal));
    yield* plainLines(body);
  }

  async events(signal: AbortSignal): Promise<AsyncGenerator<RuntimeEvent>> {
    const { client, namespaces } = await this.#open();
    const queue: RuntimeEvent[] = [];
    let wake = Promise.withResolvers<void>();
    let failed: unknown = null;
    const watch = async (kind: WorkloadKind, namespace: string | undefined): Promise<void> => {
      const path = pathOf('apps', workloadKinds[kind].resource, namespace);
      const first = await this.#ask('', [`watch ${workloadKinds[kind].resource}.apps`], () =>
        client.json<{ metadata?: { resourceVersion?: string }; items?: KubeWorkload[] }>(path, signal),
      );
      const states = new Map(
        (first.items ?? []).map((one) => [idOf(kind, one.metadata), workloadListed(kind, one).state]),
      );
      const query = `watch=true&resourceVersion=${first.metadata?.resourceVersion ?? ''}&timeoutSeconds=${watchSeconds}`;
      const told = await client.lines<{ type?: string; object?: KubeWorkload }>(`${path}?${query}`, signal);
      for await (const { type, object } of told) {
        if (type === 'ERROR' || object === undefined) throw new Error('the watch of the cluster broke off');
        if (type === 'BOOKMARK') continue;
        const id = idOf(kind, object.metadata);
        const { state } = workloadListed(kind, object);
        const before = states.get(id);
        states.set(id, state);
        if (type === 'DELETED') queue.push({ id, kind: 'removed' });
        else if (before !== state) {
          const told_kind =
            state === 'running' ? 'started' : state === 'stopped' || state === 'failed' ? 'stopped' : 'changed';
          queue.push({ id, kind: told_kind });
        }
        wake.resolve();
      }
      throw new Error('the watch of the cluster ended');
    };
    const kinds: WorkloadKind[] = ['deployment', 'statefulset'];
    const places = namespaces.length === 0 ? [undefined] : namespaces;
    for (const kind of kinds)
      for (const place of places)
        watch(kind, place).catch((error: unknown) => {
          failed = error;
          wake.resolve();
        });
    return (async function* () {
      for (;;) {
        while (queue.length > 0) yield queue.shift()!;
        if (failed !== null) throw failed;
        await wake.promise;
        wake = Promise.withResolvers();
      }
    })();
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    await connection?.client.close();
  }

  #open(): Promise<Connection> {
    this.#connection ??= readClusterAccess(this.#settings.access, this.#settings.context).then(
      ({ address, namespace }) => ({
        client: new ServiceClient(address),
        namespaces: this.#settings.namespaces.length > 0 || namespace === null ? this.#settings.namespaces : [],
      }),
      (error: unknown) => {
        this.#connection = null;
        throw error;
      },
    );
    return this.#connection;
  }

  async #all<T>(group: string, resource: string, signal: AbortSignal): Promise<T[]> {
    const { client, namespaces } = await this.#open();
    const found: T[] = [];
    for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
      let next = '';
      do {
        const query = new URLSearchParams({ limit: String(pageSize), ...(next === '' ? {} : { continue: next }) });
        const page = await this.#ask('', [`list ${resource}${group === '' ? '' : `.${group}`}`], () =>
          client.json<{ metadata?: { continue?: string }; items?: T[] | null }>(
            `${pathOf(group, resource, namespace)}?${query}`,
            signal,
          ),
        );
        found.push(...(page.items ?? []));
        next = page.metadata?.continue ?? '';
      } while (next !== '');
    }
    return found;
  }

  #workload(id: string, kind: WorkloadKind, namespace: string, name: string, signal: AbortSignal) {
    const { resource } = workloadKinds[kind];
    return this.#get<KubeWorkload>(id, `/apis/apps/v1/namespaces/${namespace}/${resource}/${name}`, signal);
  }

  async #podsOf(workload: KubeWorkload, namespace: string, signal: AbortSignal): Promise<KubePod[]> {
    const { client } = await this.#open();
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selectorOf(workload)}`;
    const { items } = await this.#ask('', ['list pods'], () => client.json<{ items?: KubePod[] | null }>(path, signal));
    return items ?? [];
  }

  async #get<T>(id: string, path: string, signal: AbortSignal): Promise<T> {
    const { client } = await this.#open();
    return this.#ask(id, ['get deployments.apps, statefulsets.apps, pods'], () => client.json<T>(path, signal));
  }

  async #ask<T>(id: string, rights: readonly string[], ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (refusedWith(error, 404) && id !== '') throw new NoContainer(id);
      if (refusedWith(error, 401, 403)) throw new NoRight(rights, roleHint);
      throw error;
    }
  }
}

const named = (id: string): NonNullable<ReturnType<typeof readId>> => {
  const read = readId(id);
  if (read === null) throw new NoContainer(id);
  return read;
};

const pathOf = (group: string, resource: string, namespace: string | undefined): string =>
  `${group === '' ? '/api/v1' : `/apis/${group}/v1`}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}`;

const selectorOf = ({ spec }: KubeWorkload): string =>
  encodeURIComponent(
    Object.entries(spec?.selector?.matchLabels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );

/** What of a workload changes; null when it is so already. */
const changeFor = (action: ContainerAction, wanted: number, kept: string | undefined, now: Date): object | null => {
  const remember = (value: string | null) => ({ annotations: { [replicasAnnotation]: value } });
  const started = { metadata: remember(null), spec: { replicas: Math.max(1, Number(kept) || 1) } };
  if (action === 'stop') return wanted === 0 ? null : { metadata: remember(String(wanted)), spec: { replicas: 0 } };
  if (wanted === 0) return started;
  if (action === 'start') return null;
  const annotations = { 'kubectl.kubernetes.io/restartedAt': now.toISOString() };
  return { spec: { template: { metadata: { annotations } } } };
};
