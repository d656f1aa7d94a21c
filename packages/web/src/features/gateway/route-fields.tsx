import { type ComponentProps, type ReactNode, useState } from 'react';
import { FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { linesOf } from './route-draft.ts';

/* Controls whose value is not a text, kept as one types it until it says something else. */

interface LinesProps {
  label: ReactNode;
  value: readonly string[];
  onChange: (value: string[]) => void;
  hint?: ReactNode;
  error?: ReactNode;
  placeholder?: string;
  name: string;
  rows?: number;
}

/** A list, one a line. */
export const LinesField = ({ label, value, onChange, hint, error, placeholder, name, rows = 1 }: LinesProps) => {
  const [text, setText] = useState(value.join('\n'));
  // A value from elsewhere (reverted, or changed by somebody) replaces the text; what one typed oneself does not.
  const own = value.join('\n');
  if (linesOf(text).join('\n') !== linesOf(own).join('\n')) setText(own);
  return (
    <FormField label={label} hint={hint} error={error}>
      <Textarea
        name={name}
        rows={rows}
        spellCheck={false}
        autoCapitalize="off"
        className="font-mono text-13"
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onChange(linesOf(event.target.value));
        }}
      />
    </FormField>
  );
};

interface NumberProps extends Omit<ComponentProps<typeof Input>, 'value' | 'onChange' | 'type' | 'trailing'> {
  label: ReactNode;
  /** Undefined while the default counts. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  unit?: string;
  /** What one typed unit is of the value: 1000 for seconds of milliseconds. */
  times?: number;
  hint?: ReactNode;
  error?: ReactNode;
}

/** A number with its unit; empty where it may be left to the default. */
export const NumberField = ({ label, value, onChange, unit, times = 1, hint, error, ...rest }: NumberProps) => {
  const shown = value === undefined ? '' : String(value / times);
  const [text, setText] = useState(shown);
  const read = (from: string): number | undefined =>
    from.trim() === '' || Number.isNaN(Number(from)) ? undefined : Math.round(Number(from) * times);
  // A field that must be filled may be empty while one types; what counted before counts until it is not.
  const between = rest.required === true && text === '';
  if (read(text) !== value && !between) setText(shown);
  return (
    <FormField label={label} hint={hint} error={error}>
      <Input
        type="number"
        inputMode="decimal"
        step="any"
        min={0}
        className="tabular"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (!rest.required || event.target.value !== '') onChange(read(event.target.value));
        }}
        onBlur={() => between && setText(shown)}
        {...(unit ? { trailing: <span className="pointer-events-none pr-2.5 text-13 text-text-3">{unit}</span> } : {})}
        {...rest}
      />
    </FormField>
  );
};

/** Switches that belong together, parted by hairlines instead of boxes. */
export const SwitchGroup = ({ children }: { children: ReactNode }) => (
  <div className="flex flex-col gap-3 rounded-card border border-line px-4 py-3.5">{children}</div>
);
