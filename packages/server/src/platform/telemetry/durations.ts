/** Upper bounds in seconds. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Upper bounds in bytes. */
export const sizeBuckets = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] as const;

/**
 * A histogram whose observation is two additions and a short search: no labels are looked up and nothing is allocated,
 * so that every request and every query can afford it. It takes the form of Prometheus when it is read.
 */
export class Durations {
  readonly bounds: readonly number[];
  /** By bucket, not cumulated; the last one holds what exceeds all bounds. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  /** Of seconds, unless other bounds are given. */
  constructor(bounds: readonly number[] = durationBuckets) {
    this.bounds = bounds;
    this.counts = [...bounds.map(() => 0), 0];
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sum += value;
    this.count += 1;
  }

  add(other: Durations): void {
    for (const [bucket, count] of other.counts.entries()) this.counts[bucket]! += count;
    this.sum += other.sum;
    this.count += other.count;
  }

  /** What was observed since `earlier`, a copy of this one. */
  since(earlier: Durations): Durations {
    const later = new Durations(this.bounds);
    for (const [bucket, count] of this.counts.entries()) later.counts[bucket] = count - earlier.counts[bucket]!;
    later.sum = this.sum - earlier.sum;
    later.count = this.count - earlier.count;
    return later;
  }

  /** Seconds that the given share stays below, straight between the bounds of its bucket; null when nothing was seen. */
  quantile(share: number): number | null {
    if (this.count === 0) return null;
    const rank = share * this.count;
    let below = 0;
    for (const [bucket, count] of this.counts.entries()) {
      if (count > 0 && below + count >= rank) {
        const lower = bucket === 0 ? 0 : this.bounds[bucket - 1]!;
        const upper = this.bounds[bucket] ?? lower;
        return lower + (upper - lower) * ((rank - below) / count);
      }
      below += count;
    }
    return this.bounds.at(-1)!;
  }
}
