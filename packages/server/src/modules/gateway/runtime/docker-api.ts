import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServiceAddress, ServiceClient, ServiceRefusal } from '../../../platform/net/service-client.ts';

export interface DockerEndpoint {
  /** `unix:///var/run/docker.sock`, `tcp://host:2375`, `https://host:2376`. */
  endpoint: string;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem`; makes `tcp://` a TLS endpoint. */
  cert_path: string | null;
}

/** What `GET /containers/json` says of one container, as far as it is read. */
export interface DockerContainer {
  Id: string;
  Names?: string[] | null;
  Image?: string;
  Created?: number;
  State?: string;
  Labels?: Record<string, string> | null;
  Ports?: { IP?: string; PrivatePort?: number; PublicPort?: number; Type?: string }[] | null;
  HostConfig?: { NetworkMode?: string } | null;
  NetworkSettings?: {
    Networks?: Record<string, { IPAddress?: string; GlobalIPv6Address?: string } | null> | null;
  } | null;
}

export interface DockerEvent {
  Type?: string;
  Action?: string;
  Actor?: { ID?: string; Attributes?: Record<string, string> };
}

/** Everything that is read has been there since 1.24; newer engines refuse what is older than their own least. */
const newestKnown = '1.51';

const newer = (a: string, b: string): boolean => {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA > majorB || (majorA === majorB && minorA > minorB);
};

/** The newest version that both know. */
export const commonVersion = (engine: string | undefined): string | null => {
  if (engine === undefined || !/^\d+\.\d+$/.test(engine)) return null;
  return newer(engine, newestKnown) ? newestKnown : engine;
};

export const addressOf = async ({ endpoint, cert_path }: DockerEndpoint): Promise<ServiceAddress> => {
  if (endpoint.startsWith('unix://') || endpoint.startsWith('/')) {
    return { origin: 'http://localhost', socket_path: endpoint.replace(/^unix:\/\//, '') };
  }
  if (endpoint.startsWith('npipe://')) {
    return { origin: 'http://localhost', socket_path: endpoint.slice('npipe://'.length).replaceAll('/', '\\') };
  }
  const url = new URL(endpoint.replace(/^tcp:/, cert_path === null ? 'http:' : 'https:'));
  if (cert_path === null) return { origin: url.origin };
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(cert_path, name))),
  );
  return { origin: url.origin, tls: { ca, cert, key, verify: true } };
};

const query = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();

/** One connection to an engine, at a version that both sides know. */
export class DockerApi {
  readonly #client: ServiceClient;
  readonly #prefix: string;
  /** Rights that a proxy in front of the engine did not give. */
  readonly missing: string[];

  private constructor(client: ServiceClient, prefix: string, missing: string[]) {
    this.#client = client;
    this.#prefix = prefix;
    this.missing = missing;
  }

  static async open(endpoint: DockerEndpoint, signal: AbortSignal): Promise<DockerApi> {
    const client = new ServiceClient(await addressOf(endpoint));
    const missing: string[] = [];
    const asked = async (right: string, ask: () => Promise<string | undefined>): Promise<string | undefined> => {
      try {
        return await ask();
      } catch (error) {
        if (!isRefused(error)) throw error;
        missing.push(right);
        return undefined;
      }
    };
    try {
      const pinged = await asked('PING', async () => (await client.head('/_ping', signal))['api-version']);
      const told = await asked(
        'VERSION',
        async () => (await client.json<{ ApiVersion?: string }>('/version', signal)).ApiVersion,
      );
      // Without either the engine takes its own newest version, which is as good for the little that is read.
      const version = commonVersion(pinged ?? told);
      return new DockerApi(client, version === null ? '' : `/v${version}`, missing);
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Running containers: all, or those of the ids. */
  containers(signal: AbortSignal, ids?: readonly string[]): Promise<DockerContainer[]> {
    const filters = { status: ['running'], ...(ids === undefined ? {} : { id: ids }) };
    return this.#client.json(`${this.#prefix}/containers/json?${query({ filters: JSON.stringify(filters) })}`, signal);
  }

  /** Names of networks; only asked to learn whether the right is there. */
  networks(signal: AbortSignal): Promise<{ Name: string }[]> {
    return this.#client.json(`${this.#prefix}/networks`, signal);
  }

  events(signal: AbortSignal): Promise<AsyncGenerator<DockerEvent>> {
    const filters = JSON.stringify({ type: ['container', 'network'] });
    return this.#client.lines(`${this.#prefix}/events?${query({ filters })}`, signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** What a socket proxy answers to what it does not let through, or an engine to what it does not know. */
export const isRefused = (error: unknown): boolean =>
  error instanceof ServiceRefusal && error.status >= 400 && error.status < 500;
