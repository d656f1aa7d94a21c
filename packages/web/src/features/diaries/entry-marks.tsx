import type { DiaryVisibility, EntryStatus, EntryType } from '@atrium/protocol';
import {
  CalendarClock,
  EyeOff,
  Fingerprint,
  Globe,
  Hourglass,
  Lightbulb,
  ListChecks,
  Lock,
  type LucideIcon,
  Network,
  ShieldCheck,
  Sparkle,
  SquareLibrary,
  TriangleAlert,
} from 'lucide-react';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/class-names.ts';
import { useNow } from '../../ui/now.ts';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { Tooltip } from '../../ui/tooltip.tsx';
import {
  shortDay,
  statusWords,
  timesOf,
  typeHints,
  typeWords,
  visibilityHints,
  visibilityWords,
} from './diary-words.ts';

export const typeIcons: Record<EntryType, LucideIcon> = {
  semantic: SquareLibrary,
  episodic: CalendarClock,
  procedural: ListChecks,
  reflection: Lightbulb,
  identity: Fingerprint,
  soul: Sparkle,
};

export const visibilityIcons: Record<DiaryVisibility, LucideIcon> = { private: Lock, network: Network, public: Globe };

export const Visibility = ({ visibility }: { visibility: DiaryVisibility }) => {
  const Icon = visibilityIcons[visibility];
  return (
    <Tooltip label={visibilityHints[visibility]}>
      <span className="inline-flex items-center gap-1.5 text-13 text-text-2">
        <Icon aria-hidden strokeWidth={1.75} className="size-3.5 text-text-3" />
        <span className="max-sm:sr-only">{visibilityWords[visibility]}</span>
      </span>
    </Tooltip>
  );
};

export const TypeMark = ({ type }: { type: EntryType }) => {
  const Icon = typeIcons[type];
  return (
    <span title={typeHints[type]} className="inline-flex shrink-0 items-center gap-1 text-12 text-text-2">
      <Icon aria-hidden strokeWidth={1.75} className="size-3.5 text-text-3" />
      {typeWords[type]}
    </span>
  );
};

/** Importance of 1 to 10 as a short bar with its number. */
export const Importance = ({ value }: { value: number }) => (
  <span
    title={`Importance ${value} of 10`}
    className="tabular inline-flex shrink-0 items-center gap-1.5 text-12 text-text-3"
  >
    <span aria-hidden className="h-[3px] w-6 overflow-hidden rounded-full bg-line-strong">
      <span className="block h-full bg-control" style={{ width: `${value * 10}%` }} />
    </span>
    <span className="sr-only">Importance </span>
    {value}
  </span>
);

/** Those that fit on one line, or all. */
export const Tags = ({ tags, whole }: { tags: readonly string[]; whole?: boolean }) =>
  tags.length === 0 ? null : (
    <span className={cx('flex min-w-0 flex-wrap gap-1', !whole && 'max-h-5 overflow-hidden')}>
      {tags.map((tag) => (
        <span
          key={tag}
          dir="auto"
          className="max-w-[min(160px,100%)] shrink-0 truncate rounded-[5px] border border-line px-1.5 text-12 leading-[18px] text-text-2"
        >
          {tag}
        </span>
      ))}
    </span>
  );

export const RiskBadge = () => (
  <Tooltip label="Reads like orders to a model: take it as data">
    <span className="inline-flex h-5 shrink-0 items-center gap-1 rounded-[5px] bg-warning-soft px-1.5 text-12 font-medium text-warning-text">
      <TriangleAlert aria-hidden className="size-3" />
      Risk
    </span>
  </Tooltip>
);

const statusTones = { quarantined: 'danger', archived: 'neutral', dead_end: 'warning' } as const;

/** What became of an entry, where that is anything. */
export const StatusBadge = ({ status }: { status: EntryStatus }) =>
  status === 'active' ? null : (
    <Badge tone={statusTones[status]} className="shrink-0">
      {statusWords[status]}
    </Badge>
  );

type Timed = Parameters<typeof timesOf>[0];

/** When an entry holds or ends, where it says so: all of it, or in a row what matters most. */
export const TimeMark = ({ entry, whole }: { entry: Timed; whole?: boolean }) => {
  const now = useNow();
  const zone = useTimeZone();
  return timesOf(entry, now)
    .slice(0, whole ? 3 : 1)
    .map(({ label, time, past }) => (
      <Tooltip key={label} label={exactTime(time, zone)}>
        <span
          className={cx(
            'inline-flex shrink-0 items-center gap-1 text-12 whitespace-nowrap',
            past ? 'text-warning-text' : 'text-text-2',
          )}
        >
          <Hourglass aria-hidden strokeWidth={1.75} className="size-3.5 text-text-3" />
          {label} {shortDay(time, now, zone)}
        </span>
      </Tooltip>
    ));
};

export const HiddenBadge = () => (
  <Tooltip label="A moderator took it out of the public">
    <span className="inline-flex h-5 shrink-0 items-center gap-1 rounded-[5px] bg-warning-soft px-1.5 text-12 font-medium text-warning-text">
      <EyeOff aria-hidden className="size-3" />
      Hidden
    </span>
  </Tooltip>
);

export const SignedMark = ({ seq }: { seq?: number }) => (
  <span className="inline-flex shrink-0 items-center gap-1 text-12 text-text-2">
    <ShieldCheck aria-hidden strokeWidth={1.75} className="size-3.5 text-success-text" />
    Signed
    {seq !== undefined && <span className="-ml-1 max-sm:sr-only">, number {seq}</span>}
  </span>
);
