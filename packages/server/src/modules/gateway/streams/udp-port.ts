import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { TargetRefused } from '../../../platform/net/target-guard.ts';
import { outcomeOf } from '../lanes/outcome.ts';
import type { Running } from '../lanes/running.ts';
import type { TargetSnapshot } from '../snapshot.ts';
import {
  plainAddress,
  record,
  type StreamContext,
  type StreamFacts,
  type StreamOutcome,
  type StreamRoute,
} from './stream-context.ts';
import type { PortRoutes } from './tcp-port.ts';

/** Datagrams of a client that wait until its target is known. UDP promises nothing, so more are lost. */
const mostWaiting = 16;

/** The address of a target, looked at before it is used. */
const addressOf = async (context: StreamContext, route: StreamRoute, target: TargetSnapshot) => {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const found = isIP(host) === 0 ? await context.resolve(host) : [{ address: host, family: isIP(host) }];
  for (const { address } of found) {
    const why = context.guard.refusal(address, target.port, route.allow_private);
    if (why !== null) throw new TargetRefused(host, isIP(host) === 0 ? `leads to ${address}, which ${why}` : why);
  }
  const [first] = found;
  if (first === undefined) throw Object.assign(new Error(host), { code: 'ENOTFOUND' });
  return first;
};

/** What a client and a target say to each other, for as long as one of them says something. It has no end to wait for. */
class UdpSession implements Running {
  readonly endless = true;
  before: Running | null = null;
  after: Running | null = null;
  readonly #port: UdpPort;
  readonly #context: StreamContext;
  readonly #route: StreamRoute;
  readonly #facts: StreamFacts;
  readonly #client: RemoteInfo;
  #target: TargetSnapshot | null = null;
  #upstream: Socket | null = null;
  #waiting: Buffer[] | null = [];
  #answered = false;
  #over = false;
  #at: number;
  #in = 0;
  #out = 0;

  constructor(port: UdpPort, context: StreamContext, route: StreamRoute, facts: StreamFacts, client: RemoteInfo) {
    this.#port = port;
    this.#context = context;
    this.#route = route;
    this.#facts = facts;
    this.#client = client;
    this.#at = context.running.now;
  }

  get route_id(): string {
    return this.#route.id;
  }

  begin(): void {
    this.#context.metrics.opened('udp');
    this.#context.running.enter(this);
    this.#open().catch((error: unknown) => this.#failed(error as Error));
  }

  /** From the client. */
  send(datagram: Buffer): void {
    this.#at = this.#context.running.now;
    if (this.#waiting === null) this.#forward(datagram);
    else if (this.#waiting.length < mostWaiting) this.#waiting.push(datagram);
  }

  sweep(now: number): void {
    if (now - this.#at > this.#route.stream.idle_ms) this.finish('ok');
  }

  end(reason: 'drained' | 'revoked'): void {
    this.finish(reason);
  }

  finish(outcome: StreamOutcome): void {
    if (this.#over) return;
    this.#over = true;
    const { balancer, counts, metrics, running } = this.#context;
    this.#upstream?.close();
    if (this.#target !== null) balancer.ended(this.#route, this.#target);
    counts.leave(this.#route.id, this.#facts.address);
    running.leave(this);
    this.#port.left(this.#client);
    metrics.closed('udp', outcome, (performance.now() - this.#facts.started) / 1000, this.#in, this.#out);
    record(this.#context, this.#facts, {
      ...{ route: this.#route, target: this.#target, outcome, bytes_in: this.#in, bytes_out: this.#out },
    });
  }

  async #open(): Promise<void> {
    const { balancer } = this.#context;
    const target = balancer.choose(this.#route, undefined, new Set());
    if (target === null) {
      this.finish('unhealthy');
      return;
    }
    this.#target = target;
    balancer.began(this.#route, target);
    const { address, family } = await addressOf(this.#context, this.#route, target);
    if (this.#over) return;
    const upstream = createSocket(family === 6 ? 'udp6' : 'udp4');
    this.#upstream = upstream;
    upstream.on('error', (error) => this.#failed(error));
    upstream.on('message', (datagram) => this.#back(datagram));
    // Connected, so that only the target is heard, and its refusals are.
    upstream.connect(target.port, address, (error?: Error) => {
      // Types know of no error here; Node hands one over.
      if (error !== undefined && error !== null) return this.#failed(error);
      const waiting = this.#waiting ?? [];
      this.#waiting = null;
      for (const datagram of waiting) this.#forward(datagram);
    });
  }

  #forward(datagram: Buffer): void {
    if (this.#over) return;
    this.#in += datagram.length;
    this.#upstream!.send(datagram, (error) => {
      if (error) this.#failed(error);
    });
  }

  #back(datagram: Buffer): void {
    if (this.#over) return;
    this.#at = this.#context.running.now;
    this.#out += datagram.length;
    if (!this.#answered) {
      this.#answered = true;
      this.#context.health.succeeded(this.#route.id, this.#target!.url);
    }
    this.#port.reply(datagram, this.#client);
  }

  #failed(error: Error): void {
    if (this.#over) return;
    const outcome = outcomeOf(error);
    if (error instanceof TargetRefused) this.#context.on_target_refused(this.#route, error);
    if (this.#target !== null) this.#context.health.failed(this.#route.id, this.#target.url, outcome);
    this.finish(outcome);
  }
}

const keyOf = ({ address, port }: RemoteInfo): string => `${address} ${port}`;

/** A port on which datagrams are taken for a route. Its answers leave from it, so it stays open until the last of them. */
export class UdpPort {
  routes: PortRoutes;
  readonly #context: StreamContext;
  readonly #port: number;
  readonly #socket: Socket;
  readonly #sessions = new Map<string, UdpSession>();
  #retired: (() => void) | null = null;
  #closed = false;

  constructor(context: StreamContext, port: number, host: string, routes: PortRoutes) {
    this.#context = context;
    this.#port = port;
    this.routes = routes;
    this.#socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
    this.#socket.on('message', (datagram, client) => this.#take(datagram, client));
  }

  listen(host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.#socket.close();
        reject(error);
      };
      this.#socket.once('error', failed);
      this.#socket.bind({ port: this.#port, address: host, exclusive: true }, () => {
        this.#socket.off('error', failed);
        this.#socket.on('error', (error) => this.#context.on_error(error, `listening on UDP port ${this.#port}`));
        resolve();
      });
    });
  }

  /** Takes nobody new; `closed` is called when the last one is through. */
  retire(closed: () => void): void {
    this.#retired = closed;
    this.routes = new Map();
    this.#closeWhenEmpty();
  }

  /** A route wants the port again before that. */
  revive(routes: PortRoutes): void {
    this.#retired = null;
    this.routes = routes;
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) session.finish('drained');
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
  }

  reply(datagram: Buffer, { address, port }: RemoteInfo): void {
    // A client that is gone, or a network that is: its session ends by silence.
    if (!this.#closed) this.#socket.send(datagram, port, address, () => undefined);
  }

  left(client: RemoteInfo): void {
    this.#sessions.delete(keyOf(client));
    this.#closeWhenEmpty();
  }

  #closeWhenEmpty(): void {
    if (this.#retired === null || this.#sessions.size > 0 || this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#retired();
  }

  #take(datagram: Buffer, client: RemoteInfo): void {
    const known = this.#sessions.get(keyOf(client));
    if (known !== undefined) {
      known.send(datagram);
      return;
    }
    const route = this.routes.get('');
    if (route === undefined) return;
    const { counts, filters, metrics } = this.#context;
    const address = plainAddress(client.address);
    const refusal = filters.admit(route, address);
    // No line for each: the sender may be forged, and nobody but it would have the work of them.
    if (refusal !== null || !counts.enter(route, address)) {
      metrics.refused(refusal === null || refusal === 'rate' ? 'too_many' : 'denied');
      return;
    }
    const facts: StreamFacts = { protocol: 'udp', port: this.#port, name: '', address, started: performance.now() };
    const session = new UdpSession(this, this.#context, route, facts, client);
    this.#sessions.set(keyOf(client), session);
    session.begin();
    session.send(datagram);
  }
}
