import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.gen.ts';

/** Removes events, audit trail, settings and kept answers of an organisation whose own rows are gone. Safe to repeat. */
export const eraseOrg = async (db: Kysely<Schema>, orgId: string): Promise<void> => {
  await sql`select core_org_erase(${orgId})`.execute(db);
};
