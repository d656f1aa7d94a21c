import type { Proposal } from '@atrium/protocol';
import { ShieldAlert } from 'lucide-react';
import { cx } from '../../ui/class-names.ts';

const percent = (value: number): string => `${Math.round(value * 100)} %`;

/** How sure it is that this is a service, as a line with its number. */
export const Confidence = ({ value }: { value: number }) => (
  <span className="flex items-center gap-2">
    <span aria-hidden className="h-1 min-w-0 flex-1 rounded-full bg-active">
      <span
        className={cx('block h-full rounded-full', value >= 0.85 ? 'bg-success' : 'bg-control')}
        style={{ width: percent(value) }}
      />
    </span>
    <span className="tabular w-10 text-right text-12 text-text-2">
      {percent(value)}
      <span className="sr-only"> certain</span>
    </span>
  </span>
);

const severities = {
  critical: 'text-danger-text',
  warning: 'text-warning-text',
  info: 'text-text-3',
} as const;
const order = ['critical', 'warning', 'info'] as const;

/** What to know before opening the door; short, only the gravest one that is more than information. */
export const SecurityNotes = ({ notes, short }: { notes: Proposal['security_notes']; short?: boolean }) => {
  const sorted = notes.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const shown = short ? sorted.filter(({ severity }) => severity !== 'info').slice(0, 1) : sorted;
  if (shown.length === 0) return null;
  return (
    <span className="mt-0.5 flex flex-col gap-1">
      {shown.map(({ severity, note }) => (
        <span key={note} className={cx('flex min-w-0 items-start gap-1.5 text-12', severities[severity])}>
          <ShieldAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span className={cx('min-w-0', short && 'truncate')}>{note}</span>
          {short && sorted.length > 1 && <span className="tabular shrink-0 text-text-3">+{sorted.length - 1}</span>}
        </span>
      ))}
    </span>
  );
};
