import type { Clock } from '../clock/clock.ts';

export interface BreakerLimits {
  /** Failures in a row that open the circuit. */
  failures: number;
  /** Successes among the probes that close it again. */
  successes: number;
  /** How long an open circuit refuses everything. */
  open_ms: number;
  /** How many probes may be under way at once while it is half open. */
  probes: number;
  /** Dependencies remembered; the one used longest ago is forgotten first. */
  dependencies: number;
}

export const breakerDefaults: BreakerLimits = {
  failures: 5,
  successes: 2,
  open_ms: 30_000,
  probes: 3,
  dependencies: 1000,
};

interface Circuit {
  failures: number;
  successes: number;
  /** Null while closed. */
  opened_at: number | null;
  probing: number;
}

/** How one request went, told when it is over. `neither`: it says nothing about the dependency. */
export type Outcome = 'success' | 'failure' | 'neither';

export interface CircuitBreakers {
  /** Null when the circuit of this dependency is open; else what to call with the outcome, once. */
  enter(dependency: string): ((outcome: Outcome) => void) | null;
  /** Circuits that are not closed. */
  readonly open: number;
  /** How many circuits are in which state. */
  readonly states: { closed: number; open: number; half_open: number };
  /** Counted since the start. */
  readonly trips: number;
}

/**
 * Keeps this server from waiting for others that do not answer: after some failures in a row a dependency is left
 * alone for a while, then asked by a few probes. One circuit for each dependency, so that none suffers for another.
 */
export const createCircuitBreakers = (clock: Clock, limits: BreakerLimits = breakerDefaults): CircuitBreakers => {
  const circuits = new Map<string, Circuit>();
  let trips = 0;

  const circuitOf = (dependency: string): Circuit => {
    const circuit = circuits.get(dependency) ?? { failures: 0, successes: 0, opened_at: null, probing: 0 };
    circuits.delete(dependency);
    circuits.set(dependency, circuit);
    if (circuits.size > limits.dependencies) circuits.delete(circuits.keys().next().value!);
    return circuit;
  };

  const open = (circuit: Circuit): void => {
    circuit.opened_at = clock.now().getTime();
    circuit.successes = 0;
    trips += 1;
  };

  const settle = (circuit: Circuit, outcome: Outcome): void => {
    if (outcome === 'neither') return;
    if (outcome === 'failure') {
      circuit.failures += 1;
      if (circuit.opened_at !== null || circuit.failures >= limits.failures) open(circuit);
      return;
    }
    circuit.failures = 0;
    if (circuit.opened_at === null) return;
    circuit.successes += 1;
    if (circuit.successes >= limits.successes) circuit.opened_at = null;
  };

  return {
    enter: (dependency) => {
      const circuit = circuitOf(dependency);
      const probe = circuit.opened_at !== null;
      if (probe) {
        if (clock.now().getTime() - circuit.opened_at! < limits.open_ms || circuit.probing >= limits.probes)
          return null;
        circuit.probing += 1;
      }
      let told = false;
      return (outcome) => {
        if (told) return;
        told = true;
        if (probe) circuit.probing -= 1;
        settle(circuit, outcome);
      };
    },
    get open() {
      return [...circuits.values()].filter((circuit) => circuit.opened_at !== null).length;
    },
    get states() {
      const states = { closed: 0, open: 0, half_open: 0 };
      const now = clock.now().getTime();
      for (const { opened_at } of circuits.values())
        states[opened_at === null ? 'closed' : now - opened_at < limits.open_ms ? 'open' : 'half_open'] += 1;
      return states;
    },
    get trips() {
      return trips;
    },
  };
};
