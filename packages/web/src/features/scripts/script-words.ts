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

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const isNumber = (text: string): boolean => /^\d+$/.test(text);
const clock = (hour: string, minute: string): string => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;

/** A cron line as people say it; the line itself where that would be longer than it. */
export const cronWords = (cron: string): string => {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.trim().split(/\s+/);
  const everyDay = day === '*' && month === '*' && weekday === '*';
  if (everyDay && hour === '*') {
    if (minute === '*') return 'Every minute';
    const step = /^\*\/(\d+)$/.exec(minute)?.[1];
    if (step !== undefined) return `Every ${step} minutes`;
    if (isNumber(minute)) return minute === '0' ? 'Every full hour' : `Every hour at minute ${minute}`;
  }
  const hours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (everyDay && hours !== undefined && isNumber(minute)) return `Every ${hours} hours at minute ${minute}`;
  if (month !== '*' || !isNumber(minute) || !/^\d+(,\d+)*$/.test(hour)) return cron;
  const at = hour
    .split(',')
    .map((one) => clock(one, minute))
    .join(', ');
  if (everyDay) return `Every day at ${at}`;
  if (day === '*' && weekday === '1-5') return `Monday to Friday at ${at}`;
  if (day === '*' && isNumber(weekday)) return `Every ${days[Number(weekday) % 7]} at ${at}`;
  if (weekday === '*' && isNumber(day)) return `On day ${day} of the month at ${at}`;
  return cron;
};
