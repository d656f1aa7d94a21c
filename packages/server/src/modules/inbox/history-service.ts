import type { Actor, inboxHistory, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import type { InboxParts } from './inbox-parts.ts';
import { requireItem } from './items-access.ts';
import type { SurroundingParts } from './surrounding-parts.ts';

export interface HistoryService {
  list(call: Call, input: ParsedInputOf<typeof inboxHistory>): Promise<OutputOf<typeof inboxHistory>>;
}

/** The audit lines of one item for everybody who sees it, newest first; addresses and devices stay with audit.read. */
export const createHistoryService = ({ database, audit }: InboxParts & SurroundingParts): HistoryService => ({
  list: async (call, input) => {
    const item = await requireItem(database.read, call.caller, input.id);
    const page = { limit: input.limit, cursor: input.cursor };
    const { items, next_cursor } = await audit.list(item.org_id, { item_id: item.id }, page);
    const entries = items.map((row) => ({
      at: row.at.toISOString(),
      actor: { type: row.actor_type as Actor['type'], id: row.actor_id, name: row.actor_name },
      action: row.action,
      details: row.details,
    }));
    return { items: entries, next_cursor };
  },
});
