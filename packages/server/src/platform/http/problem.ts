import { type ErrorCode, errorCodes, type Problem } from '@atrium/protocol';
import { translateDatabaseError } from '../db/database-errors.ts';
import { AppError } from '../errors/app-error.ts';

export const problemType = 'application/problem+json';

/** Seconds a client should wait when nothing more exact is known. */
const retryAfterDefault: Partial<Record<ErrorCode, number>> = { not_ready: 5, rate_limited: 60, too_many_waits: 30 };

/** The problem document of an error. Extensions never replace a standard member. */
export const problemOf = (
  error: AppError,
  at: { public_url: string; instance: string; request_id: string; status?: number },
): Problem => ({
  ...error.extensions,
  type: `${at.public_url}/api/docs#error-${error.code}`,
  title: errorCodes[error.code].title,
  status: at.status ?? error.status,
  code: error.code,
  detail: error.message,
  instance: at.instance,
  request_id: at.request_id,
  ...(error.errors === undefined ? {} : { errors: [...error.errors] }),
});

/** Value of Retry-After for errors that have one. */
export const retryAfter = (error: AppError): number | null => {
  const told = error.extensions['retry_after'];
  if (typeof told === 'number' && Number.isFinite(told)) return Math.max(1, Math.ceil(told));
  return retryAfterDefault[error.code] ?? null;
};

/** RFC 6750 and RFC 9728: where a client learns how to get a token, and what was wrong with the one it sent. */
export const challenge = (metadata: string, error: AppError, hadCredential: boolean): string => {
  const parts = [`resource_metadata="${metadata}"`];
  if (error.code === 'insufficient_scope') {
    parts.unshift('error="insufficient_scope"', `scope="${String(error.extensions['required'] ?? '')}"`);
  } else if (hadCredential) parts.unshift('error="invalid_token"');
  return `Bearer ${parts.join(', ')}`;
};

const frameworkCodes: Readonly<Record<string, { code: ErrorCode; detail: string }>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'bad_request', detail: 'The body is not valid JSON.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'bad_request', detail: 'The body is empty.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'bad_request',
    detail: 'The body has not the length that was announced.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'too_large', detail: 'The body exceeds the limit of this operation.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_type', detail: 'This content type is not accepted here.' },
  FST_INVALID_MULTIPART_CONTENT_TYPE: {
    code: 'unsupported_type',
    detail: 'Send multipart/form-data with one part named file.',
  },
  FST_REQ_FILE_TOO_LARGE: { code: 'too_large', detail: 'The file exceeds the limit of this operation.' },
  FST_PARTS_LIMIT: { code: 'too_large', detail: 'Too many parts.' },
  FST_FILES_LIMIT: { code: 'too_large', detail: 'Only one file is accepted.' },
  FST_FIELDS_LIMIT: { code: 'too_large', detail: 'Too many form fields.' },
  FST_PROTO_VIOLATION: { code: 'bad_request', detail: 'A field has a forbidden name.' },
};

const member = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;

/** Any thrown thing as an AppError. What nobody expected becomes the opaque `internal` with itself as the cause. */
export const appErrorOf = (thrown: unknown): AppError => {
  // Reads outside a transaction fail with what the driver says; a lost database is 503 there, too.
  const error = translateDatabaseError(thrown);
  if (error instanceof AppError) return error;
  const known = frameworkCodes[String(member(error, 'code'))];
  if (known !== undefined) return new AppError(known.code, known.detail);
  if (error instanceof SyntaxError && member(error, 'statusCode') === 400)
    return new AppError('bad_request', 'The body is not valid JSON.');
  if (String(member(error, 'code')).startsWith('FST_')) {
    const status = member(error, 'statusCode');
    if (typeof status === 'number' && status >= 400 && status < 500) return new AppError('bad_request');
  }
  return new AppError('internal', 'Something went wrong. Tell the operator the request id.', { cause: error });
};
