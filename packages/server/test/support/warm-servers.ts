import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { type Order, stoppedMark } from './warm-orders.ts';

/** Where the output of the server that runs now goes. */
interface Running {
  output: string;
  /** What ended: the server alone, or its process with it. */
  onEnd: (status: number | null) => void;
}

/** A process in which servers run, one after the other. */
interface Warm {
  child: ChildProcess;
  running: Running | null;
}

const idle: Warm[] = [];

/** One that is free must not keep the tests' own process from its end. */
const keepsUsAlive = ({ child }: Warm, kept: boolean): void => {
  const how = kept ? 'ref' : 'unref';
  child[how]();
  for (const stream of [child.stdout, child.stderr, child.channel]) (stream as Partial<Socket> | null)?.[how]?.();
};

const spawnWarm = (flags: readonly string[], env: Record<string, string>): Warm => {
  const child = spawn(process.execPath, [...flags, resolve(import.meta.dirname, 'warm-server-main.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const warm: Warm = { child, running: null };
  const ended = (status: number | null) => {
    const { running } = warm;
    warm.running = null;
    running?.onEnd(status);
  };
  const hear = (chunk: Buffer) => {
    const { running } = warm;
    if (running === null) return;
    // The mark may come in two pieces.
    const from = Math.max(0, running.output.length - stoppedMark.length);
    running.output += chunk;
    const at = running.output.indexOf(stoppedMark, from);
    if (at === -1) return;
    running.output = running.output.slice(0, at);
    ended(0);
  };
  child.stdout!.on('data', hear);
  child.stderr!.on('data', hear);
  child.once('exit', (status) => {
    const at = idle.indexOf(warm);
    if (at !== -1) idle.splice(at, 1);
    ended(status);
  });
  const endWithUs = () => child.kill('SIGTERM');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  return warm;
};

export interface WarmServer {
  child: ChildProcess;
  output: () => string;
  /** Its exit status, 0 when it was stopped and its process lives on; null when a signal ended it. */
  ended: Promise<number | null>;
  /** Stops the server and keeps its process for the next one. */
  stop: () => Promise<number | null>;
}

/** Starts a server with these settings in a process of this worker that is free, or in a new one. */
export const beginWarmServer = (settings: {
  flags: readonly string[];
  env: Record<string, string>;
  cwd: string;
}): WarmServer => {
  const { flags, env, cwd } = settings;
  const warm = idle.pop() ?? spawnWarm(flags, env);
  const tell = (order: Order) => warm.child.send(order, () => {});
  const { promise, resolve: onEnd } = Promise.withResolvers<number | null>();
  const running: Running = { output: '', onEnd };
  warm.running = running;
  keepsUsAlive(warm, true);
  tell({ kind: 'start', env, cwd });
  const stop = async (): Promise<number | null> => {
    if (warm.running === running) tell({ kind: 'stop' });
    const status = await promise;
    if (warm.child.exitCode === null && warm.child.signalCode === null) {
      keepsUsAlive(warm, false);
      idle.push(warm);
    }
    return status;
  };
  let stopped: Promise<number | null> | undefined;
  return {
    child: warm.child,
    output: () => running.output,
    ended: promise,
    // Twice would stop the next one too.
    stop: () => (stopped ??= stop()),
  };
};
