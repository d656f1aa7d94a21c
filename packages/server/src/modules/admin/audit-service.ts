import type { auditExport, auditList, ParsedInputOf } from '@atrium/protocol';
import type { AuditRow } from '../../platform/audit/audit-chain.ts';
import { auditCsv, auditNdjson } from '../../platform/audit/audit-export.ts';
import type { AuditFilter, AuditStore } from '../../platform/audit/audit-store.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import type { FileAnswer } from '../../platform/operations/binding.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';

/** Titles of those of these items that the caller may see. Given by the inbox. */
export type VisibleItemTitles = (caller: Caller, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;

const filterOf = (input: Omit<ParsedInputOf<typeof auditExport>, 'format'>): AuditFilter => ({
  ...(input.action === undefined ? {} : { action: input.action }),
  ...(input.actor === undefined ? {} : { actor_id: input.actor }),
  ...(input.item === undefined ? {} : { item_id: input.item }),
  ...(input.target === undefined ? {} : { target: input.target }),
  ...(input.from === undefined ? {} : { since: new Date(input.from) }),
  ...(input.until === undefined ? {} : { until: new Date(input.until) }),
  ...(input.q === undefined ? {} : { q: input.q }),
});

const view = (row: AuditRow, titles: ReadonlyMap<string, string>) => ({
  id: row.id,
  seq: row.seq,
  at: row.at.toISOString(),
  actor: { type: row.actor_type as Caller['kind'], id: row.actor_id, name: row.actor_name },
  action: row.action,
  target_type: row.target_type,
  target_id: row.target_id,
  item_id: row.item_id,
  item_title: row.item_id === null ? null : (titles.get(row.item_id) ?? null),
  details: row.details,
  ip: row.ip,
  user_agent: row.user_agent,
  trace_id: row.trace_id,
  request_id: row.request_id,
  hash: row.hash,
});

/** The audit trail as its readers see it: without lines about items that they may not see. */
export const createAuditService = (parts: {
  database: Database;
  clock: Clock;
  store: AuditStore;
  visibleItemTitles: VisibleItemTitles;
}) => {
  const { database, clock, store, visibleItemTitles } = parts;

  const titlesOf = async (caller: Caller, rows: readonly AuditRow[]): Promise<ReadonlyMap<string, string>> => {
    const ids = [...new Set(rows.flatMap((row) => (row.item_id === null ? [] : [row.item_id])))];
    return ids.length === 0 ? new Map() : visibleItemTitles(caller, ids);
  };
  const shown = (row: AuditRow, titles: ReadonlyMap<string, string>): boolean =>
    row.item_id === null || titles.has(row.item_id);

  async function* visibleRows(caller: Caller, filter: AuditFilter): AsyncGenerator<AuditRow[]> {
    for await (const rows of store.rows(caller.org_id, filter)) {
      const titles = await titlesOf(caller, rows);
      yield rows.filter((row) => shown(row, titles));
    }
  }

  return {
    list: async ({ caller }: Call, input: ParsedInputOf<typeof auditList>) => {
      const { limit, cursor, ...filter } = input;
      const titles = new Map<string, string>();
      const page = await store.list(caller.org_id, filterOf(filter), { limit, cursor }, async (rows) => {
        for (const [id, title] of await titlesOf(caller, rows)) titles.set(id, title);
        return rows.map((row) => shown(row, titles));
      });
      return { items: page.items.map((row) => view(row, titles)), next_cursor: page.next_cursor };
    },

    /** Leaves a line itself: taking the whole trail away is worth knowing. */
    export: async (call: Call, input: ParsedInputOf<typeof auditExport>): Promise<FileAnswer> => {
      const { format, ...filter } = input;
      await database.transaction(call, async (tx) =>
        tx.audit({ action: 'audit.export', details: { format, ...filter } }),
      );
      const rows = visibleRows(call.caller, filterOf(filter));
      return {
        stream: format === 'csv' ? auditCsv(rows) : auditNdjson(rows),
        content_type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        length: null,
        file_name: `audit-${clock.now().toISOString().slice(0, 10)}.${format}`,
        inline: false,
      };
    },

    verify: async ({ caller }: Call) => {
      const [verdict, last] = await Promise.all([store.verifyAudit(caller.org_id), store.checkpoint(caller.org_id)]);
      const checkpoint = last === null ? null : { seq: last.seq, at: last.at.toISOString() };
      if (verdict.ok) return { intact: true, checked: verdict.rows, first_broken: null, checkpoint };
      // Everything between the checkpoint and the break was in order.
      const checked = Math.max(0, verdict.broken.seq - 1 - (last?.seq ?? 0));
      return { intact: false, checked, first_broken: verdict.broken, checkpoint };
    },
  };
};

export type AuditService = ReturnType<typeof createAuditService>;
