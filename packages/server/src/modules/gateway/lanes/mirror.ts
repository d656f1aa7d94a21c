import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { RouteSnapshot } from '../snapshot.ts';
import { hostOf } from './request-headers.ts';
import type { TargetLinks } from './target-links.ts';

type MirrorTarget = RouteSnapshot['mirrors'][number];

/** Copies on their way, at once: a mirror that is slow must cost nothing but itself. */
const mostAtOnce = 200;
const patienceMs = 30_000;

/** Collects the body of a request while it passes. */
export class BodyCopy {
  readonly #most: number;
  #chunks: Buffer[] | null = [];
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Buffer): void {
    if (this.#chunks === null) return;
    this.#size += chunk.length;
    if (this.#size > this.#most) this.#chunks = null;
    // The memory of a chunk is used again once it has left.
    else this.#chunks.push(Buffer.from(chunk));
  }

  /** Null when it was too large. */
  take(most: number): Buffer | null {
    return this.#chunks === null || this.#size > most ? null : Buffer.concat(this.#chunks, this.#size);
  }
}

/** Reads an answer to throw it away. */
class Discarding implements Dispatcher.DispatchHandler {
  readonly #over: (failed: boolean) => void;
  readonly #late: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #done = false;

  constructor(over: (failed: boolean) => void) {
    this.#over = over;
    this.#late = setTimeout(() => {
      this.#controller?.abort(new Error('the mirror takes too long'));
      this.#end(true);
    }, patienceMs).unref();
  }
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#done) controller.abort(new Error('the mirror took too long'));
  }
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    this.#end(false);
  }
  onResponseError(): void {
    this.#end(true);
  }
  #end(failed: boolean): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#late);
    this.#over(failed);
  }
}

/** Sends copies of requests to where the filters of a route say. */
export class Mirrors {
  readonly #links: TargetLinks;
  readonly #told: (result: 'sent' | 'failed' | 'skipped') => void;
  readonly #turns = new WeakMap<MirrorTarget, number>();
  #running = 0;

  constructor(links: TargetLinks, told: (result: 'sent' | 'failed' | 'skipped') => void) {
    this.#links = links;
    this.#told = told;
  }

  /** Those that get a copy of the next request: of a hundred as many as their share, evenly. */
  chosen({ mirrors }: RouteSnapshot): MirrorTarget[] {
    return mirrors.filter((mirror) => {
      const before = this.#turns.get(mirror) ?? 0;
      this.#turns.set(mirror, (before + mirror.percent) % 100);
      return before + mirror.percent >= 100;
    });
  }

  send(
    route: RouteSnapshot,
    { target, max_body }: MirrorTarget,
    request: { method: string; path: string; headers: readonly string[]; body: BodyCopy | null },
  ): void {
    const body = request.body === null ? null : request.body.take(max_body);
    if (this.#running >= mostAtOnce || (request.body !== null && body === null)) {
      this.#told('skipped');
      return;
    }
    this.#running += 1;
    const headers: string[] = [];
    for (let at = 0; at < request.headers.length; at += 2) {
      const name = request.headers[at]!.toLowerCase();
      if (name === 'host') headers.push('host', route.preserve_host ? request.headers[at + 1]! : hostOf(target));
      else if (name !== 'content-length') headers.push(request.headers[at]!, request.headers[at + 1]!);
    }
    if (body !== null) headers.push('content-length', String(body.length));
    const over = new Discarding((failed) => {
      this.#running -= 1;
      this.#told(failed ? 'failed' : 'sent');
    });
    try {
      this.#links.of(route, target).dispatch(
        {
          method: request.method,
          path: target.base_path + request.path,
          headers,
          shared: null,
          body: body === null ? null : Readable.from([body], { objectMode: false }),
        },
        over,
        false,
      );
    } catch {
      over.onResponseError();
    }
  }
}
