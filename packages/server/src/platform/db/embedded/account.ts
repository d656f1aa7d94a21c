import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../../errors/startup-error.ts';

/** The system user that postgres runs as. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Null when postgres can run as ourselves. PostgreSQL refuses root, so under root it is the owner of the existing
 * cluster, or the system user `postgres`, which is created when the machine has none.
 */
export function chooseAccount(cluster: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { name: `user ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  return findAccount('postgres') ?? createAccount('postgres');
}

function findAccount(name: string): Account | null {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  if (line !== undefined) {
    const [, , uid, gid] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid) };
  }
  // Accounts of a directory service, and those of macOS, are not in the file.
  const ask = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const [uid, gid] = [ask('-u'), ask('-g')];
  return uid.status === 0 && gid.status === 0 ? { name, uid: Number(uid.stdout), gid: Number(gid.stdout) } : null;
}

function createAccount(name: string): Account {
  const attempts: [string, string[]][] = [
    [
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/false', name],
    ],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', name]],
  ];
  for (const [command, args] of attempts) {
    try {
      execFileSync(command, args, { stdio: 'ignore' });
    } catch {
      continue;
    }
    const account = findAccount(name);
    if (account !== null) return account;
  }
  throw new StartupError(
    `PostgreSQL does not run as root, and the system user "${name}" could not be created. Create it, start Atrium as an ordinary user, or set DATABASE_URL.`,
  );
}

/** The first of the paths that the account cannot walk to or execute, asked by a process of that account (ACLs count). */
export function firstUnreachable(account: Account | null, paths: readonly string[]): string | null {
  if (account === null) return null;
  const script = 'for path; do test -x "$path" || { printf %s "$path"; exit 1; }; done';
  const { uid, gid } = account;
  const asked = spawnSync('/bin/sh', ['-c', script, 'sh', ...paths], { uid, gid, cwd: '/', env: {}, encoding: 'utf8' });
  return asked.status === 0 ? null : asked.stdout;
}

/** The outermost directory above `path` that the account cannot enter. */
export function blockingDirectory(account: Account, path: string): string {
  const ancestors: string[] = [];
  for (let at = path; at !== dirname(at); at = dirname(at)) ancestors.unshift(at);
  return firstUnreachable(account, ancestors) ?? path;
}
