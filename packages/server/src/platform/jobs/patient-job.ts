import type { Clock } from '../clock/clock.ts';
import type { Database, NewJob } from '../db/database.ts';
import { newId } from '../ids/ids.ts';
import { internalCall } from '../operations/call.ts';
import { systemCaller } from '../operations/caller.ts';

/** What is told to somebody outside who may be away: tried with growing pauses, until it is done or nobody hopes any more. */
export interface PatientJob {
  /** Of the job, and the beginning of the ids of its attempts. */
  name: string;
  prefix: string;
  patience_ms: number;
}

type Arguments = Record<string, string | number>;
interface Attempt {
  id: string;
  attempt: number;
  since: number;
}

const firstPauseMs = 2000;
const longestPauseMs = 60 * 60_000;
const nobodys = '00000000-0000-0000-0000-000000000000';

const jobOf = ({ name, prefix }: PatientJob, args: Arguments & Attempt): NewJob => ({
  name,
  id: `${prefix}-${args.id}-${args.attempt}`,
  args,
});

/** To be enqueued with the fact that is told. `id` stays the same through all attempts. */
export const firstAttempt = (job: PatientJob, args: Arguments, clock: Clock, id: string = newId()): NewJob =>
  jobOf(job, { ...args, id, attempt: 0, since: clock.now().getTime() });

/** Performs an attempt and, when it fails, enqueues the next. */
export const attemptsOf =
  (
    job: PatientJob,
    parts: {
      database: Database;
      clock: Clock;
      /** Rejects when it is to be tried again. */
      act: (args: Arguments & Attempt) => Promise<void>;
      onError: (error: unknown, what: string) => void;
      /** Whom it is told, and what of: `client x of a logout`. */
      words: (args: Arguments) => string;
    },
  ) =>
  async (given: Arguments): Promise<void> => {
    // Inputs come back from the database as they were enqueued.
    const args = given as Arguments & Attempt;
    try {
      await parts.act(args);
    } catch (error) {
      const now = parts.clock.now().getTime();
      if (now - args.since > job.patience_ms) {
        parts.onError(error, `${parts.words(args)}: no more attempts`);
        return;
      }
      parts.onError(error, `${parts.words(args)}: failed and will be tried again`);
      const run_at = new Date(now + Math.min(firstPauseMs * 2 ** args.attempt, longestPauseMs));
      // A job of its own and not a repeat of this one: pauses of hours outlive any process.
      await parts.database.transaction(internalCall(systemCaller({ id: nobodys }), newId()), async (tx) =>
        tx.enqueue({ ...jobOf(job, { ...args, attempt: args.attempt + 1 }), run_at }),
      );
    }
  };
