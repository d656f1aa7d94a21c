import {
  hasPermission,
  type inboxListWatchers,
  type inboxUnwatch,
  type inboxWatch,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { denied } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { lockSeen, requireItem } from './items-access.ts';
import type { ItemRow } from './items-rows.ts';
import { addWatchers } from './items-store.ts';
import { requireSeeing } from './lifecycle-service.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import { countWatchers, isWatching, listWatchers, removeWatcher } from './watchers-store.ts';

export interface WatchersService {
  list(call: Call, input: ParsedInputOf<typeof inboxListWatchers>): Promise<OutputOf<typeof inboxListWatchers>>;
  watch(call: Call, input: ParsedInputOf<typeof inboxWatch>): Promise<void>;
  unwatch(call: Call, input: ParsedInputOf<typeof inboxUnwatch>): Promise<void>;
}

const mostWatchers = 100;

/** Lets people follow, in the limit of an item; those who do already change nothing. */
export const follow = async (
  tx: Transaction,
  item: ItemRow,
  watchers: readonly { id: string; type: string }[],
  at: Date,
  path: string,
): Promise<void> => {
  await addWatchers(tx.db, item, watchers, at);
  if ((await countWatchers(tx.db, item.id)) > mostWatchers) {
    throw invalid(path, `an item has at most ${mostWatchers} watchers`);
  }
};

export const createWatchersService = ({ database, clock }: InboxParts): WatchersService => ({
  list: async (call, input) => {
    const item = await requireItem(database.read, call.caller, input.id);
    const page = { limit: input.limit + 1, after: pointOf(input.cursor) };
    const { rows, next_cursor } = pageOf(await listWatchers(database.read, item, page), input.limit);
    return { items: rows.map(({ type, id, name }) => ({ type, id, name })), next_cursor };
  },

  watch: (call, { id, user_id }) =>
    database.transaction(call, async (tx) => {
      const { caller } = call;
      const item = await lockSeen(tx, caller, id);
      const other = user_id !== undefined && user_id !== caller.id;
      if (other) await requireSeeing(tx, item, user_id, 'user_id');
      const watcher = other ? { id: user_id, type: 'user' } : { id: caller.id, type: caller.kind };
      if (await isWatching(tx.db, item.id, watcher.id)) return;
      await follow(tx, item, [watcher], clock.now(), 'user_id');
      emitItem(tx, 'updated', item, { changed: ['watchers'] });
      auditItem(tx, 'inbox.watch', item, { watcher_id: watcher.id });
    }),

  unwatch: (call, { id, user_id }) =>
    database.transaction(call, async (tx) => {
      const { caller } = call;
      const item = await lockSeen(tx, caller, id);
      const watcher_id = user_id ?? caller.id;
      if (watcher_id !== caller.id && !hasPermission(caller.permissions, 'items.write')) {
        throw denied('Taking somebody else off needs the permission items.write.', 'items.write');
      }
      if (!(await removeWatcher(tx.db, item.id, watcher_id))) return;
      emitItem(tx, 'updated', item, { changed: ['watchers'] });
      auditItem(tx, 'inbox.unwatch', item, { watcher_id });
    }),
});
