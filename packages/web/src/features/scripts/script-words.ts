import type { Script, ScriptRun } from '@atrium/protocol';
import { ProblemError } from '../../data/client.ts';
import type { Tone } from '../../ui/badge.tsx';

/** What an event about scripts makes stale. */
export const scriptReads = [
  'scripts.list',
  'scripts.get',
  'scripts.available',
  'script_runs.list',
  'script_runs.get',
  'script_chains.list',
  'script_chain_runs.list',
  'script_schedules.list',
];

export const runStates: Record<ScriptRun['state'], { label: string; tone: Tone }> = {
  pending: { label: 'Waits', tone: 'neutral' },
  running: { label: 'Runs', tone: 'info' },
  completed: { label: 'Completed', tone: 'success' },
  failed: { label: 'Failed', tone: 'danger' },
  timeout: { label: 'Timed out', tone: 'danger' },
  cancelled: { label: 'Cancelled', tone: 'neutral' },
};

export const stateOf = (run: Pick<ScriptRun, 'state' | 'approval' | 'reason'>): { label: string; tone: Tone } => {
  if (run.state === 'pending' && run.approval === 'waiting') return { label: 'Waits for a yes', tone: 'warning' };
  if (run.reason === 'interrupted') return { label: 'Interrupted', tone: 'danger' };
  return runStates[run.state];
};

export const kindWords: Record<Script['kind'], string> = {
  sh: 'Shell',
  bash: 'Bash',
  python: 'Python',
  program: 'Program',
};

export const fileWords: Record<Exclude<Script['file'], 'same'>, string> = {
  changed: 'File changed',
  missing: 'File missing',
  refused: 'File refused',
};

export const isOff = (error: unknown): boolean =>
  error instanceof ProblemError && error.problem.code === 'feature_disabled';

export const isOpen = ({ state }: { state: string }): boolean => state === 'pending' || state === 'running';

export const shortDigest = (digest: string): string => digest.slice(0, 12);
