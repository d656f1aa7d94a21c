import { storableJson, storableText } from '../../../platform/db/storable.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { type Change, Coalescer } from './coalescer.ts';
import type { IntakeService } from './intake-service.ts';
import type { DiscoverySource, Sighting, SightingSink } from './sighting.ts';

const batch = 50;
/** Without a database, or without an organisation to tell. */
const againMs = 1000;
const touchMs = 60_000;
/** One that could not be written although others could. */
const aloneAgainMs = 60_000;

/** Takes what providers see and hands it on to be written, one batch after another, for as long as this process discovers. */
export class Intake implements SightingSink {
  readonly #service: IntakeService;
  readonly #onError: (error: unknown, what: string) => void;
  readonly #coalescer = new Coalescer();
  readonly #touching: NodeJS.Timeout;
  #timer: NodeJS.Timeout | null = null;
  #planning: NodeJS.Immediate | null = null;
  #writing: Promise<void> | null = null;
  #stopped = false;

  constructor(service: IntakeService, onError: (error: unknown, what: string) => void) {
    this.#service = service;
    this.#onError = onError;
    this.#touching = setInterval(() => void this.#touch(), touchMs).unref();
  }

  sight(sighting: Sighting): void {
    // Labels and announcements may hold what no table takes.
    this.#coalescer.sight(storableJson({ ...sighting }) as unknown as Sighting, performance.now());
    this.#planSoon();
  }

  gone(source: DiscoverySource, fingerprint: string): void {
    this.#coalescer.gone(source, storableText(fingerprint), performance.now());
    this.#planSoon();
  }

  /** Writes what is due, and what is not due yet is found again by the next process that looks. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#touching);
    if (this.#planning !== null) clearImmediate(this.#planning);
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing;
  }

  /** Once for all that are seen in one go. */
  #planSoon(): void {
    this.#planning ??= setImmediate(() => {
      this.#planning = null;
      this.#plan();
    });
  }

  #plan(afterMs = 0): void {
    if (this.#stopped || this.#writing !== null) return;
    const due = this.#coalescer.nextDue();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (due === null) return;
    this.#timer = setTimeout(() => this.#go(), Math.max(afterMs, due - performance.now(), 0));
  }

  #go(): void {
    this.#timer = null;
    if (this.#writing !== null) return;
    this.#writing = this.#write().then((wait) => {
      this.#writing = null;
      this.#plan(wait);
    });
  }

  /** How long to wait before the next batch. */
  async #write(): Promise<number> {
    const changes = this.#coalescer.take(performance.now(), batch);
    if (changes.length === 0) return 0;
    try {
      if ((await this.#service.write(changes)) !== null) {
        this.#coalescer.wrote(changes, performance.now());
        return 0;
      }
    } catch (error) {
      this.#onError(error, 'found services could not be written and will be again');
      if (changes.length > 1 && !(error instanceof AppError)) return this.#writeEach(changes);
      if (!(error instanceof AppError)) {
        this.#coalescer.failed(changes, performance.now() + aloneAgainMs);
        return 0;
      }
    }
    this.#coalescer.failed(changes);
    return againMs;
  }

  /** The database is there, but one of them cannot be written: it must not hold up the others. */
  async #writeEach(changes: readonly Change[]): Promise<number> {
    for (const change of changes) {
      try {
        if ((await this.#service.write([change])) === null) this.#coalescer.failed([change]);
        else this.#coalescer.wrote([change], performance.now());
      } catch (error) {
        this.#onError(error, `${change.fingerprint} could not be written`);
        this.#coalescer.failed([change], performance.now() + aloneAgainMs);
      }
    }
    return 0;
  }

  async #touch(): Promise<void> {
    try {
      await this.#service.touch(this.#coalescer.takeSeen());
    } catch (error) {
      this.#onError(error, 'marks of services that were seen could not be written');
    }
  }
}
