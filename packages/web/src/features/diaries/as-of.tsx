import { History } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { DateTimePicker } from '../../ui/date-time-picker.tsx';
import { Popover } from '../../ui/popover.tsx';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';

const ago = [
  { label: 'A day ago', days: 1 },
  { label: 'A week ago', days: 7 },
  { label: 'A month ago', days: 30 },
];

/** Takes the page back to what was current at some time. */
export const AsOfChip = ({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) => {
  const [open, setOpen] = useState(false);
  const choose = (time: string | undefined) => {
    onChange(time);
    setOpen(false);
  };
  return (
    <Popover
      label="As it was at a time"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          className={cx(
            'inline-flex h-7 shrink-0 items-center gap-1 rounded-full border px-2.5 text-13 whitespace-nowrap transition-colors touch:h-9 touch:px-3.5',
            value
              ? 'border-accent-line bg-accent-soft font-medium text-text'
              : 'border-line-strong text-text-2 hover:border-control hover:text-text',
          )}
        >
          <History aria-hidden className="size-3.5 text-text-3" />
          As of
        </button>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-13 text-pretty text-text-2">
          What was current then: nothing that came later, and what was replaced later in its place.
        </p>
        <DateTimePicker label="As of" value={value ?? null} onChange={(time) => onChange(time ?? undefined)} />
        <div className="flex flex-wrap gap-1.5">
          {ago.map(({ label, days }) => (
            <Button
              key={label}
              size="small"
              onClick={() => choose(new Date(Date.now() - days * 86_400_000).toISOString())}
            >
              {label}
            </Button>
          ))}
          {value && (
            <Button size="small" tone="ghost" onClick={() => choose(undefined)}>
              Now
            </Button>
          )}
        </div>
      </div>
    </Popover>
  );
};

/** Says above the entries that they are those of another time. */
export const AsOfNote = ({ value, onNow }: { value: string | undefined; onNow: () => void }) => {
  const zone = useTimeZone();
  if (!value) return null;
  return (
    <div
      role="status"
      className="flex items-center gap-3 border-b border-accent-line bg-accent-soft px-4 py-1.5 text-13 text-text md:px-6"
    >
      <History aria-hidden className="size-4 shrink-0" />
      <span className="min-w-0 flex-1">
        What was current on <span className="tabular font-medium">{exactTime(Date.parse(value), zone)}</span>, each
        entry as it reads today.
      </span>
      <Button size="small" onClick={onNow}>
        Back to now
      </Button>
    </div>
  );
};
