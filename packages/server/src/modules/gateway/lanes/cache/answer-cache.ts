import { createWriteStream, mkdirSync, readdirSync, rmSync, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { newId } from '../../../../platform/ids/ids.ts';
import type { RouteSnapshot, TargetSnapshot } from '../../snapshot.ts';
import { headerOf } from '../response-headers.ts';
import { ageAtArrival, type Directives, directivesOf, listOf } from './cache-policy.ts';

/** Bodies up to here stay in memory. */
const small = 64 * 1024;
/** What an entry costs beside its head and body. */
const overhead = 1000;
/** Answers of one address: one for each principal, and for each value of what it differs by. */
const mostOfOne = 200;
/** Bytes of an answer on their way to the disk; an app that is faster is not waited for. */
const mostPending = 4 * 1024 * 1024;

/** Where an answer was asked for, and by whom. */
export interface Place {
  route: RouteSnapshot;
  /** Host, base, path and query. */
  uri: string;
  /** Path below the base, with its query, for purging. */
  path: string;
  /** '' is everybody's. */
  owner: string;
}

export interface Kept extends Omit<Place, 'route'> {
  route_id: string;
  target: TargetSnapshot;
  status: number;
  reason: string;
  /** As the app sent them. */
  headers: string[];
  directives: Directives;
  vary: readonly string[];
  vary_key: string;
  lifetime: number;
  arrived_at: number;
  age_at_arrival: number;
  body: Buffer | null;
  file: string | null;
  size: number;
  cost: number;
}

export type Facts = Pick<Kept, 'target' | 'status' | 'reason' | 'headers' | 'vary' | 'vary_key' | 'lifetime'> & {
  asked_at: number;
  arrived_at: number;
};

export interface CacheRoom {
  memory: number;
  disk: number;
  /** Null keeps nothing on disk. */
  directory: string | null;
}

/** Seconds since the app made it. */
export const ageOf = ({ age_at_arrival, arrived_at }: Kept, now: number): number =>
  age_at_arrival + Math.max(0, now - arrived_at) / 1000;

/**
 * Answers of apps that are kept by this process, within bounds of memory and disk; what was used longest ago goes first.
 * It does not outlive the process, and nothing is in it of a route that was changed.
 */
export class AnswerCache {
  readonly #room: CacheRoom;
  readonly #now: () => number;
  readonly #routes = new Map<string, { route: RouteSnapshot; entries: Map<string, Kept[]> }>();
  /** In the order of their use. */
  readonly #inMemory = new Set<Kept>();
  readonly #onDisk = new Set<Kept>();
  #memory = 0;
  #disk = 0;

  constructor(room: CacheRoom, now: () => number = Date.now) {
    this.#room = room;
    this.#now = now;
    if (room.directory === null) return;
    mkdirSync(room.directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(room.directory)) rmSync(join(room.directory, name), { force: true });
  }

  get figures(): { entries: number; memory: number; disk: number } {
    return { entries: this.#inMemory.size + this.#onDisk.size, memory: this.#memory, disk: this.#disk };
  }

  now(): number {
    return this.#now();
  }

  /** All answers of an address that an owner may have, everybody's included. */
  find({ route, uri }: Place, owner: string): Kept[] {
    const known = this.#routes.get(route.id);
    if (known === undefined || known.route !== route) return [];
    return (known.entries.get(uri) ?? []).filter((entry) => entry.owner === '' || entry.owner === owner);
  }

  used(entry: Kept): void {
    const order = entry.file === null ? this.#inMemory : this.#onDisk;
    if (order.delete(entry)) order.add(entry);
  }

  /** Begins to keep an answer whose body is still to come. */
  begin(place: Place, facts: Facts): Recording {
    return new Recording(this.#room, facts, {
      reserve: (bytes) => this.#reserve(bytes),
      release: (bytes) => {
        this.#disk -= bytes;
      },
      done: (entry) => this.#add(place, entry),
    });
  }

  /** The app says that it is still good: its head counts from now on (RFC 9111, 3.2). */
  renew(entry: Kept, headers: readonly string[], lifetime: number, asked_at: number): void {
    const fresh = new Set<string>();
    const kept: string[] = [];
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at]!.toLowerCase();
      if (/^content-(?:length|encoding|type|range)$/.test(name)) continue;
      fresh.add(name);
      kept.push(headers[at]!, headers[at + 1]!);
    }
    for (let at = 0; at < entry.headers.length; at += 2)
      if (!fresh.has(entry.headers[at]!.toLowerCase())) kept.push(entry.headers[at]!, entry.headers[at + 1]!);
    const now = this.#now();
    entry.headers = kept;
    entry.directives = directivesOf(listOf(kept, 'cache-control'));
    entry.lifetime = lifetime;
    entry.arrived_at = now;
    entry.age_at_arrival = ageAtArrival(headers, asked_at, now);
    this.used(entry);
  }

  remove(entry: Kept): void {
    const order = entry.file === null ? this.#inMemory : this.#onDisk;
    if (!order.delete(entry)) return;
    if (entry.file === null) this.#memory -= entry.cost;
    else {
      this.#disk -= entry.cost;
      rmSync(entry.file, { force: true });
    }
    const entries = this.#routes.get(entry.route_id)?.entries;
    const others = entries?.get(entry.uri)?.filter((one) => one !== entry) ?? [];
    if (others.length > 0) entries?.set(entry.uri, others);
    else entries?.delete(entry.uri);
  }

  /** Something was done to an address, so what is kept of it may be wrong. */
  invalidate({ route, uri }: Pick<Place, 'route' | 'uri'>): void {
    for (const entry of [...(this.#routes.get(route.id)?.entries.get(uri) ?? [])]) this.remove(entry);
  }

  /** `path` with `*` at the end stands for any rest; without a query for any query. Null = everything of the route. */
  purge(routeId: string, path: string | null): number {
    const entries = [...(this.#routes.get(routeId)?.entries.values() ?? [])].flat();
    const open = path?.endsWith('*') === true;
    const start = open ? path!.slice(0, -1) : path;
    const gone = entries.filter(
      (entry) =>
        start === null ||
        (open ? entry.path.startsWith(start) : entry.path === start || entry.path.split('?', 1)[0] === start),
    );
    for (const entry of gone) this.remove(entry);
    return gone.length;
  }

  /** Forgets what belongs to routes that are gone or were changed. */
  keepOnly(routes: ReadonlyMap<string, RouteSnapshot>): void {
    for (const [id, { route }] of [...this.#routes]) {
      if (routes.get(id) === route) continue;
      this.purge(id, null);
      this.#routes.delete(id);
    }
  }

  /** Null when the file of it is gone. */
  async open(entry: Kept): Promise<Readable | null> {
    try {
      const file = await open(entry.file!, 'r');
      return file.createReadStream({ highWaterMark: small });
    } catch {
      this.remove(entry);
      return null;
    }
  }

  close(): void {
    for (const id of [...this.#routes.keys()]) this.purge(id, null);
  }

  #reserve(bytes: number): boolean {
    if (bytes > this.#room.disk) return false;
    for (const oldest of this.#onDisk) {
      if (this.#disk + bytes <= this.#room.disk) break;
      this.remove(oldest);
    }
    if (this.#disk + bytes > this.#room.disk) return false;
    this.#disk += bytes;
    return true;
  }

  #add(place: Place, made: Omit<Kept, keyof Omit<Place, 'route'> | 'route_id'>): void {
    const { route, uri, path, owner } = place;
    const entry: Kept = { ...made, uri, path, owner, route_id: route.id };
    let known = this.#routes.get(route.id);
    if (known !== undefined && known.route !== route) {
      // The route was changed while this was on its way.
      if (entry.file !== null) {
        this.#disk -= entry.cost;
        rmSync(entry.file, { force: true });
      }
      return;
    }
    if (known === undefined) {
      known = { route, entries: new Map() };
      this.#routes.set(route.id, known);
    }
    const same = (one: Kept): boolean => one.owner === owner && one.vary_key === entry.vary_key;
    for (const former of known.entries.get(uri)?.filter(same) ?? []) this.remove(former);
    const others = known.entries.get(uri) ?? [];
    if (others.length >= mostOfOne) this.remove(others[0]!);
    known.entries.set(uri, [...(known.entries.get(uri) ?? []), entry]);
    if (entry.file !== null) {
      this.#onDisk.add(entry);
      return;
    }
    this.#inMemory.add(entry);
    this.#memory += entry.cost;
    for (const oldest of this.#inMemory) {
      if (this.#memory <= this.#room.memory) break;
      this.remove(oldest);
    }
  }
}

interface RecordingParts {
  reserve: (bytes: number) => boolean;
  release: (bytes: number) => void;
  done: (entry: Omit<Kept, keyof Omit<Place, 'route'> | 'route_id'>) => void;
}

/** An answer that is being kept while it passes. */
export class Recording {
  readonly #room: CacheRoom;
  readonly #facts: Facts;
  readonly #parts: RecordingParts;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes on disk that are counted as taken. */
  #reserved = 0;
  #file: WriteStream | null = null;
  #path = '';
  #over = false;

  constructor(room: CacheRoom, facts: Facts, parts: RecordingParts) {
    this.#room = room;
    this.#facts = facts;
    this.#parts = parts;
    const length = Number(headerOf(facts.headers, 'content-length') ?? 0);
    if (length > this.#most) this.#over = true;
  }

  /** One answer may take an eighth. */
  get #most(): number {
    return this.#room.directory === null ? small : Math.max(small, Math.floor(this.#room.disk / 8));
  }

  write(chunk: Buffer): void {
    if (this.#over || chunk.length === 0) return;
    this.#size += chunk.length;
    if (this.#size > this.#most) {
      this.drop();
      return;
    }
    // The memory of a chunk is used again once it has left.
    const copy = Buffer.from(chunk);
    if (this.#size <= small) {
      this.#chunks.push(copy);
      return;
    }
    if (this.#file === null && !this.#toDisk()) return;
    this.#append(copy);
  }

  commit(): void {
    if (this.#over) return;
    const file = this.#file;
    if (file === null) {
      this.#over = true;
      this.#parts.done(this.#entry(Buffer.concat(this.#chunks, this.#size), null));
      return;
    }
    file.end(() => {
      if (this.#over) return;
      this.#over = true;
      this.#parts.done(this.#entry(null, this.#path));
    });
  }

  /** It was cut off, or is not to be kept. */
  drop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#chunks = [];
    if (this.#file === null) return;
    // Only once it is closed: a file that is still being opened would be made after it was removed.
    this.#file.once('close', () => rmSync(this.#path, { force: true }));
    this.#file.destroy();
    this.#parts.release(this.#reserved);
  }

  #toDisk(): boolean {
    if (this.#room.directory === null) {
      this.drop();
      return false;
    }
    this.#path = join(this.#room.directory, newId());
    this.#file = createWriteStream(this.#path, { flags: 'wx', mode: 0o600, highWaterMark: mostPending });
    this.#file.on('error', () => this.drop());
    const before = this.#chunks;
    this.#chunks = [];
    for (const one of before) this.#append(one);
    return !this.#over;
  }

  #append(chunk: Buffer): void {
    if (this.#over) return;
    if (!this.#parts.reserve(chunk.length)) {
      this.drop();
      return;
    }
    this.#reserved += chunk.length;
    this.#file!.write(chunk);
    if (this.#file!.writableLength > mostPending) this.drop();
  }

  #entry(body: Buffer | null, file: string | null): Omit<Kept, keyof Omit<Place, 'route'> | 'route_id'> {
    const { asked_at, arrived_at, headers, ...facts } = this.#facts;
    const whole =
      headerOf(headers, 'content-length') === null ? [...headers, 'content-length', `${this.#size}`] : headers;
    return {
      ...facts,
      headers: whole,
      directives: directivesOf(listOf(headers, 'cache-control')),
      arrived_at,
      age_at_arrival: ageAtArrival(headers, asked_at, arrived_at),
      ...{ body, file, size: this.#size },
      cost: body === null ? this.#size : this.#size + overhead + whole.reduce((sum, text) => sum + text.length, 0),
    };
  }
}
