import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export interface BarePeer {
  url: string;
  pid: number;
  stop: () => void;
}

/** Starts one of the peers beside this file in a process of its own and waits until it says where it listens. */
export const startBarePeer = async (file: string, ...args: string[]): Promise<BarePeer> => {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { port } = JSON.parse(String(line)) as { port: number };
  return { url: `http://127.0.0.1:${port}`, pid: child.pid!, stop: () => void child.kill('SIGKILL') };
};
