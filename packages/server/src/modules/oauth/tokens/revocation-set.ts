import type { Clock } from '../../../platform/clock/clock.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import type { Db } from '../stores/db.ts';
import { type RevocationKind, type RevocationRow, revocationsStore } from '../stores/revocations-store.ts';

/** What of a token can be revoked. */
export interface TokenFacts {
  jti: string;
  grant_id: string | null;
  client_id: string;
  subject: string;
  /** Its `iat`: whole seconds, rounded down. */
  issued_at: Date;
}

/** `iat` counts whole seconds. */
const roundingMs = 1000;

type Ending = Pick<RevocationRow, 'kind' | 'before'>;

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
  readonly #listeners: (() => void)[] = [];
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

  /** Hears that something ended, or may have: for caches of what tokens open. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
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
    for (const listener of this.#listeners) listener();
  }

  async revoked(token: TokenFacts): Promise<boolean> {
    const known = factsOf(token).flatMap(([kind, value]): Ending[] => {
      const ending = this.#known.get(keyOf(kind, value));
      return ending === undefined ? [] : [{ kind, before: new Date(ending.before) }];
    });
    if (await this.#endedBy(known, token)) return true;
    return this.#listening() ? false : await this.revokedInTable(token);
  }

  /** For connections that are asked about once, when an event says so: it may be here before the notice is. */
  async revokedInTable(token: TokenFacts): Promise<boolean> {
    return await this.#endedBy(await revocationsStore.among(this.#db, factsOf(token), this.#clock.now()), token);
  }

  /**
   * A client or person can come back within the second in which what they held was ended; `iat` cannot tell a token of
   * before from one of after then, but its row can.
   */
  async #endedBy(endings: readonly Ending[], token: TokenFacts): Promise<boolean> {
    const issued = token.issued_at.getTime();
    const standing = endings.filter(({ before }) => before.getTime() >= issued);
    if (standing.length === 0) return false;
    const last = Math.max(...standing.map(({ before }) => before.getTime()));
    if (last - issued >= roundingMs || standing.some(({ kind }) => kind === 'jti' || kind === 'grant')) return true;
    const row = await accessTokensStore.find(this.#db, hashToken(token.jti), this.#clock.now());
    return row === null || row.created_at.getTime() <= last;
  }
}
