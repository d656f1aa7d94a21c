import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { OAuthError } from '../oauth/oauth-errors.ts';
import { oneAtATime, type StoredGrant, storedGrant, type TokenStore } from '../oauth/token-store.ts';
import { pause } from '../pause.ts';

const fileShape = z.record(z.string(), storedGrant);

const longestWaitMs = 30_000;
const lockPollMs = 50;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return codeOf(error) === 'EPERM';
  }
};

const taken = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
};

/** The process that holds the lock; 0 while its number is not written yet, null when there is no lock. */
const ownerOf = async (path: string): Promise<number | null> => {
  try {
    return Number(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
};

/**
 * Takes away the lock of a process that was killed. Who does is decided by a link, which only one can make; that the
 * linked file is still the dead one's is looked at afterwards, because another may have been faster.
 */
const discard = async (path: string, dead: number): Promise<void> => {
  const claim = `${path}.${dead}`;
  try {
    await link(path, claim);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await ownerOf(claim)) === dead) await rm(path, { force: true });
  await rm(claim, { force: true });
};

const lock = async (path: string, signal: AbortSignal | undefined): Promise<void> => {
  const end = Date.now() + longestWaitMs;
  while (!(await taken(path))) {
    const owner = await ownerOf(path);
    if (owner !== null && owner > 0 && owner !== process.pid && !isAlive(owner)) await discard(path, owner);
    else if (Date.now() > end)
      throw new OAuthError('store_busy', `Another program has held ${path} for too long. Delete it if there is none.`);
    await pause(lockPollMs, signal);
  }
};

/**
 * Keeps grants in one JSON file that only this user can read (0600), replaced in one step. A lock file beside it lets one
 * process at a time renew tokens.
 */
export const fileStore = (path: string): TokenStore => {
  const queue = oneAtATime();
  const read = async (): Promise<Record<string, StoredGrant>> => {
    try {
      return fileShape.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return {};
      throw new OAuthError('sign_in_required', `${path} cannot be used. Delete it and sign in again.`, {
        cause: error,
      });
    }
  };
  const write = async (grants: Record<string, StoredGrant>): Promise<void> => {
    const draft = `${path}.${process.pid}.draft`;
    await rm(draft, { force: true });
    await writeFile(draft, `${JSON.stringify(grants, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  };
  return {
    get: async (resource) => (await read())[resource] ?? null,
    set: async (resource, grant) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const { [resource]: _old, ...others } = await read();
      const all = grant === null ? others : { ...others, [resource]: grant };
      if (Object.keys(all).length > 0) await write(all);
      else await rm(path, { force: true });
    },
    exclusively: (work, signal) =>
      queue(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await lock(`${path}.lock`, signal);
        try {
          return await work();
        } finally {
          await rm(`${path}.lock`, { force: true });
        }
      }),
  };
};
