import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Client } from 'pg';
import { KeptConnection } from '../db/kept-connection.ts';
import type { Schema } from '../db/schema.gen.ts';

/** First half of the advisory lock keys that stand for living executors ("atrj"). */
const lockClass = 0x6174726a;

/**
 * Shows that this process lives: an advisory lock held by a connection of its own, which PostgreSQL drops the moment
 * the process is gone, however it went. No clock and no waiting for a lease to run out.
 */
export const createExecutorLock = (
  url: string,
  executorId: string,
  onError: (error: unknown) => void,
): KeptConnection =>
  new KeptConnection({
    url,
    name: 'atrium-jobs',
    prepare: async (client: Client) => {
      await client.query('select pg_advisory_lock_shared($1, hashtext($2))', [lockClass, executorId]);
    },
    onError,
  });

/** Executors that left work behind and are gone. */
export const findDeadExecutors = async (db: Kysely<Schema>, self: string): Promise<string[]> => {
  const found = await sql<{ executor_id: string }>`
    select distinct w.executor_id from dbos.workflow_status w
    where w.status = 'PENDING' and w.executor_id is not null and w.executor_id <> ${self} and not exists (
      select 1 from pg_locks l
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid = ${lockClass}::bigint::oid
        and l.objid = (hashtext(w.executor_id)::bigint & 4294967295)::oid
        and l.database = (select oid from pg_database where datname = current_database()))`.execute(db);
  return found.rows.map((row) => row.executor_id);
};
