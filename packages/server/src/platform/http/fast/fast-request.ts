import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { PassedRequest } from '../passing.ts';
import type { RequestFields, RequestHead } from './request-head.ts';

/** A request as the fast reader read it. Its body waits in the connection until somebody wants it. */
export class FastRequest extends EventEmitter implements PassedRequest {
  readonly fast = true;
  readonly httpVersionMinor = 1;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly fields: RequestFields;
  readonly socket: Socket;
  complete: boolean;
  destroyed = false;
  /** Somebody takes the body. */
  flowing = false;
  readonly #wanted: () => void;

  constructor(head: RequestHead, socket: Socket, wanted: () => void) {
    super();
    this.method = head.method;
    this.url = head.url;
    this.fields = head.fields;
    this.headers = head.fields.headers;
    this.rawHeaders = head.fields.raw;
    this.socket = socket;
    this.complete = head.fields.length === 0;
    this.#wanted = wanted;
  }

  override on(event: 'data', listener: (chunk: Buffer) => void): this;
  override on(event: 'end' | 'close', listener: () => void): this;
  override on(event: string, listener: (chunk: Buffer) => void): this {
    super.on(event, listener);
    if (event === 'data') this.resume();
    return this;
  }

  pause(): void {
    this.flowing = false;
  }

  resume(): void {
    if (this.flowing || this.complete) return;
    this.flowing = true;
    // Whoever asks for more is in the middle of something.
    process.nextTick(this.#wanted);
  }
}
