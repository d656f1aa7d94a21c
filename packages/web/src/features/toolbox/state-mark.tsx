import type { ToolboxDeployment } from '@atrium/protocol';
import { Badge } from '../../ui/badge.tsx';
import { isUnderWay, stateWords } from './toolbox-words.ts';

/** The state in a word, with how far a pull is. */
export const StateMark = ({ deployment }: { deployment: Pick<ToolboxDeployment, 'state' | 'progress'> }) => {
  const { label, tone } = stateWords[deployment.state];
  const percent = isUnderWay(deployment.state) ? deployment.progress?.percent : null;
  return (
    <Badge dot tone={tone} className="tabular whitespace-nowrap">
      {label}
      {typeof percent === 'number' && ` ${percent} %`}
    </Badge>
  );
};

/** A thin bar; empty while nobody knows how much there is. */
export const ProgressBar = ({ percent, label }: { percent: number | null; label: string }) => (
  <span
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    {...(percent === null ? {} : { 'aria-valuenow': percent })}
    className="block h-1 overflow-hidden rounded-full bg-active"
  >
    <span className="block h-full rounded-full bg-accent transition-[width]" style={{ width: `${percent ?? 0}%` }} />
  </span>
);
