import type pg from 'pg';
import { StartupError } from '../errors/startup-error.ts';
import { type KeyRing, keyId } from './secret-box.ts';

const key = 'master_key_id';

/** Id of the key under which everything stored was last encrypted; null before the first start. */
export const readKeyRecord = async (pool: pg.Pool): Promise<string | null> => {
  const found = await pool.query<{ id: string }>(
    `select value #>> '{}' as id from core_settings where org_id is null and key = $1`,
    [key],
  );
  return found.rows[0]?.id ?? null;
};

export const writeKeyRecord = async (pool: pg.Pool, id: string, now: Date): Promise<void> => {
  await pool.query(
    `insert into core_settings (org_id, key, value, updated_at) values (null, $1, to_jsonb($2::text), $3)
     on conflict (org_id, key) do update set value = excluded.value, updated_at = excluded.updated_at`,
    [key, id, now],
  );
};

/**
 * Refuses keys other than those the database was written with: a replica with another ATRIUM_MASTER_KEY, or a server
 * whose key was lost, would write secrets that nobody else can read. The first start leaves its key's id.
 */
export const checkKeyRecord = async (pool: pg.Pool, ring: KeyRing, now: Date): Promise<void> => {
  await pool.query(
    `insert into core_settings (org_id, key, value, updated_at) values (null, $1, to_jsonb($2::text), $3)
     on conflict do nothing`,
    [key, keyId(ring[0]), now],
  );
  const recorded = await readKeyRecord(pool);
  if (recorded === null || ring.some((one) => keyId(one) === recorded)) return;
  throw new StartupError(
    `The secrets in the database are encrypted under the master key ${recorded}, which is not among the keys given (${ring.map(keyId).join(', ')}). Every server on one database needs the same ATRIUM_MASTER_KEY; without it, restore master.key of the data directory from a backup.`,
  );
};
