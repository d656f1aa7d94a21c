import type { FieldOf } from '@atrium/protocol';
import { useEffect, useState } from 'react';
import { Input } from '../../ui/input.tsx';
import { relativeTime, useTimeZone } from '../../ui/time-format.ts';
import { fromZonedInput, toZonedInput, zoneName } from './zoned-time.ts';

interface ControlProps {
  value: unknown;
  onChange: (value: unknown) => void;
}

/** Keeps what is typed: "-" and "1e" are on their way to a number. What is none is sent as text and refused by name. */
export const NumberField = ({ field, value, onChange }: ControlProps & { field: FieldOf<'number'> }) => {
  const [text, setText] = useState(value === undefined || value === null ? '' : String(value));
  useEffect(() => {
    setText((current) =>
      current.trim() === ''
        ? value === undefined
          ? ''
          : String(value)
        : numberOf(current) === value
          ? current
          : String(value ?? ''),
    );
  }, [value]);
  return (
    <Input
      inputMode={field.integer ? 'numeric' : 'decimal'}
      autoComplete="off"
      className="tabular max-w-60"
      value={text}
      placeholder={rangeOf(field)}
      onChange={(event) => {
        setText(event.target.value);
        onChange(numberOf(event.target.value));
      }}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
        if (step === 0) return;
        event.preventDefault();
        const from = typeof value === 'number' ? value + step : (field.min ?? 0);
        onChange(Math.min(field.max ?? from, Math.max(field.min ?? from, from)));
      }}
    />
  );
};

const numberOf = (text: string): number | string | undefined => {
  const bare = text.trim().replace(',', '.');
  if (bare === '') return undefined;
  const number = Number(bare);
  return Number.isFinite(number) ? number : text;
};

const rangeOf = ({ min, max }: FieldOf<'number'>): string | undefined =>
  min !== undefined && max !== undefined
    ? `${min} to ${max}`
    : min !== undefined
      ? `${min} or more`
      : max !== undefined
        ? `${max} or less`
        : undefined;

/** Day, time of day or both by the browser's own control. Moments are entered in the zone that all of Atrium shows. */
export const CalendarField = ({ type, value, onChange }: ControlProps & { type: 'datetime' | 'date' | 'time' }) => {
  const zone = useTimeZone();
  const text = typeof value === 'string' ? value : '';
  if (type !== 'datetime')
    return (
      <Input
        type={type}
        value={text}
        className="tabular max-w-60"
        onChange={(event) => onChange(event.target.value || undefined)}
      />
    );
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Input
        type="datetime-local"
        value={text ? toZonedInput(text, zone) : ''}
        className="tabular max-w-60"
        onChange={(event) => onChange(fromZonedInput(event.target.value, zone) ?? undefined)}
      />
      <span className="text-13 text-text-3">
        {zoneName(zone)}
        {text && !Number.isNaN(Date.parse(text)) && ` · ${relativeTime(Date.parse(text), Date.now())}`}
      </span>
    </div>
  );
};
