// biome-ignore-all lint/a11y/useSemanticElements: a button keeps the label and the press in one element.
import { type FieldOf, fieldDefaults } from '@atrium/protocol';
import { Check, X } from 'lucide-react';
import { cx } from '../../ui/class-names.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { useFieldWiring } from '../../ui/form-field.tsx';
import { Select } from '../../ui/select.tsx';
import { Checkbox, RadioGroup } from '../../ui/toggles.tsx';
import { labelOf } from './form-values.ts';

interface ControlProps {
  value: unknown;
  onChange: (value: unknown) => void;
}

const searchable = 12;
const none = 'none';

/**
 * One of the options. The controls know them by position: an option may be the empty string, which they keep for "nothing
 * chosen".
 */
export const ChoiceField = ({
  field,
  value,
  onChange,
}: ControlProps & { field: FieldOf<'select'> | FieldOf<'radio'> }) => {
  const chosen = field.options.findIndex((option) => option.value === value);
  const options = field.options.map((option, index) => ({
    value: String(index),
    label: option.label ?? option.value,
  }));
  const choose = (position: string) => onChange(position === none ? undefined : field.options[Number(position)]?.value);
  const current = chosen < 0 ? undefined : String(chosen);
  if (field.type === 'radio')
    return <RadioGroup label={labelOf(field)} look="cards" options={options} value={current} onChange={choose} />;
  const clearable = field.required !== true && current !== undefined;
  const offered = clearable ? [{ value: none, label: 'No choice' }, ...options] : options;
  return options.length > searchable ? (
    <Combobox
      label={labelOf(field)}
      options={offered}
      value={current === undefined ? [] : [current]}
      onChange={([position]) => choose(position ?? none)}
    />
  ) : (
    <Select options={offered} value={current} onChange={choose} />
  );
};

export const MultiChoiceField = ({ field, value, onChange }: ControlProps & { field: FieldOf<'multiselect'> }) => {
  const wiring = useFieldWiring();
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  if (field.options.length > searchable)
    return (
      <Combobox
        multiple
        label={labelOf(field)}
        options={field.options.map((option) => ({ value: option.value, label: option.label ?? option.value }))}
        value={chosen}
        onChange={onChange}
      />
    );
  return (
    <div className="flex flex-col gap-0.5" data-invalid={wiring['aria-invalid'] ? '' : undefined}>
      {field.options.map((option) => (
        <Checkbox
          key={option.value}
          label={option.label ?? option.value}
          checked={chosen.includes(option.value)}
          onChange={(on) =>
            // In the order of the options, so that the same choice is the same answer.
            onChange(
              field.options.flatMap((other) =>
                (other.value === option.value ? on : chosen.includes(other.value)) ? [other.value] : [],
              ),
            )
          }
        />
      ))}
    </div>
  );
};

/** Two large exclusive answers; pressing the chosen one again takes it back. */
export const YesNoField = ({ field, value, onChange }: ControlProps & { field: FieldOf<'yesno'> }) => (
  <TwoChoices
    label={labelOf(field)}
    yes={field.yes_label ?? fieldDefaults.yes_label}
    no={field.no_label ?? fieldDefaults.no_label}
    value={typeof value === 'boolean' ? value : undefined}
    onChange={onChange}
  />
);

export const TwoChoices = ({
  label,
  yes,
  no,
  value,
  onChange,
}: {
  label: string;
  yes: string;
  no: string;
  value: boolean | undefined;
  onChange: (value: boolean | undefined) => void;
}) => {
  const wiring = useFieldWiring();
  const entry = (answer: boolean, text: string) => {
    const on = value === answer;
    const Icon = answer ? Check : X;
    return (
      <button
        type="button"
        aria-pressed={on}
        onClick={() => onChange(on ? undefined : answer)}
        className={cx(
          'flex h-10 min-w-0 flex-1 items-center justify-center gap-2 rounded-control border px-4 text-14 font-medium transition-colors touch:h-12',
          on
            ? 'border-accent bg-accent-soft text-text'
            : 'border-line-strong bg-raised text-text-2 hover:border-control hover:text-text',
        )}
      >
        <Icon aria-hidden className={cx('size-4 shrink-0', on ? 'text-accent-text' : 'text-text-3')} />
        <span className="truncate">{text}</span>
      </button>
    );
  };
  return (
    <div
      role="group"
      aria-label={label}
      aria-describedby={wiring['aria-describedby']}
      data-invalid={wiring['aria-invalid'] ? '' : undefined}
      className="flex max-w-96 gap-2"
    >
      {entry(true, yes)}
      {entry(false, no)}
    </div>
  );
};

/** Free text with suggestions. */
export const IssueField = ({ field, value, onChange }: ControlProps & { field: FieldOf<'issuepicker'> }) => {
  const text = typeof value === 'string' ? value : '';
  const known = field.suggestions ?? [];
  const options = [...new Set(text && !known.includes(text) ? [text, ...known] : known)];
  return (
    <Combobox
      label={labelOf(field)}
      allowNew
      placeholder={field.placeholder ?? 'Choose or type an issue'}
      searchPlaceholder="Search or type"
      empty="Type an issue to use it."
      options={options.map((entry) => ({ value: entry, label: entry }))}
      value={text ? [text] : []}
      onChange={([next]) => onChange(next === text ? undefined : next)}
    />
  );
};
