import { type eventsIngest, externalEventPrefix, type ParsedInputOf } from '@atrium/protocol';
import type { Database } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { Dispatcher } from '../../platform/events/dispatcher.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';

/** Events of systems outside, as they come into the stream of an organisation. */
export const createIngestService = (parts: {
  database: Database;
  dispatcher: Pick<Dispatcher, 'cursor' | 'connected'>;
}) => ({
  ingest: (call: Call, input: ParsedInputOf<typeof eventsIngest>) => {
    if (call.idempotency === null)
      throw new AppError(
        'bad_request',
        'The Idempotency-Key header is needed, so that a repeat brings nothing in twice.',
      );
    const id = input.subject_id ?? newId();
    const kind = `${externalEventPrefix}${input.kind}`;
    return parts.database.transaction(call, async (tx) => {
      tx.emit({ kind, id, body: { occurred_at: input.at ?? null, data: input.body } });
      return { id, kind };
    });
  },

  health: async (call: Call) => ({
    status: parts.dispatcher.connected ? ('ok' as const) : ('late' as const),
    cursor: await parts.dispatcher.cursor(call.caller.org_id),
  }),
});

export type IngestService = ReturnType<typeof createIngestService>;
