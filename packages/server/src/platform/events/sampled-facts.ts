import type { Database, NewEvent } from '../db/database.ts';
import { anonymousCaller } from '../http/anonymous-caller.ts';
import { newId } from '../ids/ids.ts';
import { internalCall } from '../operations/call.ts';

interface Sample {
  /** Since the event before. */
  count: number;
  event: Omit<NewEvent, 'id'>;
}

export interface SampledFactsOptions {
  database: Pick<Database, 'transaction'>;
  onError: (error: unknown) => void;
  /** How often at most the same thing is told again. */
  window_ms?: number;
  /** Different things that are told apart within a window. */
  most?: number;
}

/**
 * Facts that happen too often to be told each time. The first of a kind is told at once; those that follow within the
 * window are counted and told together at its end, with their `count`. The counts of a window that a crash cuts short are lost.
 */
export class SampledFacts {
  readonly #options: SampledFactsOptions;
  readonly #most: number;
  readonly #samples = new Map<string, Sample>();
  readonly #timer: NodeJS.Timeout;
  #due: NewEvent[] = [];
  #writing: Promise<void> | null = null;

  constructor(options: SampledFactsOptions) {
    this.#options = options;
    this.#most = options.most ?? 1000;
    this.#timer = setInterval(() => this.#turn(), options.window_ms ?? 60_000).unref();
  }

  /** `event` is asked for when the thing was not seen in this window: what happens often costs a look-up. */
  note(thing: string, event: () => Omit<NewEvent, 'id'>): void {
    const known = this.#samples.get(thing);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    // Beyond that many nobody could read them; the metrics still count.
    if (this.#samples.size >= this.#most) return;
    const sample = { count: 0, event: event() };
    this.#samples.set(thing, sample);
    this.#tell(sample.event, 1);
  }

  /** Tells what is counted and not told yet. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#turn();
    await this.#writing;
  }

  #turn(): void {
    for (const [thing, sample] of this.#samples) {
      if (sample.count === 0) this.#samples.delete(thing);
      else this.#tell(sample.event, sample.count);
      sample.count = 0;
    }
  }

  #tell(event: Sample['event'], count: number): void {
    this.#due.push({ ...event, id: newId(), body: { ...event.body, count } });
    this.#writing ??= Promise.resolve().then(() => this.#write());
  }

  async #write(): Promise<void> {
    while (this.#due.length > 0) {
      const events = this.#due;
      this.#due = [];
      try {
        await this.#options.database.transaction(internalCall(anonymousCaller, newId()), async (tx) => {
          for (const event of events) tx.emit(event);
        });
      } catch (error) {
        this.#options.onError(error);
      }
    }
    this.#writing = null;
  }
}
