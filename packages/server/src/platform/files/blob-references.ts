import { type Kysely, sql } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Transaction } from '../db/database.ts';
import type { Schema } from '../db/schema.gen.ts';
import type { FileStore } from './file-store.ts';

/** Long enough between storing bytes and committing the row that refers to them. */
const graceMs = 60 * 60 * 1000;

/** Counts one more row that refers to the bytes, in that row's transaction. */
export const retainBlob = async (tx: Transaction, blob: { sha256: string; size: number }, now: Date): Promise<void> => {
  await sql`insert into core_blobs as b (sha256, size, refcount, created_at) values (${blob.sha256}, ${blob.size}, 1, ${now})
    on conflict (sha256) do update set refcount = b.refcount + 1, unreferenced_at = null`.execute(tx.db);
};

/** Counts one less. The bytes stay for an hour, then the sweep deletes them. */
export const releaseBlob = async (tx: Transaction, sha256: string, now: Date): Promise<void> => {
  await sql`update core_blobs set refcount = refcount - 1,
      unreferenced_at = case when refcount = 1 then ${now}::timestamptz end
    where sha256 = ${sha256}`.execute(tx.db);
};

/** Deletes bytes that nothing has referred to for an hour. Returns how many. */
export const deleteUnreferencedBlobs = async (db: Kysely<Schema>, store: FileStore, clock: Clock): Promise<number> => {
  const before = new Date(clock.now().getTime() - graceMs);
  let deleted = 0;
  for (;;) {
    const more = await db.transaction().execute(async (tx) => {
      // The row lock makes a concurrent retain wait until the bytes are gone or spared.
      const found = await sql<{ sha256: string }>`select sha256 from core_blobs
        where refcount = 0 and unreferenced_at < ${before} order by unreferenced_at limit 1 for update skip locked`.execute(
        tx,
      );
      const sha256 = found.rows[0]?.sha256;
      if (sha256 === undefined) return false;
      const stored = await store.stat(sha256);
      if (stored !== null && stored.modified >= before) {
        // Stored again meanwhile: somebody is about to refer to it.
        await sql`update core_blobs set unreferenced_at = ${clock.now()} where sha256 = ${sha256}`.execute(tx);
        return true;
      }
      await store.delete(sha256);
      await sql`delete from core_blobs where sha256 = ${sha256}`.execute(tx);
      deleted += 1;
      return true;
    });
    if (!more) return deleted;
  }
};
