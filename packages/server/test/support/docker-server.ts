import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A container as a test describes it. */
export interface ToyContainer {
  name: string;
  /** Without one it gets an id of its own. */
  id?: string;
  image?: string;
  labels?: Record<string, string>;
  ports?: { private: number; public?: number; ip?: string; type?: 'tcp' | 'udp' }[];
  /** Address by name of network. */
  networks?: Record<string, string>;
  host_network?: boolean;
}

export interface DockerServer {
  endpoint: string;
  /** Paths that were asked for, without version and query. */
  asked: string[];
  /** Versions that were asked in. */
  versions: Set<string>;
  /** Beginnings of paths, or of `POST /path`, that are answered 403, as a socket proxy does. */
  denied: Set<string>;
  /** Event streams that are open now. */
  readonly streams: number;
  /** Starts a container; one of that name is stopped and removed before. Gives its id. */
  run(container: ToyContainer): string;
  stop(name: string): void;
  rename(name: string, to: string): void;
  connect(name: string, network: string, address: string): void;
  /** Breaks all event streams. */
  cut(): void;
  close(): Promise<void>;
}

export interface DockerServerOptions {
  /** Path of a Unix socket; a TCP port of loopback without one. */
  socket?: string;
  tls?: { cert: string; key: string; ca: string };
  /** Says that the stream of events has begun with the first of them. */
  late_events?: boolean;
  newest?: string;
  oldest?: string;
  /** Asked before the routes below; true when it has answered. */
  routes?: (question: DockerQuestion) => boolean;
}

/** What a part of the engine beyond this file is asked. */
export interface DockerQuestion {
  request: IncomingMessage;
  response: ServerResponse;
  /** Without version. */
  path: string;
  query: URLSearchParams;
  answer: (status: number, body: unknown) => void;
}

/** Of this machine, and nothing listens there. */
const nowhere = '127.255.255.254';

interface Running extends ToyContainer {
  id: string;
  created: number;
}

const older = (a: string, b: string): boolean => {
  const [majorA, minorA] = a.split('.').map(Number) as [number, number];
  const [majorB, minorB] = b.split('.').map(Number) as [number, number];
  return majorA < majorB || (majorA === majorB && minorA < minorB);
};

const listed = ({ id, created, ...container }: Running) => ({
  Id: id,
  Names: [`/${container.name}`],
  Image: container.image ?? 'example/app:1',
  ImageID: `sha256:${id}`,
  Command: '/app',
  Created: created,
  State: 'running',
  Status: 'Up 1 second',
  Labels: container.labels ?? {},
  Ports: (container.ports ?? []).map(({ private: PrivatePort, public: PublicPort, ip, type = 'tcp' }) => ({
    ...(PublicPort === undefined ? {} : { IP: ip ?? '0.0.0.0', PublicPort }),
    ...{ PrivatePort, Type: type },
  })),
  HostConfig: { NetworkMode: container.host_network === true ? 'host' : 'bridge' },
  NetworkSettings: {
    Networks:
      container.host_network === true
        ? { host: { IPAddress: '' } }
        : Object.fromEntries(
            Object.entries(container.networks ?? { bridge: nowhere }).map(([name, IPAddress]) => [
              name,
              { IPAddress, NetworkID: createHash('sha256').update(name).digest('hex') },
            ]),
          ),
  },
});

/** The part of Docker's Engine API that discovery uses, over a real socket: versions, lists, filters and events. */
export const startDockerServer = async (options: DockerServerOptions = {}): Promise<DockerServer> => {
  const { newest = '1.47', oldest = '1.24' } = options;
  const containers = new Map<string, Running>();
  const streams = new Set<ServerResponse>();
  let made = 0;

  const tell = (Type: string, Action: string, ID: string, Attributes: Record<string, string>): void => {
    const event = { Type, Action, Actor: { ID, Attributes }, scope: 'local', time: Math.floor(Date.now() / 1000) };
    for (const stream of streams) stream.write(`${JSON.stringify(event)}\n`);
  };
  const told = (action: string, { id, name, image = 'example/app:1', labels }: Running): void =>
    tell('container', action, id, { ...labels, image, name });
  const named = (name: string): Running => {
    const container = containers.get(name);
    if (container === undefined) throw new Error(`no container is called ${name}`);
    return container;
  };

  const answer = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      'api-version': newest,
      server: 'Docker/27.0 (linux)',
    });
    return response.end(JSON.stringify(body));
  };

  const list = (query: URLSearchParams): unknown[] => {
    const filters = JSON.parse(query.get('filters') ?? '{}') as Record<string, string[]>;
    return [...containers.values()]
      .filter(({ id }) => filters['id'] === undefined || filters['id'].some((one) => id.startsWith(one)))
      .map(listed);
  };

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://docker');
    const version = /^\/v(\d+\.\d+)(?=\/)/.exec(url.pathname)?.[1];
    const path = version === undefined ? url.pathname : url.pathname.slice(version.length + 2);
    api.asked.push(path);
    if (version !== undefined) api.versions.add(version);
    if ([...api.denied].some((one) => path.startsWith(one) || `${request.method} ${path}`.startsWith(one))) {
      response.writeHead(403, { 'content-type': 'text/html' });
      return response.end('<html><body><h1>403 Forbidden</h1></body></html>');
    }
    if (version !== undefined && older(newest, version))
      return answer(response, 400, {
        message: `client version ${version} is too new. Maximum supported API version is ${newest}`,
      });
    if (version !== undefined && older(version, oldest))
      return answer(response, 400, {
        message: `client version ${version} is too old. Minimum supported API version is ${oldest}`,
      });
    const question = { request, response, path, query: url.searchParams };
    if (options.routes?.({ ...question, answer: (status, body) => void answer(response, status, body) })) return;
    if (path === '/_ping') {
      response.writeHead(200, { 'api-version': newest, 'content-type': 'text/plain' });
      return response.end('OK');
    }
    if (path === '/version')
      return answer(response, 200, { ApiVersion: newest, MinAPIVersion: oldest, Version: '27.0.0' });
    if (path === '/networks') return answer(response, 200, [{ Name: 'bridge', Driver: 'bridge', Scope: 'local' }]);
    if (path === '/containers/json') return answer(response, 200, list(url.searchParams));
    if (path === '/events') {
      response.writeHead(200, { 'content-type': 'application/json', 'api-version': newest });
      if (options.late_events !== true) response.flushHeaders();
      streams.add(response);
      return response.on('close', () => streams.delete(response));
    }
    return answer(response, 404, { message: 'page not found' });
  };

  const { tls } = options;
  const server: Server =
    tls === undefined
      ? createServer(handle)
      : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, handle);
  await new Promise<void>((listening) =>
    options.socket === undefined ? server.listen(0, '127.0.0.1', listening) : server.listen(options.socket, listening),
  );
  const api: DockerServer = {
    endpoint:
      options.socket === undefined
        ? `tcp://localhost:${(server.address() as AddressInfo).port}`
        : `unix://${options.socket}`,
    asked: [],
    versions: new Set(),
    denied: new Set(),
    get streams() {
      return streams.size;
    },
    run: (container) => {
      if (containers.has(container.name)) api.stop(container.name);
      made += 1;
      const id = container.id ?? createHash('sha256').update(`${container.name} ${made}`).digest('hex');
      const running = { ...container, id, created: 1_700_000_000 + made };
      containers.set(container.name, running);
      told('create', running);
      told('start', running);
      return id;
    },
    stop: (name) => {
      const container = named(name);
      containers.delete(name);
      for (const action of ['kill', 'die', 'stop', 'destroy']) told(action, container);
    },
    rename: (name, to) => {
      const container = named(name);
      containers.delete(name);
      containers.set(to, { ...container, name: to });
      told('rename', named(to));
    },
    connect: (name, network, address) => {
      const container = named(name);
      const networks = { ...container.networks, [network]: address };
      containers.set(name, { ...container, networks });
      tell('network', 'connect', createHash('sha256').update(network).digest('hex'), {
        container: container.id,
        name: network,
      });
    },
    cut: () => {
      for (const stream of streams) stream.destroy();
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => {
          if (options.socket !== undefined) rmSync(options.socket, { force: true });
          closed();
        });
        server.closeAllConnections();
      }),
  };
  return api;
};
