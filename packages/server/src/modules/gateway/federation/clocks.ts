/** How often each server has changed an entry, by its id. */
export type VectorClock = Readonly<Record<string, number>>;

export type ClockOrder = 'equal' | 'before' | 'after' | 'concurrent';

/** Where `a` stands towards `b`. */
export const compareClocks = (a: VectorClock, b: VectorClock): ClockOrder => {
  let [less, more] = [false, false];
  for (const id of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [x, y] = [a[id] ?? 0, b[id] ?? 0];
    if (x < y) less = true;
    if (x > y) more = true;
  }
  if (less && more) return 'concurrent';
  if (less) return 'before';
  return more ? 'after' : 'equal';
};

export const mergeClocks = (a: VectorClock, b: VectorClock): VectorClock => {
  const merged: Record<string, number> = { ...a };
  for (const [id, count] of Object.entries(b)) merged[id] = Math.max(merged[id] ?? 0, count);
  return merged;
};

export const tickClock = (clock: VectorClock, id: string): VectorClock => ({ ...clock, [id]: (clock[id] ?? 0) + 1 });

/** One version of an entry: who wrote it, and whether it says that the entry is gone. */
export interface Version {
  clock: VectorClock;
  writer: string;
  deleted: boolean;
}

/**
 * Whether the version that came replaces the one that is known. Of two that know nothing of each other the one that
 * deletes wins, else the one of the higher id, so that every server ends with the same whatever order it hears them in.
 */
export const replaces = (came: Version, known: Version): boolean => {
  const order = compareClocks(came.clock, known.clock);
  if (order !== 'concurrent') return order === 'after';
  if (came.deleted !== known.deleted) return came.deleted;
  return came.writer > known.writer;
};
