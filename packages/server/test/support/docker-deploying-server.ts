import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Json } from './rest-client.ts';

export interface MadeContainer {
  id: string;
  name: string;
  /** What it was created with. */
  body: Json;
  status: 'created' | 'running' | 'exited';
  exit_code: number;
  health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  networks: string[];
  /** Archives that were put into it. */
  archives: Buffer[];
  started: number;
}

export interface DeployingServer {
  endpoint: string;
  /** `POST /containers/create`, …, in their order. */
  asked: string[];
  containers: Map<string, MadeContainer>;
  networks: Map<string, { id: string; body: Json }>;
  /** Data stands for what containers wrote. */
  volumes: Map<string, { labels: Record<string, string>; data: string[] }>;
  images: Set<string>;
  /** Images whose pull stops half-way until they are taken out again. */
  stalled: Set<string>;
  /** Pulls that hang now. */
  readonly pulling: number;
  /** What images do once they run: health, or an end with a code. */
  behaviour: Map<string, { health?: MadeContainer['health']; exit?: number }>;
  /** Answers to a request that begins so, once each. */
  faults: Map<string, { status: number; message: string; times: number }>;
  /** Credentials that registries need, by image. */
  logins: Map<string, { username: string; password: string }>;
  logs: Map<string, string[]>;
  /** Ports that containers of others have. */
  foreign_ports: number[];
  byService(service: string): MadeContainer | undefined;
  setHealth(service: string, health: MadeContainer['health']): void;
  close(): Promise<void>;
}

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const frame = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = 1;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
};

const version = '1.47';

/** The part of Docker's Engine API that the toolbox uses, over a Unix socket: images, networks, volumes, containers. */
export const startDeployingServer = async (socket: string): Promise<DeployingServer> => {
  let made = 0;
  const hanging = new Set<ServerResponse>();

  const answer = (response: ServerResponse, status: number, body?: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'api-version': version });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  const refuse = (response: ServerResponse, status: number, message: string) => answer(response, status, { message });

  const find = (ref: string): MadeContainer | undefined =>
    [...api.containers.values()].find(({ id, name }) => id === ref || name === ref);

  const labelled = (labels: Record<string, string> | undefined, url: URL): boolean => {
    const { label = [] } = JSON.parse(url.searchParams.get('filters') ?? '{}') as { label?: string[] };
    return label.every((one) => {
      const at = one.indexOf('=');
      return labels?.[one.slice(0, at)] === one.slice(at + 1);
    });
  };

  const pull = async (url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [from, tag] = [url.searchParams.get('fromImage')!, url.searchParams.get('tag')!];
    const image = `${from}${tag.includes(':') ? '@' : ':'}${tag}`;
    const login = api.logins.get(image);
    if (login !== undefined) {
      const given = Buffer.from(String(request.headers['x-registry-auth'] ?? ''), 'base64url').toString() || '{}';
      const { username, password } = JSON.parse(given) as Record<string, string>;
      if (username !== login.username || password !== login.password)
        return refuse(
          response,
          404,
          `pull access denied for ${from}, repository does not exist or may require 'docker login'`,
        );
    }
    response.writeHead(200, { 'content-type': 'application/json', 'api-version': version });
    const say = (line: Json) => response.write(`${JSON.stringify(line)}\r\n`);
    const [one, two] = [idOf(`${image}1`).slice(0, 12), idOf(`${image}2`).slice(0, 12)];
    say({ status: `Pulling from ${from}`, id: tag });
    say({ status: 'Pulling fs layer', progressDetail: {}, id: one });
    say({ status: 'Pulling fs layer', progressDetail: {}, id: two });
    say({ status: 'Downloading', progressDetail: { current: 500, total: 1000 }, progress: '[=> ]', id: one });
    say({ status: 'Downloading', progressDetail: { current: 100, total: 1000 }, progress: '[>  ]', id: two });
    if (image.includes('missing-layer')) {
      say({ errorDetail: { message: 'unexpected EOF' }, error: 'unexpected EOF' });
      response.end();
      return;
    }
    if (api.stalled.has(image)) {
      hanging.add(response);
      response.on('close', () => hanging.delete(response));
      return;
    }
    for (const id of [one, two]) say({ status: 'Pull complete', progressDetail: {}, id });
    say({ status: `Digest: sha256:${idOf(image)}` });
    say({ status: `Status: Downloaded newer image for ${image}` });
    api.images.add(image);
    response.end();
  };

  const inspected = (container: MadeContainer): Json => ({
    Id: container.id,
    Name: `/${container.name}`,
    Created: new Date().toISOString(),
    State: {
      Status: container.status,
      Running: container.status === 'running',
      ExitCode: container.exit_code,
      ...(container.health === 'none'
        ? {}
        : { Health: { Status: container.health, Log: [{ Output: 'connection refused' }] } }),
    },
    Config: { Labels: container.body.Labels, Tty: container.body.Tty ?? false },
  });

  const listed = (container: MadeContainer): Json => ({
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.body.Image,
    State: container.status,
    Labels: container.body.Labels,
    Ports: Object.entries((container.body.HostConfig?.PortBindings ?? {}) as Record<string, Json[]>).flatMap(
      ([key, bindings]) =>
        bindings.map(({ HostIp, HostPort }) => ({
          IP: HostIp,
          PrivatePort: Number.parseInt(key, 10),
          PublicPort: Number(HostPort),
          Type: key.split('/')[1],
        })),
    ),
  });

  const create = (response: ServerResponse, name: string, body: Json) => {
    if (find(name) !== undefined)
      return refuse(response, 409, `Conflict. The container name "/${name}" is already in use by container`);
    if (!api.images.has(String(body.Image).includes(':') ? body.Image : `${body.Image}:latest`))
      return refuse(response, 404, `No such image: ${body.Image}`);
    for (const bind of (body.HostConfig?.Binds ?? []) as string[]) {
      const [source] = bind.split(':');
      if (!source!.startsWith('/') && !api.volumes.has(source!)) return refuse(response, 400, `no volume ${source}`);
    }
    made += 1;
    const network = body.HostConfig?.NetworkMode as string | undefined;
    if (network !== undefined && network !== 'host' && network !== 'none' && !api.networks.has(network))
      return refuse(response, 404, `network ${network} not found`);
    const id = idOf(`${name} ${made}`);
    api.containers.set(id, {
      ...{ id, name, body, status: 'created', exit_code: 0, health: 'none', archives: [], started: 0 },
      networks: network === undefined ? [] : [network],
    });
    answer(response, 201, { Id: id, Warnings: [] });
  };

  const start = (response: ServerResponse, container: MadeContainer) => {
    if (container.status === 'running') return answer(response, 304);
    const { health, exit } = api.behaviour.get(container.body.Image) ?? {};
    const checked = container.body.Healthcheck?.Test?.length > 0 && container.body.Healthcheck.Test[0] !== 'NONE';
    container.status = exit === undefined ? 'running' : 'exited';
    container.exit_code = exit ?? 0;
    container.health = checked ? (health ?? 'healthy') : 'none';
    made += 1;
    container.started = made;
    for (const bind of (container.body.HostConfig?.Binds ?? []) as string[])
      api.volumes.get(bind.split(':')[0]!)?.data.push(container.name);
    return answer(response, 204);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://docker');
    const path = url.pathname.replace(/^\/v\d+\.\d+(?=\/)/, '');
    const what = `${request.method} ${path}`;
    const bytes = await bodyOf(request);
    const isJson = request.headers['content-type'] === 'application/json';
    const body = (isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as Json;
    api.asked.push(what);
    for (const [beginning, fault] of api.faults) {
      if (!what.startsWith(beginning) || fault.times <= 0) continue;
      fault.times -= 1;
      return refuse(response, fault.status, fault.message);
    }
    if (path === '/_ping') return answer(response, 200, 'OK');
    if (path === '/version') return answer(response, 200, { ApiVersion: version, MinAPIVersion: '1.24' });
    if (what === 'POST /images/create') return pull(url, request, response);
    if (path.startsWith('/images/')) {
      const image = decodeURIComponent(path.slice('/images/'.length, -'/json'.length));
      return api.images.has(image)
        ? answer(response, 200, { Id: idOf(image) })
        : refuse(response, 404, 'no such image');
    }
    if (what === 'GET /networks')
      return answer(
        response,
        200,
        [...api.networks]
          .filter(([, { body: one }]) => labelled(one.Labels, url))
          .map(([Name, { id }]) => ({ Id: id, Name })),
      );
    if (what === 'POST /networks/create') {
      if (api.networks.has(body.Name)) return refuse(response, 409, `network with name ${body.Name} already exists`);
      api.networks.set(body.Name, { id: idOf(body.Name), body });
      return answer(response, 201, { Id: idOf(body.Name) });
    }
    if (path.startsWith('/networks/')) {
      const [, , ref, act] = path.split('/').map(decodeURIComponent);
      const found = [...api.networks].find(([name, { id }]) => name === ref || id === ref);
      if (found === undefined) return refuse(response, 404, `network ${ref} not found`);
      const [name, { id, body: made_of }] = found;
      if (act === 'connect') {
        const container = find(body.Container);
        if (container === undefined) return refuse(response, 404, 'no such container');
        if (container.networks.includes(name)) return refuse(response, 403, 'endpoint already exists in network');
        container.networks.push(name);
        return answer(response, 200);
      }
      if (request.method === 'GET') return answer(response, 200, { Id: id, Name: name, Labels: made_of.Labels });
      if ([...api.containers.values()].some(({ networks }) => networks.includes(name)))
        return refuse(response, 403, `network ${name} has active endpoints`);
      api.networks.delete(name);
      return answer(response, 204);
    }
    if (what === 'GET /volumes')
      return answer(response, 200, {
        Volumes: [...api.volumes].filter(([, { labels }]) => labelled(labels, url)).map(([Name]) => ({ Name })),
      });
    if (what === 'POST /volumes/create') {
      if (!api.volumes.has(body.Name)) api.volumes.set(body.Name, { labels: body.Labels, data: [] });
      return answer(response, 201, { Name: body.Name });
    }
    if (path.startsWith('/volumes/')) {
      const name = decodeURIComponent(path.slice('/volumes/'.length));
      const volume = api.volumes.get(name);
      if (volume === undefined) return refuse(response, 404, 'no such volume');
      if (request.method === 'DELETE') api.volumes.delete(name);
      return request.method === 'DELETE'
        ? answer(response, 204)
        : answer(response, 200, { Name: name, Labels: volume.labels });
    }
    if (what === 'GET /containers/json') {
      const all = url.searchParams.get('all') === 'true';
      const foreign = api.foreign_ports.map((port) => ({
        ...{ Id: idOf(`foreign ${port}`), Names: [`/foreign-${port}`], State: 'running', Labels: {} },
        Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: port, Type: 'tcp' }],
      }));
      const own = [...api.containers.values()].filter(
        (one) => (all || one.status === 'running') && labelled(one.body.Labels, url),
      );
      return answer(response, 200, [...own.map(listed), ...(all ? [] : foreign)]);
    }
    if (what === 'POST /containers/create') return create(response, url.searchParams.get('name')!, body);
    const [, , ref = '', act] = path.split('/').map(decodeURIComponent);
    const container = path.startsWith('/containers/') ? find(ref) : undefined;
    if (container === undefined) return refuse(response, 404, `No such container: ${ref}`);
    if (act === 'json') return answer(response, 200, inspected(container));
    if (act === 'start') return start(response, container);
    if (act === 'stop') {
      if (container.status !== 'running') return answer(response, 304);
      Object.assign(container, { status: 'exited', exit_code: 0 });
      return answer(response, 204);
    }
    if (act === 'archive') {
      container.archives.push(bytes);
      return answer(response, 200);
    }
    if (act === 'logs') {
      response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream' });
      const lines = api.logs.get(container.body.Labels['atrium.deployment.service']) ?? [];
      const tail = Number(url.searchParams.get('tail'));
      for (const line of lines.slice(-tail)) response.write(frame(`2026-01-01T00:00:00.000000000Z ${line}\n`));
      response.end();
      return;
    }
    if (request.method === 'DELETE') {
      api.containers.delete(container.id);
      return answer(response, 204);
    }
    return refuse(response, 404, 'page not found');
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => refuse(response, 500, String(error)));
  });
  await new Promise<void>((listening) => server.listen(socket, listening));
  const byService = (service: string) =>
    [...api.containers.values()].find(({ body }) => body.Labels['atrium.deployment.service'] === service);
  const api: DeployingServer = {
    endpoint: `unix://${socket}`,
    ...{ asked: [], containers: new Map(), networks: new Map(), volumes: new Map(), images: new Set() },
    ...{ stalled: new Set(), behaviour: new Map(), faults: new Map(), logins: new Map(), logs: new Map() },
    foreign_ports: [],
    get pulling() {
      return hanging.size;
    },
    byService,
    setHealth: (service, health) => {
      byService(service)!.health = health;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => {
          rmSync(socket, { force: true });
          closed();
        });
        server.closeAllConnections();
      }),
  };
  return api;
};
