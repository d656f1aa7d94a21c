import { setImmediate as othersTurn } from 'node:timers/promises';
import { canonicalAudit } from '../audit/audit-chain.ts';
import { newId } from '../ids/ids.ts';
import { queueOf } from '../jobs/job.ts';
import type { StoredEvent } from '../module.ts';
import type { Call } from '../operations/call.ts';
import { actorOf } from '../operations/caller.ts';
import type { NewAudit, NewEvent, NewJob } from './database.ts';
import { storableJson, storableText } from './storable.ts';

/** An audit line together with the call that it reports. */
export interface AuditOfCall {
  call: Call;
  entry: NewAudit;
}

/** An event together with the call whose actor it names. */
export interface EventOfCall {
  call: Call;
  event: NewEvent;
}

interface Group {
  org_id: string;
  events: EventOfCall[];
  audit: AuditOfCall[];
}

/** Argument of the SQL function core_commit, and how to read its answer. */
export interface Ending {
  payload: string;
  storedEvents: (lastSeqs: readonly (number | string)[]) => StoredEvent[];
}

const groupByOrg = (events: readonly EventOfCall[], audit: readonly AuditOfCall[]): Group[] => {
  const groups = new Map<string, Group>();
  const groupOf = (id: string): Group => {
    const org_id = id.toLowerCase();
    const group = groups.get(org_id) ?? { org_id, events: [], audit: [] };
    groups.set(org_id, group);
    return group;
  };
  for (const one of events) groupOf(one.event.org_id ?? one.call.caller.org_id).events.push(one);
  for (const line of audit) groupOf(line.entry.org_id ?? line.call.caller.org_id).audit.push(line);
  return [...groups.values()].sort((a, b) => (a.org_id < b.org_id ? -1 : 1));
};

const textOrNull = (text: string | null | undefined): string | null => (text == null ? null : storableText(text));

const auditRow = (org_id: string, line: AuditOfCall, at: Date) => {
  const actor = actorOf(line.call.caller);
  const row = {
    id: newId(),
    org_id,
    at,
    actor_type: actor.type,
    actor_id: actor.id?.toLowerCase() ?? null,
    actor_name: storableText(actor.name),
    action: line.entry.action,
    target_type: textOrNull(line.entry.target_type),
    target_id: textOrNull(line.entry.target_id),
    item_id: line.entry.item_id?.toLowerCase() ?? null,
    details: storableJson(line.entry.details ?? {}),
    ip: textOrNull(line.call.ip),
    user_agent: textOrNull(line.call.user_agent)?.slice(0, 512) ?? null,
    trace_id: textOrNull(line.call.trace_id),
    request_id: storableText(line.call.request_id),
  };
  // A cut through a surrogate pair would leave half of one.
  row.user_agent = row.user_agent?.toWellFormed() ?? null;
  return { row, canonical: canonicalAudit(row) };
};

/** How many are made before requests have their turn: a transaction may tell of thousands. */
const madeAtOnce = 200;
const withTurns = async <One, Made>(all: readonly One[], make: (one: One) => Made): Promise<Made[]> => {
  const made: Made[] = [];
  for (const one of all) {
    made.push(make(one));
    if (made.length % madeAtOnce === 0) await othersTurn();
  }
  return made;
};

/** Builds what the last statement of a transaction writes. `response` is the encrypted result to keep, if any. */
export const buildEnding = async (parts: {
  call: Call | null;
  at: Date;
  events: readonly EventOfCall[];
  audit: readonly AuditOfCall[];
  jobs: readonly NewJob[];
  response?: string;
}): Promise<Ending> => {
  const { call, at, jobs } = parts;
  const groups = groupByOrg(parts.events, parts.audit);
  const events: Pick<StoredEvent, 'actor' | 'kind' | 'id' | 'body'>[][] = [];
  const audit: ReturnType<typeof auditRow>[][] = [];
  for (const group of groups) {
    events.push(
      await withTurns(group.events, ({ call: by, event }) => ({
        actor: actorOf(by.caller),
        ...{ kind: event.kind, id: event.id, body: storableJson(event.body ?? {}) },
      })),
    );
    audit.push(await withTurns(group.audit, (line) => auditRow(group.org_id, line, at)));
  }
  const payload = JSON.stringify({
    at,
    groups: groups.map((group, index) => ({
      org_id: group.org_id,
      events: events[index]!.map(({ actor, ...event }) => ({
        ...event,
        actor_type: actor.type,
        actor_id: actor.id,
        actor_name: storableText(actor.name),
      })),
      audit: audit[index],
    })),
    jobs: jobs.map((job) => {
      const later = job.run_at !== undefined && job.run_at > at;
      return {
        name: job.name,
        id: job.id,
        args: job.args,
        queue: queueOf(later),
        run_at_ms: later ? job.run_at!.getTime() : null,
      };
    }),
    ...(parts.response !== undefined && call?.idempotency
      ? {
          idempotency: {
            org_id: (call.idempotency.owner ?? call.caller).org_id,
            principal_id: (call.idempotency.owner ?? call.caller).id,
            operation: call.idempotency.operation,
            key: call.idempotency.key,
            response: parts.response,
          },
        }
      : {}),
  });
  const storedEvents = (lastSeqs: readonly (number | string)[]): StoredEvent[] =>
    groups.flatMap((group, index) => {
      const first = Number(lastSeqs[index]) - group.events.length + 1;
      return events[index]!.map((event, n) => ({ ...event, org_id: group.org_id, seq: first + n, at }));
    });
  return { payload, storedEvents };
};
