import type { Clock } from '../../../platform/clock/clock.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { appErrorOf } from '../../../platform/http/problem.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { ChangedFact, PersonFacts } from '../../identity/index.ts';
import { identityEvents } from '../../identity/index.ts';
import type { Verdict } from '../gate.ts';
import type { RouteSnapshot, SnapshotSource } from '../snapshot.ts';
import { gatewayShareEvents } from './share-events.ts';

/** Somebody who proved who they are, with what an app may learn of them. */
export interface Principal {
  caller: Caller;
  facts: PersonFacts;
}

/** A browser that holds a share link's cookie. */
export interface Guest {
  share_id: string;
  route_id: string;
  ends_at: Date;
}

/** One credential as it was when it was last looked at. */
export interface Entry {
  who: { kind: 'principal'; principal: Principal } | { kind: 'guest'; guest: Guest } | { kind: 'anyone' };
  /** Looks again; null when the credential has ended. Rejects when it cannot be known. */
  look: () => Promise<Entry['who'] | null>;
  checked_at: number;
  looking: Promise<boolean> | null;
  /** Something happened since that may have ended it; asked before anything is watched by it. */
  doubted: boolean;
  /** When looking failed last: a database that is away is not asked on every request. */
  failed_at: number;
  /** Decisions about routes as they are in some snapshot. */
  verdicts: WeakMap<RouteSnapshot, Verdict>;
}

interface Watcher {
  entry: Entry;
  route_id: string;
  end: (reason: string) => void;
}

/** Younger than this nothing is asked; older, it is asked beside the request; older still, before it. */
const freshMs = 10_000;
const usableMs = 30_000;
const mostEntries = 10_000;
const sweepMs = 1000;

/** Comings and goings that change nothing of what anybody may open. */
const harmless: ReadonlySet<string> = new Set([
  identityEvents.sessionCreated,
  identityEvents.keyCreated,
  identityEvents.signedIn,
  identityEvents.signedOut,
  identityEvents.signInFailed,
  identityEvents.addressDenied,
  identityEvents.alertRaised,
  identityEvents.preferencesUpdated,
  identityEvents.invitationUpdated,
]);

const ofOrg = /^identity\.(?:org|role|team)\./;
const ofCredential: ReadonlySet<string> = new Set([identityEvents.sessionRevoked, identityEvents.keyRevoked]);

/** Most of what happens changes nobody's rights, and must not cost what is known of them. */
const isAboutRights = (kind: string): boolean =>
  kind === gatewayShareEvents.revoked || (kind.startsWith('identity.') && !harmless.has(kind));

const concerns = (fact: ChangedFact, { who }: Entry): boolean => {
  if (who.kind === 'anyone') return false;
  if (who.kind === 'guest') return fact.kind === gatewayShareEvents.revoked && who.guest.share_id === fact.id;
  const { caller } = who.principal;
  if (ofCredential.has(fact.kind)) return caller.credential.id === fact.id;
  // A person who is shut out takes their devices along.
  if (ofOrg.test(fact.kind)) return caller.org_id === fact.org_id;
  return caller.id === fact.id || caller.owner_id === fact.id;
};

const endOf = ({ who }: Entry): Date | null => {
  if (who.kind === 'anyone') return null;
  return who.kind === 'guest' ? who.guest.ends_at : who.principal.caller.credential.expires_at;
};

/** Whoever it is: nothing of theirs can end, only what the route allows. */
const anyone: Entry = {
  who: { kind: 'anyone' },
  look: async () => ({ kind: 'anyone' }),
  checked_at: Number.POSITIVE_INFINITY,
  looking: null,
  doubted: false,
  failed_at: Number.NEGATIVE_INFINITY,
  verdicts: new WeakMap(),
};

export interface BookParts {
  clock: Clock;
  snapshots: SnapshotSource;
  /** How long a look counts when the database cannot be asked; 0 = not at all. */
  stale_ms: () => number;
  mayOpen: (who: Entry['who'], route: RouteSnapshot) => boolean;
  onError: (error: unknown, what: string) => void;
}

const patienceMs = 1000;
const retryMs = 1000;
const late = (): Promise<never> =>
  new Promise((_resolve, reject) => setTimeout(() => reject(new AppError('not_ready')), patienceMs).unref());

const isOutage = (error: unknown): boolean => error instanceof AppError && error.code === 'not_ready';

/**
 * Credentials that were looked at lately, by a hash, and what runs on the strength of them. What identity and the
 * authorization server say of an ending counts at once; a look now and then covers what was never said.
 */
export class VisitorBook {
  readonly #parts: BookParts;
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<Watcher>();
  #generation = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: BookParts) {
    this.#parts = parts;
    parts.snapshots.onSwap((gone) => {
      for (const watcher of this.#watchers) if (gone.has(watcher.route_id)) this.#judge(watcher);
    });
  }

  get generation(): number {
    return this.#generation;
  }

  get watching(): number {
    return this.#watchers.size;
  }

  /** An entry that can be used as it is; a promise when it must be looked at first; null when there is none. */
  find(key: string): Entry | null | Promise<Entry | null> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const now = this.#parts.clock.now().getTime();
    const end = endOf(entry);
    if (end !== null && end.getTime() <= now) {
      this.#entries.delete(key);
      return null;
    }
    const age = now - entry.checked_at;
    if (age < freshMs) return entry;
    const stale = age < this.#parts.stale_ms();
    if (now - entry.failed_at < retryMs && (age < usableMs || stale)) return entry;
    const looked = this.#look(entry, key);
    if (age < usableMs) {
      looked.catch((error: unknown) => {
        if (!isOutage(error)) this.#parts.onError(error, 'looking at a credential again');
      });
      return entry;
    }
    // A database that does not answer at all must not hold up whoever is known anyway.
    return (stale ? Promise.race([looked, late()]) : looked).then(
      (stands) => (stands ? entry : null),
      (error: unknown) => {
        if (!isOutage(error) || !stale) throw error;
        entry.failed_at = now;
        return entry;
      },
    );
  }

  /** Keeps what a look found, unless something ended while it was being looked at. Without a key it is good for once. */
  put(key: string | null, found: Pick<Entry, 'who' | 'look'>, generation: number): Entry {
    const entry: Entry = {
      ...found,
      checked_at: this.#parts.clock.now().getTime(),
      looking: null,
      // What is not kept here hears of nothing.
      doubted: key === null || generation !== this.#generation,
      failed_at: Number.NEGATIVE_INFINITY,
      verdicts: new WeakMap(),
    };
    if (key === null || generation !== this.#generation) return entry;
    this.#entries.set(key, entry);
    if (this.#entries.size > mostEntries) this.#entries.delete(this.#entries.keys().next().value!);
    return entry;
  }

  /** Ends with `end` when the credential or its right to the route does. Returns the end of watching. */
  watch(entry: Entry, routeId: string, end: (reason: string) => void): () => void {
    const watcher = { entry, route_id: routeId, end };
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => this.sweep(), sweepMs).unref();
    // A long answer is watched some time after the gate let it in.
    if (entry.doubted) this.#recheck(entry);
    return () => this.#forget(watcher);
  }

  /** Ends when the route is no longer open to everybody. */
  watchOpen(routeId: string, end: (reason: string) => void): () => void {
    return this.watch(anyone, routeId, end);
  }

  /** Something changed, in this process or another. */
  changed(fact: ChangedFact): void {
    if (!isAboutRights(fact.kind)) return;
    this.#drop((entry) => concerns(fact, entry));
  }

  /** Some access token ended; which one, its own module knows. */
  tokenEnded(): void {
    this.#drop(({ who }) => who.kind === 'principal' && who.principal.caller.credential.kind === 'access_token');
  }

  /** Facts may have been missed. */
  doubt(orgId: string | null): void {
    this.#drop(({ who }) => orgId === null || who.kind !== 'principal' || who.principal.caller.org_id === orgId);
  }

  /** Ends what has run out and looks again at what was not looked at for a while; runs each second by itself. */
  sweep(): void {
    const now = this.#parts.clock.now().getTime();
    const due = new Set<Entry>();
    for (const watcher of this.#watchers) {
      const end = endOf(watcher.entry);
      if (end !== null && end.getTime() <= now) this.#end(watcher, 'expired');
      else if (now - watcher.entry.checked_at >= usableMs) due.add(watcher.entry);
    }
    for (const entry of due) this.#recheck(entry);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #drop(which: (entry: Entry) => boolean): void {
    this.#generation += 1;
    for (const [key, entry] of this.#entries) {
      if (!which(entry)) continue;
      entry.doubted = true;
      this.#entries.delete(key);
    }
    const watched = new Set([...this.#watchers].map(({ entry }) => entry).filter(which));
    for (const entry of watched) {
      // A look that began before the fact may not have seen it.
      entry.looking = null;
      this.#recheck(entry);
    }
  }

  #recheck(entry: Entry): void {
    this.#look(entry, null).catch((error: unknown) => {
      // What cannot be known now is asked again by the sweep, and when the connection is back.
      if (!isOutage(error)) this.#parts.onError(error, 'looking again at what runs through the gateway');
    });
  }

  /** False when the credential has ended; then everything that ran by it has ended as well. */
  #look(entry: Entry, key: string | null): Promise<boolean> {
    if (entry.looking !== null) return entry.looking;
    const generation = this.#generation;
    const looking: Promise<boolean> = this.#ask(entry).then((who) => {
      if (entry.looking !== looking) return entry.looking ?? Promise.resolve(true);
      entry.looking = null;
      if (who === null) {
        if (key !== null && this.#entries.get(key) === entry) this.#entries.delete(key);
        for (const watcher of this.#watchers) if (watcher.entry === entry) this.#end(watcher, 'signed out');
        return false;
      }
      entry.who = who;
      if (generation === this.#generation) entry.doubted = false;
      entry.verdicts = new WeakMap();
      if (generation === this.#generation) entry.checked_at = this.#parts.clock.now().getTime();
      for (const watcher of this.#watchers) if (watcher.entry === entry) this.#judge(watcher);
      return true;
    });
    looking.catch(() => {
      if (entry.looking !== looking) return;
      entry.looking = null;
      entry.failed_at = this.#parts.clock.now().getTime();
    });
    entry.looking = looking;
    return looking;
  }

  async #ask(entry: Entry): Promise<Entry['who'] | null> {
    try {
      return await entry.look();
    } catch (error) {
      throw appErrorOf(error);
    }
  }

  #judge(watcher: Watcher): void {
    const route = this.#parts.snapshots.current().routes.get(watcher.route_id);
    if (route === undefined) this.#end(watcher, 'the route is gone');
    else if (!this.#parts.mayOpen(watcher.entry.who, route)) this.#end(watcher, 'no longer allowed');
  }

  #end(watcher: Watcher, reason: string): void {
    if (!this.#watchers.has(watcher)) return;
    this.#forget(watcher);
    watcher.end(reason);
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.close();
  }
}
