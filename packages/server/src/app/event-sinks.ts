import type { Clock } from '../platform/clock/clock.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { kindFilter, type SinkAddress } from '../platform/events/sinks/event-sink.ts';
import { EventSinks } from '../platform/events/sinks/event-sinks.ts';
import { sinkAddress } from '../platform/events/sinks/sink-address.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { Storage } from './storage.ts';

export const sinkAddresses = ({ secrets }: ConfigValues): SinkAddress[] => secrets.eventSinks.map(sinkAddress);

/** Brokers that get the events of this server; null when there are none, or another process sends. */
export const openEventSinks = (options: {
  values: ConfigValues;
  storage: Storage;
  clock: Clock;
  log: Logger;
  public_url: () => string;
}): EventSinks | null => {
  const { values, storage, clock, log, public_url } = options;
  const sinks = sinkAddresses(values);
  const { include, exclude } = values.config.events;
  if (sinks.length === 0 || values.config.server.role === 'api') return null;
  const opened = new EventSinks({
    ...{ url: storage.url, db: storage.database.read, clock, sinks, producer: public_url },
    wanted: kindFilter(include, exclude),
    onError: (error, what) => (error === null ? log.warn(what) : log.error({ err: error }, what)),
  });
  storage.dispatcher.subscribe(() => opened.wake());
  return opened;
};
