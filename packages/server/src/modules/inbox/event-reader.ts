import type { eventsList, OutputOf } from '@atrium/protocol';
import type { EventFilter, StoredEvent } from '../../platform/module.ts';
import type { StreamAnswer } from '../../platform/operations/binding.ts';
import type { Caller } from '../../platform/operations/caller.ts';

/** The event stream as the socket host serves it: the same filter, replay and order as on /ws. */
export interface EventReader {
  eventsFor(caller: Caller, options: { since?: number | undefined; signal: AbortSignal }): StreamAnswer['events'];
  /** Past events the caller may see. */
  list(caller: Caller, since: number, limit: number): Promise<OutputOf<typeof eventsList>>;
}

/** What the log of events answers; `Dispatcher` of the platform does. */
export interface EventLog {
  replay(
    orgId: string,
    since: number,
    limit: number,
  ): Promise<{ kind: 'events'; events: StoredEvent[]; cursor: number } | { kind: 'resync'; cursor: number }>;
  cursor(orgId: string): Promise<number>;
}

/** Past events through a filter. A page may be short or empty although more follows; `next_cursor` says where. */
export const createEventList =
  (log: EventLog, filters: readonly EventFilter[]): EventReader['list'] =>
  async (caller, since, limit) => {
    const head = await log.cursor(caller.org_id);
    const found = await log.replay(caller.org_id, since, limit);
    if (found.kind === 'resync') return { items: [], next_cursor: null, resync: true, head };
    const bodies: (Record<string, unknown> | null)[] = found.events.map(() => null);
    for (const filter of filters) {
      const own = found.events.flatMap((event, i) => (event.kind.startsWith(filter.prefix) ? [i] : []));
      const answers = await filter.replay(
        caller,
        own.map((i) => found.events[i]!),
      );
      own.forEach((i, n) => {
        bodies[i] = answers[n] ?? null;
      });
    }
    const items = found.events.flatMap((event, i) => {
      const body = bodies[i];
      return body == null ? [] : [{ ...event, at: event.at.toISOString(), body }];
    });
    const last = found.events.at(-1)?.seq;
    return { items, next_cursor: last === undefined || last >= head ? null : String(last), resync: false, head };
  };
