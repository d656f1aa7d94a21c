import type { Duplex } from 'node:stream';
import { clientMessage, closeCodes, type ServerMessage, socketVersion } from '@atrium/protocol';
import { type RawData, WebSocket } from 'ws';
import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import type { ProofContext } from '../http/http-options.ts';
import { newId } from '../ids/ids.ts';
import { actorOf, type Caller } from '../operations/caller.ts';
import type { Receiver, Subscription } from './event-fan-out.ts';
import type { PresenceBoard } from './presence-board.ts';
import { SocketLogStreams } from './socket-log-streams.ts';
import type { SocketHostOptions, SocketLimits } from './socket-options.ts';
import { frameOf } from './text-frame.ts';

type ClientMessage = z.output<typeof clientMessage>;

const pong = Buffer.from('{"type":"pong"}');
const mostPresences = 20;
const mostQueued = 50;

/** What a connection needs of the host that holds it. */
export interface SocketSurroundings {
  readonly options: SocketHostOptions;
  readonly limits: SocketLimits;
  readonly presence: PresenceBoard<SocketConnection>;
  /** Sockets that the principal of this caller has open. */
  countOf(caller: Caller): number;
}

/** One socket: who is behind it, what it listens to, and how it ends. */
export class SocketConnection implements Receiver {
  caller: Caller | null = null;
  readonly id = newId();
  readonly opened_at: Date;
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  readonly #host: SocketSurroundings;
  readonly #origin: { ip: string | null; user_agent: string | null };
  readonly #certificate: string | null;
  readonly #items = new Set<string>();
  readonly #logs: SocketLogStreams;
  #subscription: Subscription | null = null;
  #timer: NodeJS.Timeout | null = null;
  #identifying = false;
  /** Messages are handled one after the other: a `subscribe` sent with the `auth` waits for it. */
  #tail: Promise<void> = Promise.resolve();
  #queued = 0;
  #heard: number;
  #allowance: number;
  #refilled: number;

  constructor(
    socket: WebSocket,
    wire: Duplex,
    host: SocketSurroundings,
    from: { ip: string | null; user_agent: string | null; cookie: string | null; certificate: string | null },
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#host = host;
    this.#certificate = from.certificate;
    this.#origin = { ip: from.ip, user_agent: from.user_agent };
    this.#heard = this.#refilled = host.options.now();
    this.opened_at = new Date(this.#heard);
    this.#allowance = host.limits.messages_per_second * 2;
    this.#logs = new SocketLogStreams(host.options.logs ?? null, {
      send: (message) => this.send(message),
      buffered: () => socket.bufferedAmount,
      flushed: () => this.flushed(),
      logger: host.options.logger,
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => this.#touch());
    socket.on('ping', () => this.#touch());
    socket.on('error', () => socket.terminate());
    socket.once('close', () => this.#gone());
    this.#timer = setTimeout(() => this.close(closeCodes.unauthorized, 'no auth message'), host.limits.auth_ms).unref();
    if (from.cookie !== null) {
      this.#identifying = true;
      this.#enqueue(() => this.#identify(from.cookie!, 'cookie'));
    }
  }

  get origin(): { ip: string | null; user_agent: string | null } {
    return this.#origin;
  }

  // What the fan-out asks for.

  deliver(text: Buffer): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#host.limits.max_buffered) {
      // A closing handshake would wait behind the very bytes that nobody reads.
      this.close(closeCodes.too_slow, 'too slow');
      return;
    }
    // Sockets do not compress, so `ws` queues nothing of its own that a frame written beside it could overtake.
    this.#wire.write(frameOf(text));
    this.#host.options.metrics.socketMessage('out');
  }

  replayed(cursor: number): void {
    this.send({ type: 'replayed', cursor });
  }

  resync(cursor: number): void {
    this.send({ type: 'resync', cursor });
  }

  revoked(): void {
    this.close(closeCodes.forbidden, 'forbidden');
  }

  changed(caller: Caller): void {
    this.caller = caller;
    this.#logs.recheck(caller);
    for (const item of this.#items) this.#enqueue(() => this.#recheck(item));
  }

  flushed(): Promise<void> {
    if (this.#socket.bufferedAmount === 0 || this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve();
    return new Promise((resolve) => this.#socket.ping(undefined, undefined, () => resolve()));
  }

  send(message: ServerMessage): void {
    this.deliver(Buffer.from(JSON.stringify(message)));
  }

  close(code: number, reason: string): void {
    if (this.#subscription !== null) this.#host.options.fan_out.leave(this.#subscription);
    this.#socket.close(code, reason);
    // A peer that does not answer the close is cut off; `ws` alone would wait half a minute.
    setTimeout(() => this.#socket.terminate(), 2000).unref();
  }

  sweep(now: number): void {
    const expires = this.caller?.credential.expires_at ?? null;
    if (now - this.#heard > this.#host.limits.idle_ms) this.close(closeCodes.idle, 'idle');
    else if (expires !== null && expires.getTime() <= now) this.close(closeCodes.unauthorized, 'expired');
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  /** Says goodbye and resolves when the socket is closed, by force after a second. */
  shutDown(): Promise<void> {
    return new Promise((resolve) => {
      const force = setTimeout(() => this.#socket.terminate(), 1000);
      this.#socket.once('close', () => {
        clearTimeout(force);
        resolve();
      });
      if (this.#socket.readyState === WebSocket.CLOSED) {
        clearTimeout(force);
        resolve();
      } else this.close(1001, 'the server is stopping');
    });
  }

  // What the client says.

  #touch(): void {
    this.#heard = this.#host.options.now();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#host.options.metrics.socketMessage('in');
    this.#touch();
    const strange = this.caller === null && !this.#identifying;
    const message = isBinary ? null : parseMessage(data);
    // What is refused is not remembered, so a flood of slow questions takes no memory.
    if (!this.#spend() || this.#queued >= mostQueued) this.#refuse('rate_limited', 'Too many messages.');
    else if (strange && message?.type !== 'auth') this.close(closeCodes.unauthorized, 'auth comes first');
    else if (message === null) this.#refuse('bad_request', 'This is not a message of the protocol.');
    else {
      if (message.type === 'auth') this.#identifying = true;
      this.#enqueue(() => this.#handle(message));
    }
  }

  #spend(): boolean {
    const rate = this.#host.limits.messages_per_second;
    const now = this.#host.options.now();
    this.#allowance = Math.min(rate * 2, this.#allowance + ((now - this.#refilled) / 1000) * rate);
    this.#refilled = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }

  #enqueue(act: () => Promise<void> | void): void {
    this.#queued++;
    this.#tail = this.#tail
      .then(act)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#queued--;
      });
  }

  #failed(error: unknown): void {
    if (error instanceof AppError) this.#refuse(error.code, error.message);
    else {
      this.#host.options.logger.error({ err: error }, 'socket message failed');
      this.#refuse('internal', 'Something went wrong.');
    }
  }

  #refuse(code: string, detail: string): void {
    this.send({ type: 'error', code, detail });
  }

  async #handle(message: ClientMessage): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (message.type === 'auth') {
      if (this.caller !== null) return this.#refuse('bad_request', 'This connection is already signed in.');
      return this.#identify(message.token, 'ticket', message.proof);
    }
    if (this.caller === null || this.#subscription === null)
      return this.close(closeCodes.unauthorized, 'auth comes first');
    switch (message.type) {
      case 'ping':
        return this.deliver(pong);
      case 'subscribe':
        return this.#subscribe(this.#subscription, message);
      case 'presence':
        return this.#present(this.caller, message.item, message.state);
      case 'logs.open':
        return this.#logs.open(this.caller, message);
      case 'logs.close':
        return this.#logs.close(message.id);
      default:
        return message satisfies never;
    }
  }

  async #identify(token: string, via: 'cookie' | 'ticket', dpop: string | null = null): Promise<void> {
    const host = this.#host;
    // The proof of a key comes in the message, since a browser can set no header of the upgrade.
    const proof: ProofContext = {
      ...{ scheme: dpop === null ? 'bearer' : 'dpop', dpop, method: 'GET' },
      ...{ url: `${host.options.public_url()}/ws`, certificate: this.#certificate },
    };
    // The socket is part of the interface that operations have; its tokens name the same audience.
    const resource = `${host.options.public_url()}/api/v1`;
    let caller: Caller | null;
    try {
      caller = await host.options.authenticate(token, { via, resource, proof, ...this.#origin });
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) return this.close(1013, 'try again later');
      return this.close(error.status === 403 ? closeCodes.forbidden : closeCodes.unauthorized, error.code);
    }
    this.#identifying = false;
    if (caller === null) {
      // A dead cookie counts as none: the client may still send a token.
      return via === 'cookie' ? undefined : this.close(closeCodes.unauthorized, 'unauthorized');
    }
    if (host.countOf(caller) >= host.limits.per_principal) return this.close(closeCodes.forbidden, 'too many sockets');
    await this.#welcome(caller);
  }

  async #welcome(caller: Caller): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.caller = caller;
    this.#host.options.presence?.opened(caller);
    if (this.#timer !== null) clearTimeout(this.#timer);
    let subscription: Subscription;
    try {
      subscription = await this.#host.options.fan_out.join(caller, this);
    } catch {
      return this.close(1013, 'try again later');
    }
    if (this.#socket.readyState !== WebSocket.OPEN) return this.#host.options.fan_out.leave(subscription);
    this.#subscription = subscription;
    this.send({
      type: 'ready',
      version: socketVersion,
      user: actorOf(caller),
      org: { id: caller.org_id, name: caller.org_name },
      cursor: subscription.cursor,
    });
    // Until the first subscribe, or for a moment: a client that wants older events must not get newer ones first.
    this.#timer = setTimeout(
      () => this.#host.options.fan_out.start(subscription, null, false),
      this.#host.limits.hold_ms,
    ).unref();
  }

  #subscribe(subscription: Subscription, message: Extract<ClientMessage, { type: 'subscribe' }>): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    subscription.channels = message.channels === undefined ? null : new Set(message.channels);
    this.#host.options.fan_out.start(subscription, message.since ?? null, true);
  }

  async #present(caller: Caller, item: string, state: 'viewing' | 'answering' | 'gone'): Promise<void> {
    if (state === 'gone') return this.#leaveItem(item);
    if (!this.#items.has(item) && this.#items.size >= mostPresences)
      return this.#refuse('rate_limited', 'Too many items at once.');
    if (!(await this.#host.options.can_see(caller, item)))
      return this.#refuse('not_found', 'The item does not exist, or you may not see it.');
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#items.add(item);
    this.#host.presence.set(item, this, { actor: actorOf(caller), state });
  }

  async #recheck(item: string): Promise<void> {
    if (this.caller !== null && this.#items.has(item) && !(await this.#host.options.can_see(this.caller, item)))
      this.#leaveItem(item);
  }

  #leaveItem(item: string): void {
    if (this.#items.delete(item)) this.#host.presence.leave(item, this);
  }

  #gone(): void {
    this.#logs.closeAll();
    if (this.caller !== null) this.#host.options.presence?.closed(this.caller);
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#subscription !== null) this.#host.options.fan_out.leave(this.#subscription);
    for (const item of [...this.#items]) this.#leaveItem(item);
  }
}

const parseMessage = (data: RawData): ClientMessage | null => {
  try {
    const result = clientMessage.safeParse(JSON.parse(String(data)));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
};
