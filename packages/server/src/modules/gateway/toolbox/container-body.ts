import { tarEnd, tarHeader, tarPadding } from '../../../platform/backup/tar.ts';
import type { PlannedService } from './compose-plan.ts';

/** By these the toolbox knows again what it made. */
export const ownLabels = {
  deployment: 'atrium.deployment',
  org: 'atrium.deployment.org',
  service: 'atrium.deployment.service',
  generation: 'atrium.deployment.generation',
} as const;

export interface Ownership {
  deployment: string;
  org: string;
  generation: number;
}

export const labelsOf = ({ deployment, org }: Omit<Ownership, 'generation'>): Record<string, string> => ({
  [ownLabels.deployment]: deployment,
  [ownLabels.org]: org,
});

const mountOf = ({ source, target, read_only }: PlannedService['mounts'][number]): string =>
  `${source}:${target}${read_only ? ':ro' : ''}`;

const present = (group: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined && value !== null));

const hostConfigOf = (service: PlannedService, ports: readonly BoundPort[]): Record<string, unknown> => {
  const { mounts, plain } = service;
  const bindings = Map.groupBy(ports, (port) => `${port.container_port}/${port.protocol}`);
  const [first] = service.networks;
  return present({
    Binds: mounts.filter(({ kind }) => kind === 'volume' || kind === 'bind').map(mountOf),
    Tmpfs: Object.fromEntries(
      mounts
        .filter(({ kind }) => kind === 'tmpfs')
        .map(({ target, size, read_only }) => [
          target,
          [...(size === undefined ? [] : [`size=${size}`]), ...(read_only ? ['ro'] : [])].join(','),
        ]),
    ),
    PortBindings: Object.fromEntries(
      [...bindings].map(([key, all]) => [
        key,
        // Loopback whatever the file says: people come by the gateway and its sign-in.
        all.map(({ host_port }) => ({ HostIp: '127.0.0.1', HostPort: String(host_port) })),
      ]),
    ),
    RestartPolicy: { Name: service.restart.name, MaximumRetryCount: service.restart.retries },
    NetworkMode: service.network_mode ?? first?.name,
    PidMode: plain.pid,
    IpcMode: plain.ipc,
    CapAdd: plain.cap_add,
    CapDrop: plain.cap_drop,
    SecurityOpt: plain.security_opt,
    Privileged: plain.privileged,
    ReadonlyRootfs: plain.read_only,
    Init: plain.init,
    ExtraHosts: service.extra_hosts,
    Devices: service.devices.map(({ from, to, rights }) => ({
      PathOnHost: from,
      PathInContainer: to,
      CgroupPermissions: rights,
    })),
    Ulimits: service.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    Memory: service.memory,
    MemoryReservation: service.memory_reservation,
    NanoCpus: service.nano_cpus,
    PidsLimit: service.pids,
    ShmSize: service.shm_size,
    LogConfig: service.logging === null ? null : { Type: service.logging.driver, Config: service.logging.options },
  });
};

export interface BoundPort {
  container_port: number;
  host_port: number;
  protocol: 'tcp' | 'udp';
}

const healthcheckOf = (given: PlannedService['healthcheck']): Record<string, unknown> | null =>
  given === null
    ? null
    : present({
        Test: given.test,
        Interval: given.interval,
        Timeout: given.timeout,
        StartPeriod: given.start_period,
        StartInterval: given.start_interval,
        Retries: given.retries,
      });

/** What `POST /containers/create` takes. */
export const containerBody = (
  service: PlannedService,
  ports: readonly BoundPort[],
  owner: Ownership,
  more: Readonly<Record<string, string>>,
): Record<string, unknown> => {
  const { plain } = service;
  const [first] = service.networks;
  const exposed = [...service.exposed, ...ports.map((port) => `${port.container_port}/${port.protocol}`)];
  return present({
    Image: service.image,
    Cmd: service.command,
    Entrypoint: service.entrypoint,
    Env: service.environment,
    User: plain.user,
    WorkingDir: plain.working_dir,
    Hostname: plain.hostname,
    Tty: plain.tty,
    OpenStdin: plain.stdin_open,
    StopSignal: plain.stop_signal,
    StopTimeout: service.stop_seconds,
    Labels: {
      ...more,
      ...service.labels,
      ...labelsOf(owner),
      [ownLabels.service]: service.name,
      [ownLabels.generation]: String(owner.generation),
    },
    ExposedPorts: Object.fromEntries(exposed.map((key) => [key, {}])),
    Volumes: Object.fromEntries(
      service.mounts.filter(({ kind }) => kind === 'anonymous').map(({ target }) => [target, {}]),
    ),
    Healthcheck: healthcheckOf(service.healthcheck),
    HostConfig: hostConfigOf(service, ports),
    // Engines before 1.44 take one network here; the others are connected before the start.
    NetworkingConfig: first === undefined ? null : { EndpointsConfig: { [first.name]: { Aliases: first.aliases } } },
  });
};

/** The configs of a service as an archive for `PUT …/archive`; null when it has none. */
export const configsArchive = ({ configs }: PlannedService, at: Date): Buffer | null => {
  if (configs.length === 0) return null;
  const members = configs.flatMap(({ target, content, mode }) => {
    const bytes = Buffer.from(content, 'utf8');
    return [tarHeader(target.slice(1), bytes.length, at, mode), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...members, tarEnd]);
};
