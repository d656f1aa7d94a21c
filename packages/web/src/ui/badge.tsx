import type { ReactNode } from 'react';
import { cx } from './class-names.ts';

export type Tone = 'neutral' | 'accent' | 'info' | 'success' | 'warning' | 'danger';

const tones: Record<Tone, string> = {
  neutral: 'bg-active text-text-2',
  accent: 'bg-accent-soft text-accent-text',
  info: 'bg-info-soft text-info-text',
  success: 'bg-success-soft text-success-text',
  warning: 'bg-warning-soft text-warning-text',
  danger: 'bg-danger-soft text-danger-text',
};

/** A word about a state. `dot` puts the tone into a dot and leaves the word quiet. */
export const Badge = ({
  tone = 'neutral',
  dot,
  children,
  className,
}: {
  tone?: Tone;
  dot?: boolean;
  children: ReactNode;
  className?: string;
}) =>
  dot ? (
    <span className={cx('inline-flex items-center gap-1.5 text-12 text-text-2', className)}>
      <Dot tone={tone} />
      {children}
    </span>
  ) : (
    <span
      className={cx(
        'inline-flex h-5 items-center rounded-[5px] px-1.5 text-12 font-medium whitespace-nowrap',
        tones[tone],
        className,
      )}
    >
      {children}
    </span>
  );

const dots: Record<Tone, string> = {
  neutral: 'bg-control',
  accent: 'bg-accent',
  info: 'bg-info',
  success: 'bg-success',
  warning: 'bg-warning',
  danger: 'bg-danger',
};

export const Dot = ({ tone = 'neutral', className }: { tone?: Tone; className?: string }) => (
  <span aria-hidden className={cx('inline-block size-2 shrink-0 rounded-full', dots[tone], className)} />
);

/** A number beside a name in the rail or on a tab; nothing at zero. */
export const Count = ({
  value,
  tone = 'neutral',
  label,
}: {
  value: number;
  tone?: 'neutral' | 'accent';
  label?: string;
}) =>
  value > 0 ? (
    <span
      className={cx(
        'tabular inline-flex h-[18px] min-w-[18px] items-center justify-center rounded-full px-1.5 text-11 font-semibold',
        tone === 'accent' ? 'bg-accent text-on-accent' : 'bg-active text-text-2',
      )}
    >
      {value > 999 ? '999+' : value}
      {label && <span className="sr-only"> {label}</span>}
    </span>
  ) : null;
