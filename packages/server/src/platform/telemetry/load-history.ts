import type { Clock } from '../clock/clock.ts';
import { Durations } from './durations.ts';
import type { RequestCounts } from './request-counts.ts';

/** What the server did in one step of time. */
export interface LoadStep {
  at: Date;
  requests: number;
  failed: number;
  /** Null while nothing was asked. */
  p95_s: number | null;
}

const stepMs = 10_000;
/** Half an hour. */
const mostSteps = 180;

/** The last half hour, taken from the counters every ten seconds: requests themselves pay nothing for it. */
export class LoadHistory {
  readonly #clock: Clock;
  readonly #counts: RequestCounts;
  readonly #timer: NodeJS.Timeout;
  #steps: LoadStep[] = [];
  #before: { durations: Durations; failed: number } = { durations: new Durations(), failed: 0 };

  constructor(clock: Clock, counts: RequestCounts) {
    this.#clock = clock;
    this.#counts = counts;
    this.#timer = setInterval(() => this.step(), stepMs).unref();
  }

  step(): void {
    const now = this.#counts.total();
    const lately = now.durations.since(this.#before.durations);
    this.#steps.push({
      at: this.#clock.now(),
      requests: lately.count,
      failed: now.failed - this.#before.failed,
      p95_s: lately.quantile(0.95),
    });
    if (this.#steps.length > mostSteps) this.#steps = this.#steps.slice(-mostSteps);
    this.#before = now;
  }

  /** Oldest first. */
  get steps(): readonly LoadStep[] {
    return this.#steps;
  }

  get step_s(): number {
    return stepMs / 1000;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
