import type { Caller } from '../../platform/operations/caller.ts';
import { identityEvents } from './identity-events.ts';

interface Entry {
  caller: Caller;
  until: number;
}

/** What an invalidation needs of an event; the same for one of this process and one of another replica. */
export interface ChangedFact {
  kind: string;
  id: string;
  org_id: string;
}

/** Facts about callers; others, such as that somebody signed in, leave what is known of them as it is. */
const aboutCallers: ReadonlySet<string> = new Set([
  identityEvents.orgUpdated,
  identityEvents.orgDeleted,
  identityEvents.memberUpdated,
  identityEvents.roleUpdated,
  identityEvents.agentUpdated,
  identityEvents.agentDeleted,
  identityEvents.agentRecovered,
  identityEvents.sessionRevoked,
  identityEvents.keyRevoked,
]);

const touches = (fact: ChangedFact, caller: Caller): boolean => {
  switch (fact.kind) {
    case identityEvents.orgUpdated:
    case identityEvents.orgDeleted:
      return caller.org_id === fact.org_id;
    case identityEvents.memberUpdated:
      return caller.id === fact.id && caller.org_id === fact.org_id;
    case identityEvents.roleUpdated:
      return caller.role_id === fact.id;
    case identityEvents.agentUpdated:
    case identityEvents.agentDeleted:
    case identityEvents.agentRecovered:
      return caller.id === fact.id;
    case identityEvents.sessionRevoked:
    case identityEvents.keyRevoked:
      return caller.credential.id === fact.id;
    default:
      return false;
  }
};

/**
 * Resolved callers by token hash, least recently used dropped first. An entry lives for seconds at most, so that a
 * lost notification cannot keep a revoked credential alive.
 */
export class CallerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #size: number;
  readonly #lifeMs: number;
  #generation = 0;

  constructor(size = 5000, lifeMs = 30_000) {
    this.#size = size;
    this.#lifeMs = lifeMs;
  }

  get(hash: string, now: number): Caller | null {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return null;
    const expires = entry.caller.credential.expires_at;
    if (entry.until <= now || (expires !== null && expires.getTime() <= now)) {
      this.#entries.delete(hash);
      return null;
    }
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    return entry.caller;
  }

  /** Taken before the query whose answer `put` gets. */
  get generation(): number {
    return this.#generation;
  }

  /** Keeps the answer of a query, unless something was invalidated while the query ran: then it may be stale already. */
  put(hash: string, caller: Caller, now: number, generation: number): void {
    if (generation !== this.#generation) return;
    this.#entries.set(hash, { caller, until: now + this.#lifeMs });
    if (this.#entries.size > this.#size) this.#entries.delete(this.#entries.keys().next().value!);
  }

  invalidate(fact: ChangedFact): void {
    if (!aboutCallers.has(fact.kind)) return;
    this.#generation += 1;
    for (const [hash, { caller }] of this.#entries) if (touches(fact, caller)) this.#entries.delete(hash);
  }
}
