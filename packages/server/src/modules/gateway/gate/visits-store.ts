import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';

type Db = Kysely<Schema>;

export interface OpenVisit {
  id: string;
  session_id: string | null;
  share_id: string | null;
  route_id: string | null;
  ends_at: Date;
}

interface NewVisit {
  id: string;
  org_id: string;
  route_id: string | null;
  host: string;
  of: { session_id: string } | { share_id: string };
  at: Date;
  ends_at: Date;
}

const insert = async (
  db: Db,
  visit: NewVisit,
  how: { state: 'handing_over' | 'open'; code_hash?: string; cookie_hash?: string; browser_hash?: string; until: Date },
): Promise<void> => {
  const sessionId = 'session_id' in visit.of ? visit.of.session_id : null;
  const shareId = 'share_id' in visit.of ? visit.of.share_id : null;
  await sql`insert into gateway_visits
      (id, org_id, route_id, host, session_id, share_id, state, code_hash, cookie_hash, browser_hash, created_at, expires_at, ends_at)
    values (${visit.id}, ${visit.org_id}, ${visit.route_id}, ${visit.host}, ${sessionId}, ${shareId}, ${how.state},
      ${how.code_hash ?? null}, ${how.cookie_hash ?? null}, ${how.browser_hash ?? null}, ${visit.at}, ${how.until}, ${visit.ends_at})`.execute(
    db,
  );
};

/** Browsers that came through the gate of a host, or by a share link. */
export const visitsStore = {
  handOver: (db: Db, visit: NewVisit, code: { code_hash: string; browser_hash: string; until: Date }): Promise<void> =>
    insert(db, visit, { state: 'handing_over', ...code }),

  open: (db: Db, visit: NewVisit, cookie_hash: string): Promise<void> =>
    insert(db, visit, { state: 'open', cookie_hash, until: visit.ends_at }),

  /** Turns a code into a cookie, once, on the host and in the browser it was made for. */
  claim: async (
    db: Db,
    code: { code_hash: string; host: string; browser_hash: string; cookie_hash: string; now: Date },
  ): Promise<OpenVisit | null> =>
    (
      await sql<OpenVisit>`update gateway_visits
          set state = 'open', code_hash = null, cookie_hash = ${code.cookie_hash}, expires_at = ends_at
        where code_hash = ${code.code_hash} and host = ${code.host} and browser_hash = ${code.browser_hash}
          and state = 'handing_over' and expires_at > ${code.now}
        returning id, session_id, share_id, route_id, ends_at`.execute(db)
    ).rows[0] ?? null,

  /** Of a person on a host. */
  findPerson: async (db: Db, cookieHash: string, host: string, now: Date): Promise<OpenVisit | null> =>
    (
      await sql<OpenVisit>`select id, session_id, share_id, route_id, ends_at from gateway_visits
        where cookie_hash = ${cookieHash} and host = ${host} and state = 'open' and session_id is not null
          and expires_at > ${now}`.execute(db)
    ).rows[0] ?? null,

  /** By a share link that is still good, for this route alone. */
  findShare: async (db: Db, cookieHash: string, routeId: string, now: Date): Promise<OpenVisit | null> =>
    (
      await sql<OpenVisit>`select v.id, v.session_id, v.share_id, v.route_id, least(v.ends_at, s.expires_at) as ends_at
        from gateway_visits v join gateway_shares s on s.id = v.share_id
        where v.cookie_hash = ${cookieHash} and v.route_id = ${routeId} and s.route_id = ${routeId} and v.state = 'open'
          and v.expires_at > ${now} and s.expires_at > ${now} and s.revoked_at is null`.execute(db)
    ).rows[0] ?? null,

  deleteExpired: async (db: Db, now: Date): Promise<void> => {
    await sql`delete from gateway_visits where expires_at < ${now}`.execute(db);
  },
};
