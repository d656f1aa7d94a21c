import type { ErrorCode, FieldError, Problem } from '@atrium/protocol';

/** Every way a call fails. `code` is the server's error code, or `unreachable` when no answer came. */
export class AtriumError extends Error {
  override readonly name: string = 'AtriumError';
  readonly code: ErrorCode | 'unreachable' | 'unknown';
  readonly status: number | null;
  readonly errors: readonly FieldError[];
  readonly requestId: string | null;
  readonly problem: Problem | null;
  readonly retryAfterMs: number | null;

  constructor(
    code: AtriumError['code'],
    message: string,
    parts: { status?: number; problem?: Problem; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: parts.cause });
    this.code = code;
    this.status = parts.status ?? null;
    this.problem = parts.problem ?? null;
    this.errors = parts.problem?.errors ?? [];
    this.requestId = parts.problem?.request_id ?? null;
    this.retryAfterMs = parts.retryAfterMs ?? null;
  }

  /** The same by the names that programs for the server before this one know. */
  get statusCode(): number | null {
    return this.status;
  }
  get detail(): string {
    return this.problem?.detail ?? this.message;
  }

  /** True when a repeat may succeed: no answer, the server not ready, or a rate limit. */
  get retryable(): boolean {
    return this.code === 'unreachable' || this.code === 'not_ready' || this.code === 'rate_limited';
  }

  static unreachable(origin: string, cause: unknown): AtriumError {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    return new NetworkError('unreachable', `No answer from ${origin}: ${reason}`, { cause });
  }

  static async fromResponse(response: Response): Promise<AtriumError> {
    const text = await response.text();
    const Kind = response.status === 401 ? AuthenticationError : AtriumError;
    const retryAfter = Number(response.headers.get('retry-after'));
    const parts = { status: response.status, ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}) };
    try {
      const problem = JSON.parse(text) as Problem;
      if (typeof problem.code === 'string') return new Kind(problem.code, problem.detail, { ...parts, problem });
    } catch {
      // Not a problem document: a proxy's page, for example. The status and its first words must do.
    }
    return new Kind('unknown', `The server answered ${response.status}: ${text.slice(0, 200)}`, parts);
  }
}

/** No answer came. */
export class NetworkError extends AtriumError {
  override readonly name = 'NetworkError';
}

/** The credential is not, or no longer, good. */
export class AuthenticationError extends AtriumError {
  override readonly name = 'AuthenticationError';
}

/** The server took neither the key nor the code that it came with. */
export class RegistrationError extends AtriumError {
  override readonly name = 'RegistrationError';

  static of(error: AtriumError): RegistrationError {
    const { status, problem, retryAfterMs } = error;
    return new RegistrationError(error.code, error.message, {
      ...(status === null ? {} : { status }),
      ...(problem === null ? {} : { problem }),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
      cause: error,
    });
  }
}
