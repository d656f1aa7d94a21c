import { useNow } from './now.ts';
import { exactTime, relativeTime, shortAge, useTimeZone } from './time-format.ts';
import { Tooltip } from './tooltip.tsx';

/** A time as people say it; the exact one on hover and focus-free in `datetime`. */
export const RelativeTime = ({ time, short, className }: { time: string; short?: boolean; className?: string }) => {
  const now = useNow();
  const zone = useTimeZone();
  const at = Date.parse(time);
  return (
    <Tooltip label={exactTime(at, zone)}>
      <time dateTime={time} className={className}>
        {short ? shortAge(at, now) : relativeTime(at, now)}
        {short && <span className="sr-only"> {at > now ? 'from now' : 'ago'}</span>}
      </time>
    </Tooltip>
  );
};
