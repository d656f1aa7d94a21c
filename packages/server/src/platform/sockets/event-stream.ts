import type { StreamAnswer } from '../operations/binding.ts';
import type { Caller } from '../operations/caller.ts';
import type { EventFanOut, Receiver } from './event-fan-out.ts';

type StreamEvent = StreamAnswer['events'] extends AsyncIterable<infer E> ? E : never;

/** Name of the server-sent event that carries a delivered event. */
const streamEventName = 'notifications/klaxon';

const longestQueue = 2000;

/** Turns pushes into pulls. A reader that falls too far behind is ended and comes back with Last-Event-ID. */
class StreamReceiver implements Receiver {
  #queue: StreamEvent[] = [];
  #ended = false;
  #wake: (() => void) | null = null;
  #emptied: (() => void) | null = null;

  deliver(text: Buffer, seq: number): void {
    this.#push({ event: streamEventName, id: String(seq), data: text.toString('utf8') });
  }
  replayed(cursor: number): void {
    this.#push({ comment: `replayed ${cursor}` });
  }
  resync(cursor: number): void {
    this.#push({ event: 'resync', id: String(cursor), data: JSON.stringify({ type: 'resync', cursor }) });
  }
  revoked(): void {
    this.end();
  }
  flushed(): Promise<void> {
    if (this.#queue.length === 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied = resolve;
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
    this.#emptied?.();
  }

  /** Null when the stream is over. */
  async next(): Promise<StreamEvent | null> {
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined) {
        if (this.#queue.length === 0) this.#emptied?.();
        return event;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #push(event: StreamEvent): void {
    if (this.#ended) return;
    this.#queue.push(event);
    if (this.#queue.length > longestQueue) this.end();
    else this.#wake?.();
  }
}

/**
 * The same events as on /ws for a handler of an `answer: 'stream'` operation: replayed after `since` when given, then
 * live, until the signal aborts or the principal is shut out.
 */
export async function* eventsFor(
  fanOut: EventFanOut,
  caller: Caller,
  options: { since?: number | undefined; channels?: readonly string[] | undefined; signal: AbortSignal },
): AsyncGenerator<StreamEvent, void, undefined> {
  const receiver = new StreamReceiver();
  const subscription = await fanOut.join(caller, receiver);
  const end = (): void => receiver.end();
  options.signal.addEventListener('abort', end, { once: true });
  if (options.channels !== undefined) subscription.channels = new Set(options.channels);
  try {
    fanOut.start(subscription, options.since ?? null, true);
    while (!options.signal.aborted) {
      const event = await receiver.next();
      if (event === null) return;
      yield event;
    }
  } finally {
    options.signal.removeEventListener('abort', end);
    receiver.end();
    fanOut.leave(subscription);
  }
}
