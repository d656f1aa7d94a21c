import {
  type Actor,
  type OutputOf,
  type ParsedInputOf,
  type securityEventsList,
  type serverAudit,
  type serverCapabilities,
  type serverLoad,
  type serverOverview,
  severityOf,
} from '@atrium/protocol';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { isUuid } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { OpenSocket } from '../../platform/sockets/socket-host.ts';
import type { CountedKind, HourlyCounts } from '../../platform/telemetry/hourly-counts.ts';
import type { IdentityNames } from '../identity/index.ts';
import { type EventPosition, serverStore } from './server-store.ts';

type Overview = OutputOf<typeof serverOverview>;
type Hour = Overview['hours'][number];

/** What the doors know of themselves, once they are open. */
export interface HostFacts {
  checks: () => Promise<Record<string, boolean>>;
  metrics: () => Promise<string>;
  load: () => OutputOf<typeof serverLoad>;
  /** Sockets of this process. */
  sockets: { list: (orgId: string) => OpenSocket[]; close: (id: string) => void };
  /** Null while there is no discovery document. */
  discovery: () => Promise<Record<string, unknown> | null>;
}

export interface ServerParts {
  database: Database;
  clock: Clock;
  version: string;
  counts: Pick<HourlyCounts, 'read'>;
  names: IdentityNames;
  capabilities: () => OutputOf<typeof serverCapabilities>['items'];
  identity_totals: () => Promise<Pick<Overview['totals'], 'users' | 'operators' | 'orgs' | 'agents' | 'live_sessions'>>;
  oauth_figures: () => Promise<{
    totals: Omit<Overview['totals'], 'users' | 'operators' | 'orgs' | 'agents' | 'live_sessions'>;
    top_clients: Overview['top_clients'];
  }>;
  signing_key: () => Promise<Overview['signing_key']>;
  host: () => HostFacts | null;
}

const hourMs = 60 * 60_000;

const memberOf: Readonly<Record<CountedKind, Exclude<keyof Hour, 'at'>>> = {
  token_issued: 'tokens_issued',
  token_revoked: 'tokens_revoked',
  client_failed: 'client_failures',
  address_denied: 'refused',
};

const badCursor = (): AppError => new AppError('bad_request', 'The cursor is not one of this list.');

const eventPosition = (cursor: string | undefined): EventPosition | null => {
  if (cursor === undefined) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw badCursor();
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) throw badCursor();
  const [at, org_id, seq] = parsed as unknown[];
  const date = new Date(String(at));
  if (Number.isNaN(date.getTime()) || typeof org_id !== 'string' || !isUuid(org_id) || !Number.isSafeInteger(seq))
    throw badCursor();
  return { at: date, org_id, seq: seq as number };
};

const actorOfRow = (row: { actor_type: string; actor_id: string | null; actor_name: string }): Actor => ({
  type: row.actor_type as Actor['type'],
  id: row.actor_id,
  name: row.actor_name,
});

/** The server as a whole, for the people who run it. */
export const createServerService = (parts: ServerParts) => {
  const { database, clock, version, counts, names } = parts;
  const started_at = clock.now();

  const openHost = (): HostFacts => {
    const host = parts.host();
    if (host === null) throw new AppError('not_ready');
    return host;
  };

  const hourly = async (hours: number): Promise<Hour[]> => {
    const now = clock.now().getTime();
    const last = now - (now % hourMs);
    const rows = Array.from(
      { length: hours },
      (_, index): Hour => ({
        at: new Date(last - (hours - 1 - index) * hourMs).toISOString(),
        ...{ tokens_issued: 0, tokens_revoked: 0, sign_ins: 0, sign_ins_failed: 0, client_failures: 0, refused: 0 },
      }),
    );
    const byHour = new Map(rows.map((row) => [row.at, row]));
    const since = new Date(last - (hours - 1) * hourMs);
    for (const { hour, kind, count } of await counts.read(since)) {
      const row = byHour.get(hour.toISOString());
      if (row !== undefined && kind in memberOf) row[memberOf[kind]] += count;
    }
    // Signing in leaves a line each time, so nothing need be counted beside.
    for (const { hour, failed, count } of await serverStore.signIns(database.read, since)) {
      const row = byHour.get(hour.toISOString());
      if (row !== undefined) row[failed ? 'sign_ins_failed' : 'sign_ins'] += count;
    }
    return rows;
  };

  return {
    overview: async (_call: Call, input: { hours: number }): Promise<Overview> => {
      const [people, oauth, hours, signing_key] = await Promise.all([
        parts.identity_totals(),
        parts.oauth_figures(),
        hourly(input.hours),
        parts.signing_key(),
      ]);
      return {
        totals: { ...people, ...oauth.totals },
        hours,
        top_clients: oauth.top_clients,
        signing_key,
        version,
        started_at: started_at.toISOString(),
      };
    },

    capabilities: async (_call: Call) => ({ items: parts.capabilities() }),

    health: async (_call: Call) => {
      const now = clock.now();
      const uptime_s = Math.floor((now.getTime() - started_at.getTime()) / 1000);
      return { status: 'ok' as const, timestamp: now.toISOString(), version, uptime_s };
    },

    readiness: async (_call: Call) => {
      const checks = await openHost().checks();
      return { ready: Object.values(checks).every(Boolean), checks };
    },

    metrics: async (_call: Call) => ({ text: await openHost().metrics() }),

    load: async (_call: Call) => openHost().load(),

    openidConfig: async (_call: Call) => {
      const document = await openHost().discovery();
      if (document === null) throw new AppError('not_ready', 'There is no discovery document yet.');
      return document;
    },

    events: async (_call: Call, input: ParsedInputOf<typeof securityEventsList>) => {
      const { limit, kind } = input;
      const after = eventPosition(input.cursor);
      const rows = await serverStore.events(database.read, { kind, after, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      const orgs = await names.orgs(shown.map((row) => row.org_id));
      const last = shown.at(-1);
      return {
        items: shown.map((row) => ({
          org: orgs.has(row.org_id) ? { id: row.org_id, name: orgs.get(row.org_id)! } : null,
          seq: row.seq,
          kind: row.kind,
          id: row.subject_id,
          severity: severityOf(row.kind),
          actor: actorOfRow(row),
          at: row.at.toISOString(),
          body: row.body,
        })),
        next_cursor:
          rows.length <= limit || last === undefined
            ? null
            : Buffer.from(JSON.stringify([last.at.toISOString(), last.org_id, last.seq])).toString('base64url'),
      };
    },

    audit: async (_call: Call, input: ParsedInputOf<typeof serverAudit>) => {
      const { limit, cursor, action, actor_id, org_id } = input;
      const after = timePosition(cursor);
      const rows = await serverStore.audit(database.read, { action, actor_id, org_id, after, limit: limit + 1 });
      const orgs = await names.orgs(rows.map((row) => row.org_id));
      return toPage(
        rows,
        limit,
        (row) => ({ value: row.at, id: row.id }),
        (row) => ({
          id: row.id,
          org: orgs.has(row.org_id) ? { id: row.org_id, name: orgs.get(row.org_id)! } : null,
          seq: row.seq,
          at: row.at.toISOString(),
          actor: actorOfRow(row),
          action: row.action,
          target_type: row.target_type,
          target_id: row.target_id,
          details: row.details as Record<string, unknown>,
          ip: row.ip,
          request_id: row.request_id,
        }),
      );
    },
  };
};

export type ServerService = ReturnType<typeof createServerService>;
