import { CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './class-names.ts';

const tones = {
  info: ['border-line-strong bg-sunken', 'text-text-3', Info],
  success: ['border-success-line bg-success-soft', 'text-success-text', CircleCheck],
  warning: ['border-warning-line bg-warning-soft', 'text-warning-text', TriangleAlert],
  danger: ['border-danger-line bg-danger-soft', 'text-danger-text', TriangleAlert],
} as const;

/** Something to know before acting: a rule, a limit, a result. */
export const Notice = ({
  tone = 'info',
  children,
  action,
}: {
  tone?: keyof typeof tones;
  children: ReactNode;
  action?: ReactNode;
}) => {
  const [plane, ink, Icon] = tones[tone];
  return (
    <div className={cx('flex items-start gap-2.5 rounded-control border px-3 py-2 text-13 text-text-2', plane)}>
      <Icon aria-hidden className={cx('mt-0.5 size-4 shrink-0', ink)} />
      <div className="min-w-0 flex-1">{children}</div>
      {action}
    </div>
  );
};
