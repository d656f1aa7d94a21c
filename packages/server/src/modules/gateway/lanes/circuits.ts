import type { RouteFilter } from '@atrium/protocol';
import type { RouteSnapshot } from '../snapshot.ts';

type CircuitFilter = RouteFilter & { kind: 'circuit' };

interface Circuit {
  /** Since when it is counted. */
  since: number;
  requests: number;
  failures: number;
  /** Until when nobody is let through; 0 = everybody is. */
  open_until: number;
  /** One is on its way to see whether it is over. */
  trying: boolean;
}

const circuitOf = ({ filters }: RouteSnapshot): CircuitFilter | null =>
  filters.find((filter): filter is CircuitFilter => filter.kind === 'circuit') ?? null;

/**
 * Circuit breakers of routes, of this process. A route whose app fails too often answers by itself for a while; then one
 * request is let through, and how it fares decides.
 */
export class Circuits {
  /** By the filter, which stays the same for as long as its route is not changed. */
  readonly #circuits = new WeakMap<RouteFilter, Circuit>();

  /** 0 when a request may go on, else the milliseconds until one may. `trial`: this one decides. */
  enter(route: RouteSnapshot, now: number): { wait_ms: number; trial: boolean } {
    const filter = circuitOf(route);
    if (filter === null) return free;
    const circuit = this.#of(filter, now);
    if (circuit.open_until === 0) return free;
    if (now < circuit.open_until) return { wait_ms: circuit.open_until - now, trial: false };
    if (circuit.trying) return { wait_ms: 1000, trial: false };
    circuit.trying = true;
    return { wait_ms: 0, trial: true };
  }

  /** How a request fared; null = nobody knows, because the client went away. */
  left(route: RouteSnapshot, trial: boolean, failed: boolean | null, now: number): void {
    const filter = circuitOf(route);
    if (filter === null) return;
    const circuit = this.#of(filter, now);
    if (trial) {
      circuit.trying = false;
      if (failed === true) circuit.open_until = now + filter.open_s * 1000;
      else if (failed === false) Object.assign(circuit, { open_until: 0, since: now, requests: 0, failures: 0 });
      return;
    }
    if (failed === null || circuit.open_until > 0) return;
    if (now - circuit.since > filter.window_s * 1000) Object.assign(circuit, { since: now, requests: 0, failures: 0 });
    circuit.requests += 1;
    if (failed) circuit.failures += 1;
    if (circuit.requests < filter.min_requests) return;
    if (circuit.failures * 100 >= filter.error_percent * circuit.requests)
      circuit.open_until = now + filter.open_s * 1000;
  }

  #of(filter: CircuitFilter, now: number): Circuit {
    const known = this.#circuits.get(filter);
    if (known !== undefined) return known;
    const fresh = { since: now, requests: 0, failures: 0, open_until: 0, trying: false };
    this.#circuits.set(filter, fresh);
    return fresh;
  }
}

const free = { wait_ms: 0, trial: false } as const;
