import type { PublicEntry } from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { StreamAnswer } from '../../platform/operations/binding.ts';

type StreamEvent = StreamAnswer['events'] extends AsyncIterable<infer E> ? E : never;

/** Where a reader left off: the time and the id of an entry. */
export interface FeedPoint {
  value: Date;
  id: string;
}

export interface FeedHubOptions {
  /** Those of the entries that everybody may read at this moment, in any order. */
  load: (ids: readonly string[]) => Promise<PublicEntry[]>;
  /** What came after a point, oldest first, some at once. */
  after: (point: FeedPoint, limit: number) => Promise<PublicEntry[]>;
  onError: (error: unknown) => void;
  longest_ms?: number;
}

const createdKind = 'diary.entry.created';
const perAddress = 5;
/** Entries that are remembered in the order in which they were sent, so that a reader goes on exactly where it was. */
const remembered = 1000;
const longestQueue = 500;
const atOnce = 200;
const halfHour = 30 * 60_000;
/** Further back than any entry is committed after one that was written later. */
const overlapMs = 60_000;
const retryMs = 5000;

export const feedEventId = (entry: PublicEntry): string => `${entry.created_at}/${entry.id}`;

const eventOf = (entry: PublicEntry): StreamEvent => ({
  event: 'entry',
  id: feedEventId(entry),
  data: JSON.stringify(entry),
});

/** Turns pushes into pulls. A reader that falls too far behind is ended and comes back with Last-Event-ID. */
class FeedReader {
  readonly tag: string | undefined;
  #queue: PublicEntry[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(tag: string | undefined) {
    this.tag = tag;
  }

  push(entry: PublicEntry): void {
    if (this.#ended || (this.tag !== undefined && !entry.tags.includes(this.tag))) return;
    this.#queue.push(entry);
    if (this.#queue.length > longestQueue) this.end();
    else this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Null when the stream is over. */
  async next(): Promise<PublicEntry | null> {
    for (;;) {
      const entry = this.#queue.shift();
      if (entry !== undefined) return entry;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/**
 * New public entries for everybody who follows them: one question to the database for what was written, however many
 * readers there are. It begins with the first reader of the process.
 */
export class FeedHub {
  readonly #options: FeedHubOptions;
  readonly #readers = new Set<FeedReader>();
  readonly #addresses = new Map<string, number>();
  #sent: string[] = [];
  #waiting: string[] = [];
  #loading = false;
  #following = false;

  constructor(options: FeedHubOptions) {
    this.#options = options;
  }

  readonly onEvent = (event: StoredEvent): void => {
    if (!this.#following || event.kind !== createdKind || event.body['status'] !== 'active') return;
    this.#waiting.push(event.id);
    if (!this.#loading) void this.#drain();
  };

  /** Throws when there are too many from one address; otherwise what it answers must be read or returned. */
  follow(
    address: string,
    options: { tag: string | undefined; since: FeedPoint | null; signal: AbortSignal },
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const release = this.#admit(address);
    this.#following = true;
    // A client that left before it read anything never starts the generator.
    options.signal.addEventListener('abort', release, { once: true });
    if (options.signal.aborted) release();
    return this.#stream(release, options);
  }

  #admit(address: string): () => void {
    const open = this.#addresses.get(address) ?? 0;
    if (open >= perAddress)
      throw new AppError('rate_limited', `At most ${perAddress} streams at once from one address.`, {
        extensions: { retry_after: retryMs / 1000, limit: perAddress },
      });
    this.#addresses.set(address, open + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = this.#addresses.get(address)! - 1;
      if (left === 0) this.#addresses.delete(address);
      else this.#addresses.set(address, left);
    };
  }

  async *#stream(
    release: () => void,
    { tag, since, signal }: { tag: string | undefined; since: FeedPoint | null; signal: AbortSignal },
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const reader = new FeedReader(tag);
    const end = (): void => reader.end();
    const timer = setTimeout(end, this.#options.longest_ms ?? halfHour);
    signal.addEventListener('abort', end, { once: true });
    // Before what was missed is read, so that nothing falls in between.
    this.#readers.add(reader);
    try {
      yield { comment: 'new public entries', retry_ms: retryMs };
      const told = new Set<string>();
      if (since !== null)
        for await (const entry of this.#missed(since)) {
          told.add(entry.id);
          if (tag === undefined || entry.tags.includes(tag)) yield eventOf(entry);
          if (signal.aborted) return;
        }
      for (;;) {
        const entry = await reader.next();
        if (entry === null || signal.aborted) return;
        if (!told.delete(entry.id)) yield eventOf(entry);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      this.#readers.delete(reader);
      release();
    }
  }

  /** In the order of sending where that is remembered; otherwise by time, and rather something twice than not at all. */
  async *#missed(since: FeedPoint): AsyncGenerator<PublicEntry, void, undefined> {
    const place = this.#sent.lastIndexOf(since.id);
    if (place >= 0) {
      const ids = this.#sent.slice(place + 1);
      for (let from = 0; from < ids.length; from += atOnce) {
        const some = ids.slice(from, from + atOnce);
        yield* inOrder(some, await this.#options.load(some));
      }
      return;
    }
    let point: FeedPoint = { value: new Date(since.value.getTime() - overlapMs), id: nil };
    for (;;) {
      const entries = await this.#options.after(point, atOnce);
      for (const entry of entries) if (entry.id !== since.id) yield entry;
      const last = entries.at(-1);
      if (last === undefined || entries.length < atOnce) return;
      point = { value: new Date(last.created_at), id: last.id };
    }
  }

  /** What was written while the database was asked is asked for together. */
  async #drain(): Promise<void> {
    this.#loading = true;
    while (this.#waiting.length > 0) {
      const ids = this.#waiting.splice(0, atOnce);
      try {
        for (const entry of inOrder(ids, await this.#options.load(ids))) {
          this.#sent.push(entry.id);
          for (const reader of this.#readers) reader.push(entry);
        }
      } catch (error) {
        // Nobody must miss them without knowing: readers come back and ask for what they missed.
        this.#options.onError(error);
        this.#sent = [];
        for (const reader of this.#readers) reader.end();
      }
      if (this.#sent.length > 2 * remembered) this.#sent = this.#sent.slice(-remembered);
    }
    this.#loading = false;
  }
}

const nil = '00000000-0000-0000-0000-000000000000';

const inOrder = (ids: readonly string[], entries: readonly PublicEntry[]): PublicEntry[] => {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return ids.flatMap((id) => byId.get(id) ?? []);
};
