import { Badge } from '../../ui/badge.tsx';
import { type Health, healthWords, milliseconds } from './gateway-words.ts';

/** How an app, a route or a target is, and how fast it answered the last check. */
export const HealthMark = ({ status, latency }: { status: Health; latency?: number | null }) => {
  const { label, tone } = healthWords[status];
  return (
    <Badge dot tone={tone} className="whitespace-nowrap">
      {/* A number says that it is well; the word is for everything else. */}
      {status === 'healthy' && latency != null ? (
        <>
          <span className="sr-only">{label}, </span>
          <span className="tabular">{milliseconds(latency)}</span>
        </>
      ) : (
        label
      )}
    </Badge>
  );
};
