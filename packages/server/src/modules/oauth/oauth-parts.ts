import type { Clock } from '../../platform/clock/clock.ts';
import type { OauthConfig } from '../../platform/config/config.ts';
import type { Database, NewAudit } from '../../platform/db/database.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { GuardedFetch } from '../../platform/net/guarded-fetch.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { SecretBox } from '../../platform/secrets/secret-box.ts';
import type { CountedKind } from '../../platform/telemetry/hourly-counts.ts';
import type { IdentityService } from '../identity/index.ts';
import type { ClientCertificates } from './clients/client-certificates.ts';
import type { HooksParts } from './hooks/hooks-parts.ts';
import type { AccessTokenParts } from './tokens/access-token.ts';

/** What the module is built from. */
export interface OauthParts {
  database: Database & { auditDenied(call: Call, entry: NewAudit): void };
  database_url: string;
  clock: Clock;
  secrets: SecretBox;
  /** Keys of 32 bytes for one purpose, the same on every replica. */
  keysFor: (purpose: string) => readonly [Uint8Array, ...Uint8Array[]];
  limiter: RateLimiter;
  guardedFetch: GuardedFetch;
  public_url: () => string;
  config: OauthConfig;
  /** Null: client certificates are not taken. */
  certificates: ClientCertificates | null;
  identity: IdentityService;
  /** Null: operators want nobody asked or told. */
  hooks: HooksParts | null;
  /** For the figures that operators see. */
  count: (kind: CountedKind, by?: number) => void;
  validated: NonNullable<AccessTokenParts['validated']>;
  /** A refresh token was presented, by a client or a device; whether it brought new tokens. */
  refreshed: (ok: boolean) => void;
  /** Operators were called to something; counted apart, for when they cannot be told. */
  alerted: (alert: string) => void;
  /** An answer refused something, by its OAuth code. */
  refused: (code: string) => void;
  onError: (error: unknown, what: string) => void;
}
