import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { ProviderRow } from './discovery-rows.ts';

type Db = Kysely<Schema>;

/** How providers are doing, for the processes that do not run them. */
export const providersStore = {
  list: async (db: Db): Promise<ProviderRow[]> =>
    (await sql<ProviderRow>`select * from gateway_providers order by name`.execute(db)).rows,

  write: async (db: Db, row: ProviderRow): Promise<void> => {
    await sql`insert into gateway_providers (name, kind, state, endpoint, last_event_at, last_error, failures,
        next_attempt_at, missing_rights, hint, updated_at)
      values (${row.name}, ${row.kind}, ${row.state}, ${row.endpoint}, ${row.last_event_at}, ${row.last_error},
        ${row.failures}, ${row.next_attempt_at}, ${row.missing_rights}, ${row.hint}, ${row.updated_at})
      on conflict (name) do update set kind = excluded.kind, state = excluded.state, endpoint = excluded.endpoint,
        last_event_at = excluded.last_event_at, last_error = excluded.last_error, failures = excluded.failures,
        next_attempt_at = excluded.next_attempt_at, missing_rights = excluded.missing_rights, hint = excluded.hint,
        updated_at = excluded.updated_at`.execute(db);
  },

  keepOnly: async (db: Db, names: readonly string[]): Promise<void> => {
    await sql`delete from gateway_providers where name <> all(${[...names]}::text[])`.execute(db);
  },
};
