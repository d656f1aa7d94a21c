import type { RuntimeLine } from '../runtime/runtime.ts';
import { type LogWishes, NoContainer, NoRight, type Runtime } from '../runtime/runtime.ts';

export interface FollowParts {
  runtime: () => Promise<Runtime>;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  onLine: (line: RuntimeLine) => Promise<void>;
  onPaused: (reason: 'stopped' | 'unreachable') => void;
}

const shortestMs = 250;
const longestMs = 5000;

/** Where a log was read to, so that going on repeats nothing and leaves nothing out. */
class Place {
  at: string | null;
  /** Lines of that very moment that were told: all of them when it was named from outside. */
  #told: number;
  #repeats = 0;

  constructor(since: string | null) {
    this.at = since;
    this.#told = since === null ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Before reading again from `at`, which repeats what was told of it. */
  begin(): void {
    this.#repeats = this.#told;
  }

  isNew({ at }: RuntimeLine): boolean {
    if (at === null || this.at === null || at > this.at) return true;
    if (at < this.at) return false;
    if (this.#repeats === 0) return true;
    this.#repeats -= 1;
    return false;
  }

  tell({ at }: RuntimeLine): void {
    if (at === null) return;
    this.#told = at === this.at ? this.#told + 1 : 1;
    this.at = at;
  }
}

/**
 * Reads a log and, when it is followed, goes on where it broke off: after a restart of the container, a turn of the
 * log's file or of the engine. Resolves at its end, and throws what the first reading throws.
 */
export const followLog = async (
  id: string,
  wishes: LogWishes,
  signal: AbortSignal,
  parts: FollowParts,
): Promise<'end' | 'gone'> => {
  const place = new Place(wishes.since);
  let wait = shortestMs;
  let paused: string | null = null;
  const tellPause = (reason: 'stopped' | 'unreachable'): void => {
    if (paused !== reason) parts.onPaused(reason);
    paused = reason;
  };
  for (let readings = 0; !signal.aborted; readings += 1) {
    try {
      const runtime = await parts.runtime();
      place.begin();
      const again = readings > 0 && place.at !== null;
      const asked = { ...wishes, since: place.at, tail: again ? ('all' as const) : wishes.tail };
      for await (const line of runtime.logs(id, asked, signal)) {
        if (!place.isNew(line)) continue;
        place.tell(line);
        await parts.onLine(line);
        wait = shortestMs;
        paused = null;
      }
      if (!wishes.follow) return 'end';
      if (signal.aborted) break;
      const { state } = await runtime.inspect(id, signal);
      if (state !== 'running' && state !== 'starting') tellPause('stopped');
    } catch (error) {
      if (signal.aborted) break;
      const lasting = error instanceof NoRight || !wishes.follow || readings === 0;
      if (error instanceof NoContainer && readings > 0) return 'gone';
      if (lasting || error instanceof NoContainer) throw error;
      tellPause('unreachable');
    }
    await parts.pause(wait, signal);
    wait = Math.min(longestMs, wait * 2);
  }
  return 'end';
};
