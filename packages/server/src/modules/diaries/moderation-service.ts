import type { feedHide, feedListReports, OutputOf, ParsedInputOf, ReportView } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { auditEntry, emitEntries } from './diaries-events.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryPublished, moderated } from './diaries-policy.ts';
import type { ReportRow } from './diaries-rows.ts';
import { actorFrom } from './diaries-views.ts';
import { feedStore } from './feed-store.ts';

type Decided = OutputOf<typeof feedHide>;
type Held = NonNullable<Awaited<ReturnType<typeof feedStore.hold>>>;

const text = (at: Date | null): string | null => at?.toISOString() ?? null;

const reportViewOf = (row: ReportRow): ReportView => ({
  id: row.id,
  reason: row.reason,
  status: row.status,
  reporter: row.reporter_kind === null ? null : actorFrom(row.reporter_kind, row.reporter_id, row.reporter_name ?? ''),
  created_at: row.created_at.toISOString(),
  decided_by:
    row.decided_by_kind === null ? null : actorFrom(row.decided_by_kind, row.decided_by_id, row.decided_by_name ?? ''),
  decided_at: text(row.decided_at),
  entry: {
    id: row.entry_id,
    diary_id: row.diary_id,
    diary_name: row.diary_name,
    title: row.title,
    content: row.content,
    author: actorFrom(row.author_kind, row.author_id, row.author_name),
    hidden_at: text(row.hidden_at),
  },
});

/** Who keeps the public part fit to be public: hides, lets go, and answers reports. */
export const createModerationService = ({ database, clock }: DiariesParts) => {
  const scopeOf = (call: Call) => ({ published: entryPublished(clock.now()), moderated: moderated(call.caller) });

  const decide = (
    call: Call,
    entry_id: string,
    act: (tx: Transaction, entry: Held, at: Date) => Promise<Decided>,
  ): Promise<Decided> =>
    database.transaction(call, async (tx) => {
      const entry = await feedStore.hold(tx.db, scopeOf(call), entry_id);
      if (entry === null) throw notFound('The entry');
      return act(tx, entry, clock.now());
    });

  const tell = (tx: Transaction, entry: Held, op: string, reports_closed: number): void => {
    emitEntries(tx, { id: entry.diary_id, org_id: entry.org_id }, op, [entry.id]);
    auditEntry(tx, `feed.${op}`, entry, { reports_closed });
  };

  return {
    reports: async (
      call: Call,
      input: ParsedInputOf<typeof feedListReports>,
    ): Promise<OutputOf<typeof feedListReports>> => {
      const page = { statuses: input.status, limit: input.limit + 1, after: timePosition(input.cursor) };
      const rows = await feedStore.reports(database.read, scopeOf(call), page);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), reportViewOf);
    },

    hide: (call: Call, entry_id: string): Promise<Decided> =>
      decide(call, entry_id, async (tx, entry, at) => {
        const by = actorOf(call.caller);
        const hidden_at = entry.hidden_at ?? at;
        if (entry.hidden_at === null) await feedStore.setHidden(tx.db, entry.id, by, at);
        const reports_closed = await feedStore.close(tx.db, entry.id, 'upheld', by, at);
        if (entry.hidden_at === null || reports_closed > 0) tell(tx, entry, 'hide', reports_closed);
        return { id: entry.id, hidden_at: hidden_at.toISOString(), reports_closed };
      }),

    restore: (call: Call, entry_id: string): Promise<Decided> =>
      decide(call, entry_id, async (tx, entry, at) => {
        if (entry.hidden_at !== null) {
          await feedStore.setHidden(tx.db, entry.id, null, at);
          tell(tx, entry, 'restore', 0);
        }
        return { id: entry.id, hidden_at: null, reports_closed: 0 };
      }),

    dismiss: (call: Call, entry_id: string): Promise<Decided> =>
      decide(call, entry_id, async (tx, entry, at) => {
        const reports_closed = await feedStore.close(tx.db, entry.id, 'dismissed', actorOf(call.caller), at);
        if (reports_closed > 0) tell(tx, entry, 'dismiss', reports_closed);
        return { id: entry.id, hidden_at: text(entry.hidden_at), reports_closed };
      }),
  };
};
