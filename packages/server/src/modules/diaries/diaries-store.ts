import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { DiaryRow, SeenDiary } from './diaries-rows.ts';
import { toldStore } from './told-store.ts';

type Db = Kysely<Schema>;
type On = (alias: string) => RawBuilder<boolean>;
type GrantOf = (d: string) => RawBuilder<unknown>;

/** The reader's conditions, made by the policy. */
interface Reader {
  readable: On;
  grant: GrantOf;
}

const columns =
  sql.raw(`d.id, d.org_id, d.owner_kind, d.owner_id, d.name, d.visibility, d.signed, d.chain_id, d.origin_id,
  d.language, d.injection_policy, d.revision, d.created_at, d.updated_at`);
const ownerName = sql`(select p.name from identity_principals p where p.org_id = d.org_id and p.id = d.owner_id limit 1) as owner_name`;

const seen = (reader: Reader) => sql`select ${columns}, ${ownerName}, g.level, g.direct from diary_diaries d
  cross join lateral ${reader.grant('d')} g where ${reader.readable('d')}`;

export const diariesStore = {
  insert: async (db: Db, diary: Omit<DiaryRow, 'owner_name'>): Promise<void> => {
    await sql`insert into diary_diaries (id, org_id, owner_kind, owner_id, name, visibility, signed, chain_id, origin_id,
        language, injection_policy, revision, created_at, updated_at)
      values (${diary.id}, ${diary.org_id}, ${diary.owner_kind}, ${diary.owner_id}, ${diary.name}, ${diary.visibility},
        ${diary.signed}, ${diary.chain_id}, ${diary.origin_id}, ${diary.language}, ${diary.injection_policy}, ${diary.revision}, ${diary.created_at},
        ${diary.updated_at})`.execute(db);
  },

  find: async (db: Db, reader: Reader, id: string): Promise<SeenDiary | null> =>
    (await sql<SeenDiary>`${seen(reader)} and d.id = ${id}`.execute(db)).rows[0] ?? null,

  /** Readable diaries of exactly that name; those that were given to the reader first. */
  named: async (db: Db, reader: Reader, name: string, limit: number): Promise<{ id: string; given: boolean }[]> =>
    (
      await sql<{ id: string; given: boolean }>`select d.id, g.level is not null as given from diary_diaries d
        cross join lateral ${reader.grant('d')} g where ${reader.readable('d')} and d.name = ${name}
        order by given desc, d.created_at, d.id limit ${limit}`.execute(db)
    ).rows,

  page: async (
    db: Db,
    reader: Reader,
    page: { limit: number; after: { value: Date; id: string } | null; q: string | undefined },
  ): Promise<SeenDiary[]> =>
    (
      await sql<SeenDiary>`${seen(reader)}
        and ${page.q === undefined || page.q === '' ? sql`true` : sql`strpos(lower(d.name), lower(${page.q})) > 0`}
        and ${page.after === null ? sql`true` : sql`(d.created_at, d.id) < (${page.after.value}, ${page.after.id}::uuid)`}
        order by d.created_at desc, d.id desc limit ${page.limit}`.execute(db)
    ).rows,

  /** Ids by the order of ids, for whoever walks all of them. */
  ids: async (
    db: Db,
    condition: On,
    page: { limit: number; after: string | null },
  ): Promise<{ id: string; revision: number }[]> =>
    (
      await sql<{ id: string; revision: number }>`select d.id, d.revision from diary_diaries d where ${condition('d')}
        and ${page.after === null ? sql`true` : sql`d.id > ${page.after}::uuid`} order by d.id limit ${page.limit}`.execute(
        db,
      )
    ).rows,

  /** Holds the diary until the transaction ends. Writers of entries share it; whoever changes rights has it alone. */
  lock: async (db: Db, id: string, strength: 'key share' | 'update'): Promise<void> => {
    await sql`select from diary_diaries where id = ${id} for ${sql.raw(strength)}`.execute(db);
  },

  update: async (
    db: Db,
    diary: Pick<DiaryRow, 'id' | 'name' | 'visibility' | 'language' | 'injection_policy' | 'updated_at'>,
  ): Promise<void> => {
    await sql`update diary_diaries set name = ${diary.name}, visibility = ${diary.visibility}, language = ${diary.language},
      injection_policy = ${diary.injection_policy}, updated_at = ${diary.updated_at} where id = ${diary.id}`.execute(
      db,
    );
  },

  /** The next number for what changes who may do what. The diary is held by the caller. */
  nextRevision: async (db: Db, id: string, at: Date): Promise<number> =>
    (
      await sql<{ revision: number }>`update diary_diaries set revision = revision + 1, updated_at = ${at}
        where id = ${id} returning revision`.execute(db)
    ).rows[0]!.revision,

  setOwner: async (db: Db, id: string, owner: { kind: 'agent' | 'user'; id: string }): Promise<void> => {
    await sql`update diary_diaries set owner_kind = ${owner.kind}, owner_id = ${owner.id} where id = ${id}`.execute(db);
  },

  delete: async (db: Db, id: string): Promise<void> => {
    await toldStore.forgetDiary(db, id);
    await sql`delete from diary_diaries where id = ${id}`.execute(db);
  },

  ofOwner: async (db: Db, owner: { kind: 'agent' | 'user'; id: string }): Promise<DiaryRow[]> =>
    (
      await sql<DiaryRow>`select ${columns}, ${ownerName} from diary_diaries d
        where d.owner_kind = ${owner.kind} and d.owner_id = ${owner.id} order by d.id`.execute(db)
    ).rows,

  /** The owner's own diary that is, or was imported from, the one of that id. */
  ownedCopy: async (
    db: Db,
    owner: { org_id: string; kind: 'agent' | 'user'; id: string },
    source_id: string,
  ): Promise<string | null> =>
    (
      await sql<{ id: string }>`select d.id from diary_diaries d where d.org_id = ${owner.org_id}
        and d.owner_kind = ${owner.kind} and d.owner_id = ${owner.id} and (d.id = ${source_id} or d.origin_id = ${source_id})
        order by d.id = ${source_id} desc, d.created_at desc limit 1`.execute(db)
    ).rows[0]?.id ?? null,

  /** In any organisation and whoever reads it: for acts that decide themselves who may. */
  findAny: async (db: Db, id: string): Promise<DiaryRow | null> =>
    (await sql<DiaryRow>`select ${columns}, ${ownerName} from diary_diaries d where d.id = ${id}`.execute(db))
      .rows[0] ?? null,
};

/** People, agents and teams of an organisation, as identity publishes them. */
export const subjectsStore = {
  principal: async (
    db: Db,
    org_id: string,
    id: string,
    kind: 'agent' | 'user',
  ): Promise<{ name: string; active: boolean } | null> =>
    (
      await sql<{ name: string; active: boolean }>`select p.name, p.active from identity_principals p
        where p.org_id = ${org_id} and p.id = ${id} and (p.type = 'user') = ${kind === 'user'}`.execute(db)
    ).rows[0] ?? null,

  /** The agent, of any organisation, whose key has that fingerprint now. */
  keyHolder: async (
    db: Db,
    fingerprint: string,
  ): Promise<{ id: string; org_id: string; name: string; active: boolean } | null> =>
    (
      await sql<{ id: string; org_id: string; name: string; active: boolean }>`select p.id, p.org_id, p.name, p.active
        from identity_public_keys k join identity_principals p on p.org_id = k.org_id and p.id = k.agent_id
        where k.fingerprint = ${fingerprint} and k.replaced_at is null`.execute(db)
    ).rows[0] ?? null,

  /** The key that an agent has now. */
  keyOf: async (db: Db, org_id: string, agent_id: string): Promise<string | null> =>
    (
      await sql<{ public_key: string }>`select k.public_key from identity_public_keys k
        where k.org_id = ${org_id} and k.agent_id = ${agent_id} and k.replaced_at is null`.execute(db)
    ).rows[0]?.public_key ?? null,

  /** Agents here that have, or had, these keys. */
  agentsOfKeys: async (db: Db, keys: readonly string[]): Promise<Map<string, { id: string; name: string }>> =>
    new Map(
      (
        await sql<{ public_key: string; id: string; name: string }>`select k.public_key, p.id, p.name
          from identity_public_keys k join identity_principals p on p.org_id = k.org_id and p.id = k.agent_id
          where k.public_key = any(${[...keys]}::text[])`.execute(db)
      ).rows.map(({ public_key, id, name }) => [public_key, { id, name }]),
    ),

  team: async (db: Db, org_id: string, id: string): Promise<{ name: string } | null> =>
    (
      await sql<{
        name: string;
      }>`select t.name from identity_team_names t where t.org_id = ${org_id} and t.id = ${id}`.execute(db)
    ).rows[0] ?? null,
};
