import { setTimeout as pause } from 'node:timers/promises';
import { newId } from '../../../platform/ids/ids.ts';
import { withLease } from '../../../platform/jobs/lease.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { gatewayEvents } from '../gateway-events.ts';
import type { GatewayParts } from '../gateway-parts.ts';
import { healthStore } from '../health-store.ts';
import type { HealthState } from '../routes-rows.ts';
import type { RouteSnapshot, SnapshotSource, TargetSnapshot } from '../snapshot.ts';
import { probe } from './probe.ts';
import type { TargetStates } from './target-states.ts';

/** How often it is looked which targets are due. */
const tickMs = 250;
/** One process probes for so long, then any may. */
const turnMs = 20_000;
const leaseName = 'gateway-health';
const mostAtOnce = 50;
const soonMs = 1000;
/** What stays healthy is not worth a write each time: thousands of targets would be hundreds of them a second. */
const quietMs = 60_000;

interface Watched {
  due: number;
  failures: number;
  successes: number;
  status: HealthState;
  cookies: Map<string, string>;
  running: boolean;
  /** When its row was last written. */
  written: number;
  /** Counts what was heard from elsewhere: a probe that began before it says nothing. */
  heard: number;
}

/**
 * Probes the targets of all routes, in one process at a time. Results are rows; a change is an event, which tells the
 * other processes.
 */
export class HealthRounds {
  readonly #parts: GatewayParts;
  readonly #source: SnapshotSource;
  readonly #states: TargetStates;
  readonly #stop = new AbortController();
  readonly #watched = new Map<string, Watched>();
  readonly #probes = new Set<Promise<void>>();
  #running: Promise<void> | null = null;

  constructor(parts: GatewayParts, source: SnapshotSource, states: TargetStates) {
    this.#parts = parts;
    this.#source = source;
    this.#states = states;
  }

  async load(): Promise<void> {
    this.#states.load(await healthStore.all(this.#parts.database.read));
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.all(this.#probes);
  }

  async #run(): Promise<void> {
    const { clock, database, holder } = this.#parts;
    while (!this.#stop.signal.aborted) {
      try {
        const ran = await withLease({ db: database.read, clock, holder }, leaseName, 1, () => this.#turn());
        if (!ran) await this.#pause(1000);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#parts.onError(error, 'probing targets');
        await this.#pause(5000);
      }
    }
  }

  /** What is known of a target by another way than a probe, such as that its container was stopped. */
  hear(routeId: string, targetUrl: string, status: HealthState): void {
    const one = this.#watched.get(`${routeId} ${targetUrl}`);
    if (one === undefined || one.status === status) return;
    one.status = status;
    one.failures = 0;
    one.heard += 1;
    // What may be up again is looked at soon.
    if (status === 'unknown') one.due = performance.now() + soonMs;
  }

  #pause(ms: number): Promise<unknown> {
    return pause(ms, null, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }

  async #turn(): Promise<void> {
    // What other processes found meanwhile.
    const rows = await healthStore.all(this.#parts.database.read);
    this.#states.load(rows);
    for (const row of rows) {
      const one = this.#watched.get(`${row.route_id} ${row.target_url}`);
      if (one === undefined || one.running) continue;
      one.failures = row.consecutive_failures;
      one.successes = row.consecutive_successes;
      one.status = row.status;
    }
    const known = new Map(rows.map((row) => [`${row.route_id} ${row.target_url}`, row]));
    const end = performance.now() + turnMs;
    while (!this.#stop.signal.aborted && performance.now() < end) {
      if (this.#parts.settings().health.enabled) this.#tick(known);
      await this.#pause(tickMs);
    }
    await Promise.all(this.#probes);
  }

  #tick(
    known: ReadonlyMap<string, { status: HealthState; consecutive_failures: number; consecutive_successes: number }>,
  ): void {
    const now = performance.now();
    const present = new Set<string>();
    for (const route of this.#source.current().routes.values()) {
      if (route.health.skip || route.kind !== 'http') continue;
      for (const target of route.targets) {
        const key = `${route.id} ${target.url}`;
        present.add(key);
        const row = known.get(key);
        const one = this.#watched.get(key) ?? {
          // Spread over the interval, but what is new is looked at soon.
          due:
            now +
            Math.random() * (row === undefined ? Math.min(1000, route.health.interval_ms) : route.health.interval_ms),
          failures: row?.consecutive_failures ?? 0,
          successes: row?.consecutive_successes ?? 0,
          status: row?.status ?? 'unknown',
          cookies: new Map<string, string>(),
          running: false,
          written: Number.NEGATIVE_INFINITY,
          heard: 0,
        };
        this.#watched.set(key, one);
        if (one.due > now || one.running || this.#probes.size >= mostAtOnce) continue;
        one.running = true;
        one.due = now + route.health.interval_ms * (0.95 + Math.random() / 10);
        const probing = this.#probe(route, target, one).finally(() => {
          one.running = false;
          this.#probes.delete(probing);
        });
        this.#probes.add(probing);
      }
    }
    for (const key of this.#watched.keys()) if (!present.has(key)) this.#watched.delete(key);
  }

  async #probe(route: RouteSnapshot, target: TargetSnapshot, one: Watched): Promise<void> {
    const { settings, own_ports, resolve, clock, database, onError } = this.#parts;
    const { heard } = one;
    try {
      const rules = { ...settings().targets, own_ports: own_ports() };
      const { healthy, error, latency_ms } = await probe(route, target, { rules, resolve, cookies: one.cookies });
      this.#parts.onProbed?.(healthy, latency_ms / 1000);
      if (one.heard !== heard) return;
      one.failures = healthy ? 0 : one.failures + 1;
      one.successes = healthy ? one.successes + 1 : 0;
      const fallen = one.failures >= route.health.unhealthy_after;
      const status = healthy ? 'healthy' : fallen ? 'unhealthy' : one.status;
      if (status === 'healthy' && one.status === 'healthy' && performance.now() - one.written < quietMs) return;
      const call = internalCall(systemCaller({ id: route.org_id }), newId());
      await database.transaction(call, async (tx) => {
        const before = await healthStore.record(tx.db, {
          ...{ route_id: route.id, target_url: target.url, status, error, latency_ms, at: clock.now() },
          ...{ failures: one.failures, successes: one.successes },
        });
        // A first sight of health is no news; the row says who was first when two processes probe at once.
        if (before === null || before === status || (before === 'unknown' && status === 'healthy')) return;
        tx.emit({
          kind: gatewayEvents.healthChanged,
          id: route.id,
          body: { app_id: route.app.id, app_slug: route.app.slug, target: target.url, before, status, error },
        });
      });
      one.status = status;
      one.written = performance.now();
      this.#states.probed(route.id, target.url, status);
    } catch (error) {
      if (!this.#stop.signal.aborted) onError(error, 'recording a probe');
    }
  }
}
