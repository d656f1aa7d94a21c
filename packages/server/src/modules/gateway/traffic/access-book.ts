import type { Actor } from '@atrium/protocol';

/** Whose request it was. One object a route, shared by its lines. */
export interface LineOwner {
  org_id: string;
  app_id: string;
  /** The slug that people know. */
  app: string;
  route_id: string;
}

/** One request or tunnel that ended. */
export interface AccessRecord {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  owner: LineOwner | null;
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

const ascii = /^[\x20-\x7e]*$/;

/** A column of texts of which nearly all are short: their bytes, so that the collector sees none of them. */
class Texts {
  readonly #width: number;
  readonly #bytes: Buffer;
  readonly #lengths = new Uint8Array(mostLines);
  /** Those that do not fit in. */
  readonly #others = new Map<number, string>();

  /** `width`: below 256. */
  constructor(width: number) {
    this.#width = width;
    this.#bytes = Buffer.alloc(width * mostLines);
  }

  set(at: number, text: string): void {
    if (this.#others.size > 0) this.#others.delete(at);
    const fits = text.length <= this.#width && ascii.test(text);
    this.#lengths[at] = fits ? this.#bytes.write(text, at * this.#width, 'latin1') : 0;
    // Copied, because a part of a larger text keeps all of it.
    if (!fits) this.#others.set(at, Buffer.from(text).toString());
  }

  get(at: number): string {
    const from = at * this.#width;
    return this.#others.get(at) ?? this.#bytes.toString('latin1', from, from + this.#lengths[at]!);
  }
}

/**
 * The newest lines in columns. As objects they would all outlive the collector's young generation, one after the other,
 * and collecting them took an eighth of the processor time of small requests.
 */
class Lines {
  readonly #numbers = new Float64Array(5 * mostLines);
  readonly #ids = new Texts(40);
  readonly #addresses: string[] = [];
  readonly #methods: string[] = [];
  readonly #hosts: string[] = [];
  readonly #paths = new Texts(120);
  readonly #outcomes: string[] = [];
  readonly #owners: (LineOwner | null)[] = [];
  readonly #principals: (Actor | null)[] = [];
  readonly #targets: (string | null)[] = [];
  #next = 0;
  length = 0;

  add(line: AccessRecord): void {
    const at = this.#next;
    this.#next = at + 1 === mostLines ? 0 : at + 1;
    if (this.length < mostLines) this.length += 1;
    const first = 5 * at;
    this.#numbers[first] = line.at;
    this.#numbers[first + 1] = line.status;
    this.#numbers[first + 2] = line.bytes_in;
    this.#numbers[first + 3] = line.bytes_out;
    this.#numbers[first + 4] = line.duration_ms;
    this.#ids.set(at, line.id);
    this.#addresses[at] = line.address;
    this.#methods[at] = line.method;
    this.#hosts[at] = line.host;
    this.#paths.set(at, line.path);
    this.#outcomes[at] = line.outcome;
    this.#owners[at] = line.owner;
    this.#principals[at] = line.principal;
    this.#targets[at] = line.target;
  }

  /** 1 is the newest. */
  back(by: number): AccessRecord {
    const at = (this.#next + mostLines - by) % mostLines;
    const [time = 0, status = 0, bytes_in = 0, bytes_out = 0, duration_ms = 0] = this.#numbers.subarray(5 * at);
    return {
      ...{ id: this.#ids.get(at), at: time, owner: this.#owners[at]!, principal: this.#principals[at]! },
      ...{
        address: this.#addresses[at]!,
        method: this.#methods[at]!,
        host: this.#hosts[at]!,
        path: this.#paths.get(at),
      },
      ...{ status, outcome: this.#outcomes[at]!, bytes_in, bytes_out, duration_ms, target: this.#targets[at]! },
    };
  }
}

/** Remembers the newest requests of this process and sums them up. */
export class AccessBook {
  readonly #lines = new Lines();
  readonly #listeners = new Set<(line: AccessRecord) => void>();
  /** Of the day that goes on, by app and principal. */
  #usage = new Map<string, Map<string, UsageDelta>>();
  /** Of days that are over. */
  #earlier: UsageDelta[] = [];
  #counters = 0;
  #day = { begins: 0, ends: 0, name: '' };

  /** Lines since the start, those included that are forgotten by now. */
  recorded = 0;

  record(line: AccessRecord): void {
    this.#lines.add(line);
    this.recorded += 1;
    if (line.owner !== null) this.#count(line, line.owner);
    if (this.#listeners.size > 0) for (const listener of this.#listeners) listener(line);
  }

  /** Newest first. */
  *lines(): Generator<AccessRecord> {
    for (let by = 1; by <= this.#lines.length; by++) yield this.#lines.back(by);
  }

  /** Calls for every line from now on; the answer ends that. */
  follow(listener: (line: AccessRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hands out what was counted since the last call. Who cannot store it gives it back with `restore`. */
  flushDeltas(): UsageDelta[] {
    this.#setAside();
    const deltas = this.#earlier;
    this.#earlier = [];
    return deltas;
  }

  restore(deltas: readonly UsageDelta[]): void {
    this.#earlier.push(...deltas);
  }

  #count(line: AccessRecord, owner: LineOwner): void {
    if (line.at < this.#day.begins || line.at >= this.#day.ends) this.#begin(line.at);
    const sum = this.#counterOf(owner, line.principal);
    sum.requests += 1;
    if (line.status >= 500) sum.errors += 1;
    sum.bytes_in += line.bytes_in;
    sum.bytes_out += line.bytes_out;
    sum.duration_ms += line.duration_ms;
  }

  #counterOf(owner: LineOwner, principal: Actor | null): UsageDelta {
    let principals = this.#usage.get(owner.app_id);
    if (principals === undefined) {
      principals = new Map();
      this.#usage.set(owner.app_id, principals);
    }
    const known = principals.get(principal?.id ?? '');
    if (known !== undefined) return known;
    if (this.#counters >= mostCounters && principal !== null) return this.#counterOf(owner, null);
    const { org_id, app_id } = owner;
    const none = { requests: 0, errors: 0, bytes_in: 0, bytes_out: 0, duration_ms: 0 };
    const fresh = { org_id, app_id, day: this.#day.name, principal, ...none };
    principals.set(principal?.id ?? '', fresh);
    this.#counters += 1;
    return fresh;
  }

  #setAside(): void {
    for (const principals of this.#usage.values()) this.#earlier.push(...principals.values());
    this.#usage = new Map();
    this.#counters = 0;
  }

  #begin(time: number): void {
    this.#setAside();
    const day = 86_400_000;
    const begins = Math.floor(time / day) * day;
    this.#day = { begins, ends: begins + day, name: new Date(begins).toISOString().slice(0, 10) };
  }
}
