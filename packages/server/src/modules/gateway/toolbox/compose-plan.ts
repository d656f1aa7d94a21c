import { posix } from 'node:path';
import type { ToolboxDanger } from '@atrium/protocol';
import type { ComposeDocument, ComposeProblem, ComposeService } from './compose-schema.ts';
import {
  bytesOf,
  deviceOf,
  exposedOf,
  mountOf,
  nanosecondsOf,
  type PortWanted,
  portsOf,
  wordsOf,
} from './compose-values.ts';
import { bindDanger, capabilityDanger, dangerOf } from './dangers.ts';

export type StartCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface PlannedMount {
  kind: 'volume' | 'bind' | 'anonymous' | 'tmpfs';
  /** Of a volume its name on the engine, of a bind the path on the machine of the engine. */
  source: string;
  target: string;
  read_only: boolean;
  size?: number | undefined;
}

export interface PlannedPort extends PortWanted {
  service: string;
}

export interface PlannedHealthcheck {
  /** As the engine takes it: `NONE`, or `CMD` or `CMD-SHELL` with what follows; empty = that of the image. */
  test: string[];
  interval?: number | undefined;
  timeout?: number | undefined;
  start_period?: number | undefined;
  start_interval?: number | undefined;
  retries?: number | undefined;
}

/** One service, in the measures of the engine. */
export interface PlannedService {
  name: string;
  container: string;
  image: string;
  pull: 'always' | 'missing';
  command: string[] | null;
  entrypoint: string[] | null;
  environment: string[];
  labels: Record<string, string>;
  ports: PortWanted[];
  exposed: string[];
  mounts: PlannedMount[];
  /** By its name on the engine. */
  networks: { name: string; aliases: string[] }[];
  network_mode: 'host' | 'none' | null;
  after: { service: string; condition: StartCondition }[];
  healthcheck: PlannedHealthcheck | null;
  restart: { name: string; retries: number };
  configs: { target: string; content: string; mode: number }[];
  devices: { from: string; to: string; rights: string }[];
  ulimits: { name: string; soft: number; hard: number }[];
  extra_hosts: string[];
  logging: { driver: string; options: Record<string, string> } | null;
  stop_seconds: number | null;
  nano_cpus: number | null;
  memory: number | null;
  memory_reservation: number | null;
  shm_size: number | null;
  pids: number | null;
  /** What the engine takes as it is written. */
  plain: Pick<
    ComposeService,
    | 'user'
    | 'working_dir'
    | 'hostname'
    | 'cap_add'
    | 'cap_drop'
    | 'security_opt'
    | 'privileged'
    | 'pid'
    | 'ipc'
    | 'read_only'
    | 'init'
    | 'tty'
    | 'stdin_open'
    | 'stop_signal'
  >;
}

export interface Plan {
  /** In the order in which they start. */
  services: PlannedService[];
  networks: { name: string; internal: boolean }[];
  volumes: string[];
  ports: PlannedPort[];
  dangers: ToolboxDanger[];
}

export interface PlanContext {
  /** Of the deployment: begins all names. */
  name: string;
  /** Folder of the deployment as the engine sees it. */
  folder: string;
}

type Told = (path: string, message: string) => void;

const entriesOf = (given: Record<string, string | null> | string[] | undefined): [string, string | null][] => {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return Object.entries(given);
  return given.map((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [line, null] : [line.slice(0, at), line.slice(at + 1)];
  });
};

const commandOf = (given: string | string[] | null | undefined, path: string, told: Told): string[] | null => {
  if (given === null || given === undefined) return null;
  const found = Array.isArray(given) ? given : wordsOf(given);
  if (found === null) told(path, 'has a quote that is not closed');
  return found;
};

const measured = (
  given: string | undefined,
  read: (text: string) => number | null,
  path: string,
  told: Told,
  form: string,
) => {
  if (given === undefined || given === '') return null;
  const value = read(given);
  if (value === null) told(path, `must be ${form}`);
  return value;
};
const bytes = (given: string | undefined, path: string, told: Told) =>
  measured(given, bytesOf, path, told, 'a size such as 512m');
const span = (given: string | undefined, path: string, told: Told) =>
  measured(given, nanosecondsOf, path, told, 'a duration such as 30s');

const environmentOf = (service: ComposeService, path: string, told: Told): string[] =>
  entriesOf(service.environment).flatMap(([name, value]) => {
    if (name === '' || /[\s=\0]/.test(name)) told(`${path}.environment`, `"${name}" is no name of a variable`);
    else if (value === null)
      told(`${path}.environment.${name}`, 'has no value: the environment of this server is handed on to nobody');
    else return [`${name}=${value}`];
    return [];
  });

const wantedPorts = (service: ComposeService, path: string, told: Told): PortWanted[] =>
  (service.ports ?? []).flatMap((given, i): PortWanted[] => {
    const text =
      typeof given === 'string'
        ? given
        : `${given.published === undefined ? '' : `${given.published}:`}${given.target}/${given.protocol ?? 'tcp'}`;
    const found = portsOf(text);
    if (found === null) told(`${path}.ports.${i}`, 'must be a port, such as 8080:80');
    return found ?? [];
  });

const withinFolder = (folder: string, given: string): { path: string; inside: boolean } => {
  const path = posix.normalize(given.startsWith('/') ? given : posix.join(folder, given));
  const clean = path.length > 1 ? path.replace(/\/+$/, '') : path;
  return { path: clean, inside: clean === folder || clean.startsWith(`${folder}/`) };
};

const longText = (mount: Exclude<NonNullable<ComposeService['volumes']>[number], string>) => ({
  kind: mount.type === 'volume' && (mount.source ?? '') === '' ? ('anonymous' as const) : mount.type,
  source: mount.source ?? '',
  target: mount.target,
  read_only: mount.read_only === true,
  size: mount.tmpfs?.size,
});

const mountsOf = (
  service: ComposeService,
  where: { path: string; service: string; context: PlanContext; document: ComposeDocument },
  told: Told,
  danger: (danger: ToolboxDanger) => void,
): PlannedMount[] => {
  const { context, document } = where;
  const short = [service.tmpfs ?? []].flat().map((text): PlannedMount => {
    const [target = '', options = ''] = text.split(':');
    const size = /(?:^|,)size=([^,]+)/.exec(options)?.[1];
    if (!target.startsWith('/')) told(`${where.path}.tmpfs`, 'must be a path from the root');
    return {
      kind: 'tmpfs',
      source: '',
      target,
      read_only: false,
      size: bytes(size, `${where.path}.tmpfs`, told) ?? undefined,
    };
  });
  const mounts = (service.volumes ?? []).flatMap((given, i): PlannedMount[] => {
    const path = `${where.path}.volumes.${i}`;
    const mount = typeof given === 'string' ? { ...mountOf(given), size: undefined } : longText(given);
    const { kind, source, target, read_only } = mount;
    if (kind === undefined || source === undefined || target === undefined || read_only === undefined) {
      told(path, 'must be a volume or a path, and where it is mounted, such as data:/var/lib/app');
      return [];
    }
    if (!target.startsWith('/') || target.includes('\0') || posix.normalize(target).split('/').includes('..')) {
      told(path, 'must be mounted at a path from the root');
      return [];
    }
    if (kind === 'tmpfs')
      return [{ kind, source: '', target, read_only, size: bytes(mount.size, path, told) ?? undefined }];
    if (kind === 'anonymous') return [{ kind, source: '', target, read_only }];
    if (kind === 'volume') {
      if (!Object.hasOwn(document.volumes ?? {}, source)) {
        told(path, `names the volume ${source}, which the file does not have below volumes`);
        return [];
      }
      return [{ kind, source: `${context.name}_${source}`, target, read_only }];
    }
    if (source.startsWith('~') || source === '') {
      told(path, 'must be a path from the root, or one that begins with ./');
      return [];
    }
    const found = withinFolder(context.folder, source);
    if (!found.inside) danger(bindDanger(where.service, found.path, read_only));
    return [{ kind, source: found.path, target, read_only }];
  });
  return [...mounts, ...short];
};

const networksOf = (
  service: ComposeService,
  name: string,
  where: { path: string; context: PlanContext; document: ComposeDocument },
  told: Told,
): PlannedService['networks'] => {
  if (service.network_mode !== undefined) {
    if (service.networks !== undefined) told(`${where.path}.networks`, 'goes not together with network_mode');
    return [];
  }
  const given = service.networks ?? ['default'];
  const wanted = Array.isArray(given) ? given.map((one) => [one, null] as const) : Object.entries(given);
  return wanted.flatMap(([network, options]) => {
    if (network !== 'default' && !Object.hasOwn(where.document.networks ?? {}, network)) {
      told(`${where.path}.networks.${network}`, 'is not among the networks of the file');
      return [];
    }
    return [{ name: `${where.context.name}_${network}`, aliases: [...new Set([name, ...(options?.aliases ?? [])])] }];
  });
};

const afterOf = (
  service: ComposeService,
  path: string,
  document: ComposeDocument,
  told: Told,
): PlannedService['after'] => {
  const given = service.depends_on ?? [];
  const wanted = Array.isArray(given)
    ? given.map((one) => [one, 'service_started'] as const)
    : Object.entries(given).map(([one, { condition }]) => [one, condition] as const);
  return wanted.flatMap(([other, condition]) => {
    if (Object.hasOwn(document.services, other)) return [{ service: other, condition }];
    told(`${path}.depends_on.${other}`, 'is not among the services of the file');
    return [];
  });
};

const healthcheckOf = (service: ComposeService, path: string, told: Told): PlannedHealthcheck | null => {
  const given = service.healthcheck;
  if (given === undefined) return null;
  if (given.disable === true) return { test: ['NONE'] };
  const { test = [] } = given;
  const list = typeof test === 'string' ? ['CMD-SHELL', test] : test;
  if (list.length > 0 && !['CMD', 'CMD-SHELL', 'NONE'].includes(list[0]!))
    told(`${path}.healthcheck.test`, 'must begin with CMD, CMD-SHELL or NONE, or be one text');
  const times = (['interval', 'timeout', 'start_period', 'start_interval'] as const).map(
    (key) => [key, span(given[key], `${path}.healthcheck.${key}`, told) ?? undefined] as const,
  );
  return { test: list, ...Object.fromEntries(times), retries: given.retries };
};

const configsOf = (
  service: ComposeService,
  path: string,
  document: ComposeDocument,
  told: Told,
): PlannedService['configs'] =>
  (service.configs ?? []).flatMap((given, i) => {
    const { source, target = undefined, mode = '0444' } = typeof given === 'string' ? { source: given } : given;
    const config = Object.hasOwn(document.configs ?? {}, source) ? document.configs?.[source] : undefined;
    if (config === undefined) {
      told(`${path}.configs.${i}`, `names the config ${source}, which the file does not have below configs`);
      return [];
    }
    const place = posix.normalize(target ?? `/${source}`);
    if (!place.startsWith('/') || place.endsWith('/') || Buffer.byteLength(place) > 100)
      told(`${path}.configs.${i}.target`, 'must be the path of a file, from the root, at most 100 bytes long');
    // YAML reads 0444 as a decimal number.
    if (!/^0?[0-7]{3}$/.test(mode)) told(`${path}.configs.${i}.mode`, 'must be three octal digits');
    return [{ target: place, content: config.content, mode: Number.parseInt(mode, 8) || 0o444 }];
  });

const serviceDangers = (service: ComposeService, name: string, danger: (danger: ToolboxDanger) => void): void => {
  if (service.privileged === true) danger(dangerOf('privileged', name));
  if (service.network_mode === 'host') danger(dangerOf('host_network', name));
  if (service.pid === 'host') danger(dangerOf('host_pid', name));
  if (service.ipc === 'host') danger(dangerOf('host_ipc', name));
  for (const capability of service.cap_add ?? []) {
    const found = capabilityDanger(name, capability);
    if (found !== null) danger(found);
  }
  for (const option of service.security_opt ?? [])
    if (!/^no-new-privileges(:true)?$/.test(option)) danger(dangerOf('security', name, option));
};

/** Restart policy of services that say nothing. */
const restartOf = (given: string | undefined): PlannedService['restart'] => {
  const [name = 'unless-stopped', retries = '0'] = (given ?? 'unless-stopped').split(':');
  return { name, retries: Number(retries) };
};

const planService = (
  name: string,
  service: ComposeService,
  given: { context: PlanContext; document: ComposeDocument },
  told: Told,
  danger: (danger: ToolboxDanger) => void,
): PlannedService => {
  const { context, document } = given;
  const path = `services.${name}`;
  const where = { path, service: name, context, document };
  serviceDangers(service, name, danger);
  const devices = (service.devices ?? []).flatMap((text, i) => {
    const device = deviceOf(text);
    if (device === null) told(`${path}.devices.${i}`, 'must be a device such as /dev/dri:/dev/dri');
    else danger(dangerOf('device', name, device.from));
    return device === null ? [] : [device];
  });
  if (/[\s\0]/.test(service.image)) told(`${path}.image`, 'must be the name of an image');
  const exposed = (service.expose ?? []).flatMap((text, i) => {
    const found = exposedOf(text);
    if (found === null) told(`${path}.expose.${i}`, 'must be a port');
    return found ?? [];
  });
  const resources = service.deploy?.resources;
  const memory = service.mem_limit ?? resources?.limits?.memory;
  const reservation = service.mem_reservation ?? resources?.reservations?.memory;
  const cpus = service.cpus ?? resources?.limits?.cpus;
  const grace = span(service.stop_grace_period, `${path}.stop_grace_period`, told);
  const { user, working_dir, hostname, cap_add, cap_drop, security_opt, privileged, pid, ipc } = service;
  const { read_only, init, tty, stdin_open, stop_signal } = service;
  return {
    name,
    container: `${context.name}-${name}`,
    image: service.image,
    pull: service.pull_policy === 'missing' || service.pull_policy === 'if_not_present' ? 'missing' : 'always',
    command: commandOf(service.command, `${path}.command`, told),
    entrypoint: commandOf(service.entrypoint, `${path}.entrypoint`, told),
    environment: environmentOf(service, path, told),
    labels: Object.fromEntries(entriesOf(service.labels).map(([key, value]) => [key, value ?? ''])),
    ports: wantedPorts(service, path, told),
    exposed,
    mounts: mountsOf(service, where, told, danger),
    networks: networksOf(service, name, where, told),
    network_mode: service.network_mode ?? null,
    after: afterOf(service, path, document, told),
    healthcheck: healthcheckOf(service, path, told),
    restart: restartOf(service.restart),
    configs: configsOf(service, path, document, told),
    devices,
    ulimits: Object.entries(service.ulimits ?? {}).map(([key, value]) =>
      typeof value === 'number' ? { name: key, soft: value, hard: value } : { name: key, ...value },
    ),
    // A map of Compose has = and :, the engine only the latter.
    extra_hosts: entriesOf(service.extra_hosts).map(([host, address]) =>
      address === null ? host : `${host}:${address}`,
    ),
    logging:
      service.logging === undefined
        ? null
        : { driver: service.logging.driver ?? 'json-file', options: service.logging.options ?? {} },
    stop_seconds: grace === null ? null : Math.ceil(grace / 1e9),
    nano_cpus: cpus === undefined ? null : Math.round(cpus * 1e9),
    memory: bytes(memory, `${path}.mem_limit`, told),
    memory_reservation: bytes(reservation, `${path}.mem_reservation`, told),
    shm_size: bytes(service.shm_size, `${path}.shm_size`, told),
    pids: service.pids_limit ?? resources?.limits?.pids ?? null,
    plain: {
      ...{ user, working_dir, hostname, cap_add, cap_drop, security_opt, privileged, pid, ipc },
      ...{ read_only, init, tty, stdin_open, stop_signal },
    },
  };
};

/** Each after what it depends on; null when they wait for each other in a circle. */
const inOrder = (services: readonly PlannedService[]): PlannedService[] | null => {
  const done: PlannedService[] = [];
  const waiting = new Set(services);
  while (waiting.size > 0) {
    const names = new Set([...waiting].map(({ name }) => name));
    const next = [...waiting].filter(({ after }) => after.every(({ service }) => !names.has(service)));
    if (next.length === 0) return null;
    for (const one of next) waiting.delete(one);
    done.push(...next);
  }
  return done;
};

/** Two services, or two lines of one, that want the same port of the machine. */
const doubledPorts = (ports: readonly PlannedPort[], told: Told): void => {
  const taken = new Set<string>();
  for (const { host_port, protocol, service } of ports) {
    if (host_port === null) continue;
    const key = `${host_port}/${protocol}`;
    if (taken.has(key)) told(`services.${service}.ports`, `the port ${host_port} is there twice`);
    taken.add(key);
  }
};

/** What the engine is to make of a file, with what in it needs the tick of an operator. */
export const planOf = (document: ComposeDocument, context: PlanContext): { plan: Plan; problems: ComposeProblem[] } => {
  const problems: ComposeProblem[] = [];
  const told: Told = (path, message) => void problems.push({ path, message });
  const dangers = new Map<string, ToolboxDanger>();
  const danger = (one: ToolboxDanger) => void dangers.set(one.id, one);
  const services = Object.entries(document.services).map(([name, service]) =>
    planService(name, service, { context, document }, told, danger),
  );
  if (services.length === 0) told('services', 'has none');
  const ordered = inOrder(services);
  if (ordered === null) told('services', 'wait for each other in a circle by depends_on');
  const used = new Set(services.flatMap(({ networks }) => networks.map(({ name }) => name)));
  const networks = [...used].map((name) => {
    const own = name.slice(context.name.length + 1);
    const declared = Object.hasOwn(document.networks ?? {}, own) ? document.networks?.[own] : null;
    return { name, internal: declared?.internal === true };
  });
  const ports = services.flatMap(({ name: service, ports: wanted }) => wanted.map((port) => ({ service, ...port })));
  doubledPorts(ports, told);
  const volumes = Object.keys(document.volumes ?? {}).map((name) => `${context.name}_${name}`);
  return {
    plan: { services: ordered ?? services, networks, volumes, ports, dangers: [...dangers.values()] },
    problems,
  };
};
