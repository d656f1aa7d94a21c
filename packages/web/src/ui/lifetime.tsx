import { cx } from './class-names.ts';
import { lifetimeTone, shareLeft } from './lifetime-share.ts';
import { useNow } from './now.ts';
import { duration } from './time-format.ts';
import { Tooltip } from './tooltip.tsx';

const strokes = { success: 'stroke-success', warning: 'stroke-warning', danger: 'stroke-danger' };
const fills = { success: 'bg-success', warning: 'bg-warning', danger: 'bg-danger' };

interface LifetimeProps {
  from: string;
  until: string;
  /** Past-tense word at zero. */
  ended?: string;
}

/** Time left of a wait as a ring that empties. */
export const CountdownRing = ({ from, until, ended = 'expired', size = 18 }: LifetimeProps & { size?: number }) => {
  const now = useNow('second');
  const end = Date.parse(until);
  const share = shareLeft(Date.parse(from), end, now);
  const text = share > 0 ? `${duration(end - now)} left` : ended;
  return (
    <Tooltip label={text}>
      <svg role="img" aria-label={text} viewBox="0 0 20 20" width={size} height={size} className="shrink-0 -rotate-90">
        <circle cx="10" cy="10" r="8" fill="none" strokeWidth="2.5" className="stroke-line-strong" />
        <circle
          cx="10"
          cy="10"
          r="8"
          fill="none"
          strokeWidth="2.5"
          pathLength="100"
          strokeDasharray={`${share * 100} 100`}
          className={cx('transition-[stroke-dasharray] duration-1000 ease-linear', strokes[lifetimeTone(share)])}
        />
      </svg>
    </Tooltip>
  );
};

/** Time left of a credential or a lease as a bar with its words. */
export const TtlBar = ({ from, until, ended = 'expired' }: LifetimeProps) => {
  const now = useNow('second');
  const end = Date.parse(until);
  const share = shareLeft(Date.parse(from), end, now);
  return (
    <span className="inline-flex items-center gap-2">
      <span aria-hidden className="h-1 w-16 overflow-hidden rounded-full bg-line-strong">
        <span
          className={cx('block h-full rounded-full', fills[lifetimeTone(share)])}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span className="tabular text-12 text-text-2">{share > 0 ? `${duration(end - now)} left` : ended}</span>
    </span>
  );
};
