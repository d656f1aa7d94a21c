import type pg from 'pg';
import { StartupError } from '../errors/startup-error.ts';

const oldestMajor = 15;

/** The reason why this server cannot be used, or null. `versionNumber` is `server_version_num`. */
export function versionProblem(versionNumber: number): string | null {
  const major = Math.floor(versionNumber / 10_000);
  if (major >= oldestMajor) return null;
  return `DATABASE_URL leads to PostgreSQL ${major}, and Atrium needs version ${oldestMajor} or newer. Upgrade that server, or leave DATABASE_URL out to use the built-in PostgreSQL.`;
}

/** Refuses a database that Atrium cannot work with. */
export async function assertServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`,
  );
  const { version, encoding } = rows[0]!;
  const problem = versionProblem(Number(version));
  if (problem !== null) throw new StartupError(problem);
  if (encoding !== 'UTF8')
    throw new StartupError(
      `The database is encoded in ${encoding}, and Atrium needs UTF8. Create it with: create database atrium encoding 'UTF8' template template0`,
    );
}
