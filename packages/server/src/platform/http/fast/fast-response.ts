import { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { PassedResponse } from '../passing.ts';
import { type AnswerLines, answerLines } from './answer-lines.ts';
import { isFieldValue, lowerName } from './fields.ts';

let dateAt = 0;
let date = '';

/** The Date field of this second. */
const dateLine = (): string => {
  const now = Math.floor(Date.now() / 1000);
  if (now !== dateAt) {
    dateAt = now;
    date = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return date;
};

/** Bytes that are copied behind the head and written with it as one text. */
const small = 4096;
const lastChunk = '0\r\n\r\n';

/** An answer on a connection of the fast reader. Head, first bytes and end leave together when they come together. */
export class FastResponse extends EventEmitter implements PassedResponse {
  headersSent = false;
  destroyed = false;
  writableEnded = false;
  writableFinished = false;
  statusCode = 200;
  shouldKeepAlive: boolean;
  readonly socket: Socket;
  readonly #method: string;
  readonly #keepAlive: string;
  readonly #finished: () => void;
  #head: string | null = null;
  #first: Buffer | null = null;
  #chunked = false;
  #bodiless = false;
  #trailers = '';
  #over = false;

  /** `keepAlive`: what a client is told of how long its connection stays. */
  constructor(socket: Socket, method: string, keep: boolean, keepAlive: string, finished: () => void) {
    super();
    this.socket = socket;
    this.#method = method;
    this.#keepAlive = keepAlive;
    this.shouldKeepAlive = keep;
    this.#finished = finished;
  }

  get writableNeedDrain(): boolean {
    return !this.destroyed && this.socket.writableNeedDrain;
  }

  setHeader(_name: 'connection', _value: 'close'): void {
    this.shouldKeepAlive = false;
  }

  writeHead(status: number, headers: string[] | OutgoingHttpHeaders): void;
  writeHead(status: number, text: string, headers: string[]): void;
  writeHead(status: number, second: string | string[] | OutgoingHttpHeaders, third?: string[]): void {
    const reason = typeof second === 'string' ? second : null;
    this.#begin(answerLines(status, reason, (third ?? second) as string[]), '');
    process.nextTick(flushLater, this);
  }

  writeLines(lines: AnswerLines, requestId: string): void {
    this.#begin(lines, `x-request-id: ${requestId}\r\n`);
  }

  #begin(lines: AnswerLines, more: string): void {
    const { status, text, measured } = lines;
    this.statusCode = status;
    this.#bodiless = this.#method === 'HEAD' || status === 204 || status === 304;
    if (lines.closes) this.shouldKeepAlive = false;
    this.#chunked = !measured && !this.#bodiless;
    const date = lines.dated ? '' : dateLine();
    const connection = lines.connected ? '' : this.shouldKeepAlive ? this.#keepAlive : 'Connection: close\r\n';
    const coding = this.#chunked ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
    this.headersSent = true;
    this.#head = text + more + date + connection + coding;
  }

  writeContinue(): void {
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  writeEarlyHints({ link }: { link: string | string[] }): void {
    const value = Array.isArray(link) ? link.join(', ') : link;
    if (this.destroyed || this.headersSent || !isFieldValue(value)) return;
    this.socket.write(`HTTP/1.1 103 Early Hints\r\nLink: ${value}\r\n\r\n`, 'latin1');
  }

  #flush(): void {
    if (this.#head === null || this.destroyed) return;
    const head = this.#head;
    const first = this.#first;
    this.#head = null;
    this.#first = null;
    if (first === null) this.socket.write(head, 'latin1');
    else {
      this.socket.cork();
      this.socket.write(head, 'latin1');
      this.#part(first);
      this.socket.uncork();
    }
  }

  write(chunk: Buffer): boolean {
    if (!this.headersSent) this.writeHead(this.statusCode, []);
    if (this.destroyed || this.#bodiless) return true;
    if (chunk.length === 0) {
      this.#flush();
      return true;
    }
    if (this.#head !== null && this.#first === null) {
      this.#first = chunk;
      return true;
    }
    this.#flush();
    if (!this.#chunked) return this.socket.write(chunk);
    this.socket.cork();
    const more = this.#part(chunk);
    this.socket.uncork();
    return more;
  }

  addTrailers(pairs: [string, string][]): void {
    for (const [name, value] of pairs)
      if (lowerName(name) !== null && isFieldValue(value)) this.#trailers += `${name}: ${value}\r\n`;
  }

  end(chunk?: Buffer | string): void {
    if (this.destroyed || this.writableEnded) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!this.headersSent) this.writeHead(this.statusCode, ['Content-Length', String(bytes?.length ?? 0)]);
    if (bytes !== undefined) this.write(bytes);
    this.#last();
    if (this.socket.writableLength === 0) process.nextTick(this.#written);
    else this.socket.write('', 'latin1', this.#written);
  }

  finish(): void {
    if (this.destroyed || this.writableEnded) return;
    this.#last();
    if (this.socket.writableLength === 0) this.#written();
    else this.socket.write('', 'latin1', this.#written);
  }

  /** Everything that did not leave yet. */
  #last(): void {
    this.writableEnded = true;
    const last = !this.#chunked ? '' : this.#trailers === '' ? lastChunk : `0\r\n${this.#trailers}\r\n`;
    const head = this.#head;
    const first = this.#first;
    this.#head = null;
    this.#first = null;
    if (head === null) {
      if (last !== '') this.socket.write(last, 'latin1');
    } else if (first === null) this.socket.write(head + last, 'latin1');
    else if (first.length <= small) {
      const body = first.toString('latin1', 0, first.length);
      const whole = this.#chunked ? `${head}${first.length.toString(16)}\r\n${body}\r\n${last}` : head + body;
      this.socket.write(whole, 'latin1');
    } else {
      this.socket.cork();
      this.socket.write(head, 'latin1');
      if (this.#chunked) {
        this.#part(first);
        this.socket.write(last, 'latin1');
      } else this.socket.write(first);
      this.socket.uncork();
    }
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.socket.destroy();
  }

  isTaken(): boolean {
    this.#flush();
    return this.#first === null && this.socket.writableLength === 0;
  }

  /** The connection is gone, or is no longer this answer's. */
  gone(): void {
    if (this.#over) return;
    this.#over = true;
    this.destroyed = true;
    this.emit('close');
  }

  /** The first bytes wait for nobody: the app may send the next ones much later. */
  flushLater(): void {
    if (this.#head !== null) this.#flush();
  }

  #part(chunk: Buffer): boolean {
    if (!this.#chunked) return this.socket.write(chunk);
    this.socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    this.socket.write(chunk);
    return this.socket.write('\r\n', 'latin1');
  }

  readonly #written = (error?: Error | null): void => {
    // What the system refused is told when the connection closes.
    if (this.#over || (error !== undefined && error !== null) || this.socket.errored !== null) return;
    this.#over = true;
    this.writableFinished = true;
    this.emit('close');
    this.#finished();
  };
}

const flushLater = (response: FastResponse): void => response.flushLater();
