import type { Actor } from '@atrium/protocol';

/** One request or tunnel that ended. `app` is the slug that people know. */
export interface AccessRecord {
  id: string;
  at: Date;
  org_id: string | null;
  app_id: string | null;
  app: string | null;
  route_id: string | null;
  principal: Actor | null;
  address: string;
  method: string;
  host: string;
  path: string;
  status: number;
  outcome: string;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
  target: string | null;
}

/** What was used since the last time somebody asked, by app, day and principal; null stands for strangers. */
export interface UsageDelta {
  org_id: string;
  app_id: string;
  /** `2026-04-01` in UTC. */
  day: string;
  principal: Actor | null;
  requests: number;
  errors: number;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
}

const mostLines = 10_000;
/** Days times apps times principals between two flushes; beyond it they are counted as strangers. */
const mostCounters = 50_000;

/** Remembers the newest requests of this process and sums them up. */
export class AccessBook {
  readonly #ring: AccessRecord[] = [];
  #next = 0;
  readonly #listeners = new Set<(line: AccessRecord) => void>();
  #usage = new Map<string, Map<string, UsageDelta>>();
  #counters = 0;
  #day = { ends: 0, name: '' };

  record(line: AccessRecord): void {
    if (this.#ring.length < mostLines) this.#ring.push(line);
    else {
      this.#ring[this.#next] = line;
      this.#next = (this.#next + 1) % mostLines;
    }
    if (line.app_id !== null && line.org_id !== null) this.#count(line, line.app_id, line.org_id);
    if (this.#listeners.size > 0) for (const listener of this.#listeners) listener(line);
  }

  /** Newest first. */
  *lines(): Generator<AccessRecord> {
    const { length } = this.#ring;
    for (let back = 1; back <= length; back++) yield this.#ring[(this.#next + length - back) % length]!;
  }

  /** Calls for every line from now on; the answer ends that. */
  follow(listener: (line: AccessRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hands out what was counted since the last call. Who cannot store it gives it back with `restore`. */
  flushDeltas(): UsageDelta[] {
    const deltas = [...this.#usage.values()].flatMap((principals) => [...principals.values()]);
    this.#usage = new Map();
    this.#counters = 0;
    return deltas;
  }

  restore(deltas: readonly UsageDelta[]): void {
    for (const delta of deltas) addTo(this.#counterOf(delta), delta);
  }

  #count(line: AccessRecord, appId: string, orgId: string): void {
    addTo(this.#counterOf({ org_id: orgId, app_id: appId, day: this.#dayOf(line.at), principal: line.principal }), {
      requests: 1,
      errors: line.status >= 500 ? 1 : 0,
      bytes_in: line.bytes_in,
      bytes_out: line.bytes_out,
      duration_ms: line.duration_ms,
    });
  }

  #counterOf(of: Pick<UsageDelta, 'org_id' | 'app_id' | 'day' | 'principal'>): UsageDelta {
    const place = of.app_id + of.day;
    const principals = this.#usage.get(place) ?? new Map<string, UsageDelta>();
    if (principals.size === 0) this.#usage.set(place, principals);
    let { principal } = of;
    let known = principals.get(principal?.id ?? '');
    if (known !== undefined) return known;
    if (this.#counters >= mostCounters) {
      principal = null;
      known = principals.get('');
      if (known !== undefined) return known;
    }
    const { org_id, app_id, day } = of;
    const fresh = { org_id, app_id, day, principal, requests: 0, errors: 0, bytes_in: 0, bytes_out: 0, duration_ms: 0 };
    principals.set(principal?.id ?? '', fresh);
    this.#counters += 1;
    return fresh;
  }

  #dayOf(at: Date): string {
    const time = at.getTime();
    const day = 86_400_000;
    if (time >= this.#day.ends || time < this.#day.ends - day)
      this.#day = { ends: (Math.floor(time / day) + 1) * day, name: at.toISOString().slice(0, 10) };
    return this.#day.name;
  }
}

type Amounts = Pick<UsageDelta, 'requests' | 'errors' | 'bytes_in' | 'bytes_out' | 'duration_ms'>;

const addTo = (sum: UsageDelta, more: Amounts): void => {
  sum.requests += more.requests;
  sum.errors += more.errors;
  sum.bytes_in += more.bytes_in;
  sum.bytes_out += more.bytes_out;
  sum.duration_ms += more.duration_ms;
};
