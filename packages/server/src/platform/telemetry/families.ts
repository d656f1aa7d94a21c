import {
  type Aggregator,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  type MetricValueWithName,
  type Registry,
} from 'prom-client';
import type { Durations } from './durations.ts';

type Labels = Readonly<Record<string, string>>;
type Value = MetricValue<string> | MetricValueWithName<string>;

/** Adds a family whose values are worked out when somebody reads them: counting then costs what a number costs. */
const addFamily = (
  registry: Registry,
  type: 'counter' | 'histogram',
  name: string,
  help: string,
  read: () => Value[],
) => {
  const family = {
    name,
    get: async (): Promise<MetricObjectWithValues<MetricValue<string>>> =>
      ({ name, help, type, aggregator: 'sum', values: read() }) as never,
  };
  registry.registerMetric(family as unknown as Gauge);
};

export interface CountOf {
  labels?: Labels;
  value: number;
}

export const addCounter = (registry: Registry, name: string, help: string, read: () => Iterable<CountOf>): void =>
  addFamily(registry, 'counter', name, help, () =>
    [...read()].map(({ labels = {}, value }) => ({ labels: { ...labels }, value })),
  );

export const addGauge = (
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => Iterable<CountOf> | Promise<Iterable<CountOf>>,
  /** How the values of several processes become one. */
  aggregator: Aggregator = 'sum',
): void => {
  new Gauge({
    ...{ name, help, labelNames, aggregator },
    registers: [registry],
    async collect() {
      this.reset();
      for (const { labels = {}, value } of await read()) this.set({ ...labels }, value);
    },
  });
};

export const addHistogram = (
  registry: Registry,
  name: string,
  help: string,
  read: () => Iterable<{ labels?: Labels; durations: Durations }>,
): void =>
  addFamily(registry, 'histogram', name, help, () =>
    [...read()].flatMap(({ labels = {}, durations }) => {
      let below = 0;
      const buckets = durations.counts.map((count, bucket) => {
        below += count;
        return {
          metricName: `${name}_bucket`,
          labels: { ...labels, le: durations.bounds[bucket] ?? '+Inf' },
          value: below,
        };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels: { ...labels }, value: durations.sum },
        { metricName: `${name}_count`, labels: { ...labels }, value: durations.count },
      ];
    }),
  );

/** Counts by a word. Words that come after `most` others are counted as `other`, so that no stranger fills the memory. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #most: number;

  constructor(most = 200) {
    this.#most = most;
  }

  add(word: string, by = 1): void {
    const known = this.#counts.get(word);
    if (known !== undefined) this.#counts.set(word, known + by);
    else if (this.#counts.size < this.#most) this.#counts.set(word, by);
    else this.#counts.set('other', (this.#counts.get('other') ?? 0) + by);
  }

  get(word: string): number {
    return this.#counts.get(word) ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const count of this.#counts.values()) total += count;
    return total;
  }

  *as(label: string): Iterable<CountOf> {
    for (const [word, value] of this.#counts) yield { labels: { [label]: word }, value };
  }

  entries(): [string, number][] {
    return [...this.#counts];
  }
}
