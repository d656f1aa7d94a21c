import type { AppView } from '@atrium/protocol';

export interface ServiceGroup {
  /** Empty for apps without a group. */
  name: string;
  apps: AppView[];
}

export const pinnedGroup = 'Pinned';

const holds = (text: string, words: readonly string[]): boolean => {
  const folded = text.toLocaleLowerCase();
  return words.every((word) => folded.includes(word));
};

/** Apps that hold every word typed, in name, group, description or tags; an app that is called so comes first. */
export const findServices = (apps: readonly AppView[], q: string): AppView[] => {
  const words = q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...apps];
  const rank = (app: AppView): number =>
    app.name.toLocaleLowerCase().startsWith(words[0]!) ? 0 : holds(`${app.name} ${app.slug}`, words) ? 1 : 2;
  return apps
    .filter((app) => holds([app.name, app.slug, app.group ?? '', app.description, ...app.tags].join(' '), words))
    .toSorted((a, b) => rank(a) - rank(b));
};

/** Pinned first, then groups as the server sorts them; each app stands once. */
export const groupServices = (apps: readonly AppView[]): ServiceGroup[] => {
  const pinned = apps.filter((app) => app.pinned);
  const groups = Map.groupBy(
    apps.filter((app) => !app.pinned),
    (app) => app.group ?? '',
  );
  return [
    ...(pinned.length > 0 ? [{ name: pinnedGroup, apps: pinned }] : []),
    ...[...groups].map(([name, members]) => ({ name, apps: members })),
  ];
};

interface Place {
  left: number;
  top: number;
}
export type GridKey = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End';
export const isGridKey = (key: string): key is GridKey => /^(?:Arrow(?:Left|Right|Up|Down)|Home|End)$/.test(key);

/**
 * The tile that a key leads to. Up and down go by where the tiles really stand, across groups of uneven length, to the
 * tile of the next line that is nearest to the one above it. Null where the key leads out of the grid.
 */
export const tileBy = (places: readonly Place[], at: number, key: GridKey): number | null => {
  const here = places[at];
  if (here === undefined) return places.length > 0 ? 0 : null;
  if (key === 'Home') return 0;
  if (key === 'End') return places.length - 1;
  if (key === 'ArrowLeft') return at > 0 ? at - 1 : null;
  if (key === 'ArrowRight') return at < places.length - 1 ? at + 1 : null;
  const down = key === 'ArrowDown';
  const lines = places.map(({ top }) => top).filter((top) => (down ? top > here.top : top < here.top));
  if (lines.length === 0) return null;
  const line = down ? Math.min(...lines) : Math.max(...lines);
  let best: number | null = null;
  for (const [index, { left, top }] of places.entries()) {
    if (top !== line) continue;
    if (best === null || Math.abs(left - here.left) < Math.abs(places[best]!.left - here.left)) best = index;
  }
  return best;
};
