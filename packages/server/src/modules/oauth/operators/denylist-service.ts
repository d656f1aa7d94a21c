import type { denylistAdd, denylistList, ParsedInputOf } from '@atrium/protocol';
import { invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { type DeniedRangeRow, deniedRangesStore } from '../stores/operator-lists-store.ts';
import { canonicalRange, rangeHolds } from './denied-ranges.ts';
import { actorsOf, createOperatorAct, type OperatorsContext, time, timeOrNull } from './operators-context.ts';

const hourMs = 60 * 60_000;
/** Health checks and the proxy in front come from these; without them nobody could take a range off again. */
const ownAddresses = ['127.0.0.1', '::1'];

/** Address ranges that get no answer. */
export const createDenylistService = (context: OperatorsContext) => {
  const { database, clock, identity, ranges } = context;
  const act = createOperatorAct(context);

  const views = async (rows: readonly DeniedRangeRow[]) => {
    const actor = await actorsOf(
      identity.names,
      rows.map((row) => row.created_by),
    );
    const now = clock.now();
    return (row: DeniedRangeRow) => ({
      id: row.id,
      range: row.range,
      reason: row.reason,
      created_by: actor(row.created_by),
      created_at: time(row.created_at),
      expires_at: timeOrNull(row.expires_at),
      live: row.expires_at === null || row.expires_at > now,
    });
  };

  return {
    list: async (call: Call, input: ParsedInputOf<typeof denylistList>) => {
      const after = timePosition(input.cursor);
      const rows = await deniedRangesStore.page(database.read, { q: input.q, after, limit: input.limit + 1 });
      const page = toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), await views(rows));
      return { ...page, your_address: call.ip };
    },

    add: async (call: Call, input: ParsedInputOf<typeof denylistAdd>) => {
      const canonical = canonicalRange(input.range);
      if ('problem' in canonical) throw invalid('range', canonical.problem);
      const { range } = canonical;
      if (rangeHolds(range, call.ip))
        throw invalid('range', `holds your own address ${call.ip}; you would shut yourself out`);
      if (ownAddresses.some((own) => rangeHolds(range, own)))
        throw invalid('range', 'holds this machine itself, from which health checks and proxies come');
      const added = await act(call, async ({ tx, now, done }) => {
        await deniedRangesStore.deleteExpired(tx.db, range, now);
        const hours = input.expires_in_hours;
        const row = await deniedRangesStore.insert(tx.db, {
          id: newId(),
          range,
          reason: input.reason,
          created_by: call.caller.id,
          at: now,
          expires_at: hours === null ? null : new Date(now.getTime() + hours * hourMs),
        });
        await done(
          'denied_range',
          'denylist.add',
          { type: 'denied_range', id: row.id },
          {
            range: row.range,
            reason: row.reason,
            expires_in_hours: hours,
          },
        );
        return (await views([row]))(row);
      });
      // The others hear of it from the database; here it counts before the answer is sent.
      await ranges.load();
      return added;
    },

    remove: async (call: Call, { id }: { id: string }): Promise<null> => {
      await act(call, async ({ tx, done }) => {
        const row = await deniedRangesStore.delete(tx.db, id);
        if (row === null) throw notFound('The range');
        await done('denied_range', 'denylist.remove', { type: 'denied_range', id }, { range: row.range });
      });
      await ranges.load();
      return null;
    },
  };
};
export type DenylistService = ReturnType<typeof createDenylistService>;
