import { ServiceClient, ServiceRefusal } from '../../../platform/net/service-client.ts';
import { addressOf, commonVersion, type DockerEndpoint } from './docker-api.ts';

/* The part of Docker's Engine API that makes and removes things. */

export interface OwnedContainer {
  Id: string;
  Names?: string[] | null;
  Image?: string;
  State?: string;
  Labels?: Record<string, string> | null;
}

export interface BoundPorts {
  Id: string;
  Names?: string[] | null;
  Labels?: Record<string, string> | null;
  Ports?: { IP?: string; PrivatePort?: number; PublicPort?: number; Type?: string }[] | null;
}

export interface ContainerState {
  Id: string;
  Name: string;
  Created?: string;
  State: {
    Status: string;
    Running?: boolean;
    Restarting?: boolean;
    ExitCode?: number;
    Error?: string;
    OOMKilled?: boolean;
    Health?: { Status: string; Log?: { Output?: string }[] | null } | null;
  };
  Config?: { Labels?: Record<string, string> | null; Tty?: boolean; Healthcheck?: { Test?: string[] | null } | null };
  NetworkSettings?: {
    Networks?: Record<string, { IPAddress?: string } | null> | null;
    Ports?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
  };
}

/** One line of the stream that a pull answers. */
interface PullLine {
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  error?: string;
  errorDetail?: { message?: string };
}

export interface PullProgress {
  percent: number | null;
  status: string;
}

export interface RegistryLogin {
  server: string;
  username: string;
  password: string;
}

export interface LogLine {
  stream: 'stdout' | 'stderr';
  time: string | null;
  text: string;
}

/** The engine did what it was asked, and it went wrong there: asking again is of no use. */
export class PullFailed extends Error {}

const query = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();
const path = (id: string): string => encodeURIComponent(id);
const filtered = (label: string): string => query({ filters: JSON.stringify({ label: [label] }) });

const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof ServiceRefusal && statuses.includes(error.status);

/** Null where the engine says that there is no such thing. */
const orNull = async <T>(asked: Promise<T>): Promise<T | null> => {
  try {
    return await asked;
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
};

/** `ghcr.io/a/b:1` in its parts; an image without a tag means `latest`. */
export const imageParts = (image: string): { registry: string; repository: string; reference: string } => {
  const digestAt = image.indexOf('@');
  const bare = digestAt < 0 ? image : image.slice(0, digestAt);
  const colon = bare.lastIndexOf(':');
  const hasTag = colon > bare.lastIndexOf('/');
  const repository = hasTag ? bare.slice(0, colon) : bare;
  const reference = digestAt >= 0 ? image.slice(digestAt + 1) : hasTag ? bare.slice(colon + 1) : 'latest';
  const first = repository.split('/')[0]!;
  const registry = repository.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
  return { registry, repository, reference };
};

/** The share of all layers that is here, as far as their sizes are known. */
class Layers {
  readonly #layers = new Map<string, { current: number; total: number; done: boolean }>();

  take({ id, status = '', progressDetail }: PullLine): void {
    if (id === undefined || !/^[0-9a-f]{8,64}$/.test(id)) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: 0, done: false };
    this.#layers.set(id, layer);
    if (/^(Pull complete|Already exists|Download complete)$/.test(status)) layer.done = true;
    else if (status === 'Downloading' && progressDetail !== undefined) {
      layer.current = progressDetail.current ?? layer.current;
      layer.total = progressDetail.total ?? layer.total;
    }
  }

  get percent(): number | null {
    const all = [...this.#layers.values()];
    if (all.length === 0) return null;
    // A layer whose size is not known yet counts as one of middling size.
    const known = all.filter(({ total }) => total > 0);
    const middling = known.length === 0 ? 1 : known.reduce((sum, { total }) => sum + total, 0) / known.length;
    let [got, whole] = [0, 0];
    for (const { current, total, done } of all) {
      const size = total > 0 ? total : middling;
      whole += size;
      got += done ? size : Math.min(current, size);
    }
    return Math.floor((100 * got) / whole);
  }
}

/** Frames of eight bytes and what follows: kind of stream, length. A container with a terminal sends no frames. */
const unframed = (bytes: Buffer, framed: boolean): { stream: 'stdout' | 'stderr'; text: string }[] => {
  if (!framed) return [{ stream: 'stdout', text: bytes.toString('utf8') }];
  const parts: { stream: 'stdout' | 'stderr'; text: string }[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push({
      stream: bytes[at] === 2 ? 'stderr' : 'stdout',
      text: bytes.toString('utf8', at + 8, Math.min(at + 8 + length, bytes.length)),
    });
    at += 8 + length;
  }
  return parts;
};

const lineOf = (stream: LogLine['stream'], line: string): LogLine => {
  const [, time, text] = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line) ?? [];
  return { stream, time: time ?? null, text: (text ?? line).replace(/\r$/, '').slice(0, 4000) };
};

const mostLogBytes = 2 * 1024 * 1024;
/** Creating and stopping may take an engine with a slow disk a while. */
const workMs = 120_000;

/** One connection to an engine that makes and removes what belongs to deployments. */
export class DockerDeploying {
  readonly #client: ServiceClient;
  readonly #prefix: string;
  readonly version: string;

  private constructor(client: ServiceClient, version: string | undefined) {
    const common = commonVersion(version);
    this.#client = client;
    this.#prefix = common === null ? '' : `/v${common}`;
    this.version = version ?? '';
  }

  static async open(endpoint: DockerEndpoint, signal: AbortSignal): Promise<DockerDeploying> {
    const client = new ServiceClient(await addressOf(endpoint));
    try {
      const { ApiVersion } = await client.json<{ ApiVersion?: string }>('/version', signal);
      return new DockerDeploying(client, ApiVersion);
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  #get<T>(route: string, signal: AbortSignal): Promise<T> {
    return this.#client.json<T>(this.#prefix + route, signal);
  }
  #send<T>(method: 'POST' | 'PUT' | 'DELETE', route: string, signal: AbortSignal, body?: unknown): Promise<T | null> {
    const request = { method, path: this.#prefix + route, silence_ms: workMs };
    return this.#client.send<T>(body === undefined ? request : { ...request, body }, signal);
  }

  containersWith(label: string, signal: AbortSignal): Promise<OwnedContainer[]> {
    return this.#get(`/containers/json?all=true&${filtered(label)}`, signal);
  }
  /** Every container that runs, for the ports that are taken. */
  running(signal: AbortSignal): Promise<BoundPorts[]> {
    return this.#get('/containers/json', signal);
  }
  container(id: string, signal: AbortSignal): Promise<ContainerState | null> {
    return orNull(this.#get<ContainerState>(`/containers/${path(id)}/json`, signal));
  }
  async create(name: string, body: Record<string, unknown>, signal: AbortSignal): Promise<string> {
    const made = await this.#send<{ Id: string }>('POST', `/containers/create?${query({ name })}`, signal, body);
    return made!.Id;
  }
  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#send('POST', `/containers/${path(id)}/start`, signal);
  }
  /** The engine waits as long as the container says, or ten seconds. */
  async stop(id: string, signal: AbortSignal): Promise<void> {
    await orNull(this.#send('POST', `/containers/${path(id)}/stop`, signal));
  }
  /** `volumes`: also those without a name, which nobody finds again. */
  async removeContainer(id: string, volumes: boolean, signal: AbortSignal): Promise<void> {
    await orNull(this.#send('DELETE', `/containers/${path(id)}?force=true&v=${volumes}`, signal));
  }
  /** Puts files into a container, as a tar archive whose paths are from the root. */
  async putArchive(id: string, archive: Buffer, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/x-tar' };
    const route = `${this.#prefix}/containers/${path(id)}/archive?${query({ path: '/' })}`;
    await this.#client.send({ method: 'PUT', path: route, body: archive, headers, silence_ms: workMs }, signal);
  }
  async logs(id: string, tail: number, signal: AbortSignal): Promise<LogLine[]> {
    const found = await this.container(id, signal);
    if (found === null) return [];
    const parameters = query({ stdout: 'true', stderr: 'true', timestamps: 'true', tail: String(tail) });
    const route = `${this.#prefix}/containers/${path(id)}/logs?${parameters}`;
    const bytes = await this.#client.beginning(route, mostLogBytes, signal);
    return unframed(bytes, found.Config?.Tty !== true).flatMap(({ stream, text }) =>
      text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => lineOf(stream, line)),
    );
  }

  async hasImage(image: string, signal: AbortSignal): Promise<boolean> {
    return (await orNull(this.#get(`/images/${image.split('/').map(path).join('/')}/json`, signal))) !== null;
  }

  /** Resolves when the image is here. */
  async pull(
    image: string,
    login: RegistryLogin | null,
    told: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { registry, repository, reference } = imageParts(image);
    const headers: Record<string, string> =
      login === null || login.server !== registry
        ? {}
        : {
            'x-registry-auth': Buffer.from(
              JSON.stringify({ username: login.username, password: login.password, serveraddress: login.server }),
            ).toString('base64url'),
          };
    const route = `${this.#prefix}/images/create?${query({ fromImage: repository, tag: reference })}`;
    // A registry may be silent for minutes while it thinks.
    const request = { method: 'POST' as const, path: route, headers, silence_ms: 600_000 };
    const layers = new Layers();
    for await (const line of await this.#client.sendForLines<PullLine>(request, signal)) {
      const failure = line.error ?? line.errorDetail?.message;
      if (failure !== undefined) throw new PullFailed(failure);
      layers.take(line);
      told({ percent: layers.percent, status: (line.status ?? '').slice(0, 200) });
    }
  }

  networksWith(label: string, signal: AbortSignal): Promise<{ Id: string; Name: string }[]> {
    return this.#get(`/networks?${filtered(label)}`, signal);
  }
  network(name: string, signal: AbortSignal): Promise<{ Id: string; Labels?: Record<string, string> | null } | null> {
    return orNull(this.#get<{ Id: string; Labels?: Record<string, string> | null }>(`/networks/${path(name)}`, signal));
  }
  async createNetwork(body: Record<string, unknown>, signal: AbortSignal): Promise<void> {
    await this.#send('POST', '/networks/create', signal, body);
  }
  async connect(network: string, container: string, aliases: string[], signal: AbortSignal): Promise<void> {
    const body = { Container: container, ...(aliases.length === 0 ? {} : { EndpointConfig: { Aliases: aliases } }) };
    try {
      await this.#send('POST', `/networks/${path(network)}/connect`, signal, body);
    } catch (error) {
      // Older engines answer 403 to what is connected already, newer ones 409.
      if (!isStatus(error, 403, 409) || !/already/i.test(String(error))) throw error;
    }
  }
  async disconnect(network: string, container: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#send('POST', `/networks/${path(network)}/disconnect`, signal, { Container: container, Force: true });
    } catch (error) {
      // It was not connected.
      if (!(error instanceof ServiceRefusal)) throw error;
    }
  }
  async removeNetwork(id: string, signal: AbortSignal): Promise<void> {
    await orNull(this.#send('DELETE', `/networks/${path(id)}`, signal));
  }

  volume(name: string, signal: AbortSignal): Promise<{ Name: string; Labels?: Record<string, string> | null } | null> {
    return orNull(
      this.#get<{ Name: string; Labels?: Record<string, string> | null }>(`/volumes/${path(name)}`, signal),
    );
  }
  async volumesWith(label: string, signal: AbortSignal): Promise<{ Name: string }[]> {
    return (
      (await this.#get<{ Volumes?: { Name: string }[] | null }>(`/volumes?${filtered(label)}`, signal)).Volumes ?? []
    );
  }
  async createVolume(body: Record<string, unknown>, signal: AbortSignal): Promise<void> {
    await this.#send('POST', '/volumes/create', signal, body);
  }
  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    await orNull(this.#send('DELETE', `/volumes/${path(name)}`, signal));
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
