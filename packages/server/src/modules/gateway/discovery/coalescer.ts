import { isDeepStrictEqual } from 'node:util';
import type { DiscoverySource, Sighting } from './sighting.ts';

export type Change =
  | { kind: 'sight'; key: string; source: DiscoverySource; fingerprint: string; sighting: Sighting }
  | { kind: 'gone'; key: string; source: DiscoverySource; fingerprint: string };

interface Entry {
  /** What was written last; null for gone. */
  written: Sighting | null;
  change: Change | null;
  first_at: number;
  last_at: number;
  /** It is somewhere else now: apps that lead there wait for it. */
  urgent: boolean;
  written_at: number;
  /** It could not be written by itself: others go first. */
  not_before: number;
  /** It is being written. */
  writing: boolean;
}

const fresh = { written: null, urgent: false, written_at: Number.NEGATIVE_INFINITY, not_before: 0, writing: false };

const quietMs = 2000;
const longestMs = 30_000;

const moved = (before: Sighting | null, now: Sighting): boolean =>
  before !== null &&
  (before.container_ref !== now.container_ref || !isDeepStrictEqual(before.addresses, now.addresses));

const keyOf = (source: DiscoverySource, fingerprint: string): string => `${source} ${fingerprint}`;

/**
 * What has to be written of what providers see. A first sight is due at once, and so is a service that moved, unless it
 * was written a moment ago; other changes are due when it has been quiet for two seconds, at the latest after thirty, as
 * the newest of them. None is forgotten: what could not be written is due again.
 */
export class Coalescer {
  readonly #entries = new Map<string, Entry>();
  /** Seen again without a change since `takeSeen`. */
  readonly #seen = new Set<string>();

  sight(sighting: Sighting, now: number): void {
    const { source, fingerprint } = sighting;
    const key = keyOf(source, fingerprint);
    const entry = this.#entries.get(key);
    const change: Change = { kind: 'sight', key, source, fingerprint, sighting };
    if (entry === undefined) {
      this.#entries.set(key, { ...fresh, change, first_at: now - longestMs, last_at: now });
      return;
    }
    if (isDeepStrictEqual(entry.written, sighting)) {
      // What it was to become is overtaken: it is again what is written.
      entry.change = entry.writing ? change : null;
      this.#seen.add(key);
      return;
    }
    this.#want(entry, change, now);
    entry.urgent = moved(entry.written, sighting);
  }

  gone(source: DiscoverySource, fingerprint: string, now: number): void {
    const key = keyOf(source, fingerprint);
    const entry = this.#entries.get(key);
    // Before this process saw it, it may have been seen by another one.
    if (entry === undefined) {
      const change: Change = { kind: 'gone', key, source, fingerprint };
      this.#entries.set(key, { ...fresh, change, first_at: now, last_at: now });
      return;
    }
    this.#want(entry, { kind: 'gone', key, source, fingerprint }, now);
    entry.urgent = false;
  }

  #want(entry: Entry, change: Change, now: number): void {
    // The same again is no unrest.
    if (isDeepStrictEqual(entry.change, change)) return;
    if (entry.change === null) entry.first_at = now;
    entry.change = change;
    entry.last_at = now;
  }

  static #dueAt(entry: Entry): number {
    const due = entry.urgent
      ? entry.written_at + quietMs
      : Math.min(entry.last_at + quietMs, entry.first_at + longestMs);
    return Math.max(due, entry.not_before);
  }

  /** Changes whose time has come, at most so many. They are due again unless `wrote` is told of them. */
  take(now: number, limit: number): Change[] {
    const taken: Change[] = [];
    for (const entry of this.#entries.values()) {
      if (taken.length === limit) break;
      if (entry.change === null || entry.writing || Coalescer.#dueAt(entry) > now) continue;
      entry.writing = true;
      taken.push(entry.change);
    }
    return taken;
  }

  wrote(changes: readonly Change[], now: number): void {
    for (const change of changes) {
      const entry = this.#entries.get(change.key);
      if (entry === undefined) continue;
      entry.writing = false;
      entry.written_at = now;
      entry.written = change.kind === 'sight' ? change.sighting : null;
      if (entry.change !== change) continue;
      entry.change = null;
      if (change.kind === 'gone') this.#entries.delete(change.key);
    }
  }

  failed(changes: readonly Change[], not_before = 0): void {
    for (const change of changes) {
      const entry = this.#entries.get(change.key);
      if (entry === undefined) continue;
      entry.writing = false;
      entry.not_before = not_before;
    }
  }

  /** When the next change is due; null when there is none. */
  nextDue(): number | null {
    let next: number | null = null;
    for (const entry of this.#entries.values()) {
      if (entry.change === null || entry.writing) continue;
      const due = Coalescer.#dueAt(entry);
      if (next === null || due < next) next = due;
    }
    return next;
  }

  /** What was seen again unchanged since the last time, as `[source, fingerprint]`. */
  takeSeen(): [DiscoverySource, string][] {
    const seen = [...this.#seen].map((key) => {
      const at = key.indexOf(' ');
      return [key.slice(0, at) as DiscoverySource, key.slice(at + 1)] as [DiscoverySource, string];
    });
    this.#seen.clear();
    return seen;
  }
}
