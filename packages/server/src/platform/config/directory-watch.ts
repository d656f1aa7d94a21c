import { type FSWatcher, watch } from 'node:fs';

const retryMs = 2000;

/**
 * Tells of anything that happens in a directory. The directory is watched and not its files, because editors put a new
 * file in the place of the old one. A directory that is not there, or goes, is waited for.
 */
export const watchDirectory = (
  directory: string,
  /** Gets the name of what changed; null when that is not known. */
  onChange: (name: string | null) => void,
  onError: (error: unknown) => void,
): (() => void) => {
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | null = null;
  let missing = false;
  let stopped = false;

  const again = (): void => {
    watcher?.close();
    watcher = null;
    if (!stopped) timer ??= setTimeout(open, retryMs).unref();
  };
  const open = (): void => {
    timer = null;
    try {
      watcher = watch(directory, { persistent: false }, (_, name) => {
        onChange(name);
        // The directory itself went; what takes its place is another one.
        if (name !== null && directory.endsWith(`/${name}`)) again();
      });
      watcher.on('error', again);
      if (missing) onChange(null);
      missing = false;
    } catch (error) {
      missing = true;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onError(error);
      again();
    }
  };
  open();
  return () => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
    watcher?.close();
  };
};
