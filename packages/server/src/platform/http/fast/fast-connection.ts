import type { Socket } from 'node:net';
import { ChunkReader } from './chunks.ts';
import { FastRequest } from './fast-request.ts';
import { FastResponse } from './fast-response.ts';
import { type RequestFields, readRequestHead } from './request-head.ts';

/** What a connection of the fast reader belongs to. */
export interface FastHost {
  /** The time by a coarse clock: up to a second ahead. */
  readonly soon: number;
  /** Takes the request, or answers false and has done nothing: then the connection goes to Node's reader. */
  request(request: FastRequest, response: FastResponse): boolean;
  /** Node's reader gets the connection for good, with the bytes that were read and not used up. */
  handOver(socket: Socket): void;
  /** The body of a request is none, and nothing of its answer was sent. */
  broken(socket: Socket): void;
  left(connection: FastConnection): void;
}

/** What may wait here of a body or of further requests before the client is no longer read from. */
const mostHeld = 64 * 1024;
/** Longer fields are not kept for the next request. */
const mostKept = 4096;
/** How long Node keeps a connection between two requests; clients are told. */
export const keptIdleMs = 75_000;
const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${keptIdleMs / 1000}\r\n`;

/** One connection of a client: its requests one after the other, until one of them is not plain. */
export class FastConnection {
  readonly socket: Socket;
  /** Since when nobody has used it, or since when it owes the rest of a head. */
  since: number;
  /** It has been answered before. */
  used = false;
  readonly #host: FastHost;
  #held: Buffer | null = null;
  /** Those of the last request. */
  #fields: RequestFields | null = null;
  #request: FastRequest | null = null;
  #response: FastResponse | null = null;
  /** Of the body that is being read. */
  #left = 0;
  #chunks: ChunkReader | null = null;
  #paused = false;
  /** Answered, and the rest of the request's body has still to come. */
  #owes = false;

  constructor(socket: Socket, host: FastHost, now: number) {
    this.socket = socket;
    this.#host = host;
    this.since = now;
    socket.on('data', this.#data);
    socket.on('end', this.#end);
    socket.on('error', this.#failed);
    socket.on('close', this.#closed);
    socket.on('drain', this.#drained);
    socket.on('timeout', this.#failed);
  }

  get busy(): boolean {
    return this.#request !== null && !this.#owes;
  }

  /** Some of a head is here. */
  get begun(): boolean {
    return this.#held !== null;
  }

  /** For a refusal of somebody else's making. */
  release(): void {
    const { socket } = this;
    socket.off('data', this.#data);
    socket.off('end', this.#end);
    socket.off('error', this.#failed);
    socket.off('close', this.#closed);
    socket.off('drain', this.#drained);
    socket.off('timeout', this.#failed);
    this.#host.left(this);
  }

  readonly #data = (chunk: Buffer): void => {
    const first = this.#held === null;
    this.#held = first ? chunk : Buffer.concat([this.#held!, chunk]);
    if (this.#request !== null) this.#pump();
    else {
      this.#next();
      if (first && this.begun) this.since = performance.now();
    }
  };

  #next(): void {
    const bytes = this.#held;
    if (bytes === null || this.socket.destroyed) return;
    const head = readRequestHead(bytes, this.#fields);
    if (head === 'partial') return;
    if (head === 'odd') {
      this.#handOver();
      return;
    }
    const request = new FastRequest(head, this.socket, this.#pump);
    const { fields } = head;
    const response = new FastResponse(this.socket, head.method, fields.keep, keepAlive, this.#answered);
    if (fields !== this.#fields) this.#fields = fields.text.length > mostKept ? null : fields;
    this.#held = head.end === bytes.length ? null : bytes.subarray(head.end);
    this.#left = fields.length;
    this.#chunks = fields.length === -1 ? new ChunkReader() : null;
    this.#request = request;
    this.#response = response;
    if (this.#host.request(request, response)) return;
    this.#request = null;
    this.#response = null;
    this.#held = bytes;
    this.#handOver();
  }

  #handOver(): void {
    const { socket } = this;
    const bytes = this.#held;
    this.#held = null;
    socket.pause();
    this.release();
    if (bytes !== null) socket.unshift(bytes);
    this.#host.handOver(socket);
    socket.resume();
  }

  /** Gives on of the body what is here and wanted. */
  readonly #pump = (): void => {
    const request = this.#request;
    if (request === null) return;
    while (request.flowing && !request.complete && this.#held !== null && this.#request === request) {
      const bytes = this.#held;
      this.#held = null;
      if (this.#chunks === null) this.#measured(request, bytes);
      else if (!this.#chunked(request, this.#chunks, bytes)) return;
    }
    this.#flow(request);
  };

  #measured(request: FastRequest, bytes: Buffer): void {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    if (bytes.length > part.length) this.#held = bytes.subarray(part.length);
    this.#left -= part.length;
    if (this.#left > 0) {
      request.emit('data', part);
      return;
    }
    request.complete = true;
    request.emit('data', part);
    request.emit('end');
  }

  /** False when the connection is over. */
  #chunked(request: FastRequest, chunks: ChunkReader, bytes: Buffer): boolean {
    let end: number;
    try {
      end = chunks.read(bytes, (part) => {
        request.emit('data', part);
        return !this.socket.destroyed;
      });
    } catch {
      this.#broken();
      return false;
    }
    if (end === -1) return true;
    if (end < bytes.length) this.#held = bytes.subarray(end);
    request.complete = true;
    request.emit('end');
    return true;
  }

  #flow(request: FastRequest): void {
    const full = this.#held !== null && (request.complete || !request.flowing) && this.#held.length > mostHeld;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.socket.pause();
    else this.socket.resume();
  }

  /** Where a body ends nobody knows any more. */
  #broken(): void {
    const { socket } = this;
    const response = this.#response;
    const begun = response?.headersSent === true;
    this.release();
    this.#abandon();
    if (begun) socket.destroy();
    else this.#host.broken(socket);
  }

  /** An answer has left. What lacks of its request is read and thrown away. */
  readonly #answered = (): void => {
    const request = this.#request!;
    if (!this.#response!.shouldKeepAlive) {
      this.socket.destroySoon();
      return;
    }
    if (request.complete) {
      this.#settle();
      return;
    }
    this.#owes = true;
    this.used = true;
    this.since = performance.now();
    request.removeAllListeners();
    request.on('end', this.#settle);
    request.flowing = false;
    request.resume();
  };

  readonly #settle = (): void => {
    this.#request = null;
    this.#response = null;
    this.#owes = false;
    this.used = true;
    this.since = this.#host.soon;
    if (this.socket.timeout) this.socket.setTimeout(0);
    if (this.#paused) {
      this.#paused = false;
      this.socket.resume();
    }
    if (this.#held !== null) this.#next();
  };

  #abandon(): void {
    const [request, response] = [this.#request, this.#response];
    this.#request = null;
    this.#response = null;
    this.#held = null;
    if (request === null) return;
    response?.gone();
    request.destroyed = true;
    if (!request.complete) request.emit('close');
  }

  /** As Node does it: who ends half of a connection gets no answer on the other half. */
  readonly #end = (): void => {
    this.socket.end();
  };

  readonly #failed = (): void => {
    this.socket.destroy();
  };

  readonly #drained = (): void => {
    this.#response?.emit('drain');
  };

  readonly #closed = (): void => {
    this.#host.left(this);
    this.#abandon();
  };
}
