import { Readable } from 'node:stream';
import type { PassedRequest } from '../../../platform/http/passing.ts';

/** More came than the route allows. */
export class BodyTooLarge extends Error {
  readonly code = 'ATRIUM_BODY_TOO_LARGE';
}

/** A request, or what was taken of one beforehand. */
export type BodySource = Pick<PassedRequest, 'complete' | 'on' | 'off' | 'pause' | 'resume'>;

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
  readonly #request: BodySource;
  readonly #most: number;
  readonly #copy: ((chunk: Buffer) => void) | null;
  #begun = false;

  /** `copy` sees what passes. */
  constructor(request: BodySource, most: number, copy: ((chunk: Buffer) => void) | null = null) {
    super({ highWaterMark: 256 * 1024 });
    this.#request = request;
    this.#most = most;
    this.#copy = copy;
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
    const request = this.#request;
    request.on('end', this.#end);
    request.on('close', this.#closed);
    request.on('data', this.#data);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#request.off('data', this.#data);
    this.#request.off('end', this.#end);
    this.#request.off('close', this.#closed);
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
    this.#copy?.(chunk);
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
