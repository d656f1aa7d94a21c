import type { Clock } from './clock.ts';

export interface SteadyClockParts {
  /** Milliseconds by the clock that people set. */
  wall: () => number;
  /** Milliseconds by one that nobody sets. */
  steady: () => number;
}

/** Smaller differences are what setting a clock gradually looks like. */
const jumpMs = 1000;
/** Share by which this clock goes slower until the other has caught up: five minutes in under two hours. */
const slowing = 0.05;

/**
 * The time of the machine, but never backwards: what has expired stays expired, and a lifetime is not stretched. When
 * the machine's clock is set back, this one goes on from where it was, a little slower, until both agree again. Forward
 * it follows at once, since that ends things only earlier.
 */
export class SteadyClock implements Clock {
  readonly #parts: SteadyClockParts;
  readonly #listeners: ((ms: number) => void)[] = [];
  #wall: number;
  #steady: number;
  #now: number;
  /** How far this clock is ahead of the machine's. */
  #ahead = 0;

  constructor(parts: SteadyClockParts = { wall: () => Date.now(), steady: () => performance.now() }) {
    this.#parts = parts;
    this.#wall = parts.wall();
    this.#steady = parts.steady();
    this.#now = this.#wall;
  }

  /** Told of each jump back, with its length. */
  onMovedBack(listener: (ms: number) => void): void {
    this.#listeners.push(listener);
  }

  get ahead_ms(): number {
    return this.#ahead;
  }

  now(): Date {
    const wall = this.#parts.wall();
    const steady = this.#parts.steady();
    const passed = steady - this.#steady;
    const back = passed - (wall - this.#wall);
    this.#wall = wall;
    this.#steady = steady;
    let movedBack = 0;
    if (back > jumpMs) {
      movedBack = back;
      this.#ahead += back;
    } else if (this.#ahead > 0) {
      // A jump forward is the clock being set right again.
      this.#ahead = Math.max(0, this.#ahead - passed * slowing + (back < -jumpMs ? back : 0));
    }
    this.#now = Math.max(this.#now, wall + this.#ahead);
    if (movedBack > 0) for (const listener of this.#listeners) listener(movedBack);
    return new Date(this.#now);
  }
}
