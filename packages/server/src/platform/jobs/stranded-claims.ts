import { type Kysely, sql } from 'kysely';
import type { Schema } from '../db/schema.gen.ts';

export interface StrandedClaimsOptions {
  db: Kysely<Schema>;
  executorId: string;
  /** Whether this process has the job in hand. */
  isRunning: (id: string) => boolean;
}

/**
 * Finds jobs that this process claimed and does not run. DBOS marks a job as begun before it starts it; when the
 * database goes down between the two, it gives the start up and the job would stay begun for as long as the process
 * lives, since only the work of dead processes is resumed.
 *
 * A claim counts as stranded when two looks in a row find it, so that one made a moment ago has time to start.
 */
export const createStrandedClaims = ({ db, executorId, isRunning }: StrandedClaimsOptions) => {
  let suspects = new Set<string>();
  const key = (row: { id: string; owner: string | null }): string => `${row.id} ${row.owner}`;

  return {
    /** Puts stranded jobs back into their queues and returns their ids. */
    release: async (): Promise<string[]> => {
      const begun = await sql<{ id: string; owner: string | null }>`
        select workflow_uuid as id, owner_xid as owner from dbos.workflow_status
        where status = 'PENDING' and executor_id = ${executorId} and queue_name is not null`.execute(db);
      const idle = begun.rows.filter((row) => !isRunning(row.id));
      const stranded = idle.filter((row) => suspects.has(key(row)));
      suspects = new Set(idle.map(key));
      const released: string[] = [];
      for (const { id, owner } of stranded) {
        const { rows } = await sql`
          update dbos.workflow_status
          set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null,
            updated_at = (extract(epoch from now()) * 1000)::bigint
          where workflow_uuid = ${id} and status = 'PENDING' and executor_id = ${executorId}
            and owner_xid is not distinct from ${owner}
          returning workflow_uuid`.execute(db);
        if (rows.length > 0) released.push(id);
      }
      return released;
    },
  };
};
