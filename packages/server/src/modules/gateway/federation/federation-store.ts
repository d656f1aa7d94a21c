import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type {
  IdentityRow,
  InvitationRow,
  ListedPeer,
  ListedRemoteApp,
  NeighbourRow,
  PeerRow,
  PublicationRow,
  RemoteAppRow,
  RuleRow,
  SharedApp,
  VectorClock,
} from './federation-rows.ts';

export type Db = Kysely<Schema>;
type After<V> = { value: V; id: string } | null;

const one = async <T>(rows: Promise<{ rows: T[] }>): Promise<T | null> => (await rows).rows[0] ?? null;
const all = async <T>(rows: Promise<{ rows: T[] }>): Promise<T[]> => (await rows).rows;

const listedPeer = sql`select p.*, (select count(*)::int from gateway_peer_apps a
  where a.peer_id = p.id and a.deleted_at is null) as apps from gateway_peers p`;
const listedApp = sql`select a.*, p.name as peer_name, l.slug as local_slug, l.org_id as local_org_id
  from gateway_peer_apps a join gateway_peers p on p.id = a.peer_id left join gateway_apps l on l.id = a.local_app_id`;
const nameAfter = (after: After<string>) =>
  after === null ? sql`true` : sql`(p.name, p.id) > (${after.value}, ${after.id}::uuid)`;

export const federationStore = {
  identity: (db: Db): Promise<IdentityRow | null> =>
    one(sql<IdentityRow>`select id, public_key, key_sealed from gateway_federation_identity`.execute(db)),
  /** The first process wins. */
  insertIdentity: async (db: Db, row: IdentityRow, at: Date): Promise<void> => {
    await sql`insert into gateway_federation_identity (id, public_key, key_sealed, created_at)
      values (${row.id}, ${row.public_key}, ${row.key_sealed}, ${at}) on conflict do nothing`.execute(db);
  },
  resealIdentity: async (db: Db, before: string, after: string): Promise<void> => {
    await sql`update gateway_federation_identity set key_sealed = ${after} where key_sealed = ${before}`.execute(db);
  },

  /* ---------- peers ---------- */

  peers: (db: Db): Promise<PeerRow[]> => all(sql<PeerRow>`select * from gateway_peers order by id`.execute(db)),
  peer: (db: Db, id: string): Promise<ListedPeer | null> =>
    one(sql<ListedPeer>`${listedPeer} where p.id = ${id}`.execute(db)),
  peerPage: (db: Db, state: string | undefined, after: After<string>, limit: number): Promise<ListedPeer[]> =>
    all(
      sql<ListedPeer>`${listedPeer} where ${nameAfter(after)} and ${state === undefined ? sql`true` : sql`p.status = ${state}`}
        order by p.name, p.id limit ${limit}`.execute(db),
    ),
  /** A server that joins again keeps what was agreed with it, also the way to it where this server calls it. */
  join: async (
    db: Db,
    row: Omit<PeerRow, 'offered_pin' | 'status' | 'remote_routes' | 'last_sync_at' | 'last_error'>,
  ) => {
    await sql`insert into gateway_peers (id, name, api_address, public_key, pins, dials, joined_by, status, last_seen_at,
        joined_at)
      values (${row.id}, ${row.name}, ${row.api_address}, ${row.public_key}, ${row.pins}, ${row.dials}, ${row.joined_by},
        'offline', ${row.last_seen_at}, ${row.joined_at})
      on conflict (id) do update set name = excluded.name, dials = gateway_peers.dials or excluded.dials, last_error = null,
        api_address = case when gateway_peers.dials and not excluded.dials then gateway_peers.api_address
          else coalesce(excluded.api_address, gateway_peers.api_address) end,
        pins = case when gateway_peers.dials and not excluded.dials then gateway_peers.pins else excluded.pins end,
        offered_pin = case when gateway_peers.dials and not excluded.dials then gateway_peers.offered_pin end
      where gateway_peers.public_key = excluded.public_key`.execute(db);
  },
  introduced: async (
    db: Db,
    id: string,
    said: { name: string; api_address: string | null; pins: readonly string[] | null },
  ): Promise<void> => {
    await sql`update gateway_peers set name = ${said.name}, api_address = coalesce(${said.api_address}, api_address),
      pins = coalesce(${said.pins === null ? null : [...said.pins]}::text[], pins), last_error = null where id = ${id}`.execute(
      db,
    );
  },
  /** True when that is new. */
  setStatus: async (db: Db, id: string, status: PeerRow['status'], at: Date): Promise<boolean> =>
    (
      await sql`update gateway_peers set status = ${status}, last_seen_at = ${status === 'online' ? at : sql`last_seen_at`}
        where id = ${id} and status <> ${status} returning id`.execute(db)
    ).rows.length > 0,
  seen: async (db: Db, ids: readonly string[], at: Date): Promise<void> => {
    await sql`update gateway_peers set last_seen_at = ${at}, status = 'online' where id = any(${[...ids]}::uuid[])`.execute(
      db,
    );
  },
  silent: (db: Db, since: Date): Promise<{ id: string; name: string }[]> =>
    all(
      sql<{ id: string; name: string }>`update gateway_peers set status = 'offline'
        where status = 'online' and last_seen_at < ${since} returning id, name`.execute(db),
    ),
  synced: async (db: Db, id: string, remoteRoutes: boolean, at: Date): Promise<void> => {
    await sql`update gateway_peers set remote_routes = ${remoteRoutes}, last_sync_at = ${at} where id = ${id}`.execute(
      db,
    );
  },
  setPins: async (db: Db, id: string, pins: readonly string[]): Promise<void> => {
    await sql`update gateway_peers set pins = ${[...pins]}, offered_pin = null where id = ${id}`.execute(db);
  },
  failed: async (db: Db, id: string, error: string, offered: string | null): Promise<void> => {
    await sql`update gateway_peers set last_error = ${error}, offered_pin = coalesce(${offered}, offered_pin)
      where id = ${id}`.execute(db);
  },
  remove: async (db: Db, id: string): Promise<boolean> =>
    (await sql`delete from gateway_peers where id = ${id} returning id`.execute(db)).rows.length > 0,
  totals: async (db: Db) =>
    (await one(
      sql<{ peers: number; online: number; published: number; received: number }>`select
        (select count(*)::int from gateway_peers) as peers,
        (select count(*)::int from gateway_peers where status = 'online') as online,
        (select count(*)::int from gateway_peer_publications where deleted_at is null) as published,
        (select count(*)::int from gateway_peer_apps where deleted_at is null) as received`.execute(db),
    ))!,

  /* ---------- invitations ---------- */

  insertInvitation: async (db: Db, row: InvitationRow): Promise<void> => {
    await sql`insert into gateway_peer_invitations (id, token_hash, note, created_by_type, created_by_id,
        created_by_name, created_at, expires_at)
      values (${row.id}, ${row.token_hash}, ${row.note}, ${row.created_by_type}, ${row.created_by_id},
        ${row.created_by_name}, ${row.created_at}, ${row.expires_at})`.execute(db);
  },
  /** Good once, in its time. */
  useInvitation: async (db: Db, hash: string, peer: string, at: Date): Promise<boolean> =>
    (
      await sql`update gateway_peer_invitations set used_at = ${at}, used_by = ${peer}
        where token_hash = ${hash} and used_at is null and expires_at > ${at} returning id`.execute(db)
    ).rows.length > 0,
  invitations: (db: Db, after: After<Date>, limit: number): Promise<InvitationRow[]> =>
    all(
      sql<InvitationRow>`select * from gateway_peer_invitations
        where ${after === null ? sql`true` : sql`(created_at, id) < (${after.value}, ${after.id}::uuid)`}
        order by created_at desc, id desc limit ${limit}`.execute(db),
    ),
  removeInvitation: async (db: Db, id: string): Promise<boolean> =>
    (await sql`delete from gateway_peer_invitations where id = ${id} and used_at is null returning id`.execute(db)).rows
      .length > 0,
  pruneInvitations: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from gateway_peer_invitations where expires_at < ${before}`.execute(db);
  },

  /* ---------- what is published ---------- */

  /** Tombstones as well. */
  publications: (db: Db): Promise<PublicationRow[]> =>
    all(sql<PublicationRow>`select * from gateway_peer_publications order by app_id`.execute(db)),
  lockPublication: (db: Db, appId: string): Promise<PublicationRow | null> =>
    one(sql<PublicationRow>`select * from gateway_peer_publications where app_id = ${appId} for update`.execute(db)),
  publicationPage: (db: Db, orgId: string, after: After<string>, limit: number): Promise<PublicationRow[]> =>
    all(
      sql<PublicationRow>`select * from gateway_peer_publications where org_id = ${orgId} and deleted_at is null
        and ${after === null ? sql`true` : sql`(entry->>'slug', app_id) > (${after.value}, ${after.id}::uuid)`}
        order by entry->>'slug', app_id limit ${limit}`.execute(db),
    ),
  countPublications: async (db: Db): Promise<number> =>
    (await one(
      sql<{ n: number }>`select count(*)::int as n from gateway_peer_publications where deleted_at is null`.execute(db),
    ))!.n,
  savePublication: async (db: Db, row: PublicationRow): Promise<void> => {
    await sql`insert into gateway_peer_publications (app_id, org_id, peer_ids, entry, clock, published_by_type,
        published_by_id, published_by_name, published_at, updated_at, deleted_at)
      values (${row.app_id}, ${row.org_id}, ${row.peer_ids}::uuid[], ${JSON.stringify(row.entry)}::jsonb,
        ${JSON.stringify(row.clock)}::jsonb, ${row.published_by_type}, ${row.published_by_id}, ${row.published_by_name},
        ${row.published_at}, ${row.updated_at}, ${row.deleted_at})
      on conflict (app_id) do update set peer_ids = excluded.peer_ids, entry = excluded.entry, clock = excluded.clock,
        published_by_type = excluded.published_by_type, published_by_id = excluded.published_by_id,
        published_by_name = excluded.published_by_name, published_at = excluded.published_at,
        updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`.execute(db);
  },
  /** How the published apps look now; those that are gone are missing. */
  shownApps: (db: Db, ids: readonly string[]): Promise<(SharedApp & { id: string; org_id: string })[]> =>
    all(
      sql<SharedApp & { id: string; org_id: string }>`select a.id, a.org_id, a.slug, left(a.name, 200) as name,
          case when length(a.icon) > 300 then '' else a.icon end as icon, left(a.description, 500) as description,
          (select coalesce(array_agg(left(t, 60)), '{}') from (select t from unnest(a.tags) t limit 20) s) as tags,
          (select r.path_base from gateway_routes r where r.app_id = a.id and r.kind = 'http' and r.source <> 'federation'
            and r.path_base ~ '^/apps/([A-Za-z0-9_.~-]+/)+$' and length(r.path_base) <= 200 order by r.id limit 1) as path
        from gateway_apps a where a.id = any(${[...ids]}::uuid[])`.execute(db),
    ),
  pruneTombstones: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from gateway_peer_publications where deleted_at < ${before}`.execute(db);
    await sql`delete from gateway_peer_apps where deleted_at < ${before} and local_route_id is null`.execute(db);
  },

  /* ---------- what came ---------- */

  remoteApps: (db: Db, peerId: string): Promise<RemoteAppRow[]> =>
    all(sql<RemoteAppRow>`select * from gateway_peer_apps where peer_id = ${peerId} order by app`.execute(db)),
  remoteApp: (db: Db, peerId: string, app: string): Promise<ListedRemoteApp | null> =>
    one(
      sql<ListedRemoteApp>`${listedApp} where a.peer_id = ${peerId} and a.app = ${app} and a.deleted_at is null`.execute(
        db,
      ),
    ),
  remoteAppPage: (
    db: Db,
    peerId: string | undefined,
    after: After<string>,
    limit: number,
  ): Promise<ListedRemoteApp[]> =>
    all(
      sql<ListedRemoteApp>`${listedApp} where a.deleted_at is null
        and ${peerId === undefined ? sql`true` : sql`a.peer_id = ${peerId}`}
        and ${after === null ? sql`true` : sql`(a.name, a.app) > (${after.value}, ${after.id}::uuid)`}
        order by a.name, a.app limit ${limit}`.execute(db),
    ),
  lockPeer: async (db: Db, id: string): Promise<boolean> =>
    (await sql`select 1 from gateway_peers where id = ${id} for update`.execute(db)).rows.length > 0,
  saveRemoteApp: async (
    db: Db,
    row: { peer_id: string; app: string; entry: SharedApp; clock: VectorClock; at: Date; deleted: boolean },
  ): Promise<void> => {
    await sql`insert into gateway_peer_apps (peer_id, app, entry, name, clock, updated_at, deleted_at)
      values (${row.peer_id}, ${row.app}, ${JSON.stringify(row.entry)}::jsonb, ${row.entry.name},
        ${JSON.stringify(row.clock)}::jsonb, ${row.at}, ${row.deleted ? row.at : null})
      on conflict (peer_id, app) do update set entry = excluded.entry, name = excluded.name, clock = excluded.clock,
        updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`.execute(db);
  },
  setLocal: async (
    db: Db,
    peerId: string,
    app: string,
    local: { app_id: string; route_id: string } | null,
  ): Promise<void> => {
    await sql`update gateway_peer_apps set local_app_id = ${local?.app_id ?? null}, local_route_id = ${local?.route_id ?? null}
      where peer_id = ${peerId} and app = ${app}`.execute(db);
  },
  /** Where apps of the peer are opened here. */
  mounts: (db: Db, peerId: string): Promise<{ app: string; route_id: string; org_id: string; deleted: boolean }[]> =>
    all(
      sql<{ app: string; route_id: string; org_id: string; deleted: boolean }>`select a.app, r.id as route_id, r.org_id,
          a.deleted_at is not null as deleted
        from gateway_peer_apps a join gateway_routes r on r.id = a.local_route_id where a.peer_id = ${peerId}`.execute(
        db,
      ),
    ),

  /* ---------- rules ---------- */

  rules: (db: Db): Promise<RuleRow[]> => all(sql<RuleRow>`select * from gateway_peer_rules order by id`.execute(db)),
  rulePage: (
    db: Db,
    orgId: string,
    peerId: string | undefined,
    after: After<Date>,
    limit: number,
  ): Promise<RuleRow[]> =>
    all(
      sql<RuleRow>`select * from gateway_peer_rules where org_id = ${orgId}
        and ${peerId === undefined ? sql`true` : sql`peer_id = ${peerId}`}
        and ${after === null ? sql`true` : sql`(created_at, id) < (${after.value}, ${after.id}::uuid)`}
        order by created_at desc, id desc limit ${limit}`.execute(db),
    ),
  insertRule: async (db: Db, row: RuleRow): Promise<boolean> =>
    (
      await sql`insert into gateway_peer_rules (id, peer_id, org_id, match, value, app_id, created_by_type, created_by_id,
          created_by_name, created_at)
        values (${row.id}, ${row.peer_id}, ${row.org_id}, ${row.match}, ${row.value}, ${row.app_id},
          ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name}, ${row.created_at})
        on conflict do nothing returning id`.execute(db)
    ).rows.length > 0,
  removeRule: (db: Db, orgId: string, id: string): Promise<RuleRow | null> =>
    one(sql<RuleRow>`delete from gateway_peer_rules where org_id = ${orgId} and id = ${id} returning *`.execute(db)),

  /* ---------- the local network ---------- */

  /** With the key that its id has as a peer, when it is one. */
  neighbourPage: (
    db: Db,
    after: After<string>,
    limit: number,
  ): Promise<(NeighbourRow & { peer_key: string | null })[]> =>
    all(
      sql<NeighbourRow & { peer_key: string | null }>`select n.*, p.public_key as peer_key
        from gateway_peer_neighbours n left join gateway_peers p on p.id = n.id
        where ${after === null ? sql`true` : sql`(n.name, n.id) > (${after.value}, ${after.id}::uuid)`}
        order by n.name, n.id limit ${limit}`.execute(db),
    ),
  neighbour: (db: Db, id: string): Promise<NeighbourRow | null> =>
    one(sql<NeighbourRow>`select * from gateway_peer_neighbours where id = ${id}`.execute(db)),
  /** Those that were not there before and are no peers. */
  noteNeighbours: (
    db: Db,
    seen: readonly Pick<NeighbourRow, 'id' | 'name' | 'address' | 'public_key'>[],
    at: Date,
  ): Promise<{ id: string; name: string }[]> =>
    all(
      sql<{ id: string; name: string }>`with noted as (
          insert into gateway_peer_neighbours as n (id, name, address, public_key, first_seen_at, last_seen_at)
          select r.id, r.name, r.address, r.public_key, ${at}::timestamptz, ${at}::timestamptz
          from jsonb_populate_recordset(null::gateway_peer_neighbours, ${JSON.stringify(seen)}::jsonb) r
          on conflict (id) do update set name = excluded.name, address = excluded.address,
            public_key = excluded.public_key, last_seen_at = excluded.last_seen_at
          returning n.id, n.name, n.first_seen_at = n.last_seen_at as fresh)
        select id, name from noted where fresh and not exists (select 1 from gateway_peers p where p.id = noted.id)`.execute(
        db,
      ),
    ),
  forgetNeighbours: async (db: Db, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    await sql`delete from gateway_peer_neighbours where id = any(${[...ids]}::uuid[])`.execute(db);
  },
  pruneNeighbours: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from gateway_peer_neighbours where last_seen_at < ${before}`.execute(db);
  },

  erasePerson: async (db: Db, userId: string, name: string): Promise<void> => {
    for (const table of ['gateway_peer_invitations', 'gateway_peer_rules'] as const)
      await sql`update ${sql.table(table)} set created_by_name = ${name}
        where created_by_id = ${userId} and created_by_name <> ${name}`.execute(db);
    await sql`update gateway_peer_publications set published_by_name = ${name}
      where published_by_id = ${userId} and published_by_name <> ${name}`.execute(db);
  },

  exportPerson: (db: Db, userId: string): Promise<Record<string, unknown>[]> =>
    all(
      sql<Record<string, unknown>>`select 'invitation' as what, id, created_at as at from gateway_peer_invitations
          where created_by_id = ${userId}
        union all select 'rule', id, created_at from gateway_peer_rules where created_by_id = ${userId}
        union all select 'publication', app_id, published_at from gateway_peer_publications
          where published_by_id = ${userId} order by at, id`.execute(db),
    ),

  appIn: (db: Db, orgId: string, id: string): Promise<{ id: string; slug: string; source: string } | null> =>
    one(
      sql<{ id: string; slug: string; source: string }>`select id, slug, source from gateway_apps
        where org_id = ${orgId} and id = ${id}`.execute(db),
    ),
};
