import { type ConfigValues, differingKeys } from '../platform/config/config.ts';
import { watchDirectory } from '../platform/config/directory-watch.ts';
import { loadConfig } from '../platform/config/load-config.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import type { LiveConfig } from './modules.ts';

const quietMs = 500;
const retryMs = 2000;

export interface ConfigReloading {
  /** Takes what the files hold now, and follows them from then on. */
  start(): Promise<void>;
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** Reads the configuration again when its directories change: after 500 ms of quiet, one reading at a time. */
export const createConfigReloading = (options: {
  values: ConfigValues;
  live: LiveConfig;
  log: Logger;
}): ConfigReloading => {
  const { live, log } = options;
  /** What the process began with: keys that need a restart have this value until then. */
  const began = options.values;
  let current = options.values;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  const watches = new Map<string, () => void>();

  const later = (ms: number): void => {
    if (stopped) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      reload().catch((error: unknown) => log.error({ err: error }, 'the settings could not be read again'));
    }, ms).unref();
  };

  const follow = (): void => {
    const wanted = new Set(live.directories());
    for (const [directory, stop] of watches) {
      if (wanted.has(directory)) continue;
      stop();
      watches.delete(directory);
    }
    for (const directory of wanted) {
      if (watches.has(directory)) continue;
      const onError = (error: unknown) => log.warn({ err: error, directory }, 'a directory cannot be watched');
      watches.set(
        directory,
        watchDirectory(
          directory,
          (name) => (name === null || live.matters(directory, name)) && later(quietMs),
          onError,
        ),
      );
    }
  };

  const once = async (): Promise<void> => {
    const begun = performance.now();
    const counted = (result: Parameters<typeof live.reloaded>[0]): void =>
      live.reloaded(result, (performance.now() - begun) / 1000);
    try {
      const result = await readAgain();
      if (result !== null) counted(result);
    } catch (error) {
      counted('error_handler');
      throw error;
    }
  };

  const readAgain = async () => {
    const result = await loadConfig();
    let taken: boolean;
    if (result.ok) {
      const differing = differingKeys(current, result.values).filter(({ reloadable }) => reloadable === true);
      const waiting = differingKeys(began, result.values).filter(({ reloadable }) => reloadable !== true);
      const names = (keys: typeof differing) => keys.map(({ yaml, env }) => yaml ?? env);
      taken = await live.replace(result.values, names(differing), names(waiting));
      current = result.values;
    } else {
      taken = await live.refuse(result.problems.map(({ key, problem }) => `${key} ${problem}`));
    }
    follow();
    // Nobody has the apps of files before the server is set up.
    if (!taken) {
      later(retryMs);
      return null;
    }
    return result.ok ? ('success' as const) : ('error_validation' as const);
  };

  const reload = (): Promise<void> => {
    again = true;
    running ??= (async () => {
      try {
        while (again && !stopped) {
          again = false;
          await once();
        }
      } finally {
        running = null;
      }
    })();
    return running;
  };

  return {
    start: async () => {
      follow();
      // A file that cannot be taken is told of; the server runs with what it knows.
      await reload().catch((error: unknown) => log.error({ err: error }, 'the files of apps could not be read'));
    },
    reload,
    stop: async () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      for (const stop of watches.values()) stop();
      await running?.catch(() => {});
    },
  };
};
