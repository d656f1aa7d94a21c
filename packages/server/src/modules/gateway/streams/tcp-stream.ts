import { connect, type NetConnectOpts, type Socket, type SocketConstructorOpts } from 'node:net';
import { keepAlive } from '../../../platform/net/keep-alive.ts';
import { writeProxyHeader } from '../../../platform/net/proxy-protocol.ts';
import { guardedTargetLookup, literalRefusal, TargetRefused } from '../../../platform/net/target-guard.ts';
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

/** Targets that are tried before a client is sent away. */
const mostTries = 3;
/** Silence after which a stream is not waited for when the server or its route ends. */
const quietMs = 5000;
const highWaterMark = 256 * 1024;

/** A connection between a client and a target. Neither is read before the other is there. */
export class TcpStream implements Running {
  before: Running | null = null;
  after: Running | null = null;
  readonly #context: StreamContext;
  readonly #route: StreamRoute;
  readonly #facts: StreamFacts;
  readonly #client: Socket;
  /** Read from the client to learn whereto. */
  readonly #first: Buffer;
  readonly #tried = new Set<TargetSnapshot>();
  #target: TargetSnapshot | null = null;
  #upstream: Socket | null = null;
  #late: NodeJS.Timeout | null = null;
  #state: 'new' | 'dialling' | 'open' | 'over' = 'new';
  #outcome: StreamOutcome = 'ok';
  #moved = 0;
  #at: number;

  constructor(context: StreamContext, route: StreamRoute, facts: StreamFacts, client: Socket, first: Buffer) {
    this.#context = context;
    this.#route = route;
    this.#facts = facts;
    this.#client = client;
    this.#first = first;
    this.#at = context.running.now;
  }

  /** One in which nothing was said for a while waits for nothing that is on its way. */
  get endless(): boolean {
    return this.#state === 'open' && this.#context.running.now - this.#at > quietMs;
  }

  get route_id(): string {
    return this.#route.id;
  }

  begin(): void {
    const { counts, filters, metrics, running } = this.#context;
    const { address } = this.#facts;
    this.#client.on('error', () => this.#client.destroy());
    const refusal = filters.admit(this.#route, address);
    if (refusal !== null || !counts.enter(this.#route, address)) {
      this.#outcome = refusal === null || refusal === 'rate' ? 'too_many' : 'denied';
      metrics.refused(this.#outcome);
      this.#client.destroy();
      this.#write();
      return;
    }
    metrics.opened('tcp');
    running.enter(this);
    this.#state = 'dialling';
    this.#client.once('close', this.#closed);
    if (this.#client.destroyed) this.#closed();
    else this.#dial();
  }

  sweep(now: number): void {
    if (this.#state !== 'open') return;
    const moved = this.#client.bytesRead + this.#client.bytesWritten + (this.#upstream?.bytesWritten ?? 0);
    if (moved !== this.#moved) {
      this.#moved = moved;
      this.#at = now;
    } else if (this.#route.stream.idle_ms > 0 && now - this.#at > this.#route.stream.idle_ms) this.#cut('timeout');
  }

  end(reason: 'drained' | 'revoked'): void {
    this.#cut(reason);
  }

  #dial(): void {
    const { balancer, guard, resolve } = this.#context;
    const route = this.#route;
    const target = balancer.choose(route, undefined, this.#tried);
    if (target === null || this.#tried.has(target)) {
      this.#cut(this.#outcome === 'ok' ? 'unhealthy' : this.#outcome);
      return;
    }
    this.#target = target;
    balancer.began(route, target);
    const refused = literalRefusal(guard, target.hostname, target.port, route.allow_private);
    if (refused !== null) {
      this.#failed(refused);
      return;
    }
    const options: NetConnectOpts & SocketConstructorOpts & { highWaterMark: number } = {
      host: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port,
      lookup: guardedTargetLookup(guard, resolve, target.port, route.allow_private),
      allowHalfOpen: true,
      noDelay: true,
      highWaterMark,
    };
    const upstream = connect(options);
    keepAlive(upstream);
    this.#upstream = upstream;
    const fail = (error: Error): void => {
      if (this.#upstream !== upstream) return;
      upstream.destroy();
      this.#failed(error);
    };
    if (route.timeouts.connect > 0)
      this.#late = setTimeout(
        () => fail(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })),
        route.timeouts.connect,
      );
    upstream.on('error', (error) => {
      if (this.#state === 'dialling') fail(error);
      else if (this.#state === 'open') this.#cut(outcomeOf(error));
    });
    upstream.once('connect', () => this.#open(upstream, target));
  }

  #failed(error: Error): void {
    this.#settled();
    if (this.#state !== 'dialling') return;
    const { balancer, health, on_target_refused } = this.#context;
    const target = this.#target!;
    this.#upstream = null;
    balancer.ended(this.#route, target);
    if (error instanceof TargetRefused) on_target_refused(this.#route, error);
    this.#outcome = outcomeOf(error);
    health.failed(this.#route.id, target.url, this.#outcome);
    this.#tried.add(target);
    this.#target = null;
    if (this.#tried.size >= mostTries) this.#cut(this.#outcome);
    else this.#dial();
  }

  #open(upstream: Socket, target: TargetSnapshot): void {
    this.#settled();
    if (this.#state !== 'dialling') {
      upstream.destroy();
      return;
    }
    const client = this.#client;
    this.#state = 'open';
    this.#outcome = 'ok';
    this.#at = this.#context.running.now;
    this.#context.health.succeeded(this.#route.id, target.url);
    if (this.#route.stream.proxy_protocol)
      upstream.write(
        writeProxyHeader(
          { address: this.#facts.address, port: client.remotePort ?? 0 },
          { address: plainAddress(client.localAddress ?? '0.0.0.0'), port: client.localPort ?? this.#facts.port },
        ),
      );
    if (this.#first.length > 0) upstream.write(this.#first);
    // `pipe` hands on the end of one side as such: half a connection may go on.
    client.pipe(upstream);
    upstream.pipe(client);
    upstream.once('close', () => client.destroySoon());
  }

  #cut(outcome: StreamOutcome): void {
    if (this.#state === 'over') return;
    this.#outcome = outcome;
    this.#upstream?.destroy();
    this.#client.destroy();
  }

  #settled(): void {
    if (this.#late !== null) clearTimeout(this.#late);
    this.#late = null;
  }

  readonly #closed = (): void => {
    if (this.#state === 'over') return;
    if (this.#state === 'dialling' && this.#outcome === 'ok') this.#outcome = 'client_closed';
    this.#state = 'over';
    this.#settled();
    const { balancer, counts, metrics, running } = this.#context;
    if (this.#target !== null) balancer.ended(this.#route, this.#target);
    const upstream = this.#upstream;
    // What was written to it leaves first, for a while: nobody waits for it any more.
    if (upstream !== null && !upstream.destroyed) {
      upstream.destroySoon();
      setTimeout(() => upstream.destroy(), 5000).unref();
    }
    counts.leave(this.#route.id, this.#facts.address);
    running.leave(this);
    const took = (performance.now() - this.#facts.started) / 1000;
    metrics.closed('tcp', this.#outcome, took, this.#client.bytesRead, this.#client.bytesWritten);
    this.#write();
  };

  #write(): void {
    record(this.#context, this.#facts, {
      route: this.#route,
      target: this.#target,
      outcome: this.#outcome,
      bytes_in: this.#client.bytesRead,
      bytes_out: this.#client.bytesWritten,
    });
  }
}
