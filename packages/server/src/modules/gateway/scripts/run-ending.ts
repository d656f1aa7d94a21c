import type { RunState } from './scripts-rows.ts';

/** How a run ended. */
export interface RunEnding {
  state: Exclude<RunState, 'pending' | 'running'>;
  reason: string | null;
  detail: string | null;
  exit_code: number | null;
}

export const failed = (reason: string, detail: string): RunEnding => ({
  ...{ state: 'failed', reason, detail, exit_code: null },
});

export const cancelled = (detail: string): RunEnding => ({
  ...{ state: 'cancelled', reason: 'cancelled', detail, exit_code: null },
});

export const timedOut = (seconds: number): RunEnding => ({
  ...{ state: 'timeout', reason: 'timeout', exit_code: null },
  detail: `It ran longer than ${seconds} seconds and was ended with everything it had started.`,
});

export const exited = (code: number): RunEnding =>
  code === 0
    ? { state: 'completed', reason: null, detail: null, exit_code: 0 }
    : { state: 'failed', reason: 'exit', detail: `It ended with status ${code}.`, exit_code: code };

export const interrupted = (): RunEnding =>
  failed('interrupted', 'The server went away while it ran. It was not started again.');

/** What ends a run before it ends by itself. */
export type Stop = 'timeout' | 'cancel' | 'shutdown';

export const stopped = (stop: Stop, timeout_s: number): RunEnding => {
  if (stop === 'timeout') return timedOut(timeout_s);
  return stop === 'cancel' ? cancelled('Somebody ended it.') : interrupted();
};

/** What a runner is given. `{script}` of a command is replaced already by the one it knows. */
export interface RunOrder {
  id: string;
  org_id: string;
  /** Base name of the file. */
  name: string;
  path: string;
  bytes: Buffer;
  kind: 'sh' | 'bash' | 'python' | 'program';
  /** Instead of the file itself. */
  command: readonly string[] | null;
  image: string | null;
  variables: Readonly<Record<string, string>>;
  timeout_s: number;
  /** Aborts with a `Stop` as its reason. */
  signal: AbortSignal;
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  /** What the server itself has to say in the output. */
  onNote: (text: string) => void;
}
