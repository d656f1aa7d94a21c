import type { JobDefinition } from '../../platform/jobs/job.ts';
import type { TimersService } from './timers-service.ts';

type Run = JobDefinition['run'];

/** Durable timers of items, by the names they are enqueued under. */
export const inboxJobs = (timers: TimersService): JobDefinition[] => {
  // Inputs come back from the database as they were enqueued; the names say what each timer needs.
  const job = (name: string, run: (args: never) => Promise<void>): JobDefinition => ({
    name,
    run: run as unknown as Run,
  });
  return [
    job('expire-item', timers.expire),
    job('escalate-item', timers.escalate),
    job('remind-item', timers.remind),
    job('wake-item', timers.wake),
  ];
};

export const inboxSweeps = (timers: TimersService) => [
  { name: 'inbox-timers', every_ms: 5000, run: timers.sweepDue },
  { name: 'inbox-archive', every_ms: 3_600_000, run: timers.sweepOld },
];
