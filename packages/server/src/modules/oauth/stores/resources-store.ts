import { sql } from 'kysely';
import type { Db } from './db.ts';

export interface ResourceRow {
  id: string;
  audience: string;
  name: string;
  scopes: string[];
  format: 'jwt' | 'opaque';
  ttl_s: number;
  alg: string | null;
  client_id: string | null;
  enabled: boolean;
  version: number;
}

export interface TrustedIssuerRow {
  id: string;
  issuer: string;
  name: string;
  jwks_uri: string;
  algs: string[];
  subject_mapping: 'sub' | 'email';
  email_domains: string[];
  jit: boolean;
  org_id: string;
  scopes: string[];
  max_age_s: number;
  enabled: boolean;
  version: number;
}

/** Audiences that operators registered, beside the built-in ones. */
export const resourcesStore = {
  find: async (db: Db, audience: string): Promise<ResourceRow | null> =>
    (await sql<ResourceRow>`select * from oauth_resources where audience = ${audience}`.execute(db)).rows[0] ?? null,
};

/** Issuers elsewhere whose assertions are accepted. */
export const trustedIssuersStore = {
  find: async (db: Db, issuer: string): Promise<TrustedIssuerRow | null> =>
    (await sql<TrustedIssuerRow>`select * from oauth_trusted_issuers where issuer = ${issuer} and enabled`.execute(db))
      .rows[0] ?? null,

  subject: async (db: Db, issuerId: string, subject: string): Promise<string | null> =>
    (
      await sql<{ user_id: string }>`select user_id from oauth_issuer_subjects
        where issuer_id = ${issuerId} and subject = ${subject}`.execute(db)
    ).rows[0]?.user_id ?? null,

  bindSubject: async (db: Db, issuerId: string, subject: string, userId: string, at: Date): Promise<void> => {
    await sql`insert into oauth_issuer_subjects (issuer_id, subject, user_id, created_at)
      values (${issuerId}, ${subject}, ${userId}, ${at}) on conflict do nothing`.execute(db);
  },
};
