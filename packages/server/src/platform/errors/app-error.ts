import { type ErrorCode, errorCodes, type FieldError } from '@atrium/protocol';

/**
 * The one error that services and hosts throw on purpose. `message` is for the caller, `options.log` for the log only,
 * `options.extensions` become members of the problem document. Each host translates it once.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly log: unknown;

  constructor(
    code: ErrorCode,
    message?: string,
    options: {
      errors?: readonly FieldError[];
      extensions?: Record<string, unknown>;
      log?: unknown;
      cause?: unknown;
    } = {},
  ) {
    super(message ?? errorCodes[code].meaning, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors;
    this.extensions = options.extensions ?? {};
    this.log = options.log;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }
}

export const notFound = (what = 'The thing'): AppError =>
  new AppError('not_found', `${what} does not exist, or you may not see it.`);

export const invalid = (path: string, message: string): AppError =>
  new AppError('validation_failed', `${path === '' ? 'The input' : path}: ${message}`, { errors: [{ path, message }] });
