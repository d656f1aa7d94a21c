import type { ContainerHealth, ContainerState, Inspected, Listed, Mount, Usage } from './runtime.ts';

/** What `GET /containers/json?all=true` says of one container, as far as it is read. */
export interface DockerListed {
  Id: string;
  Names?: string[] | null;
  Image?: string;
  Created?: number;
  State?: string;
  Status?: string;
  Labels?: Record<string, string> | null;
  Ports?: { IP?: string; PrivatePort?: number; PublicPort?: number; Type?: string }[] | null;
}

/** What `GET /containers/{id}/json` says, as far as it is read. */
export interface DockerInspected {
  Id: string;
  Name?: string;
  Created?: string;
  RestartCount?: number;
  State?: {
    Status?: string;
    ExitCode?: number;
    StartedAt?: string;
    Health?: { Status?: string } | null;
  };
  Config?: {
    Image?: string;
    Hostname?: string;
    User?: string;
    WorkingDir?: string;
    Tty?: boolean;
    Env?: string[] | null;
    Cmd?: string[] | null;
    Entrypoint?: string[] | string | null;
    Labels?: Record<string, string> | null;
    ExposedPorts?: Record<string, unknown> | null;
    Healthcheck?: {
      Test?: string[] | null;
      Interval?: number;
      Timeout?: number;
      Retries?: number;
      StartPeriod?: number;
    } | null;
  };
  HostConfig?: {
    NetworkMode?: string;
    RestartPolicy?: { Name?: string; MaximumRetryCount?: number };
    PortBindings?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
    Privileged?: boolean;
    CapAdd?: string[] | null;
    CapDrop?: string[] | null;
    Devices?: { PathOnHost?: string; PathInContainer?: string }[] | null;
    ExtraHosts?: string[] | null;
    Memory?: number;
    NanoCpus?: number;
    CpuQuota?: number;
    CpuPeriod?: number;
    Tmpfs?: Record<string, string> | null;
  };
  Mounts?: { Type?: string; Name?: string; Source?: string; Destination?: string; RW?: boolean }[] | null;
  NetworkSettings?: {
    Ports?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
    Networks?: Record<string, { IPAddress?: string; Aliases?: string[] | null } | null> | null;
  };
}

/** Exit codes of a container that was told to stop. */
const orderly = [0, 130, 137, 143];

const stateOf = (state: string | undefined, exitCode: number | null): ContainerState => {
  switch ((state ?? '').toLowerCase()) {
    case 'running':
      return 'running';
    case 'restarting':
      return 'starting';
    case 'paused':
      return 'paused';
    case 'dead':
      return 'failed';
    case 'exited':
      return exitCode === null || orderly.includes(exitCode) ? 'stopped' : 'failed';
    default:
      return 'stopped';
  }
};

const healthOf = (word: string | undefined): ContainerHealth | null =>
  word === 'healthy' || word === 'unhealthy' || word === 'starting' ? word : null;

/** A list tells both only in the words for people: `Up 2 hours (healthy)`, `Exited (1) 3 minutes ago`. */
const exitIn = (status: string): number | null => {
  const code = /^Exited \((\d+)\)/.exec(status)?.[1];
  return code === undefined ? null : Number(code);
};
const healthIn = (status: string): ContainerHealth | null =>
  healthOf(/\((?:health: )?(healthy|unhealthy|starting)\)$/.exec(status)?.[1]);

/** Docker writes the year 1 for what never was. */
const timeOf = (text: string | undefined): string | null => {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) || at <= 0 ? null : new Date(at).toISOString();
};

const projectOf = (labels: Record<string, string>): string | null =>
  labels['com.docker.compose.project'] ?? labels['com.docker.stack.namespace'] ?? null;

const plainName = (name: string | undefined, id: string): string => name?.replace(/^\//, '') || id.slice(0, 12);

/** One publication on IPv4 and IPv6 is one for people. */
const withoutTwins = (ports: Listed['ports']): Listed['ports'] => {
  const seen = new Map<string, Listed['ports'][number]>();
  for (const port of ports) {
    const anywhere = port.address === '0.0.0.0' || port.address === '::';
    const key = `${port.private}/${port.protocol} ${port.public} ${anywhere ? '*' : port.address}`;
    if (!seen.has(key)) seen.set(key, port);
  }
  return [...seen.values()].sort((a, b) => a.private - b.private || (a.public ?? 0) - (b.public ?? 0));
};

export const listedOf = (one: DockerListed): Listed => {
  const status = one.Status ?? '';
  return {
    id: one.Id,
    name: plainName(one.Names?.[0], one.Id),
    image: one.Image ?? '',
    state: stateOf(one.State, exitIn(status)),
    health: healthIn(status),
    status,
    kind: 'container',
    group: projectOf(one.Labels ?? {}),
    replicas: null,
    ports: withoutTwins(
      (one.Ports ?? []).map(({ IP, PrivatePort = 0, PublicPort, Type = 'tcp' }) => ({
        ...{ private: PrivatePort, public: PublicPort ?? null, protocol: Type },
        address: PublicPort === undefined ? null : (IP ?? null),
      })),
    ),
    created_at: one.Created === undefined ? null : new Date(one.Created * 1000).toISOString(),
    started_at: null,
    controllable: true,
  };
};

const portsOf = ({ Config, HostConfig, NetworkSettings }: DockerInspected): Listed['ports'] => {
  const bound = { ...HostConfig?.PortBindings, ...NetworkSettings?.Ports };
  for (const name of Object.keys(Config?.ExposedPorts ?? {})) bound[name] ??= null;
  return withoutTwins(
    Object.entries(bound).flatMap(([name, bindings]) => {
      const [port = '0', protocol = 'tcp'] = name.split('/');
      const unpublished = [{ private: Number(port), public: null, address: null, protocol }];
      if (bindings === null || bindings.length === 0) return unpublished;
      return bindings.map(({ HostIp, HostPort }) => ({
        ...{ private: Number(port), public: Number(HostPort ?? 0) || null, address: HostIp || null, protocol },
      }));
    }),
  );
};

const mountsOf = ({ Mounts, HostConfig }: DockerInspected): Mount[] => [
  ...(Mounts ?? []).map(({ Type, Name, Source = '', Destination = '', RW = true }): Mount => {
    const kind = Type === 'volume' || Type === 'bind' || Type === 'tmpfs' ? Type : 'other';
    return { kind, source: kind === 'volume' ? (Name ?? Source) : Source, target: Destination, read_only: !RW };
  }),
  ...Object.keys(HostConfig?.Tmpfs ?? {}).map(
    (target): Mount => ({ kind: 'tmpfs', source: '', target, read_only: false }),
  ),
];

const cpusOf = ({ NanoCpus = 0, CpuQuota = 0, CpuPeriod = 0 }: NonNullable<DockerInspected['HostConfig']>) => {
  if (NanoCpus > 0) return NanoCpus / 1e9;
  return CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : null;
};

export const inspectedOf = (one: DockerInspected): Inspected => {
  const { Config = {}, HostConfig = {}, State = {} } = one;
  const labels = Config.Labels ?? {};
  const running = State.Status === 'running' || State.Status === 'paused';
  const exit_code = running ? null : (State.ExitCode ?? null);
  const policy = HostConfig.RestartPolicy?.Name || null;
  const retries = HostConfig.RestartPolicy?.MaximumRetryCount ?? 0;
  const check = Config.Healthcheck;
  return {
    id: one.Id,
    name: plainName(one.Name, one.Id),
    image: Config.Image ?? '',
    state: stateOf(State.Status, exit_code),
    health: healthOf(State.Health?.Status),
    status: State.Status ?? '',
    kind: 'container',
    group: projectOf(labels),
    replicas: null,
    ports: portsOf(one),
    created_at: timeOf(one.Created),
    started_at: running ? timeOf(State.StartedAt) : null,
    controllable: true,
    command: Config.Cmd ?? [],
    entrypoint: typeof Config.Entrypoint === 'string' ? [Config.Entrypoint] : (Config.Entrypoint ?? []),
    user: Config.User ?? '',
    working_dir: Config.WorkingDir ?? '',
    hostname: Config.Hostname ?? '',
    exit_code,
    restarts: one.RestartCount ?? 0,
    restart_policy: policy === 'on-failure' && retries > 0 ? `on-failure:${retries}` : policy,
    environment: (Config.Env ?? []).map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? { name: pair, value: '' } : { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
    }),
    labels,
    mounts: mountsOf(one),
    networks: Object.entries(one.NetworkSettings?.Networks ?? {}).map(([name, network]) => ({
      name,
      address: network?.IPAddress || null,
      aliases: network?.Aliases ?? [],
    })),
    network_mode: HostConfig.NetworkMode ?? null,
    limits: {
      memory_bytes: (HostConfig.Memory ?? 0) > 0 ? HostConfig.Memory! : null,
      cpus: cpusOf(HostConfig),
    },
    privileged: HostConfig.Privileged === true,
    capabilities: { add: HostConfig.CapAdd ?? [], drop: HostConfig.CapDrop ?? [] },
    devices: (HostConfig.Devices ?? []).map(
      ({ PathOnHost = '', PathInContainer = '' }) => `${PathOnHost}:${PathInContainer}`,
    ),
    extra_hosts: HostConfig.ExtraHosts ?? [],
    health_check:
      check?.Test == null || check.Test.length === 0
        ? null
        : {
            test: check.Test,
            ...{ interval_ms: (check.Interval ?? 0) / 1e6, timeout_ms: (check.Timeout ?? 0) / 1e6 },
            ...{ retries: check.Retries ?? 0, start_ms: (check.StartPeriod ?? 0) / 1e6 },
          },
  };
};

/** What `GET /containers/{id}/stats` says, as far as it is read. */
export interface DockerStats {
  read?: string;
  cpu_stats?: CpuStats;
  precpu_stats?: CpuStats;
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  networks?: Record<string, { rx_bytes?: number; tx_bytes?: number }> | null;
  blkio_stats?: { io_service_bytes_recursive?: { op?: string; value?: number }[] | null };
  pids_stats?: { current?: number };
}
interface CpuStats {
  cpu_usage?: { total_usage?: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
}

/** Share of one processor between two readings. */
export const cpuBetween = (before: CpuStats | undefined, after: CpuStats | undefined): number | null => {
  const used = (after?.cpu_usage?.total_usage ?? Number.NaN) - (before?.cpu_usage?.total_usage ?? Number.NaN);
  const passed = (after?.system_cpu_usage ?? Number.NaN) - (before?.system_cpu_usage ?? Number.NaN);
  // A restart sets the counters back.
  if (Number.isNaN(used) || Number.isNaN(passed) || passed <= 0 || used < 0) return null;
  const processors = after?.online_cpus || after?.cpu_usage?.percpu_usage?.length || 1;
  return Math.round((used / passed) * processors * 10_000) / 100;
};

const summed = (values: readonly (number | undefined)[]): number | null =>
  values.length === 0 ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

export const usageOf = (id: string, at: Date, stats: DockerStats, before: DockerStats | null): Usage => {
  const { memory_stats: memory = {} } = stats;
  const cache =
    memory.stats?.['inactive_file'] ?? memory.stats?.['total_inactive_file'] ?? memory.stats?.['cache'] ?? 0;
  const networks = Object.values(stats.networks ?? {});
  const moved = stats.blkio_stats?.io_service_bytes_recursive ?? [];
  const disk = (op: string) => summed(moved.filter((one) => one.op?.toLowerCase() === op).map(({ value }) => value));
  return {
    ...{ id, at },
    cpu_percent: cpuBetween(before === null ? stats.precpu_stats : before.cpu_stats, stats.cpu_stats),
    memory_bytes: memory.usage === undefined ? null : Math.max(0, memory.usage - cache),
    memory_limit_bytes: memory.limit ?? null,
    received_bytes: summed(networks.map(({ rx_bytes }) => rx_bytes)),
    sent_bytes: summed(networks.map(({ tx_bytes }) => tx_bytes)),
    ...{ read_bytes: disk('read'), written_bytes: disk('write') },
    processes: stats.pids_stats?.current ?? null,
  };
};
