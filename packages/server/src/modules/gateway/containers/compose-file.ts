import { stringify } from 'yaml';
import type { Inspected } from '../runtime/runtime.ts';
import { isSecret } from './masked.ts';

export interface ComposeWishes {
  volumes: boolean;
  networks: boolean;
}

export interface ComposeFile {
  compose: string;
  /** Secrets by the name that the file knows them by. */
  secrets: { name: string; value: string }[];
  warnings: string[];
}

/** In compose a dollar begins a variable, and two of them are one. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

const serviceName = ({ name, labels }: Inspected, taken: ReadonlySet<string>): string => {
  const base =
    (labels['com.docker.compose.service'] ?? name).toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-') || 'service';
  let candidate = base;
  for (let n = 2; taken.has(candidate); n += 1) candidate = `${base}-${n}`;
  return candidate;
};

const variable = (service: string, name: string): string =>
  `${service}_${name}`
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/g, '_')
    .replace(/^([0-9])/, '_$1');

/** Labels that compose and its tools write themselves. */
const ownLabel = /^(?:com\.docker\.|desktop\.docker\.|org\.opencontainers\.image\.|io\.kubernetes\.)/;
const ownNetwork = new Set(['bridge', 'host', 'none', 'default']);

const duration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
const memory = (bytes: number): string => (bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}m` : `${bytes}b`);
const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:@+-]*$/.test(text)
    ? text
    : text.includes("'") || text.includes('\n')
      ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '\\$').replaceAll('\n', '\\n')}"`
      : `'${text}'`;

/** The `.env` beside a compose file; without values it names what is to be filled in. */
export const envFile = (secrets: ComposeFile['secrets'], withValues: boolean): string =>
  secrets.map(({ name, value }) => `${name}=${withValues ? quoted(value) : ''}\n`).join('');

const unpinned = (image: string): boolean => !/@sha256:/.test(image) && /(?::latest|^[^:]*|\/[^:]*)$/.test(image);

const portsOf = ({ ports }: Inspected): string[] =>
  ports
    .filter((port) => port.public !== null)
    .map(({ private: inside, public: outside, address, protocol }) => {
      const anywhere = address === null || address === '0.0.0.0' || address === '::';
      const host = anywhere ? '' : `${address.includes(':') ? `[${address}]` : address}:`;
      return `${host}${outside}:${inside}${protocol === 'tcp' ? '' : `/${protocol}`}`;
    });

/** One compose file of several containers. What it cannot say, or what would differ elsewhere, is a warning. */
export const composeFile = (containers: readonly Inspected[], wishes: ComposeWishes): ComposeFile => {
  const services: Record<string, Record<string, unknown>> = {};
  const secrets: ComposeFile['secrets'] = [];
  const volumes = new Set<string>();
  const networks = new Set<string>();
  const warnings: string[] = [];

  for (const one of containers) {
    const name = serviceName(one, new Set(Object.keys(services)));
    const warn = (text: string) => warnings.push(`${name}: ${text}`);
    const environment: Record<string, string> = {};
    for (const { name: key, value } of one.environment) {
      if (!isSecret(key, value)) environment[key] = literal(value);
      else {
        const secret = variable(name, key);
        secrets.push({ name: secret, value });
        environment[key] = `\${${secret}}`;
      }
    }
    const labels = Object.fromEntries(
      Object.entries(one.labels)
        .filter(([key]) => !ownLabel.test(key))
        .map(([key, value]) => {
          if (!isSecret(key, value)) return [key, literal(value)];
          const secret = variable(name, key);
          secrets.push({ name: secret, value });
          return [key, `\${${secret}}`];
        }),
    );
    const mounts = one.mounts.filter(({ kind }) => kind === 'volume' || kind === 'bind');
    const tmpfs = one.mounts.filter(({ kind }) => kind === 'tmpfs').map(({ target }) => target);
    const named = one.networks.map((network) => network.name).filter((network) => !ownNetwork.has(network));
    const mode = one.network_mode ?? '';
    const special = mode === 'host' || mode === 'none' || mode.startsWith('container:');
    const check = one.health_check;
    const service: Record<string, unknown> = {
      image: one.image,
      ...(one.labels['com.docker.compose.project'] === undefined ? { container_name: one.name } : {}),
      ...(one.entrypoint.length > 0 ? { entrypoint: one.entrypoint.map(literal) } : {}),
      ...(one.command.length > 0 ? { command: one.command.map(literal) } : {}),
      ...(one.user === '' ? {} : { user: one.user }),
      ...(one.working_dir === '' ? {} : { working_dir: one.working_dir }),
      ...(Object.keys(environment).length > 0 ? { environment } : {}),
      ...(special || portsOf(one).length === 0 ? {} : { ports: portsOf(one) }),
      ...(wishes.volumes && mounts.length > 0
        ? {
            volumes: mounts.map(
              ({ source, target, read_only }) => `${literal(source)}:${target}${read_only ? ':ro' : ''}`,
            ),
          }
        : {}),
      ...(wishes.volumes && tmpfs.length > 0 ? { tmpfs } : {}),
      ...(wishes.networks && special ? { network_mode: mode } : {}),
      ...(wishes.networks && !special && named.length > 0 ? { networks: named } : {}),
      ...(one.restart_policy === null || one.restart_policy === 'no' ? {} : { restart: one.restart_policy }),
      ...(check === null ? {} : { healthcheck: healthCheck(check) }),
      ...(one.limits.memory_bytes === null ? {} : { mem_limit: memory(one.limits.memory_bytes) }),
      ...(one.limits.cpus === null ? {} : { cpus: one.limits.cpus }),
      ...(one.privileged ? { privileged: true } : {}),
      ...(one.capabilities.add.length > 0 ? { cap_add: one.capabilities.add } : {}),
      ...(one.capabilities.drop.length > 0 ? { cap_drop: one.capabilities.drop } : {}),
      ...(one.devices.length > 0 ? { devices: one.devices } : {}),
      ...(one.extra_hosts.length > 0 ? { extra_hosts: one.extra_hosts } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    };
    services[name] = service;
    if (wishes.volumes) for (const mount of mounts) if (mount.kind === 'volume') volumes.add(mount.source);
    if (wishes.networks && !special) for (const network of named) networks.add(network);

    const binds = mounts.filter(({ kind }) => kind === 'bind');
    if (unpinned(one.image))
      warn(`the image ${one.image} has no fixed version, so another machine may get another one`);
    if (one.privileged) warn('it is privileged: it may do on its machine what root may');
    if (mode === 'host') warn('it uses the network of its machine, so its ports are open there');
    if (mode.startsWith('container:')) warn('it shares the network of another container, which has to be named anew');
    if (wishes.volumes && binds.some(({ source }) => source.endsWith('docker.sock')))
      warn('it holds the socket of the engine, and with it the whole machine');
    for (const { source } of wishes.volumes ? binds : [])
      if (!source.endsWith('docker.sock'))
        warn(`${source} is a folder of this machine, and its content is not exported`);
    if (wishes.volumes && mounts.some(({ kind }) => kind === 'volume'))
      warn('volumes are named, and their content is not exported');
    if (!wishes.volumes && mounts.length > 0)
      warn('its volumes are left out, so what it writes is lost when it is made anew');
    if (one.mounts.some(({ kind }) => kind === 'other'))
      warn('it has mounts that compose cannot say; they are left out');
    if (one.kind !== 'container')
      warn('it is no container of Docker: probes, secrets of the cluster and services are not exported');
  }
  const document = {
    services,
    ...(volumes.size > 0 ? { volumes: Object.fromEntries([...volumes].map((name) => [name, {}])) } : {}),
    ...(networks.size > 0 ? { networks: Object.fromEntries([...networks].map((name) => [name, {}])) } : {}),
  };
  if (secrets.length > 0) warnings.push(`${secrets.length} secrets are in .env; keep it out of version control`);
  return { compose: stringify(document, { lineWidth: 0 }), secrets, warnings };
};

const healthCheck = ({ test, interval_ms, timeout_ms, retries, start_ms }: NonNullable<Inspected['health_check']>) => {
  if (test[0] === 'NONE') return { disable: true };
  return {
    test: test.map(literal),
    ...(interval_ms > 0 ? { interval: duration(interval_ms) } : {}),
    ...(timeout_ms > 0 ? { timeout: duration(timeout_ms) } : {}),
    ...(retries > 0 ? { retries } : {}),
    ...(start_ms > 0 ? { start_period: duration(start_ms) } : {}),
  };
};
