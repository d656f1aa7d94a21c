import type { EventFilter, StoredEvent } from '../module.ts';
import type { Caller } from '../operations/caller.ts';

type Body = Record<string, unknown> | null;

/** Asks the module that owns a kind of event. The longest prefix decides; kinds without a filter reach nobody. */
export class EventVisibility {
  readonly #filters: readonly EventFilter[];

  constructor(filters: readonly EventFilter[]) {
    this.#filters = [...filters].sort((a, b) => b.prefix.length - a.prefix.length);
  }

  #filterOf(kind: string): EventFilter | undefined {
    return this.#filters.find((filter) => kind.startsWith(filter.prefix));
  }

  async fanOut(event: StoredEvent, callers: readonly Caller[]): Promise<readonly Body[]> {
    const filter = this.#filterOf(event.kind);
    return filter === undefined ? callers.map(() => null) : filter.fanOut(event, callers);
  }

  /** One question for each filter that has events in the batch. */
  async replay(caller: Caller, events: readonly StoredEvent[]): Promise<readonly Body[]> {
    const bodies: Body[] = events.map(() => null);
    const byFilter = Map.groupBy(events.keys(), (i) => this.#filterOf(events[i]!.kind));
    for (const [filter, indexes] of byFilter) {
      if (filter === undefined) continue;
      const answers = await filter.replay(
        caller,
        indexes.map((i) => events[i]!),
      );
      for (const [n, i] of indexes.entries()) bodies[i] = answers[n] ?? null;
    }
    return bodies;
  }
}
