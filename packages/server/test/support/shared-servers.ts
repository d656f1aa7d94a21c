import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { scratchRoot } from './scratch.ts';
import { type RunningServer, removeDataDir } from './start-server.ts';

/** Names the directory in which workers write which servers they leave to the end of the run. */
const variable = 'ATRIUM_TEST_SHARED';

/** Leaves a server to the end of the run: no file of its worker knows whether it is the last one. */
export const willBeStopped = ({ pid, dataDir }: RunningServer): void => {
  const directory = process.env[variable];
  if (directory === undefined) throw new Error(`nobody would stop a shared server: ${variable} is not set`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, String(pid)), dataDir);
};

const ended = async (pid: number): Promise<void> => {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      process.kill(pid, tries === 0 ? 'SIGTERM' : 0);
    } catch {
      return;
    }
    await pause(50);
  }
  process.kill(pid, 'SIGKILL');
};

/** Begins to keep the list. Returns what stops all that stand in it and removes their data. */
export const keepSharedServers = (): (() => Promise<void>) => {
  const directory = mkdtempSync(join(scratchRoot, 'atrium-test-shared-'));
  process.env[variable] = directory;
  return async () => {
    for (const pid of readdirSync(directory)) {
      await ended(Number(pid));
      removeDataDir(readFileSync(join(directory, pid), 'utf8'));
    }
    rmSync(directory, { recursive: true, force: true });
  };
};
