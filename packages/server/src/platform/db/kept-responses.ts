import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.gen.ts';

interface KeptRow {
  org_id: string;
  principal_id: string;
  operation: string;
  key: string;
  response: string;
}

const page = 500;

/** Gives every kept answer of an Idempotency-Key to `renew` and stores what it returns; null leaves the row alone. */
export const rotateKeptResponses = async (
  db: Kysely<Schema>,
  renew: (sealed: string) => string | null,
): Promise<void> => {
  let after = { org_id: '00000000-0000-0000-0000-000000000000', principal_id: '', operation: '', key: '' };
  for (;;) {
    const { rows } = await sql<KeptRow>`
      select org_id, principal_id::text, operation, key, response from core_idempotency_keys
      where response is not null
        and (org_id, principal_id::text, operation, key)
          > (${after.org_id}::uuid, ${after.principal_id}, ${after.operation}, ${after.key})
      order by org_id, principal_id::text, operation, key limit ${page}`.execute(db);
    for (const row of rows) {
      const renewed = renew(row.response);
      if (renewed === null) continue;
      await sql`update core_idempotency_keys set response = ${renewed}
        where org_id = ${row.org_id} and principal_id = ${row.principal_id}::uuid and operation = ${row.operation}
          and key = ${row.key} and response = ${row.response}`.execute(db);
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last;
  }
};
