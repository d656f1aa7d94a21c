import type { ItemView, inboxListRelated, inboxRelate, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { invalid } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { visibleTo } from './inbox-policy.ts';
import { noItem, requireItem, viewOf } from './items-access.ts';
import { presentItem } from './items-presenter.ts';
import type { ItemRow } from './items-rows.ts';
import { lockItems } from './items-store.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import { listRelated, setLink } from './relations-store.ts';

export interface RelationsService {
  list(call: Call, input: ParsedInputOf<typeof inboxListRelated>): Promise<OutputOf<typeof inboxListRelated>>;
  relate(call: Call, input: ParsedInputOf<typeof inboxRelate>): Promise<ItemView>;
  unrelate(call: Call, input: ParsedInputOf<typeof inboxRelate>): Promise<ItemView>;
}

const mostLinks = 50;

export const createRelationsService = ({ database, clock }: InboxParts): RelationsService => {
  /** Both must be seen. An unknown id, a hidden one and one of another organisation are the same. */
  const lockPair = async (tx: Transaction, call: Call, ids: readonly [string, string]): Promise<ItemRow[]> => {
    const items = await lockItems(tx.db, visibleTo(call.caller), ids);
    if (items.length !== 2) throw noItem();
    return items;
  };

  // The line about one item does not name the other, which its readers may not see; the request id joins the two.
  const report = (tx: Transaction, action: string, items: readonly ItemRow[]): void => {
    for (const item of items) {
      emitItem(tx, 'updated', item, { changed: ['related_to'] });
      auditItem(tx, action, item);
    }
  };

  const link = (call: Call, input: { id: string; other_id: string }, linked: boolean): Promise<ItemView> =>
    database.transaction(call, async (tx) => {
      const [id, other] = [input.id.toLowerCase(), input.other_id.toLowerCase()];
      if (id === other) throw invalid('other_id', 'is the item itself');
      const items = await lockPair(tx, call, [id, other]);
      const first = items.find((item) => item.id === id)!;
      const known = first.related_to.includes(other);
      if (!linked && !known) throw noItem();
      if (linked !== known) {
        if (linked && items.some((item) => item.related_to.length >= mostLinks)) {
          throw invalid('other_id', `an item has at most ${mostLinks} links`);
        }
        await setLink(tx.db, id, other, linked, clock.now());
        report(tx, linked ? 'inbox.relate' : 'inbox.unrelate', items);
      }
      return viewOf(tx.db, call.caller, id, clock.now());
    });

  return {
    list: async (call, input) => {
      const item = await requireItem(database.read, call.caller, input.id);
      const page = { limit: input.limit + 1, before: pointOf(input.cursor) };
      const reader = { id: call.caller.id, visible: visibleTo(call.caller) };
      const { rows, next_cursor } = pageOf(
        await listRelated(database.read, reader, item.related_to, page),
        input.limit,
      );
      return { items: rows.map((row) => presentItem(row, call.caller, clock.now())), next_cursor };
    },
    relate: (call, input) => link(call, input, true),
    unrelate: (call, input) => link(call, input, false),
  };
};
