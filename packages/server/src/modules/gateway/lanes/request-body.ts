import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** More came than the route allows. */
export class BodyTooLarge extends Error {
  readonly code = 'ATRIUM_BODY_TOO_LARGE';
}

/**
 * The body on its way to an app. It stands between the two, so that an app that goes away takes only this with it and
 * the client can still be answered; and it begins to read when the app does, so that what was not begun can go to
 * another target.
 */
export class RequestBody extends Readable {
  bytes = 0;
  /** The app wants more and the client has not sent it. */
  waiting = false;
  /** Something went in or out since the clock was last looked at. */
  moved = true;
  readonly #request: IncomingMessage;
  readonly #most: number;
  #begun = false;

  constructor(request: IncomingMessage, most: number) {
    super({ highWaterMark: 256 * 1024 });
    this.#request = request;
    this.#most = most;
  }

  get begun(): boolean {
    return this.#begun;
  }

  override _read(): void {
    this.waiting = true;
    this.moved = true;
    if (this.#begun) {
      this.#request.resume();
      return;
    }
    this.#begun = true;
    this.#request.on('data', this.#data).on('end', this.#end).on('close', this.#closed);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#request.off('data', this.#data).off('end', this.#end).off('close', this.#closed);
    if (this.#begun && !this.#request.complete) this.#request.pause();
    done(error);
  }

  readonly #data = (chunk: Buffer): void => {
    this.bytes += chunk.length;
    this.moved = true;
    if (this.#most > 0 && this.bytes > this.#most) {
      this.destroy(new BodyTooLarge('the body is too large'));
      return;
    }
    if (this.push(chunk)) return;
    this.waiting = false;
    this.#request.pause();
  };

  readonly #end = (): void => {
    this.waiting = false;
    this.push(null);
  };

  readonly #closed = (): void => {
    if (!this.#request.complete)
      this.destroy(Object.assign(new Error('the client went away'), { code: 'ECONNABORTED' }));
  };
}
