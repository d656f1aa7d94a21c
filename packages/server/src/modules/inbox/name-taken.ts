import { AppError } from '../../platform/errors/app-error.ts';

const isUniqueViolation = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === '23505';

/** Runs the one statement that writes a name; its unique index decides between two who want the same. */
export const orNameTaken = async <T>(name: string, statement: Promise<T>): Promise<T> => {
  try {
    return await statement;
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('name_taken', `The name "${name}" is taken.`, { cause: error });
    throw error;
  }
};
