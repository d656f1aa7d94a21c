import { cx } from './class-names.ts';

export type Level = 'info' | 'success' | 'warning' | 'error';

const colours: Record<Level, string> = {
  info: 'bg-info',
  success: 'bg-success',
  warning: 'bg-warning',
  error: 'bg-danger',
};

/** The 3 px bar at the left edge of a row. Its parent is positioned; the level is also said to screen readers. */
export const LevelBar = ({ level, muted }: { level: Level; muted?: boolean }) => (
  <span className={cx('absolute inset-y-1.5 left-0 w-[3px] rounded-full', colours[level], muted && 'opacity-35')}>
    <span className="sr-only">{level}</span>
  </span>
);
