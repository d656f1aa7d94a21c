import type { Clock } from '../clock/clock.ts';
import type { Caller } from '../operations/caller.ts';
import { ownerOf } from './request-facts.ts';

const longestTimer = 2_147_483_647;

interface OpenStream {
  caller: Caller;
  end: () => void;
}

/** The long event streams, so that one principal cannot hold them all and none outlives its credential. */
export class OpenStreams {
  readonly #byOwner = new Map<string, Set<OpenStream>>();
  readonly #most: number;
  readonly #clock: Clock;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  get size(): number {
    let size = 0;
    for (const streams of this.#byOwner.values()) size += streams.size;
    return size;
  }

  /** Notes a stream and gives the function that forgets it; null when the principal has too many. */
  add(caller: Caller, end: () => void): (() => void) | null {
    const owner = ownerOf(caller);
    const streams = this.#byOwner.get(owner) ?? new Set();
    if (streams.size >= this.#most) return null;
    const stream: OpenStream = { caller, end };
    streams.add(stream);
    this.#byOwner.set(owner, streams);
    const timer = this.#expiry(caller, end);
    return () => {
      clearTimeout(timer);
      streams.delete(stream);
      if (streams.size === 0 && this.#byOwner.get(owner) === streams) this.#byOwner.delete(owner);
    };
  }

  end(which: (caller: Caller) => boolean): void {
    const ending = [...this.#byOwner.values()].flatMap((streams) =>
      [...streams].filter((stream) => which(stream.caller)),
    );
    for (const stream of ending) stream.end();
  }

  #expiry(caller: Caller, end: () => void): NodeJS.Timeout | undefined {
    const { expires_at } = caller.credential;
    if (expires_at === null) return undefined;
    const left = expires_at.getTime() - this.#clock.now().getTime();
    return setTimeout(end, Math.min(Math.max(left, 0), longestTimer)).unref();
  }
}
