/** Upper bounds in seconds. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/**
 * A histogram whose observation is two additions and a short search: no labels are looked up and nothing is allocated,
 * so that every request and every query can afford it. It takes the form of Prometheus when it is read.
 */
export class Durations {
  /** By bucket, not cumulated; the last one holds what exceeds all bounds. */
  readonly counts: number[] = [...durationBuckets.map(() => 0), 0];
  sum = 0;
  count = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < durationBuckets.length && seconds > durationBuckets[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sum += seconds;
    this.count += 1;
  }

  add(other: Durations): void {
    for (const [bucket, count] of other.counts.entries()) this.counts[bucket]! += count;
    this.sum += other.sum;
    this.count += other.count;
  }

  /** What was observed since `earlier`, a copy of this one. */
  since(earlier: Durations): Durations {
    const later = new Durations();
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
        const lower = bucket === 0 ? 0 : durationBuckets[bucket - 1]!;
        const upper = durationBuckets[bucket] ?? lower;
        return lower + (upper - lower) * ((rank - below) / count);
      }
      below += count;
    }
    return durationBuckets.at(-1)!;
  }
}
