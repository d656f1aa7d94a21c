import type { Device } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export interface DeviceRow {
  id: string;
  org_id: string;
  user_id: string;
  owner_name: string;
  name: string;
  platform: Device['platform'];
  platform_version: string | null;
  model: string | null;
  jkt: string;
  scopes: string[];
  created_at: Date;
  last_seen_at: Date | null;
  online: boolean;
  needs_pairing_at: Date | null;
  revoked_at: Date | null;
}

/** What an event of a device tells. */
export interface DeviceMark {
  id: string;
  org_id: string;
  user_id: string;
  name: string;
}

const select = sql`select d.id, d.org_id, d.user_id, u.name as owner_name, d.name, d.platform, d.platform_version, d.model, d.jkt,
    d.scopes, d.created_at, d.last_seen_at, d.online, d.needs_pairing_at, d.revoked_at
  from identity_devices d join identity_users u on u.id = d.user_id`;

export interface DeviceTotals {
  total: number;
  online: number;
  /** When any of them was heard of last. */
  last_seen_at: Date | null;
  /** Pairings that wait for their device. */
  pairings: number;
}

/** Devices. A revoked one keeps its row, since what it did names it. */
export const devicesStore = {
  /** Those that are not revoked; of one organisation, or of all. */
  totals: async (db: Db, orgId: string | null, now: Date): Promise<DeviceTotals> =>
    (
      await sql<DeviceTotals>`select count(*)::int as total, (count(*) filter (where online))::int as online,
          max(last_seen_at) as last_seen_at,
          (select count(*)::int from identity_pairings where completed_at is null and ended_at is null
            and expires_at > ${now}::timestamptz and (${orgId}::uuid is null or org_id = ${orgId}::uuid)) as pairings
        from identity_devices where revoked_at is null and (${orgId}::uuid is null or org_id = ${orgId}::uuid)`.execute(
        db,
      )
    ).rows[0]!,

  serverId: async (db: Db): Promise<string> =>
    (await sql<{ id: string }>`select id from identity_server`.execute(db)).rows[0]!.id,

  find: async (db: Db, orgId: string, id: string): Promise<DeviceRow | null> =>
    (await sql<DeviceRow>`${select} where d.org_id = ${orgId} and d.id = ${id}`.execute(db)).rows[0] ?? null,

  lock: async (db: Db, orgId: string, id: string): Promise<DeviceRow | null> =>
    (
      await sql<DeviceRow>`${select} where d.org_id = ${orgId} and d.id = ${id} and d.revoked_at is null
        for update of d`.execute(db)
    ).rows[0] ?? null,

  /** One joining at a time for a key: the later one finds and ends the device of the earlier. */
  lockKey: async (db: Db, jkt: string): Promise<void> => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`identity device ${jkt}`}, 0))`.execute(db);
  },

  page: async (
    db: Db,
    orgId: string,
    filter: {
      user_id: string | null;
      id: string | null;
      include_revoked: boolean;
      q: string | undefined;
      after: Position<Date> | null;
      limit: number;
    },
  ): Promise<DeviceRow[]> => {
    const { user_id, id, include_revoked, q, after, limit } = filter;
    const like = q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;
    return (
      await sql<DeviceRow>`${select} where d.org_id = ${orgId}
          and (${user_id}::uuid is null or d.user_id = ${user_id}::uuid) and (${id}::uuid is null or d.id = ${id}::uuid)
          and (${include_revoked} or d.revoked_at is null)
          and (${like}::text is null or d.name ilike ${like} or d.model ilike ${like} or u.name ilike ${like})
          and (${after?.value ?? null}::timestamptz is null
               or (d.created_at, d.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by d.created_at desc, d.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  insert: async (
    db: Db,
    device: {
      id: string;
      org_id: string;
      user_id: string;
      name: string;
      platform: string;
      platform_version: string | null;
      model: string | null;
      push_token: string | null;
      public_key: Record<string, string>;
      jkt: string;
      scopes: readonly string[];
      at: Date;
    },
  ): Promise<void> => {
    const d = device;
    await sql`insert into identity_devices (id, org_id, user_id, name, platform, platform_version, model, push_token, public_key,
        jkt, scopes, created_at, last_seen_at)
      values (${d.id}, ${d.org_id}, ${d.user_id}, ${d.name}, ${d.platform}, ${d.platform_version}, ${d.model}, ${d.push_token},
        ${JSON.stringify(d.public_key)}::jsonb, ${d.jkt}, ${d.scopes}::text[], ${d.at}, ${d.at})`.execute(db);
  },

  update: async (
    db: Db,
    orgId: string,
    id: string,
    changes: {
      name?: string | undefined;
      scopes?: readonly string[] | undefined;
      platform_version?: string | undefined;
      push_token?: string | null | undefined;
    },
  ): Promise<void> => {
    const { name, scopes, platform_version, push_token } = changes;
    await sql`update identity_devices set name = coalesce(${name ?? null}, name),
        scopes = coalesce(${scopes ?? null}::text[], scopes),
        platform_version = coalesce(${platform_version ?? null}, platform_version),
        push_token = case when ${push_token !== undefined} then ${push_token ?? null} else push_token end
      where org_id = ${orgId} and id = ${id}`.execute(db);
  },

  /** Ends live devices and says which; at least one member of `of` must be given. */
  revoke: async (
    db: Db,
    of: { id?: string; org_id?: string; user_id?: string; jkt?: string },
    at: Date,
  ): Promise<DeviceMark[]> =>
    (
      await sql<DeviceMark>`update identity_devices set revoked_at = ${at}, online = false, push_token = null
        where revoked_at is null
          and (${of.id ?? null}::uuid is null or id = ${of.id ?? null}::uuid)
          and (${of.org_id ?? null}::uuid is null or org_id = ${of.org_id ?? null}::uuid)
          and (${of.user_id ?? null}::uuid is null or user_id = ${of.user_id ?? null}::uuid)
          and (${of.jkt ?? null}::text is null or jkt = ${of.jkt ?? null})
          and ${Object.values(of).some((value) => value !== undefined)}
        returning id, org_id, user_id, name`.execute(db)
    ).rows,

  markNeedsPairing: async (db: Db, id: string, at: Date): Promise<DeviceMark | null> =>
    (
      await sql<DeviceMark>`update identity_devices set needs_pairing_at = ${at}
        where id = ${id} and revoked_at is null and needs_pairing_at is null
        returning id, org_id, user_id, name`.execute(db)
    ).rows[0] ?? null,

  /** Marks a device as connected; null when it was. */
  setOnline: async (db: Db, id: string, at: Date): Promise<DeviceMark | null> => {
    const { rows } = await sql<DeviceMark>`update identity_devices
      set online = true, last_seen_at = greatest(last_seen_at, ${at})
      where id = ${id} and revoked_at is null and not online returning id, org_id, user_id, name`.execute(db);
    return rows[0] ?? null;
  },

  touch: async (db: Db, uses: readonly { id: string; at: Date }[]): Promise<void> => {
    await sql`update identity_devices d set last_seen_at = greatest(d.last_seen_at, x.at)
      from unnest(${uses.map(({ id }) => id)}::uuid[], ${uses.map(({ at }) => at)}::timestamptz[]) as x(id, at)
      where d.id = x.id`.execute(db);
  },

  /** Devices that no connection was seen of since `before`, of any replica. */
  setOffline: async (db: Db, before: Date): Promise<DeviceMark[]> =>
    (
      await sql<DeviceMark>`update identity_devices set online = false
        where online and last_seen_at < ${before} returning id, org_id, user_id, name`.execute(db)
    ).rows,
};
