import { type RawBuilder, sql } from 'kysely';
import type { Position } from '../../../platform/paging/keyset.ts';
import type { AccessTokenRow } from './access-tokens-store.ts';
import type { ApprovalRow, ApprovalState } from './approvals-store.ts';
import type { ClientRow } from './clients-store.ts';
import type { Db } from './db.ts';
import type { GrantRow } from './grants-store.ts';
import type { ResourceRow, TrustedIssuerRow } from './resources-store.ts';

export type ListedClientRow = ClientRow & { live_tokens: number; live_grants: number };
export type ListedTokenRow = Omit<AccessTokenRow, 'payload' | 'hash'> & { client_name: string | null };
export type ListedGrantRow = Omit<GrantRow, 'payload' | 'details'> & {
  client_name: string | null;
  client_origin: 'operator' | 'registered' | 'document' | 'gone';
  client_uri: string | null;
  live_tokens: number;
};

export type ListedApprovalRow = Omit<
  ApprovalRow,
  'id_hash' | 'details' | 'binding_message' | 'decided_by' | 'proof' | 'consumed_at' | 'poll_interval_s'
> & { title: string | null; client_name: string | null };

export interface DeviceCodeRow {
  id_hash: string;
  client_id: string | null;
  client_name: string | null;
  scope: string | null;
  user_code_hint: string | null;
  claimed_by: string | null;
  subject: string | null;
  consumed_at: Date | null;
  created_at: Date;
  expires_at: Date;
}

export interface ClientDocumentListRow {
  client_id: string;
  host: string;
  metadata: Record<string, unknown>;
  fetched_at: Date;
  fresh_until: Date;
  last_used_at: Date;
  live_grants: number;
}

export interface DeniedRangeRow {
  id: string;
  range: string;
  reason: string;
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
}

export interface RegistrationTokenRow {
  id: string;
  note: string;
  created_by: string | null;
  created_at: Date;
  expires_at: Date;
  consumed_at: Date | null;
}

/** Counting a busy client's tokens stops here: beyond it the exact number tells nobody more. */
const mostCounted = 10_000;

const like = (q: string | undefined): string | null =>
  q === undefined || q === '' ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`;

const olderThan = (after: Position<Date> | null, at: RawBuilder<unknown>, id: RawBuilder<unknown>) =>
  after === null ? sql`true` : sql`(${at}, ${id}) < (${after.value}::timestamptz, ${after.id}::uuid)`;

const liveTokens = (match: RawBuilder<unknown>, now: Date) => sql`(select count(*)::int from (
    select from oauth_access_tokens t where ${match} and t.revoked_at is null and t.expires_at > ${now} limit ${mostCounted}) l)`;

const liveGrants = (match: RawBuilder<unknown>, now: Date) => sql`(select count(*)::int from (
    select from oauth_grants g where ${match} and g.revoked_at is null and g.expires_at > ${now} limit ${mostCounted}) l)`;

const clients = (now: Date) => sql`select c.*, ${liveTokens(sql`t.client_id = c.client_id`, now)} as live_tokens,
    ${liveGrants(sql`g.client_id = c.client_id`, now)} as live_grants
  from oauth_clients c`;

const tokens = sql`select t.id, t.format, t.kind, t.grant_id, t.client_id, t.subject, t.org_id, t.actor, t.resource, t.scopes,
    t.created_at, t.expires_at, t.revoked_at, coalesce(c.name, d.metadata ->> 'client_name', d.host) as client_name
  from oauth_access_tokens t
  left join oauth_clients c on c.client_id = t.client_id
  left join oauth_client_documents d on d.client_id = t.client_id`;

const grants = (
  now: Date,
) => sql`select g.id, g.client_id, g.subject, g.actor, g.org_id, g.scopes, g.resources, g.created_at, g.last_used_at,
    g.expires_at, g.revoked_at, coalesce(c.name, d.metadata ->> 'client_name', d.host) as client_name,
    coalesce(c.origin, case when d.client_id is not null then 'document' else 'gone' end) as client_origin,
    coalesce(c.metadata ->> 'client_uri', d.metadata ->> 'client_uri') as client_uri,
    ${liveTokens(sql`t.grant_id = g.id`, now)} as live_tokens
  from oauth_grants g
  left join oauth_clients c on c.client_id = g.client_id
  left join oauth_client_documents d on d.client_id = g.client_id`;

/** Of what a client wants approved operators see the title alone: the rest is for the person asked. */
const approvals = (now: Date) => sql`select a.id, a.kind, a.client_id, a.org_id, a.subject, a.scopes, a.resources,
    case when a.state = 'pending' and a.expires_at <= ${now} then 'expired' else a.state end as state,
    a.details -> 0 ->> 'title' as title, a.created_at, a.expires_at, a.decided_at, c.name as client_name
  from oauth_approvals a
  left join oauth_clients c on c.client_id = a.client_id`;

/** What operators look through, with the names and counts that the engine has no need of. */
export const operatorListsStore = {
  clients: async (
    db: Db,
    filter: {
      q?: string | undefined;
      origin?: string | undefined;
      enabled?: boolean | undefined;
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ListedClientRow[]> => {
    const q = like(filter.q);
    return (
      await sql<ListedClientRow>`${clients(filter.now)}
        where (${q}::text is null or c.name ilike ${q} or c.client_id ilike ${q})
          and (${filter.origin ?? null}::text is null or c.origin = ${filter.origin ?? null})
          and (${filter.enabled ?? null}::boolean is null or c.enabled = ${filter.enabled ?? null})
          and ${olderThan(filter.after, sql`c.created_at`, sql`c.id`)}
        order by c.created_at desc, c.id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  client: async (db: Db, id: string, now: Date): Promise<ListedClientRow | null> =>
    (await sql<ListedClientRow>`${clients(now)} where c.id = ${id}`.execute(db)).rows[0] ?? null,

  clientDocuments: async (
    db: Db,
    filter: { q?: string | undefined; after: Position<Date> | null; limit: number; now: Date },
  ): Promise<ClientDocumentListRow[]> => {
    const { after } = filter;
    const q = like(filter.q);
    return (
      await sql<ClientDocumentListRow>`select d.client_id, d.host, d.metadata, d.fetched_at, d.fresh_until,
          date_trunc('milliseconds', d.last_used_at) as last_used_at, ${liveGrants(sql`g.client_id = d.client_id`, filter.now)} as live_grants
        from oauth_client_documents d
        where (${q}::text is null or d.client_id ilike ${q} or d.metadata ->> 'client_name' ilike ${q})
          and (${after?.value ?? null}::timestamptz is null
               or (date_trunc('milliseconds', d.last_used_at), d.client_id) < (${after?.value ?? null}, ${after?.id ?? null}))
        order by date_trunc('milliseconds', d.last_used_at) desc, d.client_id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  tokens: async (
    db: Db,
    filter: {
      q?: string | undefined;
      /** Principals whose name has `q`. */
      called: readonly string[];
      client_id?: string | undefined;
      subject?: string | undefined;
      grant_id?: string | undefined;
      state?: 'active' | 'expired' | 'revoked' | undefined;
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ListedTokenRow[]> => {
    const { now } = filter;
    const q = like(filter.q);
    const states = {
      active: sql`t.revoked_at is null and t.expires_at > ${now}`,
      expired: sql`t.revoked_at is null and t.expires_at <= ${now}`,
      revoked: sql`t.revoked_at is not null`,
    };
    return (
      await sql<ListedTokenRow>`${tokens}
        where (${q}::text is null or c.name ilike ${q} or t.client_id ilike ${q} or d.metadata ->> 'client_name' ilike ${q}
               or t.subject = any(${filter.called}::text[]) or t.subject ilike ${q})
          and (${filter.client_id ?? null}::text is null or t.client_id = ${filter.client_id ?? null})
          and (${filter.subject ?? null}::text is null or t.subject = ${filter.subject ?? null})
          and (${filter.grant_id ?? null}::uuid is null or t.grant_id = ${filter.grant_id ?? null}::uuid)
          and ${filter.state === undefined ? sql`true` : states[filter.state]}
          and ${olderThan(filter.after, sql`t.created_at`, sql`t.id`)}
        order by t.created_at desc, t.id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  token: async (db: Db, id: string): Promise<ListedTokenRow | null> =>
    (await sql<ListedTokenRow>`${tokens} where t.id = ${id}`.execute(db)).rows[0] ?? null,

  hashOfToken: async (db: Db, id: string): Promise<string | null> =>
    (await sql<{ hash: string }>`select hash from oauth_access_tokens where id = ${id}`.execute(db)).rows[0]?.hash ??
    null,

  grants: async (
    db: Db,
    filter: {
      q?: string | undefined;
      called: readonly string[];
      client_id?: string | undefined;
      subject?: string | undefined;
      state: 'active' | 'ended';
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ListedGrantRow[]> => {
    const { now } = filter;
    const q = like(filter.q);
    const live = sql`(g.revoked_at is null and g.expires_at > ${now})`;
    return (
      await sql<ListedGrantRow>`${grants(now)}
        where (${q}::text is null or c.name ilike ${q} or g.client_id ilike ${q} or d.metadata ->> 'client_name' ilike ${q}
               or g.subject = any(${filter.called}::uuid[]) or g.actor = any(${filter.called}::uuid[]))
          and (${filter.client_id ?? null}::text is null or g.client_id = ${filter.client_id ?? null})
          and (${filter.subject ?? null}::uuid is null or g.subject = ${filter.subject ?? null}::uuid)
          and ${filter.state === 'active' ? live : sql`not ${live}`}
          and ${olderThan(filter.after, sql`g.created_at`, sql`g.id`)}
        order by g.created_at desc, g.id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  grant: async (db: Db, id: string, now: Date): Promise<ListedGrantRow | null> =>
    (await sql<ListedGrantRow>`${grants(now)} where g.id = ${id}`.execute(db)).rows[0] ?? null,

  approvals: async (
    db: Db,
    filter: {
      q?: string | undefined;
      called: readonly string[];
      state?: ApprovalState | undefined;
      after: Position<Date> | null;
      limit: number;
      now: Date;
    },
  ): Promise<ListedApprovalRow[]> => {
    const { now, state } = filter;
    const q = like(filter.q);
    const over = sql`(a.state = 'pending' and a.expires_at <= ${now})`;
    const inState =
      state === undefined
        ? sql`true`
        : state === 'expired'
          ? sql`(a.state = 'expired' or ${over})`
          : sql`(a.state = ${state} and not ${over})`;
    return (
      await sql<ListedApprovalRow>`${approvals(now)}
        where (${q}::text is null or c.name ilike ${q} or a.client_id ilike ${q} or a.subject = any(${filter.called}::uuid[]))
          and ${inState}
          and ${olderThan(filter.after, sql`a.created_at`, sql`a.id`)}
        order by a.created_at desc, a.id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  approval: async (db: Db, id: string, now: Date): Promise<ListedApprovalRow | null> =>
    (await sql<ListedApprovalRow>`${approvals(now)} where a.id = ${id}`.execute(db)).rows[0] ?? null,

  deviceCodes: async (
    db: Db,
    filter: { after: Position<Date> | null; limit: number; now: Date },
  ): Promise<DeviceCodeRow[]> => {
    const { after, limit, now } = filter;
    // The row's own clock is finer than a cursor.
    const at = sql`date_trunc('milliseconds', v.created_at)`;
    // A row outlives its code, so that the device hears that it expired.
    const end = sql`to_timestamp((v.payload ->> 'exp')::float8)`;
    return (
      await sql<DeviceCodeRow>`select v.id_hash, v.client_id, coalesce(c.name, d.metadata ->> 'client_name') as client_name,
          coalesce(v.payload -> 'params' ->> 'scope', v.payload ->> 'scope') as scope, v.user_code_hint, v.claimed_by, v.subject,
          v.consumed_at, ${at} as created_at, ${end} as expires_at
        from oauth_device_codes v
        left join oauth_clients c on c.client_id = v.client_id
        left join oauth_client_documents d on d.client_id = v.client_id
        where v.expires_at > ${now} and ${end} > ${now}
          and (${after?.value ?? null}::timestamptz is null or (${at}, v.id_hash) < (${after?.value ?? null}, ${after?.id ?? null}))
        order by ${at} desc, v.id_hash desc limit ${limit}`.execute(db)
    ).rows;
  },

  /** Moves the end to now; false when it was over already. */
  expireDeviceCode: async (db: Db, idHash: string, now: Date): Promise<{ client_id: string | null } | null> =>
    (
      await sql<{ client_id: string | null }>`update oauth_device_codes
        set payload = jsonb_set(payload, '{exp}', to_jsonb(${Math.floor(now.getTime() / 1000)}::bigint)), user_code = null
        where id_hash = ${idHash} and to_timestamp((payload ->> 'exp')::float8) > ${now} and consumed_at is null
        returning client_id`.execute(db)
    ).rows[0] ?? null,

  /** JWTs of a time that are still good: those that a key of that time signed. */
  liveJwts: async (db: Db, from: Date, until: Date | null, now: Date): Promise<number> =>
    (
      await sql<{ count: number }>`select count(*)::int as count from (select from oauth_access_tokens
        where format = 'jwt' and created_at >= ${from} and (${until}::timestamptz is null or created_at < ${until})
          and revoked_at is null and expires_at > ${now} limit ${mostCounted}) l`.execute(db)
    ).rows[0]!.count,

  totals: async (db: Db, now: Date) =>
    (
      await sql<{
        clients: number;
        clients_enabled: number;
        live_tokens: number;
        live_grants: number;
        pending_device_codes: number;
        denied_ranges: number;
      }>`select (select count(*)::int from oauth_clients) as clients,
          (select count(*)::int from oauth_clients where enabled) as clients_enabled,
          (select count(*)::int from oauth_access_tokens where revoked_at is null and expires_at > ${now}) as live_tokens,
          (select count(*)::int from oauth_grants where revoked_at is null and expires_at > ${now}) as live_grants,
          (select count(*)::int from oauth_device_codes where consumed_at is null and expires_at > ${now}
            and to_timestamp((payload ->> 'exp')::float8) > ${now}) as pending_device_codes,
          (select count(*)::int from oauth_ip_denylist where expires_at is null or expires_at > ${now}) as denied_ranges`.execute(
        db,
      )
    ).rows[0]!,

  topClients: async (db: Db, now: Date, most: number) =>
    (
      await sql<{ client_id: string; name: string | null; live_tokens: number }>`
        select l.client_id, coalesce(c.name, d.metadata ->> 'client_name', d.host) as name, l.live_tokens
        from (select client_id, count(*)::int as live_tokens from oauth_access_tokens
               where revoked_at is null and expires_at > ${now} group by client_id order by 2 desc, 1 limit ${most}) l
        left join oauth_clients c on c.client_id = l.client_id
        left join oauth_client_documents d on d.client_id = l.client_id
        order by l.live_tokens desc, l.client_id`.execute(db)
    ).rows,
};

/** Ranges whose addresses get no answer. */
export const deniedRangesStore = {
  page: async (
    db: Db,
    filter: { q?: string | undefined; after: Position<Date> | null; limit: number },
  ): Promise<DeniedRangeRow[]> => {
    const q = like(filter.q);
    return (
      await sql<DeniedRangeRow>`select id, range::text as range, reason, created_by, created_at, expires_at from oauth_ip_denylist
        where (${q}::text is null or range::text ilike ${q} or reason ilike ${q})
          and ${olderThan(filter.after, sql`created_at`, sql`id`)}
        order by created_at desc, id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },

  insert: async (
    db: Db,
    row: { id: string; range: string; reason: string; created_by: string; at: Date; expires_at: Date | null },
  ): Promise<DeniedRangeRow> =>
    (
      await sql<DeniedRangeRow>`insert into oauth_ip_denylist (id, range, reason, created_by, created_at, expires_at)
        values (${row.id}, ${row.range}::cidr, ${row.reason}, ${row.created_by}, ${row.at}, ${row.expires_at})
        returning id, range::text as range, reason, created_by, created_at, expires_at`.execute(db)
    ).rows[0]!,

  delete: async (db: Db, id: string): Promise<{ range: string } | null> =>
    (
      await sql<{
        range: string;
      }>`delete from oauth_ip_denylist where id = ${id} returning range::text as range`.execute(db)
    ).rows[0] ?? null,

  /** An expired row must not stand in the way of the same range denied anew. */
  deleteExpired: async (db: Db, range: string, now: Date): Promise<void> => {
    await sql`delete from oauth_ip_denylist where range = ${range}::cidr and expires_at <= ${now}`.execute(db);
  },

  sweep: async (db: Db, before: Date): Promise<void> => {
    await sql`delete from oauth_ip_denylist where expires_at < ${before}`.execute(db);
  },

  live: async (db: Db, now: Date): Promise<{ range: string; expires_at: Date | null }[]> =>
    (
      await sql<{
        range: string;
        expires_at: Date | null;
      }>`select range::text as range, expires_at from oauth_ip_denylist
        where expires_at is null or expires_at > ${now}`.execute(db)
    ).rows,
};

/** Tokens with which clients register themselves, as operators see them. */
export const registrationTokensStore = {
  page: async (db: Db, filter: { after: Position<Date> | null; limit: number; now: Date }) =>
    (
      await sql<RegistrationTokenRow>`select id, note, created_by, created_at, expires_at, consumed_at from oauth_initial_tokens
        where id is not null and expires_at > ${filter.now} and ${olderThan(filter.after, sql`created_at`, sql`id`)}
        order by created_at desc, id desc limit ${filter.limit}`.execute(db)
    ).rows,

  describe: async (
    db: Db,
    idHash: string,
    facts: { id: string; note: string; created_by: string; at: Date },
  ): Promise<RegistrationTokenRow> =>
    (
      await sql<RegistrationTokenRow>`update oauth_initial_tokens set id = ${facts.id}, note = ${facts.note},
          created_by = ${facts.created_by}, created_at = ${facts.at}
        where id_hash = ${idHash} returning id, note, created_by, created_at, expires_at, consumed_at`.execute(db)
    ).rows[0]!,

  delete: async (db: Db, id: string): Promise<{ note: string } | null> =>
    (await sql<{ note: string }>`delete from oauth_initial_tokens where id = ${id} returning note`.execute(db))
      .rows[0] ?? null,
};

/** Secrets that wait to be shown once. */
export const secretRevealsStore = {
  insert: async (
    db: Db,
    row: {
      id: string;
      hash: string;
      client_row: string;
      operator_id: string;
      secret_sealed: string;
      expires_at: Date;
    },
  ): Promise<void> => {
    await sql`insert into oauth_secret_reveals (id, hash, client_row, operator_id, secret_sealed, expires_at)
      values (${row.id}, ${row.hash}, ${row.client_row}, ${row.operator_id}, ${row.secret_sealed}, ${row.expires_at})`.execute(
      db,
    );
  },

  /** Gives it to its operator and forgets it; anybody else leaves it where it is. */
  take: async (db: Db, hash: string, operatorId: string, now: Date) =>
    (
      await sql<{ id: string; client_row: string; secret_sealed: string }>`delete from oauth_secret_reveals
        where hash = ${hash} and operator_id = ${operatorId} and expires_at > ${now}
        returning id, client_row, secret_sealed`.execute(db)
    ).rows[0] ?? null,

  deleteOfClient: async (db: Db, clientRow: string): Promise<void> => {
    await sql`delete from oauth_secret_reveals where client_row = ${clientRow}`.execute(db);
  },

  all: async (db: Db) =>
    (await sql<{ id: string; secret_sealed: string }>`select id, secret_sealed from oauth_secret_reveals`.execute(db))
      .rows,

  replaceSealed: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update oauth_secret_reveals set secret_sealed = ${to} where id = ${id} and secret_sealed = ${from}`.execute(
      db,
    );
  },

  sweep: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from oauth_secret_reveals where expires_at < ${now}`.execute(db);
  },
};

export interface ListedResourceRow extends ResourceRow {
  created_at: Date;
  updated_at: Date;
}

export interface ListedIssuerRow extends TrustedIssuerRow {
  created_at: Date;
  updated_at: Date;
  known_subjects: number;
}

/** Sets the members that are given; `undefined` leaves a column alone, null is a value. */
const assignments = (changes: Record<string, unknown>, types: Record<string, string>): RawBuilder<unknown>[] =>
  Object.entries(changes)
    .filter(([member, value]) => value !== undefined && member in types)
    .map(([member, value]) => sql`${sql.ref(member)} = ${value}::${sql.raw(types[member]!)}`);

const change = async (
  db: Db,
  table: string,
  of: { id: string; version: number; at: Date },
  sets: readonly RawBuilder<unknown>[],
): Promise<boolean> => {
  const result = await sql`update ${sql.table(table)}
    set ${sql.join([...sets, sql`version = version + 1`, sql`updated_at = ${of.at}`])}
    where id = ${of.id} and version = ${of.version}`.execute(db);
  return result.numAffectedRows === 1n;
};

const versionIn = async (db: Db, table: string, id: string): Promise<number | null> =>
  (await sql<{ version: number }>`select version from ${sql.table(table)} where id = ${id}`.execute(db)).rows[0]
    ?.version ?? null;

/** Registered audiences, as operators change them. */
export const resourcesAdminStore = {
  /** Those of the names that are a scope of some audience. */
  scopesAmong: async (db: Db, names: readonly string[]): Promise<string[]> =>
    (
      await sql<{ scope: string }>`select distinct s as scope from oauth_resources, unnest(scopes) s
        where s = any(${names}::text[])`.execute(db)
    ).rows.map((row) => row.scope),

  page: async (db: Db, filter: { q?: string | undefined; after: Position<Date> | null; limit: number }) => {
    const q = like(filter.q);
    return (
      await sql<ListedResourceRow>`select * from oauth_resources
        where (${q}::text is null or name ilike ${q} or audience ilike ${q})
          and ${olderThan(filter.after, sql`created_at`, sql`id`)}
        order by created_at desc, id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },
  find: async (db: Db, id: string) =>
    (await sql<ListedResourceRow>`select * from oauth_resources where id = ${id}`.execute(db)).rows[0] ?? null,
  insert: async (
    db: Db,
    r: Omit<ListedResourceRow, 'version' | 'created_at' | 'updated_at' | 'enabled'>,
    at: Date,
  ): Promise<void> => {
    await sql`insert into oauth_resources (id, audience, name, scopes, format, ttl_s, alg, client_id, created_at, updated_at)
      values (${r.id}, ${r.audience}, ${r.name}, ${r.scopes}::text[], ${r.format}, ${r.ttl_s}, ${r.alg}, ${r.client_id}, ${at}, ${at})`.execute(
      db,
    );
  },
  update: (db: Db, of: { id: string; version: number; at: Date }, changes: Record<string, unknown>) =>
    change(
      db,
      'oauth_resources',
      of,
      assignments(changes, {
        name: 'text',
        scopes: 'text[]',
        format: 'text',
        ttl_s: 'int',
        alg: 'text',
        client_id: 'text',
        enabled: 'boolean',
      }),
    ),
  version: (db: Db, id: string) => versionIn(db, 'oauth_resources', id),
  delete: async (db: Db, id: string) =>
    (await sql<ListedResourceRow>`delete from oauth_resources where id = ${id} returning *`.execute(db)).rows[0] ??
    null,
};

const issuers = sql`select i.*, (select count(*)::int from oauth_issuer_subjects s where s.issuer_id = i.id) as known_subjects
  from oauth_trusted_issuers i`;

/** Trusted issuers, as operators change them. */
export const issuersAdminStore = {
  page: async (db: Db, filter: { q?: string | undefined; after: Position<Date> | null; limit: number }) => {
    const q = like(filter.q);
    return (
      await sql<ListedIssuerRow>`${issuers}
        where (${q}::text is null or i.name ilike ${q} or i.issuer ilike ${q})
          and ${olderThan(filter.after, sql`i.created_at`, sql`i.id`)}
        order by i.created_at desc, i.id desc limit ${filter.limit}`.execute(db)
    ).rows;
  },
  find: async (db: Db, id: string) =>
    (await sql<ListedIssuerRow>`${issuers} where i.id = ${id}`.execute(db)).rows[0] ?? null,
  insert: async (
    db: Db,
    i: Omit<ListedIssuerRow, 'version' | 'created_at' | 'updated_at' | 'enabled' | 'known_subjects'>,
    at: Date,
  ): Promise<void> => {
    await sql`insert into oauth_trusted_issuers (id, issuer, name, jwks_uri, algs, subject_mapping, email_domains, jit, org_id,
        scopes, max_age_s, created_at, updated_at)
      values (${i.id}, ${i.issuer}, ${i.name}, ${i.jwks_uri}, ${i.algs}::text[], ${i.subject_mapping}, ${i.email_domains}::text[],
        ${i.jit}, ${i.org_id}, ${i.scopes}::text[], ${i.max_age_s}, ${at}, ${at})`.execute(db);
  },
  update: (db: Db, of: { id: string; version: number; at: Date }, changes: Record<string, unknown>) =>
    change(
      db,
      'oauth_trusted_issuers',
      of,
      assignments(changes, {
        name: 'text',
        jwks_uri: 'text',
        algs: 'text[]',
        subject_mapping: 'text',
        email_domains: 'text[]',
        jit: 'boolean',
        scopes: 'text[]',
        max_age_s: 'int',
        enabled: 'boolean',
      }),
    ),
  version: (db: Db, id: string) => versionIn(db, 'oauth_trusted_issuers', id),
  delete: async (db: Db, id: string) =>
    (await sql<ListedIssuerRow>`delete from oauth_trusted_issuers where id = ${id} returning *`.execute(db)).rows[0] ??
    null,
};
