import type { ScriptParameter, ScriptValues } from '@atrium/protocol';
import type { FormErrors } from '../../data/form-errors.ts';
import { FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/toggles.tsx';

export type Draft = Record<string, string | boolean>;

export const draftOf = (parameters: readonly ScriptParameter[], values: ScriptValues = {}): Draft =>
  Object.fromEntries(
    parameters.map(({ name, type, default: standard }) => {
      const value = values[name] ?? standard ?? (type === 'boolean' ? false : '');
      return [name, typeof value === 'number' ? String(value) : value];
    }),
  );

/** What is sent: fields that were left empty are left out. */
export const valuesOf = (parameters: readonly ScriptParameter[], draft: Draft): ScriptValues =>
  Object.fromEntries(
    parameters.flatMap(({ name, type }): [string, string | number | boolean][] => {
      const value = draft[name];
      if (value === undefined || value === '') return [];
      return [[name, type === 'number' ? Number(value) : value]];
    }),
  );

export const fieldPaths = (parameters: readonly ScriptParameter[], below = 'parameters'): string[] =>
  parameters.map(({ name }) => `${below}.${name}`);

const hintOf = ({ description, type, min, max }: ScriptParameter): string | undefined => {
  if (description !== '') return description;
  if (type !== 'number' || (min === null && max === null)) return undefined;
  if (min !== null && max !== null) return `${min} to ${max}`;
  return min === null ? `At most ${max}` : `At least ${min}`;
};

/** A field for each parameter of a script, as its type wants it. */
export const ValuesFields = ({
  parameters,
  draft,
  onChange,
  errors,
  below = 'parameters',
}: {
  parameters: readonly ScriptParameter[];
  draft: Draft;
  onChange: (draft: Draft) => void;
  errors?: FormErrors;
  below?: string;
}) => (
  <>
    {parameters.map((parameter) => {
      const { name, type, required, options } = parameter;
      const label = parameter.label || name;
      const value = draft[name] ?? '';
      const set = (next: string | boolean) => onChange({ ...draft, [name]: next });
      const error = errors?.of(`${below}.${name}`);
      const hint = hintOf(parameter);
      if (type === 'boolean')
        return (
          <Switch
            key={name}
            checked={value === true}
            onChange={(next) => set(next === true)}
            label={label}
            {...(hint === undefined ? {} : { hint })}
          />
        );
      const text = String(value);
      const shared = {
        name,
        value: text,
        required,
        onChange: (event: { target: { value: string } }) => set(event.target.value),
      };
      return (
        <FormField key={name} label={label} required={required} hint={hint} error={error}>
          {type === 'select' ? (
            <Select
              value={text}
              onChange={set}
              options={options.map((option) => ({ value: option.value, label: option.label || option.value }))}
            />
          ) : type === 'password' ? (
            <PasswordInput {...shared} autoComplete="off" />
          ) : type === 'number' ? (
            <Input {...shared} inputMode="decimal" className="tabular" />
          ) : text.includes('\n') ? (
            <Textarea {...shared} dir="auto" />
          ) : (
            <Input {...shared} dir="auto" autoComplete="off" />
          )}
        </FormField>
      );
    })}
  </>
);
