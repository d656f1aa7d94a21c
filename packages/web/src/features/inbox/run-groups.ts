import type { ItemView } from '@atrium/protocol';

/** A line of the list: an item, or the head of the items of one run. */
export type ListLine =
  | { kind: 'item'; key: string; item: ItemView; nested: boolean }
  | { kind: 'run'; key: string; run_id: string; items: readonly ItemView[]; open: boolean };

/**
 * The lines of a list: pinned items first, then newest first. Items that share a run collapse into one line at the place
 * of the newest, unless its key is among the opened runs.
 */
export const linesOf = (items: readonly ItemView[], openRuns: ReadonlySet<string>): ListLine[] => {
  const runs = Map.groupBy(
    items.filter((item) => item.run_id !== null && item.pinned_at === null),
    (item) => item.run_id!,
  );
  const line = (item: ItemView, nested = false): ListLine => ({ kind: 'item', key: item.id, item, nested });
  const lines: ListLine[] = items.filter((item) => item.pinned_at !== null).map((item) => line(item));
  const placed = new Set<string>();
  for (const item of items) {
    if (item.pinned_at !== null) continue;
    const run = item.run_id === null ? undefined : runs.get(item.run_id);
    if (!run || run.length < 2) lines.push(line(item));
    else if (!placed.has(item.run_id!)) {
      placed.add(item.run_id!);
      const open = openRuns.has(item.run_id!);
      lines.push({ kind: 'run', key: `run ${item.run_id}`, run_id: item.run_id!, items: run, open });
      if (open) lines.push(...run.map((one) => line(one, true)));
    }
  }
  return lines;
};

const order = ['info', 'success', 'warning', 'error'] as const;

/** The most urgent level of several. */
export const worstLevel = (items: readonly ItemView[]): ItemView['level'] =>
  order[Math.max(...items.map((item) => order.indexOf(item.level)))] ?? 'info';
