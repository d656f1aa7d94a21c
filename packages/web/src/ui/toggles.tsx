import { Check, Minus } from 'lucide-react';
import {
  Checkbox as RadixCheckbox,
  RadioGroup as RadixRadio,
  Slider as RadixSlider,
  Switch as RadixSwitch,
} from 'radix-ui';
import { type ReactNode, useId } from 'react';
import { cx } from './class-names.ts';
import { useFieldWiring } from './form-field.tsx';
import type { Option } from './select.tsx';

interface ToggleProps {
  checked: boolean | 'indeterminate';
  onChange: (checked: boolean) => void;
  label: ReactNode;
  hint?: ReactNode;
  /** Hides the label visually: selection boxes of rows. */
  bare?: boolean;
  disabled?: boolean;
}

export const Checkbox = ({ checked, onChange, label, hint, bare, disabled }: ToggleProps) => {
  const id = useId();
  const box = (
    <RadixCheckbox.Root
      id={id}
      checked={checked}
      disabled={disabled}
      onCheckedChange={(next) => onChange(next === true)}
      {...(bare ? { 'aria-label': String(label) } : {})}
      className="flex size-[18px] shrink-0 items-center justify-center rounded-[5px] border border-control bg-raised text-on-accent transition-colors disabled:opacity-45 data-[state=checked]:border-accent data-[state=checked]:bg-accent data-[state=indeterminate]:border-accent data-[state=indeterminate]:bg-accent"
    >
      <RadixCheckbox.Indicator>
        {checked === 'indeterminate' ? (
          <Minus strokeWidth={3} className="size-3" />
        ) : (
          <Check strokeWidth={3} className="size-3" />
        )}
      </RadixCheckbox.Indicator>
    </RadixCheckbox.Root>
  );
  if (bare) return box;
  return (
    <div className="flex items-start gap-2.5 py-0.5 touch:min-h-11 touch:items-center">
      <span className="flex h-[22px] items-center">{box}</span>
      <Label id={id} label={label} hint={hint} />
    </div>
  );
};

export const Switch = ({ checked, onChange, label, hint, bare, disabled }: ToggleProps & { checked: boolean }) => {
  const id = useId();
  const control = (
    <RadixSwitch.Root
      id={id}
      checked={checked}
      disabled={disabled}
      onCheckedChange={onChange}
      {...(bare ? { 'aria-label': String(label) } : {})}
      className="h-5 w-[34px] shrink-0 rounded-full bg-control p-0.5 transition-colors disabled:opacity-45 data-[state=checked]:bg-accent"
    >
      <RadixSwitch.Thumb className="block size-4 rounded-full bg-raised transition-transform data-[state=checked]:translate-x-[14px] data-[state=checked]:bg-on-accent" />
    </RadixSwitch.Root>
  );
  if (bare) return control;
  return (
    <div className="flex items-start justify-between gap-4 py-0.5 touch:min-h-11 touch:items-center">
      <Label id={id} label={label} hint={hint} />
      <span className="flex h-[22px] items-center">{control}</span>
    </div>
  );
};

const Label = ({ id, label, hint }: { id: string; label: ReactNode; hint?: ReactNode }) => (
  <label htmlFor={id} className="min-w-0 text-14 text-text select-none">
    {label}
    {hint && <span className="block text-13 text-text-3">{hint}</span>}
  </label>
);

interface RadioGroupProps {
  value: string | undefined;
  onChange: (value: string) => void;
  options: readonly Option[];
  label?: string;
  /** `cards` are the large choices of the answer page. */
  look?: 'list' | 'cards';
  disabled?: boolean;
}

export const RadioGroup = ({ value, onChange, options, label, look = 'list', disabled }: RadioGroupProps) => {
  const { id: _field, ...wiring } = useFieldWiring();
  const id = useId();
  return (
    <RadixRadio.Root
      {...wiring}
      aria-label={label}
      value={value ?? ''}
      onValueChange={onChange}
      disabled={disabled}
      className={look === 'cards' ? 'grid gap-2' : 'grid gap-1'}
    >
      {options.map((option, index) => (
        <label
          key={option.value}
          htmlFor={`${id}-${index}`}
          className={cx(
            'flex items-start gap-2.5 text-14 text-text select-none touch:min-h-11 touch:items-center',
            look === 'cards'
              ? 'rounded-card border border-line-strong bg-raised px-3 py-2.5 transition-colors hover:border-control has-data-[state=checked]:border-accent has-data-[state=checked]:bg-accent-soft'
              : 'py-0.5',
          )}
        >
          <span className="flex h-[22px] items-center">
            <RadixRadio.Item
              id={`${id}-${index}`}
              value={option.value}
              disabled={option.disabled}
              className="flex size-[18px] items-center justify-center rounded-full border border-control bg-raised transition-colors disabled:opacity-45 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
            >
              <RadixRadio.Indicator className="size-[7px] rounded-full bg-on-accent" />
            </RadixRadio.Item>
          </span>
          <span className="min-w-0">
            {option.label}
            {option.hint && <span className="block text-13 text-text-3">{option.hint}</span>}
          </span>
        </label>
      ))}
    </RadixRadio.Root>
  );
};

interface SliderProps {
  value: number;
  onChange: (value: number) => void;
  min: number;
  max: number;
  step?: number;
  label: string;
  unit?: string;
  disabled?: boolean;
}

export const Slider = ({ value, onChange, min, max, step = 1, label, unit, disabled }: SliderProps) => {
  const { id: _field, ...wiring } = useFieldWiring();
  return (
    <div className="flex h-9 items-center gap-4 touch:h-11">
      <RadixSlider.Root
        value={[value]}
        onValueChange={([next]) => next !== undefined && onChange(next)}
        min={min}
        max={max}
        step={step}
        disabled={disabled}
        className="relative flex h-5 flex-1 touch-none items-center"
      >
        <RadixSlider.Track className="relative h-1 flex-1 rounded-full bg-line-strong">
          <RadixSlider.Range className="absolute h-full rounded-full bg-accent" />
        </RadixSlider.Track>
        <RadixSlider.Thumb
          {...wiring}
          aria-label={label}
          className="block size-[18px] rounded-full border-2 border-accent bg-raised transition-shadow hover:shadow-[0_0_0_5px_var(--accent-soft)] touch:size-6"
        />
      </RadixSlider.Root>
      <output className="tabular min-w-10 text-right text-14 font-medium">
        {value}
        {unit && <span className="text-text-3"> {unit}</span>}
      </output>
    </div>
  );
};

interface RatingProps {
  value: number | undefined;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  label: string;
}

/** Whole numbers as a row of keys; a number typed while it has focus chooses. */
export const Rating = ({ value, onChange, min = 1, max = 5, label }: RatingProps) => {
  const { id: _field, ...wiring } = useFieldWiring();
  const steps = Array.from({ length: max - min + 1 }, (_, index) => String(min + index));
  return (
    <RadixRadio.Root
      {...wiring}
      aria-label={label}
      orientation="horizontal"
      value={value === undefined ? '' : String(value)}
      onValueChange={(next) => onChange(Number(next))}
      onKeyDown={(event) => steps.includes(event.key) && onChange(Number(event.key))}
      className="flex flex-wrap gap-1.5"
    >
      {steps.map((step) => (
        <RadixRadio.Item
          key={step}
          value={step}
          aria-label={step}
          className="tabular h-9 min-w-9 rounded-control border border-line-strong bg-raised px-2 text-14 font-medium text-text-2 transition-colors hover:border-control hover:text-text data-[state=checked]:border-accent data-[state=checked]:bg-accent data-[state=checked]:text-on-accent touch:size-11"
        >
          {step}
        </RadixRadio.Item>
      ))}
    </RadixRadio.Root>
  );
};
