import { spawn } from 'node:child_process';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pinServer } from './cores.ts';

const cache = resolve(import.meta.dirname, '../node_modules/.cache/atrium-bench');

export interface Peer {
  url: string;
  pid: number;
  stop: () => void;
}

/** A server of this folder on a core of its own; it says `{"port":n}` once it listens. */
export const startPeer = async (
  file: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): Promise<Peer> => {
  const child = spawn(process.execPath, [...flags, resolve(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As npm start does: stripping types takes a compiler of 30 MB into the process.
    env: { ...process.env, NODE_ENV: 'production', NODE_COMPILE_CACHE: cache },
  });
  pinServer(child.pid!);
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^\{"port":(\d+)\}$/.exec(line)?.[1];
    if (port !== undefined) {
      child.stdout.resume();
      return { url: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => child.kill('SIGKILL') };
    }
  }
  throw new Error(`${file} ended before it listened.`);
};

export const announce = (address: unknown): void => {
  // It is ended by a signal that leaves no time for this.
  flushCompileCache();
  console.log(JSON.stringify({ port: (address as { port: number }).port }));
};
