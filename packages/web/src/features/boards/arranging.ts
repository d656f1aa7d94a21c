import type { Board, BoardGroup, BoardGroupInput, BoardItem } from '@atrium/protocol';

type Groups = readonly BoardGroup[];
export interface Spot {
  group: number;
  index: number;
}

export const spotOf = (groups: Groups, itemId: string): Spot | null => {
  for (const [group, { items }] of groups.entries()) {
    const index = items.findIndex(({ id }) => id === itemId);
    if (index >= 0) return { group, index };
  }
  return null;
};

/** Puts an item before what stands at the spot now; the groups as they are when that changes nothing. */
export const moveTo = (groups: Groups, itemId: string, to: Spot): BoardGroup[] => {
  const from = spotOf(groups, itemId);
  if (from === null || groups[to.group] === undefined) return [...groups];
  const item = groups[from.group]!.items[from.index]!;
  // What stands behind it in its own group closes up when it leaves.
  const shift = from.group === to.group && from.index < to.index ? 1 : 0;
  const without = groups.map((group, at) =>
    at === from.group ? { ...group, items: group.items.filter(({ id }) => id !== itemId) } : group,
  );
  return without.map((group, at) =>
    at === to.group ? { ...group, items: group.items.toSpliced(to.index - shift, 0, item) } : group,
  );
};

/** Puts an item where it is the one at that place of the group, counted with itself among the others. */
export const placeAt = (groups: Groups, itemId: string, { group, index }: Spot): BoardGroup[] => {
  const from = spotOf(groups, itemId);
  return moveTo(groups, itemId, { group, index: from?.group === group && from.index < index ? index + 1 : index });
};

export type Step = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';
export const isStep = (key: string): key is Step => /^Arrow(?:Left|Right|Up|Down)$/.test(key);

/**
 * Where a key moves an item: left and right within its group and over its edges, up and down to the neighbouring group.
 * Null where the board ends.
 */
export const stepTo = (groups: Groups, itemId: string, key: Step): Spot | null => {
  const at = spotOf(groups, itemId);
  if (at === null) return null;
  const { group, index } = at;
  const length = groups[group]!.items.length;
  const before = groups[group - 1];
  const after = groups[group + 1];
  switch (key) {
    case 'ArrowLeft':
      if (index > 0) return { group, index: index - 1 };
      return before === undefined ? null : { group: group - 1, index: before.items.length };
    case 'ArrowRight':
      if (index < length - 1) return { group, index: index + 2 };
      return after === undefined ? null : { group: group + 1, index: 0 };
    case 'ArrowUp':
      return before === undefined ? null : { group: group - 1, index: Math.min(index, before.items.length) };
    case 'ArrowDown':
      return after === undefined ? null : { group: group + 1, index: Math.min(index, after.items.length) };
    default:
      return key satisfies never;
  }
};

export const moveGroup = (groups: Groups, groupId: string, by: -1 | 1): BoardGroup[] => {
  const at = groups.findIndex(({ id }) => id === groupId);
  const to = at + by;
  if (at < 0 || to < 0 || to >= groups.length) return [...groups];
  return groups.toSpliced(at, 1).toSpliced(to, 0, groups[at]!);
};

export const changeItem = (groups: Groups, itemId: string, change: (item: BoardItem) => BoardItem): BoardGroup[] =>
  groups.map((group) => ({ ...group, items: group.items.map((item) => (item.id === itemId ? change(item) : item)) }));

export const removeItem = (groups: Groups, itemId: string): BoardGroup[] =>
  groups.map((group) => ({ ...group, items: group.items.filter(({ id }) => id !== itemId) }));

/** As the operation takes it. Apps go by the item they are: of one that may not be opened now nothing else is known. */
export const toInput = (groups: Groups): BoardGroupInput[] =>
  groups.map(({ id, name, items }) => ({
    id,
    name,
    items: items.map((item) =>
      item.kind === 'link' ? item : { kind: 'app', id: item.id, size: item.size, widgets: item.widgets },
    ),
  }));

export const itemName = (item: BoardItem): string =>
  item.kind === 'link' ? item.title : (item.app?.name ?? 'Hidden service');

export const itemsOf = ({ groups }: Pick<Board, 'groups'>): BoardItem[] => groups.flatMap(({ items }) => items);

/** Items that hold every word typed, those that are called so first. */
export const findItems = (groups: Groups, q: string): BoardItem[] => {
  const words = q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const textOf = (item: BoardItem, group: string): string =>
    item.kind === 'link'
      ? [item.title, item.description, item.url, group].join(' ')
      : [item.app?.name, item.app?.slug, item.app?.description, ...(item.app?.tags ?? []), group].join(' ');
  return groups
    .flatMap(({ name, items }) => items.map((item) => ({ item, text: textOf(item, name).toLocaleLowerCase() })))
    .filter(({ text }) => words.every((word) => text.includes(word)))
    .toSorted((a, b) => Number(!a.text.startsWith(words[0] ?? '')) - Number(!b.text.startsWith(words[0] ?? '')))
    .map(({ item }) => item);
};
