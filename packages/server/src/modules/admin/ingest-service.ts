import { type eventsIngest, externalEventPrefix, type ParsedInputOf } from '@atrium/protocol';
import type { Database, Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import type { Dispatcher } from '../../platform/events/dispatcher.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';

/** What of an outside event is kept. */
interface Outside {
  id: string;
  kind: string;
  at: string | null;
  data: Record<string, unknown>;
  /** Devices that it is for. */
  device_ids?: readonly string[];
}

const emit = (tx: Transaction, { id, kind, at, data, device_ids }: Outside): string => {
  const whole = `${externalEventPrefix}${kind}`;
  const target = device_ids === undefined ? {} : { device_ids: [...device_ids] };
  tx.emit({ kind: whole, id, body: { occurred_at: at, data, ...target } });
  return whole;
};

/** Events of systems outside, as they come into the stream of an organisation. */
export const createIngestService = (parts: {
  database: Database;
  dispatcher: Pick<Dispatcher, 'cursor' | 'connected'>;
}) => ({
  /** Puts one into the stream, in the transaction of whoever took it in; answers its kind. */
  emit,

  ingest: (call: Call, input: ParsedInputOf<typeof eventsIngest>) => {
    if (call.idempotency === null)
      throw new AppError(
        'bad_request',
        'The Idempotency-Key header is needed, so that a repeat brings nothing in twice.',
      );
    const id = input.subject_id ?? newId();
    return parts.database.transaction(call, async (tx) => ({
      id,
      kind: emit(tx, { id, kind: input.kind, at: input.at ?? null, data: input.body }),
    }));
  },

  health: async (call: Call) => ({
    status: parts.dispatcher.connected ? ('ok' as const) : ('late' as const),
    cursor: await parts.dispatcher.cursor(call.caller.org_id),
  }),
});

export type IngestService = ReturnType<typeof createIngestService>;
