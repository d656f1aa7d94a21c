import type { ProviderPreset } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface ProviderSettings {
  client_id: string;
  issuer?: string | undefined;
  tenant?: string | undefined;
  team_id?: string | undefined;
  key_id?: string | undefined;
  base_url?: string | undefined;
  api_url?: string | undefined;
  scopes?: string[] | undefined;
}

export interface ProviderRow {
  id: string;
  slug: string;
  preset: ProviderPreset;
  name: string;
  settings: ProviderSettings;
  /** Encrypted. */
  secret: string | null;
  enabled: boolean;
  may_vouch: boolean;
  generation: number;
  created_at: Date;
  updated_at: Date;
}

const columns = sql`id, slug, preset, name, settings, secret, enabled, may_vouch, generation, created_at, updated_at`;

/** Where else people may sign in. */
export const providersStore = {
  insert: async (db: Db, provider: ProviderRow): Promise<void> => {
    const p = provider;
    await sql`insert into identity_providers (${columns})
      values (${p.id}, ${p.slug}, ${p.preset}, ${p.name}, ${JSON.stringify(p.settings)}::jsonb, ${p.secret}, ${p.enabled},
              ${p.may_vouch}, ${p.generation}, ${p.created_at}, ${p.updated_at})`.execute(db);
  },

  find: async (db: Db, id: string): Promise<ProviderRow | null> =>
    (await sql<ProviderRow>`select ${columns} from identity_providers where id = ${id}`.execute(db)).rows[0] ?? null,

  lock: async (db: Db, id: string): Promise<ProviderRow | null> =>
    (await sql<ProviderRow>`select ${columns} from identity_providers where id = ${id} for update`.execute(db))
      .rows[0] ?? null,

  findEnabled: async (db: Db, slug: string): Promise<ProviderRow | null> =>
    (await sql<ProviderRow>`select ${columns} from identity_providers where slug = ${slug} and enabled`.execute(db))
      .rows[0] ?? null,

  enabled: async (db: Db): Promise<Pick<ProviderRow, 'slug' | 'name' | 'preset'>[]> =>
    (
      await sql<Pick<ProviderRow, 'slug' | 'name' | 'preset'>>`
        select slug, name, preset from identity_providers where enabled order by created_at, id limit 20`.execute(db)
    ).rows,

  page: async (db: Db, after: Position<Date> | null, limit: number): Promise<ProviderRow[]> =>
    (
      await sql<ProviderRow>`select ${columns} from identity_providers
         where (${after?.value ?? null}::timestamptz is null or (created_at, id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
         order by created_at desc, id desc limit ${limit}`.execute(db)
    ).rows,

  update: async (db: Db, provider: ProviderRow): Promise<void> => {
    const p = provider;
    await sql`update identity_providers set name = ${p.name}, settings = ${JSON.stringify(p.settings)}::jsonb, secret = ${p.secret},
        enabled = ${p.enabled}, may_vouch = ${p.may_vouch}, generation = ${p.generation}, updated_at = ${p.updated_at}
      where id = ${p.id}`.execute(db);
  },

  delete: async (db: Db, id: string): Promise<void> => {
    await sql`delete from identity_providers where id = ${id}`.execute(db);
  },

  sealed: async (db: Db): Promise<{ id: string; secret: string }[]> =>
    (
      await sql<{
        id: string;
        secret: string;
      }>`select id, secret from identity_providers where secret is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update identity_providers set secret = ${to} where id = ${id} and secret = ${from}`.execute(db);
  },
};
