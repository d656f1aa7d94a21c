/** Time as services see it. Injected, so that tests move it instead of sleeping. */
export interface Clock {
  now(): Date;
  /** Where a clock notices that the machine's was set back. */
  onMovedBack?(listener: (ms: number) => void): void;
}

export const systemClock: Clock = { now: () => new Date() };

/** A clock that tests set and move. */
export class ManualClock implements Clock {
  #now: number;
  constructor(start: Date | string) {
    this.#now = new Date(start).getTime();
  }
  now(): Date {
    return new Date(this.#now);
  }
  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
