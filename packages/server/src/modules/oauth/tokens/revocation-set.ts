import type { Clock } from '../../../platform/clock/clock.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { Db } from '../stores/db.ts';
import { type RevocationKind, type RevocationRow, revocationsStore } from '../stores/revocations-store.ts';

/** What of a token can be revoked. */
export interface TokenFacts {
  jti: string;
  grant_id: string | null;
  client_id: string;
  subject: string;
  issued_at: Date;
}

const factsOf = (token: TokenFacts): [RevocationKind, string][] => [
  ['jti', hashToken(token.jti)],
  ['client', token.client_id],
  ['subject', token.subject],
  ...(token.grant_id === null ? [] : [['grant', token.grant_id] as [RevocationKind, string]]),
];

const keyOf = (kind: RevocationKind, value: string): string => `${kind}:${value}`;

/**
 * Revocations that are still needed, in memory. The listener feeds it; while that is down each question goes to the
 * table, so that a cut connection never lets a revoked token through.
 */
export class RevocationSet {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #listening: () => boolean;
  #changes = 0;
  readonly #known = new Map<string, { before: number; expires: number }>();

  constructor(db: Db, clock: Clock, listening: () => boolean) {
    this.#db = db;
    this.#clock = clock;
    this.#listening = listening;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Another number after each revocation that this process heard of. */
  get changes(): number {
    return this.#changes;
  }

  /** Reads the table; called whenever the listener has (re)connected, since notices may have been missed. */
  async load(): Promise<void> {
    for (const row of await revocationsStore.all(this.#db, this.#clock.now())) this.add(row);
    const now = this.#clock.now().getTime();
    for (const [key, { expires }] of this.#known) if (expires <= now) this.#known.delete(key);
  }

  add({ kind, value, before, expires_at }: RevocationRow): void {
    this.#changes += 1;
    const key = keyOf(kind, value);
    const known = this.#known.get(key);
    this.#known.set(key, {
      before: Math.max(known?.before ?? 0, before.getTime()),
      expires: Math.max(known?.expires ?? 0, expires_at.getTime()),
    });
  }

  async revoked(token: TokenFacts): Promise<boolean> {
    if (this.#holds(token)) return true;
    return this.#listening() ? false : await this.revokedInTable(token);
  }

  /** For connections that are asked about once, when an event says so: it may be here before the notice is. */
  async revokedInTable(token: TokenFacts): Promise<boolean> {
    if (this.#holds(token)) return true;
    const rows = await revocationsStore.among(this.#db, factsOf(token), this.#clock.now());
    return rows.some((row) => row.before >= token.issued_at);
  }

  #holds(token: TokenFacts): boolean {
    const issued = token.issued_at.getTime();
    return factsOf(token).some(([kind, value]) => (this.#known.get(keyOf(kind, value))?.before ?? -1) >= issued);
  }
}
