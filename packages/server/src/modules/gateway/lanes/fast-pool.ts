import type { Socket } from 'node:net';
import { Intake } from './intake.ts';
import { type AnswerHandler, type Sending, UpstreamConnection } from './upstream-connection.ts';

export interface FastPoolParts {
  /** Resolves, checks and dials. Without an intake, the connection tells what it reads by its events. */
  dial: (intake: Intake | null, done: (error: Error | null, socket: Socket | null) => void) => void;
  /** Connections that are kept while nothing runs on them, and for how long. */
  kept: number;
  kept_ms: number;
  /** Bytes are decrypted before they are read. */
  encrypted: boolean;
}

/** Before the moment that the app itself told, so that a request does not meet its closing. */
const earlier = 1000;

/** Connections to one target for the fast lane. Whoever finds none free gets a new one. */
export class FastPool {
  readonly #parts: FastPoolParts;
  /** The one that was used last is the next to be used. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  constructor(parts: FastPoolParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#sweep(performance.now()), 5000).unref();
  }

  dispatch(sending: Sending, handler: AnswerHandler): void {
    const connection = this.#take();
    if (connection !== null) {
      this.#send(connection, sending, handler);
      return;
    }
    const intake = this.#parts.encrypted ? null : new Intake();
    this.#parts.dial(intake, (error, socket) => {
      if (error !== null || socket === null) {
        handler.onResponseError?.(null as never, error ?? new Error('no connection'));
        return;
      }
      const made = new UpstreamConnection(socket, this.#freed);
      if (intake === null) socket.on('data', made.data);
      else intake.begin(made.data);
      this.#all.add(made);
      this.#send(made, sending, handler);
    });
  }

  /** Takes nothing new and ends what is not used. */
  close(): void {
    this.#closing = true;
    clearInterval(this.#timer);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  destroy(): void {
    this.close();
    for (const connection of this.#all) connection.destroy();
  }

  #send(connection: UpstreamConnection, sending: Sending, handler: AnswerHandler): void {
    try {
      connection.send(sending, handler);
    } catch (error) {
      if (connection.usable) this.#freed(connection);
      handler.onResponseError?.(connection, error as Error);
    }
  }

  #take(): UpstreamConnection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (connection.usable) return connection;
      connection.destroy();
    }
  }

  readonly #freed = (connection: UpstreamConnection): void => {
    if (!connection.usable) {
      this.#all.delete(connection);
      return;
    }
    const told = connection.keepMs;
    const stays = told === null ? this.#parts.kept_ms : Math.min(this.#parts.kept_ms, told - earlier);
    if (this.#closing || stays <= 0 || this.#idle.length >= this.#parts.kept) {
      connection.destroy();
      return;
    }
    connection.idle_until = performance.now() + stays;
    this.#idle.push(connection);
  };

  #sweep(now: number): void {
    const kept = this.#idle.filter((connection) => connection.usable && connection.idle_until > now);
    for (const connection of this.#idle) if (!kept.includes(connection)) connection.destroy();
    this.#idle.splice(0, this.#idle.length, ...kept);
  }
}
