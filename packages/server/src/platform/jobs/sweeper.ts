import { type LeaseOptions, withLease } from './lease.ts';

/** Periodic repair work; at most one process runs a sweep at a time. */
export interface Sweep {
  name: string;
  every_ms: number;
  run: () => Promise<void>;
}

export interface Sweeper {
  start(): void;
  /** Resolves when no sweep is running any more. */
  stop(): Promise<void>;
}

/** Gives each sweep its turn. A turn that fails is reported and comes again. */
export const createSweeper = (
  lease: LeaseOptions,
  sweeps: readonly Sweep[],
  onError: (error: unknown, name: string) => void,
): Sweeper => {
  const timers: NodeJS.Timeout[] = [];
  const running = new Map<string, Promise<void>>();

  const turn = (sweep: Sweep): void => {
    if (running.has(sweep.name)) return;
    const done = withLease(lease, `sweep:${sweep.name}`, sweep.every_ms, sweep.run)
      .then(
        () => {},
        (error: unknown) => onError(error, sweep.name),
      )
      .finally(() => void running.delete(sweep.name));
    running.set(sweep.name, done);
  };

  return {
    start: () => {
      for (const sweep of sweeps) timers.push(setInterval(turn, sweep.every_ms, sweep).unref());
    },
    stop: async () => {
      for (const timer of timers.splice(0)) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
};
