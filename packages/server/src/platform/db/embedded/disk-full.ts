import { StartupError } from '../../errors/startup-error.ts';

/** The clear sentence for ENOSPC and for what PostgreSQL and SQLite say about it; null for any other failure. */
export function diskFull(error: unknown, path: string): StartupError | null {
  const said = /no space left on device|disk is full|disk quota/i.test(String(error));
  if ((error as NodeJS.ErrnoException)?.code !== 'ENOSPC' && !said) return null;
  return new StartupError(
    `The disk of ${path} is full, so the database cannot start. Free some space and start again.`,
    { cause: error },
  );
}
