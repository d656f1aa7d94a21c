import { AppError } from '../errors/app-error.ts';

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Deadlock and serialization failure: nothing happened, and the same transaction may pass when it is run again. */
export const isRetryable = (error: unknown): boolean => codeOf(error) === '40001' || codeOf(error) === '40P01';

const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN']);
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed)/;

const isConnectionFailure = (error: unknown): boolean => {
  const code = codeOf(error);
  // 57P01-57P03: shut down, crashed, starting. 53300: out of connections. Class 08: connection exceptions.
  if (code.startsWith('57P0') || code === '53300' || code.startsWith('08') || networkCodes.has(code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionFailure);
  return error instanceof Error && lostConnection.test(error.message);
};

/** Gives the error a caller can act on, or the error itself when it says nothing about the database's health. */
export const translateDatabaseError = (error: unknown): unknown => {
  if (error instanceof AppError) return error;
  if (codeOf(error) === '53100') return new AppError('storage_full', undefined, { cause: error });
  if (isConnectionFailure(error)) return new AppError('not_ready', undefined, { cause: error });
  return error;
};
