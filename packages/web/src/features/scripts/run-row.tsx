import type { ScriptRun } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { Badge } from '../../ui/badge.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { duration } from '../../ui/time-format.ts';
import { stateOf } from './script-words.ts';

export const tookOf = ({ started_at, ended_at }: Pick<ScriptRun, 'started_at' | 'ended_at'>): string =>
  started_at === null || ended_at === null ? '' : duration(Date.parse(ended_at) - Date.parse(started_at));

/** One line of a history. */
export const RunRow = ({ run }: { run: ScriptRun }) => {
  const { label, tone } = stateOf(run);
  return (
    <li className="relative flex items-center gap-4 border-b border-line px-4 py-2.5 hover:bg-hover md:px-6">
      <span className="w-32 shrink-0 max-md:w-28">
        <Badge dot tone={tone}>
          {label}
        </Badge>
      </span>
      <span className="min-w-0 flex-1">
        <Link
          to="/scripts/runs/$id"
          params={{ id: run.id }}
          dir="auto"
          className="block truncate rounded-[3px] text-13 font-medium text-text before:absolute before:inset-0 before:content-['']"
        >
          {run.script_name}
          {run.dry_run && <span className="ml-1.5 font-normal text-text-3">dry run</span>}
        </Link>
        <span className="block truncate text-12 text-text-3">
          {run.schedule_id === null ? run.started_by.name : `Schedule of ${run.started_by.name}`}
          {run.detail !== null && ` · ${run.detail}`}
        </span>
      </span>
      <span className="tabular shrink-0 text-right text-12 text-text-3">
        <RelativeTime time={run.created_at} />
        <span className="block">{tookOf(run)}</span>
      </span>
    </li>
  );
};
