export type OAuthErrorCode =
  /** A person must sign in, and this program was given no way to ask one. */
  | 'sign_in_required'
  /** The resource or its authorization server publishes no usable metadata. */
  | 'discovery_failed'
  /** The metadata is about another resource than the one that was called. */
  | 'resource_mismatch'
  /** The metadata, or the stored client, belongs to another authorization server. */
  | 'issuer_mismatch'
  /** An address that is neither https nor on this machine. */
  | 'insecure_url'
  /** The authorization server knows no client to take us for, and takes no registration. */
  | 'client_refused'
  /** The authorization server said no; `error` is its code. */
  | 'refused'
  /** An answer that breaks the protocol: a wrong `iss` or `state`, a missing token. */
  | 'invalid_answer'
  | 'unreachable'
  /** Nobody finished signing in within the time. */
  | 'timeout'
  /** Another process holds the stored tokens for longer than it should. */
  | 'store_busy';

/** Why there is no token. The text names addresses and codes, never a secret. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  /** The `error` of an OAuth answer, such as `access_denied`, or null. */
  readonly error: string | null;

  constructor(code: OAuthErrorCode, message: string, parts: { error?: string; cause?: unknown } = {}) {
    super(message, { cause: parts.cause });
    this.name = 'OAuthError';
    this.code = code;
    this.error = parts.error ?? null;
  }
}
