import type { Clock } from '../../../platform/clock/clock.ts';
import type { HealthState } from '../routes-rows.ts';
import type { TargetHealth } from '../snapshot.ts';

const windowMs = 30_000;
const failuresToEject = 3;
const ejectedMs = 10_000;

interface Passive {
  /** When connections failed lately, oldest first. */
  failures: number[];
  out_until: number;
}

const keyOf = (routeId: string, targetUrl: string): string => `${routeId} ${targetUrl}`;

/** What this process knows of targets: what probes of any process found, and how its own connections fared. */
export class TargetStates implements TargetHealth {
  readonly #clock: Clock;
  readonly #onEjected: ((outcome: string) => void) | undefined;
  #active = new Map<string, HealthState>();
  readonly #passive = new Map<string, Passive>();

  constructor(clock: Clock, onEjected?: (outcome: string) => void) {
    this.#clock = clock;
    this.#onEjected = onEjected;
  }

  status(routeId: string, targetUrl: string): HealthState {
    const key = keyOf(routeId, targetUrl);
    const passive = this.#passive.get(key);
    if (passive !== undefined && passive.out_until > this.#clock.now().getTime()) return 'unhealthy';
    return this.#active.get(key) ?? 'unknown';
  }

  failed(routeId: string, targetUrl: string, outcome: string): void {
    const now = this.#clock.now().getTime();
    const key = keyOf(routeId, targetUrl);
    const passive = this.#passive.get(key) ?? { failures: [], out_until: 0 };
    this.#passive.set(key, passive);
    passive.failures = [...passive.failures.filter((at) => at > now - windowMs), now];
    if (passive.failures.length < failuresToEject) return;
    passive.failures = [];
    passive.out_until = now + ejectedMs;
    this.#onEjected?.(outcome);
  }

  succeeded(routeId: string, targetUrl: string): void {
    this.#passive.delete(keyOf(routeId, targetUrl));
  }

  /** What a probe of this or another process found. */
  probed(routeId: string, targetUrl: string, status: HealthState): void {
    this.#active.set(keyOf(routeId, targetUrl), status);
  }

  /** Replaces all that is known of probes. */
  load(rows: readonly { route_id: string; target_url: string; status: HealthState }[]): void {
    this.#active = new Map(rows.map((row) => [keyOf(row.route_id, row.target_url), row.status]));
  }

  /** Forgets targets that no route has any more. */
  keepOnly(known: (routeId: string, targetUrl: string) => boolean): void {
    for (const key of new Set([...this.#active.keys(), ...this.#passive.keys()])) {
      const [routeId = '', targetUrl = ''] = key.split(' ');
      if (known(routeId, targetUrl)) continue;
      this.#active.delete(key);
      this.#passive.delete(key);
    }
  }
}
