import type { inboxComment, inboxListComments, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { storableText } from '../../platform/db/storable.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { type CommentRow, listComments } from './comments-store.ts';
import { refuse } from './creation-checks.ts';
import { auditItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf } from './inbox-policy.ts';
import { insertNote } from './item-people-store.ts';
import { lockSeen, requireItem } from './items-access.ts';
import type { ItemRow } from './items-rows.ts';
import { findAudience } from './items-store.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import { follow } from './watchers-service.ts';

type CommentView = OutputOf<typeof inboxComment>;

/** Talk below an item. It is never changed nor taken back. */
export interface CommentsService {
  list(call: Call, input: ParsedInputOf<typeof inboxListComments>): Promise<OutputOf<typeof inboxListComments>>;
  add(call: Call, input: ParsedInputOf<typeof inboxComment>): Promise<CommentView>;
}

/** One text for strangers and for those who do not see the item: a mention must not tell which of them somebody is. */
const requireAudience = async (tx: Transaction, item: ItemRow, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  const seeing = await findAudience(tx.db, item.id, ids, audienceOf);
  const people = new Set(seeing.filter((one) => one.type === 'user').map((one) => one.id));
  const errors = ids.flatMap((id, i) =>
    people.has(id) ? [] : [{ path: `mentions.${i}`, message: 'is nobody who can see this item' }],
  );
  if (errors.length > 0) refuse(errors);
};

export const createCommentsService = ({ database, clock }: InboxParts): CommentsService => ({
  list: async (call, input) => {
    const item = await requireItem(database.read, call.caller, input.id);
    const page = { limit: input.limit + 1, after: pointOf(input.cursor) };
    const { rows, next_cursor } = pageOf(await listComments(database.read, item, page), input.limit);
    return { items: rows.map(present), next_cursor };
  },

  add: (call, input) =>
    database.transaction(call, async (tx) => {
      const item = await lockSeen(tx, call.caller, input.id);
      const mentions = input.mentions.map((id) => id.toLowerCase());
      await requireAudience(tx, item, mentions);
      const at = clock.now();
      const author = actorOf(call.caller);
      const comment = {
        id: newId(),
        org_id: item.org_id,
        item_id: item.id,
        author,
        body: storableText(input.body),
        mentions: [...new Set(mentions)],
        at,
      };
      await insertNote(tx.db, comment);
      const mentioned = comment.mentions.map((id) => ({ id, type: 'user' }));
      if (mentioned.length > 0) await follow(tx, item, mentioned, at, 'mentions');
      const { id, mentions: named } = comment;
      tx.emit({ kind: 'inbox.comment.created', id, body: { item_id: item.id, author, mentions: named } });
      auditItem(tx, 'inbox.comment', item, { comment_id: id, mentions: named });
      return { id, item_id: item.id, author, body: comment.body, created_at: at.toISOString() };
    }),
});

const present = (row: CommentRow): CommentView => ({
  id: row.id,
  item_id: row.item_id,
  author: { type: row.author_type, id: row.author_id, name: row.author_name },
  body: row.body,
  created_at: row.created_at.toISOString(),
});
