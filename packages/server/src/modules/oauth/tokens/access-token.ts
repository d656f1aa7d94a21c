import { decodeProtectedHeader, jwtVerify } from 'jose';
import type { Clock } from '../../../platform/clock/clock.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import type { Db } from '../stores/db.ts';
import type { RevocationSet } from './revocation-set.ts';

/** A good token, whatever its form. */
export interface AccessTokenFacts {
  format: 'jwt' | 'opaque';
  jti: string;
  client_id: string;
  subject: string;
  actor_type: 'user' | 'agent' | 'device' | 'service';
  org_id: string | null;
  audience: string | null;
  scopes: readonly string[];
  grant_id: string | null;
  issued_at: Date;
  expires_at: Date;
  /** Thumbprint of the key it is bound to. */
  jkt: string | null;
  /** Thumbprint of the certificate it is bound to. */
  x5t: string | null;
  act: Record<string, unknown> | null;
  auth_time: number | null;
  claims: Readonly<Record<string, unknown>>;
}

export const looksLikeJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);

const opaqueForm = /^[A-Za-z0-9_-]{43}$/;

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const actorTypes = new Set(['user', 'agent', 'device', 'service']);

/** Seconds by which clocks may differ. */
const tolerance = 5;

const factsOf = (format: 'jwt' | 'opaque', claims: Record<string, unknown>): AccessTokenFacts | null => {
  const [jti, client_id, subject] = [textOf(claims['jti']), textOf(claims['client_id']), textOf(claims['sub'])];
  const { exp, iat } = claims;
  if (jti === null || client_id === null || subject === null) return null;
  if (typeof exp !== 'number' || typeof iat !== 'number') return null;
  const actor_type = String(claims['actor_type'] ?? 'user');
  if (!actorTypes.has(actor_type)) return null;
  const cnf = (claims['cnf'] ?? {}) as { jkt?: unknown; 'x5t#S256'?: unknown };
  return {
    format,
    jti,
    client_id,
    subject,
    actor_type: actor_type as AccessTokenFacts['actor_type'],
    org_id: textOf(claims['org']),
    // One audience a token: a list could carry it where nobody meant it to go.
    audience: textOf(claims['aud']),
    scopes: (textOf(claims['scope']) ?? '').split(' ').filter((scope) => scope !== ''),
    grant_id: textOf(claims['grant_id']),
    issued_at: new Date(iat * 1000),
    expires_at: new Date(exp * 1000),
    jkt: textOf(cnf.jkt),
    x5t: textOf(cnf['x5t#S256']),
    act: (claims['act'] as Record<string, unknown> | undefined) ?? null,
    auth_time: typeof claims['auth_time'] === 'number' ? claims['auth_time'] : null,
    claims,
  };
};

/** Signatures that were checked lately, by token: what signed them never changes, unlike what ended them. */
const mostVerified = 2000;

export interface AccessTokenParts {
  keys: KeyRing;
  clock: Clock;
  revocations: RevocationSet;
  issuer: () => string;
  db: Db;
  /** Counts how JWTs are found: the signature `valid` or not, or `kept` from a check before. */
  validated?: (result: 'valid' | 'kept' | 'invalid') => void;
}

/** Tells good access tokens from others, without a request to anybody. */
export class AccessTokens {
  readonly #verified = new Map<string, { kid: string; facts: AccessTokenFacts }>();
  readonly #parts: AccessTokenParts;

  constructor(parts: AccessTokenParts) {
    this.#parts = parts;
  }

  /** Null for everything that is not a live token of ours. Says nothing about audience and proof. */
  async verify(token: string, db: Db = this.#parts.db): Promise<AccessTokenFacts | null> {
    const facts = looksLikeJwt(token) ? await this.signature(token) : await this.#stored(token, db);
    if (facts === null || (await this.#parts.revocations.revoked(facts))) return null;
    return facts;
  }

  /** The part of a JWT that does not change once it is true: who signed it, for what. */
  async signature(token: string): Promise<AccessTokenFacts | null> {
    const { keys, clock, issuer, validated } = this.#parts;
    const hash = hashToken(token);
    const known = this.#verified.get(hash);
    if (known !== undefined) {
      const ends = known.facts.expires_at.getTime() + tolerance * 1000;
      const stands = keys.current.verify.has(known.kid) && known.facts.claims['iss'] === issuer();
      if (stands && ends > clock.now().getTime()) {
        validated?.('kept');
        return known.facts;
      }
      this.#verified.delete(hash);
      validated?.('invalid');
      return null;
    }
    const facts = await this.#check(token, hash);
    validated?.(facts === null ? 'invalid' : 'valid');
    return facts;
  }

  async #check(token: string, hash: string): Promise<AccessTokenFacts | null> {
    const { keys, clock, issuer } = this.#parts;
    try {
      const { kid, alg } = decodeProtectedHeader(token);
      const key = kid === undefined ? undefined : keys.current.verify.get(kid);
      if (kid === undefined || key === undefined || key.alg !== alg) return null;
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [key.alg],
        issuer: issuer(),
        typ: 'at+jwt',
        clockTolerance: tolerance,
        currentDate: clock.now(),
      });
      const facts = factsOf('jwt', payload);
      if (facts !== null) this.#keep(hash, kid, facts);
      return facts;
    } catch {
      return null;
    }
  }

  #keep(hash: string, kid: string, facts: AccessTokenFacts): void {
    this.#verified.set(hash, { kid, facts });
    if (this.#verified.size > mostVerified) this.#verified.delete(this.#verified.keys().next().value!);
  }

  async #stored(token: string, db: Db): Promise<AccessTokenFacts | null> {
    if (!opaqueForm.test(token)) return null;
    const row = await accessTokensStore.find(db, hashToken(token), this.#parts.clock.now());
    if (row === null || row.format !== 'opaque' || row.payload === null) return null;
    const { payload } = row;
    const extra = (payload['extra'] ?? {}) as Record<string, unknown>;
    return factsOf('opaque', {
      ...extra,
      jti: token,
      client_id: row.client_id,
      sub: row.subject,
      aud: row.resource ?? undefined,
      scope: row.scopes.join(' '),
      iat: payload['iat'],
      exp: payload['exp'],
      ...(payload['jkt'] === undefined && payload['x5t#S256'] === undefined
        ? {}
        : { cnf: { jkt: payload['jkt'], 'x5t#S256': payload['x5t#S256'] } }),
    });
  }
}
