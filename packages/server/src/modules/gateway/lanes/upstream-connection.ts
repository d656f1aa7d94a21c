import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ChunkReader } from '../../../platform/http/fast/chunks.ts';
import { lowerName } from '../../../platform/http/fast/fields.ts';
import { type AnswerHead, BadAnswer, readAnswerHead } from './answer-head.ts';
import { type HeaderLines, headerLines, type SharedHeaders } from './shared-headers.ts';

/** A request as a lane sends it. */
export interface Sending {
  method: string;
  path: string;
  headers: readonly string[];
  /** Instead of `headers`, which are none then. */
  shared: { headers: SharedHeaders; request_id: string } | null;
  body: Readable | null;
  /** Asks for a WebSocket. */
  upgrade?: true;
}

/** The same with all headers in one list. */
export const unshared = (sending: Sending): Sending => {
  const { shared } = sending;
  return shared === null ? sending : { ...sending, headers: shared.headers.with(shared.request_id), shared: null };
};

const withPayload = new Set(['POST', 'PUT', 'PATCH']);
/** Who hears of an answer of the fast lane. */
export interface AnswerHandler extends Dispatcher.DispatchHandler {
  /** All bytes that were given have left: their memory may be used again. */
  onBytesTaken?(): boolean;
  /** The connection is the caller's from now on; `first` came behind the head. */
  onUpgraded?(answer: AnswerHead, first: Buffer): void;
}

const gone = (): Error => Object.assign(new Error('the app closed the connection'), { code: 'ECONNRESET' });

/** One connection to an app: a request and its answer at a time, and never again once there is a doubt. */
export class UpstreamConnection implements Dispatcher.DispatchController {
  rawHeaders: string[] | null = null;
  /** The head of the answer that is being read. */
  answer: AnswerHead | null = null;
  rawTrailers: string[] | null = null;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  /** By when it must be used again. */
  idle_until = 0;
  readonly #socket: Socket;
  readonly #free: (connection: UpstreamConnection) => void;
  #handler: AnswerHandler | null = null;
  #method = '';
  #upgrade = false;
  #body: Readable | null = null;
  #sent = false;
  #state: 'idle' | 'head' | 'length' | 'chunks' | 'close' = 'idle';
  #begun = false;
  #left = 0;
  #keep = false;
  #keepMs: number | null = null;
  #chunks: ChunkReader | null = null;
  #held: Buffer | null = null;

  /** `free`: it may be used again, or is closed; `usable` tells. Who makes it gives it what is read. */
  constructor(socket: Socket, free: (connection: UpstreamConnection) => void) {
    this.#socket = socket;
    this.#free = free;
    socket.on('end', this.#ended);
    socket.on('error', this.#failed);
    socket.on('close', this.#closed);
    socket.on('drain', this.#drained);
  }

  get usable(): boolean {
    return this.#state === 'idle' && !this.#socket.destroyed && this.#socket.writable;
  }

  /** How long the app said that it keeps it. */
  get keepMs(): number | null {
    return this.#keepMs;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  send(sending: Sending, handler: AnswerHandler): void {
    const { method, body } = sending;
    const head = requestHead(sending);
    this.#handler = handler;
    this.#method = method;
    this.#upgrade = sending.upgrade === true;
    this.aborted = false;
    this.rawHeaders = null;
    this.rawTrailers = null;
    handler.onRequestStart?.(this, null);
    if (this.#handler !== handler) return;
    this.#state = 'head';
    this.#begun = false;
    this.#sent = body === null;
    if (body === null) {
      this.#socket.write(head.text + emptyFraming(method), 'latin1');
      return;
    }
    this.#body = body;
    this.#pipe(body, head.text, head.length);
  }

  abort(reason: Error): void {
    const handler = this.#handler;
    if (handler === null) return;
    this.aborted = true;
    this.reason = reason;
    // Nothing was written: it is as good as before.
    if (this.#state === 'idle') {
      this.#handler = null;
      handler.onResponseError?.(this, reason);
      this.#free(this);
    } else this.#fail(reason);
  }

  pause(): void {
    this.paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.#socket.resume();
  }

  /** The head waits for the first bytes of the body: a client that never sends any costs the app nothing. */
  #pipe(body: Readable, head: string, length: string | null): void {
    const socket = this.#socket;
    const chunked = length === null;
    let waiting = `${head}${chunked ? 'transfer-encoding: chunked' : `content-length: ${length}`}\r\n\r\n`;
    body.on('data', (part: Buffer) => {
      if (this.#body !== body) return;
      socket.cork();
      const before = chunked ? `${waiting}${part.length.toString(16)}\r\n` : waiting;
      waiting = '';
      if (before !== '') socket.write(before, 'latin1');
      socket.write(part);
      if (chunked) socket.write('\r\n', 'latin1');
      socket.uncork();
      if (socket.writableNeedDrain) body.pause();
    });
    body.on('end', () => {
      if (this.#body !== body) return;
      this.#body = null;
      this.#sent = true;
      // A body that turned out to be none is told of as none.
      const last = waiting !== '' ? head + emptyFraming(this.#method) : chunked ? '0\r\n\r\n' : '';
      if (last !== '') socket.write(last, 'latin1');
      this.#handler?.onRequestSent?.();
    });
    body.on('error', (error) => {
      if (this.#body === body) this.#fail(error);
    });
    body.on('close', () => {
      if (this.#body === body) this.#fail(gone());
    });
  }

  /** Bytes that arrived. True when nobody holds any of them afterwards. */
  readonly data = (chunk: Buffer): boolean => {
    const handler = this.#handler;
    if (this.#state === 'idle' || handler === null) {
      // Nobody asked.
      this.#socket.destroy();
      return true;
    }
    if (!this.#begun) {
      this.#begun = true;
      handler.onResponseStarted?.();
    }
    try {
      this.#read(chunk);
    } catch (error) {
      this.#fail(error as Error);
    }
    return this.#held === null && handler.onBytesTaken?.() === true;
  };

  #read(chunk: Buffer): void {
    let bytes = chunk;
    while (this.#state === 'head') {
      if (this.#held !== null) {
        bytes = Buffer.concat([this.#held, bytes]);
        this.#held = null;
      }
      const head = readAnswerHead(bytes, this.#method, this.answer);
      if (head === null) {
        this.#held = bytes;
        return;
      }
      bytes = bytes.subarray(head.end);
      if (this.#upgrade && head.status === 101) {
        this.#upgraded(head, bytes);
        return;
      }
      this.#answer(head);
      if (this.#handler === null) return;
      // An answer without a body is over with its head.
      if (head.framing === 0 && head.status >= 200) {
        this.#finish(bytes.length === 0);
        return;
      }
      if (bytes.length === 0) return;
    }
    this.#take(bytes);
  }

  #upgraded(head: AnswerHead, first: Buffer): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#socket.off('end', this.#ended);
    this.#socket.off('error', this.#failed);
    this.#socket.off('close', this.#closed);
    this.#socket.off('drain', this.#drained);
    handler?.onUpgraded?.(head, first);
  }

  #answer(head: AnswerHead): void {
    const { status, raw, framing } = head;
    this.answer = head;
    this.rawHeaders = raw;
    if (status < 200) {
      // Nothing of ours asks for them; 101 would be another protocol, and nobody waits for 100.
      if (status === 101 || (status === 100 && !this.#upgrade)) throw gone();
      this.#handler?.onResponseStart?.(this, status, linksOf(raw), head.text);
      return;
    }
    this.#keep = head.keep;
    this.#keepMs = head.keep_ms;
    this.#state = typeof framing === 'number' ? 'length' : framing;
    this.#left = typeof framing === 'number' ? framing : 0;
    this.#chunks = framing === 'chunks' ? new ChunkReader() : null;
    this.#handler?.onResponseStart?.(this, status, {}, head.text);
  }

  #take(bytes: Buffer): void {
    if (this.#state === 'close') this.#handler?.onResponseData?.(this, bytes);
    else if (this.#state === 'chunks') {
      const end = this.#chunks!.read(bytes, this.#part);
      if (end === -1 || this.#handler === null) return;
      this.rawTrailers = this.#chunks!.trailers;
      this.#finish(end === bytes.length);
    } else if (this.#state === 'length') {
      const whole = bytes.length >= this.#left;
      const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
      this.#left -= part.length;
      this.#handler?.onResponseData?.(this, part);
      if (whole && this.#handler !== null) this.#finish(part.length === bytes.length);
    }
  }

  readonly #part = (part: Buffer): boolean => {
    this.#handler?.onResponseData?.(this, part);
    return this.#handler !== null;
  };

  /** The answer is whole. `clean` = nothing came behind it. */
  #finish(clean: boolean): void {
    const handler = this.#handler;
    const again = clean && this.#keep && this.#sent && !this.#socket.destroyed;
    this.#handler = null;
    this.#body = null;
    this.#held = null;
    this.#chunks = null;
    this.#state = 'idle';
    if (this.paused) this.resume();
    if (!again) this.#socket.destroy();
    else this.#free(this);
    handler?.onResponseEnd?.(this, {});
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#body = null;
    this.#held = null;
    this.#socket.destroy();
    handler?.onResponseError?.(this, error);
  }

  readonly #ended = (): void => {
    if (this.#state === 'close' && this.#handler !== null) this.#finish(false);
    else if (this.#handler !== null) this.#fail(this.#held === null ? gone() : new BadAnswer('the answer has no end'));
    else this.#socket.destroy();
  };

  readonly #failed = (error: Error): void => {
    this.#fail(error);
  };

  readonly #closed = (): void => {
    this.#fail(gone());
    this.#free(this);
  };

  readonly #drained = (): void => {
    this.#body?.resume();
  };
}

/** Of early hints nothing but these is passed on. */
const linksOf = (raw: readonly string[]): { link?: string } => {
  const links: string[] = [];
  for (let at = 0; at < raw.length; at += 2) if (lowerName(raw[at]!) === 'link') links.push(raw[at + 1]!);
  return links.length === 0 ? {} : { link: links.join(', ') };
};

/** All but what says how long the body is. Throws where a field cannot be sent. */
const requestHead = ({ method, path, headers, shared, upgrade }: Sending): HeaderLines => {
  const { text, length } = shared === null ? headerLines(headers) : shared.headers.lines;
  const own = shared === null ? '' : `x-request-id: ${shared.request_id}\r\n`;
  const connection =
    upgrade === true
      ? 'connection: Upgrade\r\nupgrade: websocket\r\n'
      : `connection: ${method === 'HEAD' ? 'close' : 'keep-alive'}\r\n`;
  return { text: `${method} ${path} HTTP/1.1\r\n${text}${own}${connection}`, length };
};

/** The end of a head that no body follows. */
const emptyFraming = (method: string): string => (withPayload.has(method) ? 'content-length: 0\r\n\r\n' : '\r\n');
