import { type Kysely, sql } from 'kysely';
import type { Schema } from '../db/schema.gen.ts';
import { type AuditRow, canonicalAudit, contentHash, signRedaction } from './audit-chain.ts';

/** Somebody who is to be forgotten, and what stands in place of their name. */
export interface ForgottenPerson {
  id: string;
  /** The name and every address, as they may stand in details. */
  texts: readonly string[];
  instead: string;
}

export type ForgetInAudit = (db: Kysely<Schema>, person: ForgottenPerson, at: Date) => Promise<void>;

const batchSize = 500;

/** Without names, addresses of the mail and of the network; members that are only such a text lose it. */
const redactedDetails = (value: unknown, { texts, instead }: ForgottenPerson): unknown => {
  if (typeof value === 'string') {
    const known = texts.some((text) => value.toLowerCase() === text.toLowerCase());
    if (known) return instead;
    return texts.reduce((left, text) => (text.includes('@') ? left.replaceAll(text, instead) : left), value);
  }
  if (Array.isArray(value)) return value.map((one) => redactedDetails(one, { id: '', texts, instead }));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redactedDetails(member, { id: '', texts, instead })]),
  );
};

/** Takes a person out of the trail and the events of every organisation. Their id stays, which names nobody any more. */
export const createForgetInAudit = (key: Uint8Array): ForgetInAudit => {
  const redact = async (db: Kysely<Schema>, row: AuditRow, person: ForgottenPerson, at: Date): Promise<void> => {
    const own = row.actor_id === person.id;
    const next: AuditRow = {
      ...row,
      actor_name: own ? person.instead : row.actor_name,
      details: redactedDetails(row.details, person) as Record<string, unknown>,
      ip: own ? null : row.ip,
      user_agent: own ? null : row.user_agent,
    };
    const content_hash = contentHash(canonicalAudit(next));
    const signature = signRedaction(key, { org_id: row.org_id, seq: row.seq, hash: row.hash, content_hash });
    await sql`select core_audit_redact(${row.org_id}, ${row.seq}, ${next.actor_name}, ${JSON.stringify(next.details)}::jsonb,
      ${next.ip}, ${next.user_agent}, ${content_hash}, ${at}, ${signature})`.execute(db);
  };

  return async (db, person, at) => {
    const quoted = person.texts.map((text) => JSON.stringify(text));
    const named = sql.join(
      person.texts.map(
        (text) => sql`strpos(lower(details::text), ${JSON.stringify(text.toLowerCase()).slice(1, -1)}) > 0`,
      ),
      sql` or `,
    );
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const { rows } = await sql<AuditRow>`select * from core_audit where id > ${after} and
        (actor_id = ${person.id} or ${named}) order by id limit ${batchSize}`.execute(db);
      for (const row of rows) await redact(db, row, person, at);
      if (rows.length < batchSize) break;
      after = rows.at(-1)!.id;
    }
    await sql`update core_events set actor_name = ${person.instead}
      where actor_type = 'user' and actor_id = ${person.id}`.execute(db);
    for (const text of quoted)
      await sql`update core_events set body = replace(body::text, ${text}, ${JSON.stringify(person.instead)})::jsonb
        where strpos(body::text, ${text}) > 0 and (actor_id = ${person.id} or subject_id = ${person.id} or ${text.includes('@')})`.execute(
        db,
      );
  };
};
