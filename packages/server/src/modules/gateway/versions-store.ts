import type { Actor } from '@atrium/protocol';
import type { Selectable } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Db } from './apps-store.ts';
import type { VersionDocument } from './versions-rows.ts';

export type VersionRow = Omit<Selectable<Schema['gateway_config_versions']>, 'document'> & {
  document: VersionDocument;
};

/** Older ones are dropped; a roll-back reaches as far as this. */
const kept = 500;

export const versionsStore = {
  /** Under the lock of the organisation, so numbers have no holes and no twins. */
  insert: async (
    db: Db,
    /** With the document as JSON. */
    version: Omit<VersionRow, 'number' | 'document' | 'actor_type' | 'actor_id' | 'actor_name'> & {
      by: Actor;
      document: string;
    },
  ): Promise<number> => {
    const { by, ...columns } = version;
    const last = await db
      .selectFrom('gateway_config_versions')
      .select((eb) => eb.fn.max('number').as('number'))
      .where('org_id', '=', version.org_id)
      .executeTakeFirst();
    const number = (last?.number ?? 0) + 1;
    await db
      .insertInto('gateway_config_versions')
      .values({
        ...columns,
        number,
        actor_type: by.type,
        actor_id: by.id,
        actor_name: by.name,
      })
      .execute();
    await db
      .deleteFrom('gateway_config_versions')
      .where('org_id', '=', version.org_id)
      .where('number', '<=', number - kept)
      .execute();
    return number;
  },

  list: async (
    db: Db,
    orgId: string,
    page: { limit: number; before: number | null },
  ): Promise<Omit<VersionRow, 'document'>[]> => {
    let query = db
      .selectFrom('gateway_config_versions')
      .select([
        ...(['org_id', 'number', 'digest', 'source', 'result', 'problems', 'waiting_for_restart'] as const),
        ...(['actor_type', 'actor_id', 'actor_name', 'at'] as const),
      ])
      .where('org_id', '=', orgId);
    if (page.before !== null) query = query.where('number', '<', page.before);
    return await query.orderBy('number', 'desc').limit(page.limit).execute();
  },

  find: async (db: Db, orgId: string, number: number): Promise<VersionRow | null> => {
    const row = await db
      .selectFrom('gateway_config_versions')
      .selectAll()
      .where('org_id', '=', orgId)
      .where('number', '=', number)
      .executeTakeFirst();
    return (row as VersionRow | undefined) ?? null;
  },

  /** Newest first. */
  after: async (db: Db, orgId: string, number: number): Promise<VersionRow[]> =>
    (await db
      .selectFrom('gateway_config_versions')
      .selectAll()
      .where('org_id', '=', orgId)
      .where('number', '>', number)
      .orderBy('number', 'desc')
      .execute()) as unknown as VersionRow[],
};
