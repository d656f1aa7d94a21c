import type { EventFilter, StoredEvent } from '../module.ts';
import type { Caller } from '../operations/caller.ts';

/** A filter for events that are seen whole or not at all, where event and caller alone decide. */
export const eventFilter = (prefix: string, mayLearn: (event: StoredEvent, caller: Caller) => boolean): EventFilter => {
  const seen = (event: StoredEvent, caller: Caller) => (mayLearn(event, caller) ? event.body : null);
  return {
    prefix,
    fanOut: async (event, receivers) => receivers.map((caller) => seen(event, caller)),
    replay: async (caller, events) => events.map((event) => seen(event, caller)),
  };
};
