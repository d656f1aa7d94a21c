import { rotateMasterKey } from './app/master-key-rotation.ts';
import { configOrExit } from './config-or-exit.ts';
import { systemClock } from './platform/clock/clock.ts';
import { StartupError } from './platform/errors/startup-error.ts';
import { createLogger } from './platform/telemetry/logger.ts';

/** Replaces the master key, says in one line what was done, and ends the process. */
export const rotate = async (): Promise<never> => {
  const values = await configOrExit();
  const log = createLogger('warn');
  try {
    const { key_id, place, seen, renewed } = await rotateMasterKey(values, systemClock, log);
    const earlier =
      place === 'master.key'
        ? 'The earlier keys stay in master.key: backups made before now need them.'
        : 'The earlier keys may leave ATRIUM_MASTER_KEY now; backups made before need them.';
    process.stdout.write(`The master key is ${key_id}. Renewed ${renewed} of ${seen} stored secrets. ${earlier}\n`);
    process.exit(0);
  } catch (error) {
    if (error instanceof StartupError) process.stderr.write(`${error.message}\n`);
    else log.fatal({ err: error }, 'the master key could not be replaced; run this again');
    process.exit(1);
  }
};

if (import.meta.main) await rotate();
