import type { inboxResponses, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import type { InboxParts } from './inbox-parts.ts';
import { requireItem } from './items-access.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import { findResponses, type ResponseRow } from './responses-store.ts';

export interface ResponsesService {
  list(call: Call, input: ParsedInputOf<typeof inboxResponses>): Promise<OutputOf<typeof inboxResponses>>;
}

export const createResponsesService = ({ database }: InboxParts): ResponsesService => ({
  list: async (call, input) => {
    const item = await requireItem(database.read, call.caller, input.id);
    const page = { limit: input.limit + 1, before: pointOf(input.cursor) };
    const { rows, next_cursor } = pageOf(await findResponses(database.read, item, page), input.limit);
    return { items: rows.map(present), next_cursor };
  },
});

const present = (row: ResponseRow): OutputOf<typeof inboxResponses>['items'][number] => ({
  id: row.id,
  item_id: row.item_id,
  by: { type: row.by_type, id: row.by_id, name: row.by_name },
  source: row.source,
  values: row.values,
  reply: row.reply as OutputOf<typeof inboxResponses>['items'][number]['reply'],
  device: row.device,
  supersedes: row.supersedes,
  created_at: row.created_at.toISOString(),
});
