import { eventsList, eventsStream } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { EventReader } from '../event-reader.ts';

const lastEventId = (call: Call): number | undefined => {
  const id = Number(call.raw?.headers['last-event-id']);
  return Number.isSafeInteger(id) && id >= 0 ? id : undefined;
};

export const eventsBindings = (reader: EventReader): Binding[] => [
  bind(eventsStream, async (call, input) => ({
    events: reader.eventsFor(call.caller, { since: input.since ?? lastEventId(call), signal: call.signal }),
  })),
  bind(eventsList, (call, input) => reader.list(call.caller, input.since, input.limit)),
];
