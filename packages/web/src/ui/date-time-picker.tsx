import { CalendarClock } from 'lucide-react';
import { cx } from './class-names.ts';
import { useFieldWiring } from './form-field.tsx';
import { fromLocalInput, moments, toLocalInput } from './local-time.ts';
import { relativeTime } from './time-format.ts';

interface DateTimePickerProps {
  value: string | null;
  onChange: (value: string | null) => void;
  min?: string;
  /** Offers moments such as "Tomorrow 09:00": for snoozing and deadlines. */
  quick?: boolean;
  label?: string;
}

/** Date and time by the browser's own control, which every keyboard and phone already knows. */
export const DateTimePicker = ({ value, onChange, min, quick, label }: DateTimePickerProps) => (
  <div className="flex flex-col gap-2">
    <span className="relative block">
      <CalendarClock
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-text-3"
      />
      <input
        {...useFieldWiring()}
        aria-label={label}
        type="datetime-local"
        value={value ? toLocalInput(value) : ''}
        min={min ? toLocalInput(min) : undefined}
        onChange={(event) => onChange(fromLocalInput(event.target.value))}
        className="field tabular pl-9"
      />
    </span>
    {quick && (
      <div className="flex flex-wrap gap-1.5">
        {moments(new Date()).map((moment) => (
          <button
            key={moment.label}
            type="button"
            aria-pressed={moment.time === value}
            onClick={() => onChange(moment.time)}
            className={cx(
              'h-7 rounded-full border px-2.5 text-13 transition-colors touch:h-10 touch:px-3.5',
              moment.time === value
                ? 'border-accent-line bg-accent-soft text-text'
                : 'border-line-strong text-text-2 hover:border-control hover:text-text',
            )}
          >
            {moment.label}
          </button>
        ))}
      </div>
    )}
    {value && <p className="text-13 text-text-3">{relativeTime(Date.parse(value), Date.now())}</p>}
  </div>
);
