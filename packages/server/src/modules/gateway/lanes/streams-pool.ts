import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { isFieldValue, lowerName } from '../../../platform/http/fast/fields.ts';
import { BadAnswer } from './answer-head.ts';
import type { AnswerHandler, Sending } from './upstream-connection.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

export interface StreamsPoolParts {
  /** A connection on which HTTP/2 was agreed, or is known to be spoken. */
  dial: (done: (error: Error | null, socket: Socket | null) => void) => void;
  scheme: 'http' | 'https';
  /** Until its first frame; 0 = no limit. */
  settings_ms: number;
  /** Of a connection without requests. */
  kept_ms: number;
  /** Of an answer's head. */
  max_head: number;
  /** Of an answer on its way, before the app has to wait. */
  window: number;
}

/** Requests at once on a connection; an app that wants fewer is heard, one that allows more is not. */
const mostStreams = 100;
/** In units of Node, megabytes: what waits on all streams of a connection, for clients that take slowly. */
const sessionMemory = 64;

/** Fields that HTTP/2 has no place for, or that are pseudo fields there. */
const ofConnection = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect']);

const reset = (text: string, cause?: unknown): Error =>
  Object.assign(new Error(text, { cause }), { code: 'ECONNRESET' });

/** Codes of Node for what an app sent that is no HTTP/2; the rest are of its connection. */
const asOutcome = (error: Error): Error => {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!code.startsWith('ERR_HTTP2_')) return error;
  return /protocol|compression|frame_size|flow_control/i.test(error.message)
    ? new BadAnswer('the answer is not HTTP/2')
    : reset('the app reset the request', error);
};

/** Lines of HTTP/1.1 as those of a stream: the host is the authority. */
const streamHead = ({ method, path, headers }: Sending, scheme: string): string[] => {
  const lines: string[] = [];
  let authority = '';
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1]!;
    const name = lowerName(headers[at]!);
    if (name === null || !isFieldValue(value))
      throw Object.assign(new Error(`the field ${name ?? ''} cannot be sent`), { code: 'UND_ERR_INVALID_ARG' });
    if (name === 'host') authority = value;
    if (!ofConnection.has(name)) lines.push(name, value);
  }
  return [':method', method, ':scheme', scheme, ':authority', authority, ':path', path, ...lines];
};

/** A request and its answer on a stream of their own. */
class StreamExchange implements Dispatcher.DispatchController {
  rawHeaders: string[] | null = null;
  rawTrailers: string[] | null = null;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly #handler: AnswerHandler;
  readonly #free: () => void;
  #stream: ClientHttp2Stream | null = null;
  #body: Readable | null = null;
  #ended = false;
  #over = false;

  constructor(handler: AnswerHandler, free: () => void) {
    this.#handler = handler;
    this.#free = free;
  }

  begin(session: ClientHttp2Session, sending: Sending, scheme: string): void {
    const head = streamHead(sending, scheme);
    this.#handler.onRequestStart?.(this, null);
    if (this.#over) {
      this.#free();
      return;
    }
    const { body } = sending;
    const stream = session.request(head, { endStream: body === null });
    this.#stream = stream;
    stream.on('headers', (_headers, _flags, raw: string[]) => this.#head(raw));
    stream.on('response', (_headers, _flags, raw: string[]) => this.#head(raw));
    stream.on('trailers', (_headers, _flags, raw: string[]) => {
      this.rawTrailers = raw;
    });
    stream.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#handler.onResponseData?.(this, chunk);
    });
    stream.on('end', () => {
      this.#ended = true;
      // Trailers are told of after the end of what they follow.
      setImmediate(() => this.#finish());
    });
    stream.on('error', (error) => this.#fail(asOutcome(error)));
    stream.on('close', () => {
      if (this.#ended && stream.rstCode === NGHTTP2_NO_ERROR) this.#finish();
      else this.#fail(reset(`the app reset the request with ${stream.rstCode}`));
      this.#free();
    });
    if (body !== null) this.#send(body, stream);
  }

  abort(reason: Error): void {
    if (this.#over) return;
    this.aborted = true;
    this.reason = reason;
    this.#fail(reason);
  }

  pause(): void {
    this.paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#stream?.resume();
  }

  #send(body: Readable, stream: ClientHttp2Stream): void {
    this.#body = body;
    body.on('data', (chunk: Buffer) => {
      if (this.#body === body && !stream.write(chunk)) body.pause();
    });
    stream.on('drain', () => this.#body?.resume());
    body.on('end', () => {
      if (this.#body !== body) return;
      this.#body = null;
      stream.end();
      this.#handler.onRequestSent?.();
    });
    body.on('error', (error) => {
      if (this.#body === body) this.#fail(error);
    });
    body.on('close', () => {
      if (this.#body === body) this.#fail(reset('the client went away'));
    });
  }

  #head(raw: string[]): void {
    if (this.#over) return;
    const status = Number(raw[raw.indexOf(':status') + 1]);
    const lines: string[] = [];
    const links: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const [name, value] = [raw[at]!, raw[at + 1]!];
      if (!name.startsWith(':')) lines.push(name, value);
      if (name === 'link') links.push(value);
    }
    this.rawHeaders = lines;
    if (status >= 200) this.#handler.onResponseStarted?.();
    try {
      this.#handler.onResponseStart?.(this, status, links.length === 0 ? {} : { link: links.join(', ') }, '');
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#handler.onResponseEnd?.(this, {});
    // The app has said all; of a body that it did not wait for it wants no more.
    if (this.#body !== null) this.#stream?.close(NGHTTP2_NO_ERROR);
    this.#body = null;
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#body = null;
    const stream = this.#stream;
    if (stream !== null && !stream.destroyed) {
      if (!stream.closed) stream.close(NGHTTP2_CANCEL);
      // What it still holds would keep it open, because nobody reads it.
      stream.destroy();
    }
    this.#handler.onResponseError?.(this, error);
  }
}

/** A connection and how full it is. */
interface Line {
  session: ClientHttp2Session;
  running: number;
  idle: NodeJS.Timeout | null;
}

interface Waiting {
  sending: Sending;
  handler: AnswerHandler;
}

/** Connections of HTTP/2 to one target, for both lanes. Requests share them up to what the app allows. */
export class StreamsPool {
  readonly #parts: StreamsPoolParts;
  readonly #lines = new Set<Line>();
  #waiting: Waiting[] = [];
  #dialling = 0;
  #closing = false;

  constructor(parts: StreamsPoolParts) {
    this.#parts = parts;
  }

  dispatch(sending: Sending, handler: AnswerHandler): void {
    const line = this.#roomy();
    if (line !== null) {
      this.#begin(line, { sending, handler });
      return;
    }
    this.#waiting.push({ sending, handler });
    if (this.#waiting.length > this.#dialling * mostStreams) this.#dial();
  }

  /** Takes nothing new and ends each connection with its last request. */
  close(): void {
    this.#closing = true;
    for (const line of this.#lines) line.session.close();
  }

  destroy(): void {
    this.#closing = true;
    for (const line of this.#lines) line.session.destroy();
  }

  #roomy(): Line | null {
    for (const line of this.#lines) if (line.running < roomOf(line.session)) return line;
    return null;
  }

  #dial(): void {
    this.#dialling += 1;
    this.#parts.dial((error, socket) => {
      if (error === null && socket !== null) {
        this.#open(socket);
        return;
      }
      this.#dialling -= 1;
      this.#refuse(error ?? new Error('no connection'));
    });
  }

  #open(socket: Socket): void {
    const { scheme, max_head, window, settings_ms } = this.#parts;
    const session = connect(`${scheme}://target.invalid`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: window, maxHeaderListSize: max_head },
      peerMaxConcurrentStreams: mostStreams,
      maxSessionMemory: sessionMemory,
    });
    const line: Line = { session, running: 0, idle: null };
    // Its first frame says that it speaks HTTP/2 at all, and how many requests it takes at once. Until then nothing is
    // sent, and what waits may still go to another target.
    let settled = false;
    let patience: NodeJS.Timeout | null = null;
    const settle = (): boolean => {
      if (patience !== null) clearTimeout(patience);
      const first = !settled;
      settled = true;
      if (first) this.#dialling -= 1;
      return first;
    };
    const gone = (error: Error): void => {
      this.#lines.delete(line);
      if (line.idle !== null) clearTimeout(line.idle);
      if (settle()) this.#refuse(asOutcome(error));
    };
    if (settings_ms > 0)
      patience = setTimeout(() => {
        gone(Object.assign(new Error('the app did not begin in time'), { code: 'ETIMEDOUT' }));
        session.destroy();
      }, settings_ms);
    session.on('error', gone);
    session.on('close', () => gone(reset('the app closed the connection')));
    session.on('goaway', () => gone(reset('the app takes no more requests')));
    session.once('remoteSettings', () => {
      if (!settle()) return;
      this.#lines.add(line);
      this.#serve();
      if (this.#closing) session.close();
      else this.#rest(line);
    });
  }

  #refuse(error: Error): void {
    for (const { handler } of this.#waiting.splice(0)) handler.onResponseError?.(null as never, error);
  }

  /** Gives room to those who wait, and dials for those who find none. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      const line = this.#roomy();
      if (line === null) break;
      this.#begin(line, this.#waiting.shift()!);
    }
    if (this.#waiting.length > this.#dialling * mostStreams) this.#dial();
  }

  #begin(line: Line, { sending, handler }: Waiting): void {
    line.running += 1;
    if (line.idle !== null) clearTimeout(line.idle);
    line.idle = null;
    let over = false;
    const free = (): void => {
      if (over) return;
      over = true;
      line.running -= 1;
      this.#rest(line);
      if (this.#waiting.length > 0) this.#serve();
    };
    try {
      new StreamExchange(handler, free).begin(line.session, sending, this.#parts.scheme);
    } catch (error) {
      free();
      handler.onResponseError?.(null as never, error as Error);
    }
  }

  /** Ends a connection that nobody uses any more. */
  #rest(line: Line): void {
    if (line.running > 0 || line.session.destroyed || line.session.closed) return;
    line.idle = setTimeout(() => line.session.close(), this.#parts.kept_ms).unref();
  }
}

const roomOf = (session: ClientHttp2Session): number =>
  session.closed || session.destroyed
    ? 0
    : Math.min(mostStreams, session.remoteSettings?.maxConcurrentStreams ?? mostStreams);
