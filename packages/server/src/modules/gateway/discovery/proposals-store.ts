import type { Actor, Proposal } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { ProposalFacts, ProposalListRow, ProposalRow } from './discovery-rows.ts';

type Db = Kysely<Schema>;
type Key = readonly [source: string, fingerprint: string];

const listed = sql`p.*, (select a.slug from gateway_apps a where a.id = p.app_id) as app_slug`;

/** Of pairs, as two arrays for unnest. */
const keysOf = (keys: readonly Key[]) => {
  const sources = keys.map(([source]) => source);
  const fingerprints = keys.map(([, fingerprint]) => fingerprint);
  return sql`(p.source, p.fingerprint) in (select * from unnest(${sources}::text[], ${fingerprints}::text[]))`;
};

const record = sql.raw(`(id uuid, source text, fingerprint text, name text, detected_scheme text, detected_host text,
  detected_port int, available_ports int[], addresses jsonb, confidence real, reasons jsonb, suggested_app jsonb,
  suggested_route jsonb, security_notes jsonb, explicit boolean, vouched boolean, bindings jsonb, container_ref text)`);
const facts = [
  ...['name', 'detected_scheme', 'detected_host', 'detected_port', 'available_ports', 'addresses', 'confidence'],
  ...['reasons', 'suggested_app', 'suggested_route', 'security_notes', 'explicit', 'vouched', 'bindings'],
  'container_ref',
];
const factColumns = sql.raw(facts.join(', '));
const factsOfRecord = sql.raw(facts.map((name) => `r.${name}`).join(', '));

export const proposalsStore = {
  /** In the order of their keys, so that two writers wait for each other instead of failing. */
  lockMany: async (db: Db, org_id: string, keys: readonly Key[]): Promise<ProposalRow[]> =>
    keys.length === 0
      ? []
      : (
          await sql<ProposalRow>`select p.* from gateway_proposals p where p.org_id = ${org_id} and ${keysOf(keys)}
            order by p.id for update`.execute(db)
        ).rows,

  lock: async (db: Db, org_id: string, id: string): Promise<ProposalRow | null> =>
    (
      await sql<ProposalRow>`select p.* from gateway_proposals p where p.org_id = ${org_id} and p.id = ${id}
        for update`.execute(db)
    ).rows[0] ?? null,

  find: async (db: Db, org_id: string, id: string): Promise<ProposalListRow | null> =>
    (
      await sql<ProposalListRow>`select ${listed} from gateway_proposals p
        where p.org_id = ${org_id} and p.id = ${id}`.execute(db)
    ).rows[0] ?? null,

  page: async (
    db: Db,
    org_id: string,
    filter: { state: Proposal['state']; source: Proposal['source'] | null; q: string | null },
    page: { limit: number; after: { value: string; id: string } | null },
  ): Promise<ProposalListRow[]> => {
    const conditions = [sql`p.org_id = ${org_id}`, sql`p.state = ${filter.state}`];
    if (filter.source !== null) conditions.push(sql`p.source = ${filter.source}`);
    if (filter.q !== null) {
      const like = `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
      conditions.push(
        sql`concat_ws(' ', p.name, p.fingerprint, p.suggested_app ->> 'name', p.suggested_app ->> 'slug', p.detected_host) ilike ${like}`,
      );
    }
    if (page.after !== null)
      conditions.push(sql`(p.confidence, p.id) < (${page.after.value}::real, ${page.after.id}::uuid)`);
    return (
      await sql<ProposalListRow>`select ${listed} from gateway_proposals p where ${sql.join(conditions, sql` and `)}
        order by p.confidence desc, p.id desc limit ${page.limit}`.execute(db)
    ).rows;
  },

  /** Ids of those that were not there; one that another process wrote meanwhile is left as it is. */
  insertMany: async (
    db: Db,
    org_id: string,
    at: Date,
    rows: readonly (ProposalFacts & { id: string })[],
  ): Promise<string[]> =>
    rows.length === 0
      ? []
      : (
          await sql<{ id: string }>`insert into gateway_proposals
            (id, org_id, source, fingerprint, first_seen_at, last_seen_at, ${factColumns})
            select r.id, ${org_id}, r.source, r.fingerprint, ${at}, ${at}, ${factsOfRecord}
            from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) r ${record}
            on conflict (org_id, source, fingerprint) do nothing returning id`.execute(db)
        ).rows.map(({ id }) => id),

  update: async (db: Db, org_id: string, id: string, at: Date, row: ProposalFacts): Promise<void> => {
    await sql`update gateway_proposals p set (${factColumns}) = (select ${factsOfRecord}
        from jsonb_to_recordset(${JSON.stringify([{ ...row, id }])}::jsonb) r ${record}),
        last_seen_at = ${at}, gone_at = null
      where p.org_id = ${org_id} and p.id = ${id}`.execute(db);
  },

  /** Seen again as they were. */
  touch: async (db: Db, org_id: string, keys: readonly Key[], at: Date): Promise<void> => {
    if (keys.length === 0) return;
    await sql`update gateway_proposals p set last_seen_at = ${at}, gone_at = null
      where p.org_id = ${org_id} and ${keysOf(keys)}`.execute(db);
  },

  markGone: async (db: Db, org_id: string, id: string, at: Date): Promise<void> => {
    await sql`update gateway_proposals set gone_at = ${at} where org_id = ${org_id} and id = ${id}`.execute(db);
  },

  /** Those that nobody has seen since. */
  markUnseen: async (db: Db, since: Date, at: Date): Promise<ProposalRow[]> =>
    (
      await sql<ProposalRow>`update gateway_proposals p set gone_at = ${at}
        where p.gone_at is null and p.last_seen_at < ${since}
          -- What a person brought in is seen by nobody again, and waits all the same.
          and not starts_with(p.fingerprint, 'import:') returning p.*`.execute(db)
    ).rows,

  /** What was gone for long and never wanted. */
  deleteGone: async (db: Db, since: Date): Promise<void> => {
    await sql`delete from gateway_proposals where state = 'pending' and gone_at < ${since}`.execute(db);
  },

  decide: async (
    db: Db,
    row: Pick<ProposalRow, 'org_id' | 'id'>,
    decision: {
      state: 'approved' | 'dismissed';
      by: Actor;
      at: Date;
      app_id?: string;
      route_id?: string;
      chosen_port?: number | null;
    },
  ): Promise<void> => {
    const { state, by, at, app_id = null, route_id = null, chosen_port = null } = decision;
    await sql`update gateway_proposals set state = ${state}, decided_by_type = ${by.type}, decided_by_id = ${by.id},
        decided_by_name = ${by.name}, decided_at = ${at}, app_id = ${app_id}, route_id = ${route_id},
        chosen_port = ${chosen_port}
      where org_id = ${row.org_id} and id = ${row.id}`.execute(db);
  },

  reopen: async (db: Db, org_id: string, id: string): Promise<void> => {
    await sql`update gateway_proposals set state = 'pending', decided_by_type = null, decided_by_id = null,
        decided_by_name = null, decided_at = null, app_id = null, route_id = null, chosen_port = null
      where org_id = ${org_id} and id = ${id}`.execute(db);
  },

  dismissed: async (db: Db, org_id: string): Promise<ProposalRow[]> =>
    (
      await sql<ProposalRow>`select p.* from gateway_proposals p where p.org_id = ${org_id} and p.state = 'dismissed'
        order by p.id for update`.execute(db)
    ).rows,

  /** A person is forgotten: their name goes from what they decided. */
  erasePerson: async (db: Db, id: string, name: string): Promise<void> => {
    await sql`update gateway_proposals set decided_by_name = ${name}
      where decided_by_type = 'user' and decided_by_id = ${id}`.execute(db);
  },

  exportPerson: async (db: Db, id: string): Promise<Record<string, unknown>[]> =>
    (
      await sql<Record<string, unknown>>`select id, org_id, name, state, decided_at from gateway_proposals
        where decided_by_type = 'user' and decided_by_id = ${id} order by decided_at`.execute(db)
    ).rows,
};
