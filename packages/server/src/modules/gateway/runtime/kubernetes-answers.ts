import type { ContainerState, Inspected, Listed, Mount } from './runtime.ts';

interface KubeContainer {
  name?: string;
  image?: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: {
    name?: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name?: string; key?: string }; configMapKeyRef?: { name?: string; key?: string } };
  }[];
  ports?: { containerPort?: number; hostPort?: number; hostIP?: string; protocol?: string }[];
  volumeMounts?: { name?: string; mountPath?: string; readOnly?: boolean }[];
  resources?: { limits?: { cpu?: string; memory?: string } };
  securityContext?: { privileged?: boolean; runAsUser?: number };
}

interface PodSpec {
  containers?: KubeContainer[];
  volumes?: {
    name?: string;
    persistentVolumeClaim?: { claimName?: string };
    hostPath?: { path?: string };
    emptyDir?: unknown;
    secret?: { secretName?: string };
    configMap?: { name?: string };
  }[];
}

interface Meta {
  name?: string;
  namespace?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: unknown[];
  resourceVersion?: string;
  deletionTimestamp?: string;
}

/** A Deployment or a StatefulSet, as far as it is read. */
export interface KubeWorkload {
  metadata?: Meta;
  spec?: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata?: Meta; spec?: PodSpec };
  };
  status?: {
    readyReplicas?: number;
    conditions?: { type?: string; status?: string; reason?: string; message?: string }[];
  };
}

export interface KubePod {
  metadata?: Meta;
  spec?: PodSpec;
  status?: {
    phase?: string;
    startTime?: string;
    podIP?: string;
    containerStatuses?: {
      name?: string;
      ready?: boolean;
      restartCount?: number;
      state?: { waiting?: { reason?: string }; terminated?: { exitCode?: number } };
    }[];
  };
}

export const workloadKinds = {
  deployment: { kind: 'deployment', resource: 'deployments' },
  statefulset: { kind: 'stateful_set', resource: 'statefulsets' },
} as const;
export type WorkloadKind = keyof typeof workloadKinds;

export const replicasAnnotation = 'atrium/replicas';

export const idOf = (kind: WorkloadKind | 'pod', { namespace = 'default', name = '' }: Meta = {}): string =>
  `${kind}.${namespace}.${name}`;

/** Namespaces have no dots, names may. */
export const readId = (id: string): { kind: WorkloadKind | 'pod'; namespace: string; name: string } | null => {
  const found = /^(deployment|statefulset|pod)\.([a-z0-9-]+)\.([a-z0-9.-]+)$/.exec(id);
  if (found === null) return null;
  return { kind: found[1] as WorkloadKind | 'pod', namespace: found[2]!, name: found[3]! };
};

/** The container that stands for a pod: the one that `kubectl` takes as well. */
export const mainContainer = (spec: PodSpec | undefined, meta: Meta | undefined): KubeContainer => {
  const named = meta?.annotations?.['kubectl.kubernetes.io/default-container'];
  const containers = spec?.containers ?? [];
  return containers.find(({ name }) => name === named) ?? containers[0] ?? {};
};

const failingWaits = new Set(['CrashLoopBackOff', 'ImagePullBackOff', 'ErrImagePull', 'CreateContainerConfigError']);

const podState = ({ status }: KubePod): ContainerState => {
  if (status?.containerStatuses?.some(({ state }) => failingWaits.has(state?.waiting?.reason ?? ''))) return 'failed';
  switch (status?.phase) {
    case 'Running':
      return 'running';
    case 'Succeeded':
      return 'stopped';
    case 'Failed':
      return 'failed';
    default:
      return 'starting';
  }
};

const portsOf = ({ ports = [] }: KubeContainer): Listed['ports'] =>
  ports.map(({ containerPort = 0, hostPort, hostIP, protocol = 'TCP' }) => ({
    ...{ private: containerPort, public: hostPort ?? null, address: hostIP ?? null },
    protocol: protocol.toLowerCase(),
  }));

export const workloadListed = (kind: WorkloadKind, one: KubeWorkload): Listed => {
  const wanted = one.spec?.replicas ?? 1;
  const ready = one.status?.readyReplicas ?? 0;
  const stuck = one.status?.conditions?.find(({ type, status }) => type === 'Progressing' && status === 'False');
  const state =
    wanted === 0
      ? 'stopped'
      : ready > 0
        ? 'running'
        : stuck?.reason === 'ProgressDeadlineExceeded'
          ? 'failed'
          : 'starting';
  const main = mainContainer(one.spec?.template?.spec, one.spec?.template?.metadata);
  return {
    id: idOf(kind, one.metadata),
    name: one.metadata?.name ?? '',
    image: main.image ?? '',
    state,
    health:
      wanted === 0 ? null : ready >= wanted ? 'healthy' : ready === 0 && state === 'failed' ? 'unhealthy' : 'starting',
    status: stuck?.message ?? (wanted === 0 ? 'scaled to 0' : `${ready} of ${wanted} ready`),
    kind: workloadKinds[kind].kind,
    group: one.metadata?.namespace ?? null,
    replicas: { wanted, ready },
    ports: portsOf(main),
    created_at: one.metadata?.creationTimestamp ?? null,
    started_at: null,
    controllable: true,
  };
};

export const podListed = (pod: KubePod): Listed => {
  const main = mainContainer(pod.spec, pod.metadata);
  const statuses = pod.status?.containerStatuses ?? [];
  const state = podState(pod);
  return {
    id: idOf('pod', pod.metadata),
    name: pod.metadata?.name ?? '',
    image: main.image ?? '',
    state,
    health: state !== 'running' ? null : statuses.every(({ ready }) => ready === true) ? 'healthy' : 'starting',
    status:
      statuses.find(({ state: now }) => now?.waiting !== undefined)?.state?.waiting?.reason ?? pod.status?.phase ?? '',
    kind: 'pod',
    group: pod.metadata?.namespace ?? null,
    replicas: null,
    ports: portsOf(main),
    created_at: pod.metadata?.creationTimestamp ?? null,
    started_at: state === 'running' ? (pod.status?.startTime ?? null) : null,
    controllable: false,
  };
};

/** What a quantity of Kubernetes says: `250m`, `1.5`, `128Mi`, `123456789n`. */
export const quantity = (text: string | undefined): number | null => {
  const found = /^([0-9.]+(?:e[0-9]+)?)(n|u|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/.exec(text ?? '');
  if (found === null) return null;
  const factors: Record<string, number> = {
    ...{ n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 },
    ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 },
  };
  return Number(found[1]) * (factors[found[2] ?? ''] ?? 1);
};

const mountsOf = (spec: PodSpec | undefined, main: KubeContainer): Mount[] =>
  (main.volumeMounts ?? []).map(({ name, mountPath = '', readOnly = false }) => {
    const volume = spec?.volumes?.find((one) => one.name === name);
    const [kind, source]: [Mount['kind'], string] =
      volume?.persistentVolumeClaim !== undefined
        ? ['volume', volume.persistentVolumeClaim.claimName ?? '']
        : volume?.hostPath !== undefined
          ? ['bind', volume.hostPath.path ?? '']
          : volume?.emptyDir !== undefined
            ? ['tmpfs', '']
            : ['other', volume?.secret?.secretName ?? volume?.configMap?.name ?? name ?? ''];
    return { kind, source, target: mountPath, read_only: readOnly };
  });

const environmentOf = ({ env = [] }: KubeContainer): Inspected['environment'] =>
  env.map(({ name = '', value, valueFrom }) => {
    const ref = valueFrom?.secretKeyRef ?? valueFrom?.configMapKeyRef;
    const word = valueFrom?.secretKeyRef === undefined ? 'config map' : 'secret';
    return { name, value: value ?? (ref === undefined ? '' : `(${word} ${ref.name}, key ${ref.key})`) };
  });

/** A workload, or a pod that stands for itself, in full. */
export const inspectedOf = (
  listed: Listed,
  { metadata, spec, template }: { metadata: Meta | undefined; spec: PodSpec | undefined; template: Meta | undefined },
  pods: readonly KubePod[],
): Inspected => {
  const main = mainContainer(spec, template);
  const statuses = pods.flatMap((pod) => pod.status?.containerStatuses ?? []);
  const started = pods.flatMap((pod) => (podState(pod) === 'running' ? [pod.status?.startTime ?? ''] : [])).sort();
  return {
    ...listed,
    started_at: started.at(-1) ?? null,
    command: main.args ?? [],
    entrypoint: main.command ?? [],
    user: main.securityContext?.runAsUser === undefined ? '' : String(main.securityContext.runAsUser),
    working_dir: main.workingDir ?? '',
    hostname: '',
    exit_code: statuses.find(({ state }) => state?.terminated !== undefined)?.state?.terminated?.exitCode ?? null,
    restarts: statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    restart_policy: listed.kind === 'pod' ? null : 'always',
    environment: environmentOf(main),
    labels: metadata?.labels ?? {},
    mounts: mountsOf(spec, main),
    networks: pods.map((pod) => ({ name: pod.metadata?.name ?? '', address: pod.status?.podIP ?? null, aliases: [] })),
    network_mode: null,
    limits: {
      memory_bytes: quantity(main.resources?.limits?.memory),
      cpus: quantity(main.resources?.limits?.cpu),
    },
    privileged: main.securityContext?.privileged === true,
    capabilities: { add: [], drop: [] },
    devices: [],
    extra_hosts: [],
    health_check: null,
  };
};

export const runs = (pod: KubePod): boolean =>
  podState(pod) === 'running' && pod.metadata?.deletionTimestamp === undefined;
