import type { Container, ContainerStats } from '@atrium/protocol';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/class-names.ts';
import { memory, memoryShare, percent, toneOf, wordOf } from './container-words.ts';

export const StateMark = ({ container }: { container: Pick<Container, 'state' | 'health'> }) => (
  <Badge dot tone={toneOf(container)}>
    {wordOf(container)}
  </Badge>
);

/** How much of something is used: the bar says it at a glance, the number exactly. */
const Meter = ({ share, text, label }: { share: number | null; text: string; label: string }) => (
  <span className="flex min-w-0 items-center gap-2">
    <span aria-hidden className="h-1.5 w-14 shrink-0 overflow-hidden rounded-full bg-active">
      <span
        className={cx(
          'block h-full rounded-full transition-[width] duration-500 motion-reduce:transition-none',
          share !== null && share > 0.9 ? 'bg-danger' : share !== null && share > 0.7 ? 'bg-warning' : 'bg-accent',
        )}
        style={{ width: `${Math.round((share ?? 0) * 100)}%` }}
      />
    </span>
    <span className="tabular truncate text-13 text-text-2">
      <span className="sr-only">{label} </span>
      {text}
    </span>
  </span>
);

export const CpuMeter = ({ stats }: { stats: ContainerStats | undefined }) =>
  stats === undefined || stats.cpu_percent === null ? (
    <span className="text-text-3">–</span>
  ) : (
    <Meter label="Processor" share={Math.min(1, stats.cpu_percent / 100)} text={percent(stats.cpu_percent)} />
  );

export const MemoryMeter = ({ stats }: { stats: ContainerStats | undefined }) =>
  stats === undefined || stats.memory_bytes === null ? (
    <span className="text-text-3">–</span>
  ) : (
    <Meter label="Memory" share={memoryShare(stats)} text={memory(stats.memory_bytes)} />
  );
