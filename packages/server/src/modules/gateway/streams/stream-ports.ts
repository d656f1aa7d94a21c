import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Registry } from 'prom-client';
import type { GatewaySnapshot, RouteSnapshot, SnapshotSource } from '../snapshot.ts';
import { type StreamContext, StreamCounts, type StreamParts, type StreamRoute } from './stream-context.ts';
import { StreamMetrics, type StreamProtocol } from './stream-metrics.ts';
import { type PortRoutes, TcpPort } from './tcp-port.ts';
import { UdpPort } from './udp-port.ts';

/** A port that could not be opened is tried again: what had it may be gone. */
const retryMs = 10_000;

interface Wanted {
  protocol: StreamProtocol;
  port: number;
  routes: PortRoutes;
}

const isStream = (route: RouteSnapshot): route is StreamRoute => route.kind === 'stream' && route.stream !== null;
const keyOf = (protocol: StreamProtocol, port: number): string => `${protocol}:${port}`;

/** Which ports the routes of a snapshot want, and which of them has which name there. */
export const portsOf = (snapshot: Pick<GatewaySnapshot, 'routes'>): Map<string, Wanted> => {
  const ports = new Map<string, Wanted & { routes: Map<string, StreamRoute> }>();
  for (const route of snapshot.routes.values()) {
    if (!isStream(route)) continue;
    const { protocol, port, names } = route.stream;
    const key = keyOf(protocol, port);
    const wanted = ports.get(key) ?? { protocol, port, routes: new Map<string, StreamRoute>() };
    for (const name of names.length === 0 ? [''] : names) wanted.routes.set(name, route);
    ports.set(key, wanted);
  }
  return ports;
};

const sentences: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program of this machine',
  EACCES: 'may not be opened by the user that this server runs as',
  EADDRNOTAVAIL: 'cannot be opened, because this machine has no such address (gateway.streams.host)',
  ENOTFOUND: 'cannot be opened, because gateway.streams.host leads to no address',
};
const sayFailure = (error: unknown): string => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return sentences[code] ?? `cannot be opened: ${message}`;
};

/** Whether a port is free now. Nobody who connects meanwhile is served: it is open for a moment only. */
const tryOpen = (protocol: StreamProtocol, port: number, host: string): Promise<string | null> =>
  new Promise((resolve) => {
    if (protocol === 'tcp') {
      const server = createServer((socket) => socket.destroy());
      server.once('error', (error) => resolve(sayFailure(error)));
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
      return;
    }
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
    socket.once('error', (error) => {
      socket.close();
      resolve(sayFailure(error));
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(null)));
  });

/** Holds the ports open that stream routes want, and no other; what runs does not notice a change. */
export class StreamPorts {
  readonly #source: SnapshotSource;
  readonly #host: string | null;
  readonly #context: StreamContext;
  readonly #open = new Map<string, TcpPort | UdpPort>();
  readonly #retiring = new Map<string, UdpPort>();
  readonly #failures = new Map<string, string>();
  #tcp: number[] = [];
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #state: 'new' | 'started' | 'stopped' = 'new';

  constructor(source: SnapshotSource, host: string | null, parts: StreamParts, registry: Registry | null) {
    this.#source = source;
    this.#host = host;
    const count = (protocol: StreamProtocol): number =>
      [...this.#open.keys()].filter((key) => key.startsWith(protocol)).length;
    const metrics = new StreamMetrics(registry, () => ({ tcp: count('tcp'), udp: count('udp') }));
    this.#context = { ...parts, metrics, counts: new StreamCounts() };
    source.onSwap(() => {
      this.#tcp = [...portsOf(source.current()).values()].flatMap(({ protocol, port }) =>
        protocol === 'tcp' ? [port] : [],
      );
      void this.#follow();
    });
  }

  /** Once the server listens itself, so that its own ports are its own. */
  start(): Promise<void> {
    if (this.#state === 'new' && this.#host !== null) this.#state = 'started';
    return this.#follow();
  }

  /** Takes nobody new; what runs goes on. */
  stop(): Promise<void> {
    this.#state = 'stopped';
    return this.#follow();
  }

  /** Ends what is left of datagrams; connections end with what they run in. */
  async close(): Promise<void> {
    await this.stop();
    for (const port of this.#retiring.values()) port.close();
    this.#retiring.clear();
  }

  /** TCP ports that are this server's own because of routes, whichever of its processes has them open. */
  tcpPorts(): readonly number[] {
    return this.#tcp;
  }

  async problem(protocol: StreamProtocol, port: number): Promise<string | null> {
    const key = keyOf(protocol, port);
    const host = this.#host;
    if (host === null || this.#state !== 'started' || this.#open.has(key) || this.#retiring.has(key)) return null;
    return tryOpen(protocol, port, host);
  }

  failure(routeId: string): string | null {
    const stream = this.#source.current().routes.get(routeId)?.stream ?? null;
    if (stream === null) return null;
    const failure = this.#failures.get(keyOf(stream.protocol, stream.port));
    return failure === undefined ? null : `${stream.protocol.toUpperCase()} port ${stream.port} ${failure}.`;
  }

  #follow(): Promise<void> {
    if (this.#state === 'new') return this.#turn;
    this.#turn = this.#turn
      .then(() => this.#apply())
      .catch((error: unknown) => this.#context.on_error(error, 'opening ports for streams'));
    return this.#turn;
  }

  async #apply(): Promise<void> {
    const wanted = this.#state === 'stopped' ? new Map<string, Wanted>() : portsOf(this.#source.current());
    for (const [key, port] of [...this.#open]) if (!wanted.has(key)) this.#shut(key, port);
    for (const key of [...this.#failures.keys()]) if (!wanted.has(key)) this.#failures.delete(key);
    for (const [key, one] of wanted) {
      const port = this.#open.get(key);
      if (port !== undefined) port.routes = one.routes;
      else await this.#start(key, one, this.#host!);
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = this.#failures.size === 0 ? null : setTimeout(() => void this.#follow(), retryMs).unref();
  }

  #shut(key: string, port: TcpPort | UdpPort): void {
    this.#open.delete(key);
    if (port instanceof TcpPort) port.close();
    else {
      this.#retiring.set(key, port);
      port.retire(() => this.#retiring.delete(key));
    }
  }

  async #start(key: string, { protocol, port, routes }: Wanted, host: string): Promise<void> {
    const retiring = this.#retiring.get(key);
    if (retiring !== undefined) {
      this.#retiring.delete(key);
      retiring.revive(routes);
      this.#open.set(key, retiring);
      return;
    }
    const fresh =
      protocol === 'tcp' ? new TcpPort(this.#context, port, routes) : new UdpPort(this.#context, port, host, routes);
    try {
      await fresh.listen(host);
      this.#open.set(key, fresh);
      this.#failures.delete(key);
    } catch (error) {
      if (!this.#failures.has(key))
        this.#context.on_error(error, `${protocol.toUpperCase()} port ${port} ${sayFailure(error)}`);
      this.#failures.set(key, sayFailure(error));
    }
  }
}
