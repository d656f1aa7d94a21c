/** Something that goes on through a route: a request or a tunnel. */
export interface Running {
  readonly route_id: string;
  /** Nobody is waiting for its end: a tunnel, an event stream. */
  readonly endless: boolean;
  /** Looks at the clocks of silence. `now` in milliseconds. */
  sweep(now: number): void;
  /** Ends it, cleanly where its protocol can say so. */
  end(reason: 'drained' | 'revoked'): void;
  /** Neighbours in the set, which alone touches them. */
  before: Running | null;
  after: Running | null;
}

/**
 * Everything that runs. One timer looks at all of them, so that a short request sets none; clocks are therefore as
 * coarse as its step.
 */
export class RunningSet {
  /** Coarse, for marks of activity. */
  now = performance.now();
  /** A chain and not a Set: tables that a Set has outgrown keep what was in them from the collector. */
  #first: Running | null = null;
  #size = 0;
  readonly #timer: NodeJS.Timeout;
  #empty: (() => void) | null = null;

  constructor(step_ms: number) {
    this.#timer = setInterval(() => {
      this.now = performance.now();
      for (const one of this.#all()) one.sweep(this.now);
    }, step_ms).unref();
  }

  get size(): number {
    return this.#size;
  }

  enter(one: Running): void {
    one.after = this.#first;
    if (this.#first !== null) this.#first.before = one;
    this.#first = one;
    this.#size += 1;
  }

  leave(one: Running): void {
    if (one.before !== null) one.before.after = one.after;
    else if (this.#first === one) this.#first = one.after;
    else return;
    if (one.after !== null) one.after.before = one.before;
    one.before = null;
    one.after = null;
    this.#size -= 1;
    if (this.#size === 0) this.#empty?.();
  }

  /** Ends what runs through some routes: what never ends by itself at once, the rest after a while. Tells how many. */
  drain(routes: ReadonlySet<string>, within_ms: number): number {
    const those = this.#all().filter((one) => routes.has(one.route_id));
    this.#endAfter(those, within_ms);
    return those.length;
  }

  /** The same for all of them; resolves when nothing runs any more. */
  async drainAll(within_ms: number): Promise<void> {
    const all = this.#all();
    if (all.length === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#empty = resolve;
    });
    this.#endAfter(all, within_ms);
    await empty;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A list of its own, because looking at one may end it. */
  #all(): Running[] {
    const all: Running[] = [];
    for (let one = this.#first; one !== null; one = one.after) all.push(one);
    return all;
  }

  #endAfter(those: readonly Running[], within_ms: number): void {
    for (const one of those) if (one.endless) one.end('drained');
    if (within_ms === 0) for (const one of those) one.end('drained');
    else
      setTimeout(() => {
        for (const one of this.#all()) if (those.includes(one)) one.end('drained');
      }, within_ms).unref();
  }
}
