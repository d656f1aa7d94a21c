import { type ItemView, inboxGetItem } from '@atrium/protocol';
import type { InfiniteData } from '@tanstack/react-query';
import { operationQuery, patchItem } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { meQuery } from '../../data/session.ts';
import { createExternalStore } from '../../ui/external-store.ts';
import { type ListInput, matches } from './item-filter.ts';

interface ItemPage {
  items: ItemView[];
  next_cursor: string | null;
}
type Pages = InfiniteData<ItemPage>;
type Rollback = () => void;

/** Items that arrived while the page was open: their rows slide in and glow once. */
export const freshItems = createExternalStore<ReadonlySet<string>>(new Set());

export const markFresh = (id: string): void => {
  freshItems.set((current) => new Set(current).add(id));
  setTimeout(() => {
    freshItems.set((current) => {
      const rest = new Set(current);
      rest.delete(id);
      return rest;
    });
  }, 2000);
};

const before = (first: ItemView, second: ItemView): boolean =>
  first.created_at === second.created_at ? first.id > second.id : first.created_at > second.created_at;

/** Puts an item at its place among the loaded pages; beyond the last loaded row it comes with its own page. */
const inserted = (pages: ItemPage[], item: ItemView): ItemPage[] => {
  for (const [index, page] of pages.entries()) {
    const at = page.items.findIndex((other) => before(item, other));
    if (at >= 0) return pages.with(index, { ...page, items: page.items.toSpliced(at, 0, item) });
  }
  const last = pages.at(-1);
  return last && last.next_cursor === null ? pages.with(-1, { ...last, items: [...last.items, item] }) : pages;
};

const mapped = (pages: ItemPage[], id: string, change: (item: ItemView) => ItemView[]): ItemPage[] =>
  pages.map((page) =>
    page.items.some((item) => item.id === id)
      ? { ...page, items: page.items.flatMap((item) => (item.id === id ? change(item) : [item])) }
      : page,
  );

const listed = () =>
  queryClient
    .getQueriesData<Pages>({ queryKey: ['inbox.list_items', 'pages'] })
    .flatMap(([key, data]) => (data ? [{ key, data, input: key[2] as ListInput }] : []));

/** Whether any list or this item is on screen or remembered, so that fetching it is worth the call. */
export const isItemCached = (id: string): boolean =>
  listed().length > 0 || queryClient.getQueryData(itemKey(id)) !== undefined;

const itemKey = (id: string) => operationQuery(inboxGetItem, { id }).queryKey;
const myId = (): string => queryClient.getQueryData(meQuery.queryKey)?.principal.id ?? '';

/**
 * Makes every cached list and detail show this state of an item: in place, newly in, or out. Lists that only the server
 * can judge are fetched again when the item is new to them. Returns how to take it back.
 */
export const applyItem = (item: ItemView): Rollback => {
  const now = Date.now();
  const me = myId();
  const kept: [readonly unknown[], unknown][] = [[itemKey(item.id), queryClient.getQueryData(itemKey(item.id))]];
  queryClient.setQueryData(itemKey(item.id), item);
  for (const { key, data, input } of listed()) {
    const match = matches(item, input, me, now);
    const has = data.pages.some((page) => page.items.some((other) => other.id === item.id));
    if (!has && match === null) void queryClient.invalidateQueries({ queryKey: key });
    if (!has && match !== true) continue;
    kept.push([key, data]);
    const pages = has ? mapped(data.pages, item.id, () => (match === false ? [] : [item])) : inserted(data.pages, item);
    queryClient.setQueryData<Pages>(key, { ...data, pages });
  }
  const related = patchItem<ItemView>('inbox.list_related', item.id, () => item);
  return () => {
    related();
    for (const [key, data] of kept) queryClient.setQueryData(key, data);
  };
};

/** Takes an item out of every list: deleted, or no longer visible to this person. */
export const removeItem = (id: string): Rollback => {
  const kept: [readonly unknown[], unknown][] = [];
  for (const { key, data } of listed()) {
    const pages = mapped(data.pages, id, () => []);
    if (pages.every((page, index) => page === data.pages[index])) continue;
    kept.push([key, data]);
    queryClient.setQueryData<Pages>(key, { ...data, pages });
  }
  return () => {
    for (const [key, data] of kept) queryClient.setQueryData(key, data);
  };
};

/** Marks the cached answers of operations below one item stale. */
export const invalidateBelow = (id: string, names: readonly string[]): void => {
  void queryClient.invalidateQueries({
    predicate: ({ queryKey }) => {
      const input = (queryKey[1] === 'pages' ? queryKey[2] : queryKey[1]) as { id?: string } | undefined;
      return names.includes(String(queryKey[0])) && input?.id === id;
    },
  });
};
