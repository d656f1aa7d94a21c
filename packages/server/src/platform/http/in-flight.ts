import { AppError } from '../errors/app-error.ts';
import type { Waiting } from '../operations/call.ts';

/** Why a call's signal aborted when the server stops. Handlers may throw it as it is. */
const drainingError = (): AppError => new AppError('not_ready', 'The server is stopping; send the request again.');

/** What a call's signal says when its client is no longer there; nobody reads the answer. */
class ClientGone extends Error {
  constructor() {
    super('The client closed the connection.');
    this.name = 'AbortError';
  }
}

/** The parts that share the server, each behind a bulkhead: a flood at one leaves room in the others. */
export const bulkheads = ['oauth', 'api', 'mcp', 'auth', 'v1', 'apps', 'web'] as const;
export type BulkheadName = (typeof bulkheads)[number];

const [oauth, api, mcp, auth, v1, apps, web] = [0, 1, 2, 3, 4, 5, 6] as const;

const within = (url: string, prefix: string): boolean => {
  if (!url.startsWith(prefix)) return false;
  const next = url.charCodeAt(prefix.length);
  // The end, `/` or `?`.
  return Number.isNaN(next) || next === 47 || next === 63;
};

/** Place in `bulkheads`. The letter after the slash decides most of it, because every request pays for this. */
const bulkheadOf = (url: string): number => {
  switch (url.charCodeAt(1)) {
    case 97: // a
      return within(url, '/api') ? api : within(url, '/auth') ? auth : within(url, '/apps') ? apps : web;
    case 111: // o
      return within(url, '/oauth') ? oauth : web;
    case 109: // m
      return within(url, '/mcp') ? mcp : web;
    case 118: // v
      return within(url, '/v1') ? v1 : web;
    case 108: // l
      return within(url, '/login') ? auth : web;
    case 100: // d
      return within(url, '/device') ? oauth : web;
    case 46: // .
      return within(url, '/.well-known') ? oauth : web;
    default:
      return web;
  }
};

export interface InFlightLimits {
  /** Requests that are worked on at once. */
  all: number;
  /** The same within one bulkhead. */
  each: number;
  /** Streams and calls that wait for somebody, which are no load. */
  waiting: number;
}

/** How one bulkhead stands. */
export interface BulkheadState {
  name: BulkheadName;
  now: number;
  rejected: number;
}

/** One request between its arrival and the end of its answer. */
export class Flight implements Waiting {
  readonly controller = new AbortController();
  readonly bulkhead: number;
  /** Server-sent events end at once when a drain begins; other requests get a grace. */
  endless = false;
  /** Waits under way: a batch may hold several. */
  waits = 0;
  readonly #inFlight: InFlight;

  constructor(inFlight: InFlight, bulkhead: number) {
    this.#inFlight = inFlight;
    this.bulkhead = bulkhead;
  }

  begin(): void {
    this.#inFlight.beginWait(this);
  }

  end(): void {
    this.#inFlight.endWait(this);
  }
}

/** Counts what is being answered, refuses what is too much, and brings all of it to an end when the server stops. */
export class InFlight {
  readonly limits: InFlightLimits;
  readonly #flights = new Set<Flight>();
  readonly #now: number[] = bulkheads.map(() => 0);
  readonly #rejected: number[] = bulkheads.map(() => 0);
  #waiting = 0;
  #turnedAway = 0;
  #draining = false;
  /** The grace of a drain is over: nothing may wait any more. */
  #hurried = false;
  #empty: (() => void) | null = null;

  constructor(limits: InFlightLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.#flights.size;
  }
  /** Those that wait for a person or an event. */
  get waiting(): number {
    return this.#waiting;
  }
  get load(): number {
    return this.#flights.size - this.#waiting;
  }
  get draining(): boolean {
    return this.#draining;
  }
  /** Requests refused because the server as a whole had enough to do. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  bulkheads(): BulkheadState[] {
    return bulkheads.map((name, index) => ({ name, now: this.#now[index]!, rejected: this.#rejected[index]! }));
  }

  /** Null when there is no room for it. */
  enter(url: string): Flight | null {
    const bulkhead = bulkheadOf(url);
    if (this.load >= this.limits.all) {
      this.#turnedAway += 1;
      return null;
    }
    if (this.#now[bulkhead]! >= this.limits.each) {
      this.#rejected[bulkhead]! += 1;
      return null;
    }
    const flight = new Flight(this, bulkhead);
    this.#flights.add(flight);
    this.#now[bulkhead]! += 1;
    if (this.#hurried) flight.controller.abort(drainingError());
    return flight;
  }

  leave(flight: Flight, finished: boolean): void {
    if (!this.#flights.delete(flight)) return;
    if (flight.waits > 0) this.#waiting -= 1;
    else this.#now[flight.bulkhead]! -= 1;
    if (!finished) flight.controller.abort(new ClientGone());
    if (this.#flights.size === 0) this.#empty?.();
  }

  beginWait(flight: Flight): void {
    if (!this.#flights.has(flight)) return;
    if (flight.waits === 0) {
      if (this.#waiting >= this.limits.waiting)
        throw new AppError('not_ready', 'Too many calls wait at this server; try again soon.', {
          extensions: { retry_after: 5 },
        });
      this.#waiting += 1;
      this.#now[flight.bulkhead]! -= 1;
    }
    flight.waits += 1;
  }

  /** It has something to do again, and is never refused for that. */
  endWait(flight: Flight): void {
    if (flight.waits === 0 || !this.#flights.has(flight)) return;
    flight.waits -= 1;
    if (flight.waits > 0) return;
    this.#waiting -= 1;
    this.#now[flight.bulkhead]! += 1;
  }

  /** Waits until everything in flight is answered; false when the deadline came first. */
  async drain(grace: number, deadline: number): Promise<boolean> {
    this.#draining = true;
    this.#abort((flight) => flight.endless);
    if (this.#flights.size === 0) return true;
    const timers: NodeJS.Timeout[] = [];
    const ended = await new Promise<boolean>((resolve) => {
      this.#empty = () => resolve(true);
      timers.push(
        setTimeout(() => {
          this.#hurried = true;
          this.#abort(() => true);
        }, grace),
        setTimeout(() => resolve(false), deadline),
      );
    });
    for (const timer of timers) clearTimeout(timer);
    return ended;
  }

  #abort(which: (flight: Flight) => boolean): void {
    for (const flight of this.#flights) if (which(flight)) flight.controller.abort(drainingError());
  }
}
