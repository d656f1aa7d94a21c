import { Turns } from '../discovery/turns.ts';
import { NoContainer, type Runtime, type Usage } from '../runtime/runtime.ts';

/** Readings are shared for so long: many who look cost an engine no more than one. */
const freshMs = 1500;
const atOnce = 16;

/** What containers use, asked once for all who look. */
export class StatsBoard {
  readonly #turns = new Turns(atOnce);
  readonly #readings = new Map<string, { at: number; usage: Promise<Usage> }>();

  of(runtime: Runtime, id: string, patience: AbortSignal): Promise<Usage> {
    const now = performance.now();
    for (const [key, { at }] of this.#readings) if (now - at > freshMs) this.#readings.delete(key);
    const known = this.#readings.get(id);
    if (known !== undefined) return known.usage;
    const usage = this.#turns.take(() => runtime.usage(id, patience));
    this.#readings.set(id, { at: now, usage });
    usage.catch(() => this.#readings.delete(id));
    return usage;
  }

  /** Of those that are still there; what ends meanwhile is left out. */
  async all(runtime: Runtime, ids: readonly string[], patience: AbortSignal): Promise<Usage[]> {
    const readings = await Promise.all(
      ids.map((id) =>
        this.of(runtime, id, patience).catch((error: unknown) => {
          if (error instanceof NoContainer) return null;
          throw error;
        }),
      ),
    );
    return readings.filter((one) => one !== null);
  }
}
