import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../errors/startup-error.ts';
import { type Account, blockingDirectory, chooseAccount, firstUnreachable } from './account.ts';
import { type Binaries, binariesIn } from './binaries.ts';

/** Where the cluster lies, and which programs run on it as whom. */
export interface Placement {
  cluster: string;
  /** Set when the cluster is to be made elsewhere: the link in the data directory that then points to it. */
  link: string | null;
  account: Account | null;
  binaries: Binaries;
}

/** Outside every home, hence within reach of system users. Used only under root. */
const systemDirectory = '/var/lib/atrium';

/**
 * The cluster lies in `<dataDir>/postgres`. Under root, postgres runs as another user, who may be unable to walk there or
 * to the programs, typically below a home of mode 0700. Then the programs are copied, and a new cluster is made, under
 * /var/lib/atrium, with a link in the data directory; but only within one file system, so that the data is exactly as
 * durable as it would be in its place (a mounted volume is never left). Otherwise the start is refused.
 */
export function placeCluster(dataDir: string, found: Binaries): Placement {
  const own = join(dataDir, 'postgres');
  const entry = lstatSync(own, { throwIfNoEntry: false });
  if (entry?.isSymbolicLink() && !existsSync(own)) {
    throw new StartupError(
      `${own} is a link to a database that is not there. Bring its target back; delete the link only to begin with an empty database.`,
    );
  }
  const cluster = entry === undefined ? own : realpathSync(own);
  const account = chooseAccount(cluster);
  if (account === null) return { cluster, link: null, account, binaries: found };

  const binaries = firstUnreachable(account, [found.postgres]) === null ? found : copyBinaries(found);
  // The server's own files below have modes of their own; entering the directory gives nothing away.
  chmodSync(dataDir, statSync(dataDir).mode | 0o011);
  if (entry !== undefined) {
    takeOver(cluster, account);
    if (firstUnreachable(account, [cluster]) !== null) throw unreachable(account, cluster);
    return { cluster, link: null, account, binaries };
  }
  if (firstUnreachable(account, [dataDir]) === null) return { cluster, link: null, account, binaries };

  mkdirSync(systemDirectory, { recursive: true, mode: 0o755 });
  const movable =
    statSync(systemDirectory).dev === statSync(dataDir).dev && firstUnreachable(account, [systemDirectory]) === null;
  if (!movable) throw unreachable(account, dataDir);
  const name = `${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}-${randomBytes(4).toString('hex')}`;
  return { cluster: join(systemDirectory, name), link: own, account, binaries };
}

function copyBinaries(found: Binaries): Binaries {
  const root = join(systemDirectory, `postgresql-${found.version}`);
  if (!existsSync(root)) {
    const draft = `${root}.${randomBytes(4).toString('hex')}`;
    cpSync(found.root, draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, root);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(root)) throw error;
    }
  }
  return binariesIn(root, found.version);
}

/** A cluster that root owns was copied by root, from a backup for example. */
function takeOver(cluster: string, account: Account): void {
  if (statSync(cluster).uid !== 0) return;
  const visit = (path: string): void => {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) return;
    chownSync(path, account.uid, account.gid);
    if (stat.isDirectory()) for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(cluster);
  chmodSync(cluster, 0o700);
}

function unreachable(account: Account, path: string): StartupError {
  const blocked = blockingDirectory(account, path);
  return new StartupError(
    `PostgreSQL does not run as root, and ${account.name}, as whom it would run, cannot enter ${blocked}. Set ATRIUM_DATA_DIR to a directory like /var/lib/atrium/data, run "chmod o+x ${blocked}", start Atrium as an ordinary user, or set DATABASE_URL.`,
  );
}
