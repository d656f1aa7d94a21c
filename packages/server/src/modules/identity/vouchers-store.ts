import type { HeldScope, PrincipalKind, SystemRole } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';
import type { Position } from '../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

export type IssuerKind = Exclude<PrincipalKind, 'system'>;

export interface VoucherRow {
  id: string;
  org_id: string;
  code_sealed: string | null;
  issuer_type: IssuerKind;
  issuer_id: string;
  issuer_fingerprint: string | null;
  scopes: string[];
  created_at: Date;
  expires_at: Date;
}

/** A voucher that was good until now, and who gave it. */
export interface RedeemedRow {
  id: string;
  org_id: string;
  issuer_type: IssuerKind;
  issuer_id: string;
  scopes: HeldScope[];
}

/** Whoever issued a voucher, as they are now. */
export interface IssuerRow {
  active: boolean;
  system: SystemRole | null;
  permissions: string[];
  owner_id: string | null;
  /** What an agent may do; null for people, whose roles alone limit them. */
  scopes: HeldScope[] | null;
}

export interface EdgeRow {
  id: string;
  issuer_type: IssuerKind;
  issuer_fingerprint: string | null;
  redeemer_fingerprint: string;
  redeemed_at: Date;
  depth: number;
  descendants: number;
  active: boolean;
}

const open = (now: Date) => sql`v.redeemed_at is null and v.revoked_at is null and v.expires_at > ${now}`;

const currentKey = (alias: string, agent: string) =>
  sql.raw(`left join identity_agent_keys ${alias} on ${alias}.agent_id = ${agent} and ${alias}.replaced_at is null`);

/** Vouchers, and the graph that those which were redeemed make. */
export const vouchersStore = {
  /** The row lock under which the vouchers of an issuer are counted. False when there is nobody like that. */
  lockIssuer: async (db: Db, issuer: { org_id: string; kind: IssuerKind; id: string }): Promise<boolean> => {
    const { rows } =
      issuer.kind === 'user'
        ? await sql`select 1 from identity_members where org_id = ${issuer.org_id} and user_id = ${issuer.id}
            for no key update`.execute(db)
        : await sql`select 1 from identity_agents where org_id = ${issuer.org_id} and id = ${issuer.id}
            for no key update`.execute(db);
    return rows.length > 0;
  },

  countOpen: async (db: Db, orgId: string, issuerId: string, now: Date): Promise<number> =>
    (
      await sql<{ n: number }>`select count(*)::int as n from identity_vouchers v
        where v.org_id = ${orgId} and v.issuer_id = ${issuerId} and ${open(now)}`.execute(db)
    ).rows[0]!.n,

  insert: async (
    db: Db,
    voucher: {
      id: string;
      org_id: string;
      hash: string;
      code_sealed: string;
      issuer_type: IssuerKind;
      issuer_id: string;
      scopes: readonly string[];
      created_at: Date;
      expires_at: Date;
    },
  ): Promise<void> => {
    const v = voucher;
    await sql`insert into identity_vouchers
        (id, org_id, hash, code_sealed, issuer_type, issuer_id, scopes, created_at, expires_at)
      values (${v.id}, ${v.org_id}, ${v.hash}, ${v.code_sealed}, ${v.issuer_type}, ${v.issuer_id}, ${v.scopes}::text[],
        ${v.created_at}, ${v.expires_at})`.execute(db);
  },

  /** Whatever its state: a repeat of the request that used it must find it. */
  orgOf: async (db: Db, hash: string): Promise<string | null> =>
    (await sql<{ org_id: string }>`select org_id from identity_vouchers where hash = ${hash}`.execute(db)).rows[0]
      ?.org_id ?? null,

  /** One of all who try it at once gets the row. */
  redeem: async (db: Db, hash: string, agentId: string, at: Date): Promise<RedeemedRow | null> =>
    (
      await sql<RedeemedRow>`update identity_vouchers v
        set redeemed_at = ${at}, redeemed_by = ${agentId}, code_sealed = null
        where v.hash = ${hash} and ${open(at)}
        returning v.id, v.org_id, v.issuer_type, v.issuer_id, v.scopes`.execute(db)
    ).rows[0] ?? null,

  issuer: async (db: Db, orgId: string, issuerId: string): Promise<IssuerRow | null> =>
    (
      await sql<IssuerRow>`select p.active, p.system_role as system, p.permissions, p.owner_id, a.scopes
        from identity_principals p left join identity_agents a on a.org_id = p.org_id and a.id = p.id
        where p.org_id = ${orgId} and p.id = ${issuerId}`.execute(db)
    ).rows[0] ?? null,

  /** Puts a redeemed voucher below that of whoever issued it. */
  place: async (db: Db, voucher: Pick<RedeemedRow, 'id' | 'issuer_type' | 'issuer_id'>): Promise<void> => {
    if (voucher.issuer_type === 'user') return;
    await sql`update identity_vouchers v set ancestors = coalesce(above.ancestors, '{}') || issuer.id,
        depth = coalesce(above.depth, 0) + 1
      from (select ${voucher.issuer_id}::uuid as id) issuer
      left join identity_vouchers above on above.redeemed_by = issuer.id
      where v.id = ${voucher.id}`.execute(db);
  },

  pageOpen: async (
    db: Db,
    filter: { org_id: string; issuer_id: string | null; now: Date; after: Position<Date> | null; limit: number },
  ): Promise<VoucherRow[]> => {
    const { org_id, issuer_id, now, after, limit } = filter;
    return (
      await sql<VoucherRow>`select v.id, v.org_id, v.code_sealed, v.issuer_type, v.issuer_id,
          k.fingerprint as issuer_fingerprint, v.scopes, v.created_at, v.expires_at
        from identity_vouchers v ${currentKey('k', 'v.issuer_id')}
        where v.org_id = ${org_id} and (${issuer_id}::uuid is null or v.issuer_id = ${issuer_id}) and ${open(now)}
          and (${after?.value ?? null}::timestamptz is null or (v.created_at, v.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by v.created_at desc, v.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  /** Those of one issuer, or of anybody. */
  revoke: async (
    db: Db,
    orgId: string,
    id: string,
    issuerId: string | null,
    at: Date,
  ): Promise<{ issuer_id: string } | null> =>
    (
      await sql<{ issuer_id: string }>`update identity_vouchers v set revoked_at = ${at}, code_sealed = null
        where v.org_id = ${orgId} and v.id = ${id} and (${issuerId}::uuid is null or v.issuer_id = ${issuerId})
          and ${open(at)}
        returning v.issuer_id`.execute(db)
    ).rows[0] ?? null,

  depthOf: async (db: Db, agentId: string): Promise<number> =>
    (await sql<{ depth: number }>`select depth from identity_vouchers where redeemed_by = ${agentId}`.execute(db))
      .rows[0]?.depth ?? 0,

  edges: async (
    db: Db,
    filter: {
      root: { agent_id: string; depth: number } | null;
      max_depth: number | null;
      after: Position<Date> | null;
      limit: number;
    },
  ): Promise<EdgeRow[]> => {
    const { root, max_depth, after, limit } = filter;
    const above = root?.depth ?? 0;
    const within = root === null ? sql`true` : sql`v.ancestors @> array[${root.agent_id}::uuid]`;
    return (
      await sql<EdgeRow>`select v.id, v.issuer_type, i.fingerprint as issuer_fingerprint,
          r.fingerprint as redeemer_fingerprint, v.redeemed_at, v.depth - ${above}::int as depth,
          (select count(*)::int from identity_vouchers d
            where d.redeemed_at is not null and d.ancestors @> array[v.redeemed_by]) as descendants,
          (a.deactivated_at is null and a.deleted_at is null) as active
        from identity_vouchers v
        join identity_agents a on a.id = v.redeemed_by
        join identity_agent_keys r on r.agent_id = v.redeemed_by and r.replaced_at is null
        ${currentKey('i', 'v.issuer_id')}
        where v.redeemed_at is not null and ${within}
          and (${max_depth}::int is null or v.depth - ${above}::int <= ${max_depth})
          and (${after?.value ?? null}::timestamptz is null or (v.redeemed_at, v.id) < (${after?.value ?? null}, ${after?.id ?? null}::uuid))
        order by v.redeemed_at desc, v.id desc limit ${limit}`.execute(db)
    ).rows;
  },

  sealed: async (db: Db): Promise<{ id: string; code_sealed: string }[]> =>
    (
      await sql<{ id: string; code_sealed: string }>`select id, code_sealed from identity_vouchers
        where code_sealed is not null`.execute(db)
    ).rows,

  reseal: async (db: Db, id: string, from: string, to: string): Promise<void> => {
    await sql`update identity_vouchers set code_sealed = ${to} where id = ${id} and code_sealed = ${from}`.execute(db);
  },

  /** Forgets the code of what ended by time, and at last the row; what was redeemed is part of the graph and stays. */
  purge: async (db: Db, now: Date, before: Date): Promise<void> => {
    await sql`update identity_vouchers set code_sealed = null where code_sealed is not null and expires_at <= ${now}`.execute(
      db,
    );
    await sql`delete from identity_vouchers where redeemed_at is null and expires_at < ${before}`.execute(db);
  },
};
