import type { clientMessage, ServerMessage } from '@atrium/protocol';
import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import type { HostLogger } from '../http/http-options.ts';
import type { Caller } from '../operations/caller.ts';
import type { SocketLogs } from './socket-options.ts';

type OpenMessage = Extract<z.output<typeof clientMessage>, { type: 'logs.open' }>;

/** What a stream needs of its connection. */
export interface LogWire {
  send(message: ServerMessage): void;
  /** Bytes that the client has not taken yet. */
  buffered(): number;
  flushed(): Promise<void>;
  logger: HostLogger;
}

const mostOfConnection = 5;
/** More than this waiting for the client, and the stream waits too: its source then leaves lines out. */
const patienceBytes = 256 * 1024;

/** Logs that one connection follows, by the names that its client gave them. */
export class SocketLogStreams {
  readonly #source: SocketLogs | null;
  readonly #wire: LogWire;
  readonly #open = new Map<string, AbortController>();

  constructor(source: SocketLogs | null, wire: LogWire) {
    this.#source = source;
    this.#wire = wire;
  }

  /** Returns at once: a log that is slow to begin holds up nothing else of the connection. */
  open(caller: Caller, message: OpenMessage): void {
    const { id } = message;
    const refused = this.#refusal(id);
    if (this.#source === null || refused !== null) {
      this.#refuse(id, refused ?? new AppError('not_found', 'This server follows no logs.'));
      return;
    }
    const stop = new AbortController();
    this.#open.set(id, stop);
    void this.#follow(this.#source, caller, message, stop);
  }

  #refusal(id: string): AppError | null {
    if (this.#open.has(id)) return new AppError('bad_request', 'A stream of this id is open; choose another id.');
    if (this.#open.size < mostOfConnection) return null;
    const detail = `A connection follows ${mostOfConnection} logs at most; close one first.`;
    return new AppError('too_many_waits', detail);
  }

  close(id: string): void {
    this.#open.get(id)?.abort();
    this.#open.delete(id);
  }

  closeAll(): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  /** Ends what the caller may no longer see. */
  recheck(caller: Caller): void {
    if (this.#open.size === 0) return;
    try {
      this.#source?.allow(caller);
    } catch (error) {
      for (const id of [...this.#open.keys()]) {
        this.close(id);
        this.#refuse(id, error);
      }
    }
  }

  async #follow(source: SocketLogs, caller: Caller, message: OpenMessage, stop: AbortController): Promise<void> {
    const { id } = message;
    try {
      source.allow(caller);
      for await (const piece of await source.open(caller, message, stop.signal)) {
        if (stop.signal.aborted) return;
        this.#wire.send({ ...piece, id });
        if (this.#wire.buffered() > patienceBytes) await this.#wire.flushed();
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#refuse(id, error);
    } finally {
      if (this.#open.get(id) === stop) this.close(id);
      else stop.abort();
    }
  }

  #refuse(id: string, error: unknown): void {
    const known = error instanceof AppError;
    if (!known) this.#wire.logger.error({ err: error }, 'a log could not be followed');
    const [code, detail] = known ? [error.code, error.message] : ['internal', 'Something went wrong.'];
    this.#wire.send({ type: 'logs.ended', id, code, detail });
  }
}
