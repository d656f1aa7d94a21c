import { Cron } from 'croner';

export interface Timing {
  cron: string;
  time_zone: string;
}

const cronOf = ({ cron, time_zone }: Timing): Cron =>
  new Cron(cron, { timezone: time_zone, mode: '5-part', paused: true, fixedTimeRule: 'no-wildcard' });

/** What of a cron line or a zone cannot be understood; null when both can. */
export const timingProblem = ({ cron, time_zone }: Timing): { path: 'cron' | 'time_zone'; message: string } | null => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: time_zone });
  } catch {
    return { path: 'time_zone', message: 'is no known time zone; write one such as Europe/Berlin' };
  }
  if (cron.trim().split(/\s+/).length !== 5)
    return { path: 'cron', message: 'must have five fields: minute, hour, day of month, month, day of week' };
  try {
    if (cronOf({ cron, time_zone }).nextRun() === null) return { path: 'cron', message: 'never comes' };
    return null;
  } catch (error) {
    const words = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'unknown reason';
    return { path: 'cron', message: `cannot be read: ${words}` };
  }
};

/** The first time after a moment. */
export const nextTime = (timing: Timing, after: Date): Date | null => cronOf(timing).nextRun(after);

export const nextTimes = (timing: Timing, after: Date, count: number): Date[] => cronOf(timing).nextRuns(count, after);

/** An outage longer than this is looked through from here on; a rarer time than that is the one that was due. */
const lookBackMs = 35 * 86_400_000;

/** Of times from `first` on, the last that is not after `now`: after an outage it is the only one that counts. */
export const lastTimeUntil = (timing: Timing, first: Date, now: Date): Date => {
  const job = cronOf(timing);
  let latest = first;
  let at: Date = new Date(Math.max(first.getTime(), now.getTime() - lookBackMs));
  for (;;) {
    const next = job.nextRun(at);
    if (next === null || next > now) return latest;
    latest = next;
    at = next;
  }
};
