/** Durable work by name. `run` is at-least-once: it re-checks the row by a conditional update before it acts. */
export interface JobDefinition {
  name: string;
  run: (args: Record<string, string | number>) => Promise<void>;
}

/** Timers have a queue of their own, so that a backlog of slow deliveries never makes an expiry late. */
export const jobQueues = { work: 'atrium-work', timers: 'atrium-timers' } as const;

export const queueOf = (later: boolean): string => (later ? jobQueues.timers : jobQueues.work);
