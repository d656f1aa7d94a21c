import { createServer, type Server, type Socket } from 'node:net';
import { keepAlive } from '../../../platform/net/keep-alive.ts';
import { readClientHello } from './client-hello.ts';
import { plainAddress, record, type StreamContext, type StreamFacts, type StreamRoute } from './stream-context.ts';
import { TcpStream } from './tcp-stream.ts';

/** The routes of one port, by the name that TLS asks for; '' takes what is left. */
export type PortRoutes = ReadonlyMap<string, StreamRoute>;

/** A client has so long to say whom it wants. */
const helloWithinMs = 10_000;
/** Clients that have not yet said it, at once. */
const mostUndecided = 1000;
const none = Buffer.alloc(0);

/** The route for a name: its own, that of `*.` and the rest of it, or what is left. */
export const routeFor = (routes: PortRoutes, name: string): StreamRoute | null =>
  (name === '' ? undefined : (routes.get(name) ?? routes.get(`*.${name.slice(name.indexOf('.') + 1)}`))) ??
  routes.get('') ??
  null;

/** A port on which connections are taken for routes. What runs goes on when it closes. */
export class TcpPort {
  routes: PortRoutes;
  readonly #context: StreamContext;
  readonly #port: number;
  readonly #server: Server;
  readonly #undecided = new Set<Socket>();

  constructor(context: StreamContext, port: number, routes: PortRoutes) {
    this.#context = context;
    this.#port = port;
    this.routes = routes;
    this.#server = createServer({
      ...{ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, highWaterMark: 256 * 1024 },
    });
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  listen(host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port: this.#port, backlog: 511 }, () => {
        this.#server.off('error', reject);
        // Such as too many files that are open: the next connection is another chance.
        this.#server.on('error', (error) => this.#context.on_error(error, `listening on TCP port ${this.#port}`));
        resolve();
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#undecided) socket.destroy();
  }

  #accept(socket: Socket): void {
    keepAlive(socket);
    const address = plainAddress(socket.remoteAddress ?? '');
    const facts: StreamFacts = {
      ...{ protocol: 'tcp', port: this.#port, name: '', address },
      started: performance.now(),
    };
    const rest = this.routes.get('');
    // A protocol in which the server speaks first would wait for ever for a client that does.
    if (rest !== undefined && this.routes.size === 1) this.#go(rest, facts, socket, none);
    else this.#decide(socket, facts);
  }

  #decide(socket: Socket, facts: StreamFacts): void {
    const end = (): void => void socket.destroy();
    socket.on('error', end);
    if (this.#undecided.size >= mostUndecided) {
      this.#context.metrics.refused('too_many');
      end();
      return;
    }
    this.#undecided.add(socket);
    const late = setTimeout(end, helloWithinMs).unref();
    let bytes: Buffer = none;
    const settled = (): void => {
      clearTimeout(late);
      this.#undecided.delete(socket);
    };
    const hear = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const hello = readClientHello(bytes);
      if (hello.kind === 'more') return;
      settled();
      socket.pause();
      socket.off('data', hear).off('end', end).off('close', settled).off('error', end);
      const name = hello.kind === 'hello' ? (hello.name ?? '') : '';
      const route = routeFor(this.routes, name);
      if (route !== null) this.#go(route, { ...facts, name }, socket, bytes);
      else {
        this.#context.metrics.refused('no_route');
        const end = { route: null, target: null, outcome: 'no_route', bytes_in: bytes.length, bytes_out: 0 } as const;
        record(this.#context, { ...facts, name }, end);
        socket.destroy();
      }
    };
    socket.on('data', hear).once('end', end).once('close', settled);
    socket.resume();
  }

  #go(route: StreamRoute, facts: StreamFacts, socket: Socket, first: Buffer): void {
    new TcpStream(this.#context, route, facts, socket, first).begin();
  }
}
