import { type DeliveredEvent, inboxGetItem } from '@atrium/protocol';
import { call, ProblemError } from '../../data/client.ts';
import { invalidateOn, onEvent } from '../../data/live.ts';
import { invalidate } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { applyItem, invalidateBelow, isItemCached, markFresh, removeItem } from './items-cache.ts';

/** More changes than this at once are cheaper as one fresh page. */
const burst = 25;
const due = new Map<string, { created: boolean }>();

/** Keeps lists, items and what stands below them in step with the events. Called once after sign-in. */
export const listenToItems = (): void => {
  onEvent('inbox.item.', itemEvent);
  onEvent('inbox.bulk.updated', (event) => {
    for (const id of idsOf(event)) changed(id, false);
  });
  onEvent('inbox.comment.', (event) => below(event, ['inbox.list_comments']));
  onEvent('inbox.attachment.', (event) => below(event, ['inbox.list_attachments']));
  invalidateOn('inbox.item.', ['inbox.counts']);
  invalidateOn('inbox.bulk.', ['inbox.counts']);
  invalidateOn('inbox.channel.', ['channels.list', 'channels.get', 'channels.list_members']);
  invalidateOn('inbox.template.', ['templates.list']);
};

const idsOf = (event: DeliveredEvent): string[] => {
  const ids = event.body['ids'];
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
};

const itemEvent = (event: DeliveredEvent): void => {
  invalidateBelow(event.id, ['inbox.history', 'inbox.responses', 'inbox.list_watchers']);
  if (event.kind === 'inbox.item.deleted') {
    removeItem(event.id);
    return;
  }
  // That somebody else has seen it changes nothing in my lists.
  const mine = event.actor.id === queryClient.getQueryData(meQuery.queryKey)?.principal.id;
  if (event.kind === 'inbox.item.viewed' && !mine) return;
  changed(event.id, event.kind === 'inbox.item.created');
};

const below = (event: DeliveredEvent, names: readonly string[]): void => {
  const item = event.body['item_id'];
  if (typeof item !== 'string') return;
  invalidateBelow(item, [...names, 'inbox.history']);
  changed(item, false);
};

const changed = (id: string, created: boolean): void => {
  if (due.size === 0) setTimeout(() => void fetchDue(), 40);
  due.set(id, { created: created || (due.get(id)?.created ?? false) });
};

const fetchDue = async (): Promise<void> => {
  const batch = [...due].filter(([id]) => isItemCached(id));
  due.clear();
  if (batch.length > burst) {
    await invalidate('inbox.list_items', 'inbox.get_item');
    return;
  }
  await Promise.all(batch.map(([id, { created }]) => refetch(id, created)));
};

const refetch = async (id: string, created: boolean): Promise<void> => {
  try {
    const item = await call(inboxGetItem, { id });
    if (created) markFresh(id);
    applyItem(item);
  } catch (error) {
    // Gone, or no longer for this person's eyes. Anything else: the next event or reconnection brings it.
    if (error instanceof ProblemError && error.problem.status === 404) removeItem(id);
  }
};
