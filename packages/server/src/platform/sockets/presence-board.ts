import type { Actor } from '@atrium/protocol';

type PresenceState = 'viewing' | 'answering';
export type PresentPrincipal = Actor & { state: PresenceState };

/** What one process tells the others about one item. An empty list means that nobody of it looks at the item any more. */
export interface PresenceNote {
  node: string;
  item: string;
  principals: PresentPrincipal[];
}

/** Carries notes between processes (NOTIFY). In a single process nothing is needed. */
export interface PresenceBus {
  publish(note: PresenceNote): void;
  subscribe(listener: (note: PresenceNote) => void): () => void;
}

interface Viewer {
  actor: Actor;
  state: PresenceState;
}

interface Seat<Connection> {
  here: Map<Connection, Viewer>;
  elsewhere: Map<string, { principals: PresentPrincipal[]; until: number }>;
}

/** Notes of a process that died are forgotten after this; living ones repeat theirs twice as often. */
const noteLife = 60_000;

/** Who looks at which item, over all processes. Only viewers of an item hear of its other viewers. */
export class PresenceBoard<Connection> {
  readonly #node: string;
  readonly #bus: PresenceBus | null;
  readonly #now: () => number;
  readonly #tell: (item: string, principals: PresentPrincipal[], viewers: Iterable<Connection>) => void;
  readonly #seats = new Map<string, Seat<Connection>>();
  readonly #stop: (() => void) | null;

  constructor(options: {
    node: string;
    bus: PresenceBus | null;
    now: () => number;
    tell: (item: string, principals: PresentPrincipal[], viewers: Iterable<Connection>) => void;
  }) {
    this.#node = options.node;
    this.#bus = options.bus;
    this.#now = options.now;
    this.#tell = options.tell;
    this.#stop = options.bus?.subscribe((note) => this.#hear(note)) ?? null;
  }

  close(): void {
    this.#stop?.();
  }

  set(item: string, connection: Connection, viewer: Viewer): void {
    this.#seat(item).here.set(connection, viewer);
    this.#changed(item);
  }

  leave(item: string, connection: Connection): void {
    if (this.#seats.get(item)?.here.delete(connection) === true) this.#changed(item);
  }

  /** Repeats our notes and forgets those of processes that fell silent. */
  heartbeat(): void {
    for (const [item, seat] of this.#seats) {
      let lost = false;
      for (const [node, note] of seat.elsewhere) {
        if (note.until <= this.#now()) lost = seat.elsewhere.delete(node) || lost;
      }
      if (seat.here.size > 0) this.#publish(item, seat);
      if (lost) this.#announce(item, seat);
      this.#drop(item, seat);
    }
  }

  #seat(item: string): Seat<Connection> {
    let seat = this.#seats.get(item);
    if (seat === undefined) {
      seat = { here: new Map(), elsewhere: new Map() };
      this.#seats.set(item, seat);
    }
    return seat;
  }

  #changed(item: string): void {
    const seat = this.#seat(item);
    this.#publish(item, seat);
    this.#announce(item, seat);
    this.#drop(item, seat);
  }

  #drop(item: string, seat: Seat<Connection>): void {
    if (seat.here.size === 0 && seat.elsewhere.size === 0) this.#seats.delete(item);
  }

  #publish(item: string, seat: Seat<Connection>): void {
    this.#bus?.publish({
      node: this.#node,
      item,
      principals: merge([...seat.here.values()].map((v) => ({ ...v.actor, state: v.state }))),
    });
  }

  #announce(item: string, seat: Seat<Connection>): void {
    const here = [...seat.here.values()].map((v) => ({ ...v.actor, state: v.state }));
    const principals = merge([...here, ...[...seat.elsewhere.values()].flatMap((note) => note.principals)]);
    this.#tell(item, principals, seat.here.keys());
  }

  #hear(note: PresenceNote): void {
    if (note.node === this.#node) return;
    const seat = this.#seat(note.item);
    const before = JSON.stringify(seat.elsewhere.get(note.node)?.principals ?? []);
    if (note.principals.length === 0) seat.elsewhere.delete(note.node);
    else seat.elsewhere.set(note.node, { principals: note.principals, until: this.#now() + noteLife });
    if (JSON.stringify(note.principals) !== before) this.#announce(note.item, seat);
    this.#drop(note.item, seat);
  }
}

/** One entry a principal however many windows it has open; answering counts more than viewing. */
const merge = (present: readonly PresentPrincipal[]): PresentPrincipal[] => {
  const merged = new Map<string, PresentPrincipal>();
  for (const one of present) {
    const known = merged.get(`${one.type} ${one.id}`);
    if (known === undefined || one.state === 'answering') merged.set(`${one.type} ${one.id}`, one);
  }
  return [...merged.values()];
};
