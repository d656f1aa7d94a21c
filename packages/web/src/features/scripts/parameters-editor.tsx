import { type ScriptParameter, scriptParameter, scriptParameterTypes } from '@atrium/protocol';
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react';
import type { FormErrors } from '../../data/form-errors.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/toggles.tsx';

const typeWords: Record<ScriptParameter['type'], string> = {
  text: 'Text',
  password: 'Password',
  number: 'Number',
  boolean: 'Yes or no',
  select: 'One of a list',
};
const types = scriptParameterTypes.map((value) => ({ value, label: typeWords[value] }));
const numberOrNull = (text: string): number | null =>
  text.trim() === '' || Number.isNaN(Number(text)) ? null : Number(text);

export const moved = <T,>(list: readonly T[], from: number, to: number): T[] => {
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
};

/** What a script asks for: each becomes a field of the form and an environment variable. */
export const ParametersEditor = ({
  parameters,
  onChange,
  errors,
}: {
  parameters: readonly ScriptParameter[];
  onChange: (parameters: ScriptParameter[]) => void;
  errors: FormErrors;
}) => {
  const set = (at: number, change: Partial<ScriptParameter>) =>
    onChange(parameters.map((one, index) => (index === at ? { ...one, ...change } : one)));
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1.5 text-13 font-medium">Parameters</legend>
      {parameters.map((parameter, index) => {
        const place = parameter.name || `parameter ${index + 1}`;
        const error = errors.of(`parameters.${index}`);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter has no identity but its place while it is written.
          <div key={index} className="flex flex-col gap-3 rounded-card border border-line p-3">
            <div className="grid gap-3 sm:grid-cols-[1fr_1fr_150px]">
              <FormField label="Variable" error={error}>
                <Input
                  required
                  maxLength={64}
                  pattern="[A-Za-z_][A-Za-z0-9_]*"
                  spellCheck={false}
                  className="font-mono text-13"
                  placeholder="TARGET"
                  value={parameter.name}
                  onChange={(event) => set(index, { name: event.target.value })}
                />
              </FormField>
              <FormField label="Label" required={false}>
                <Input
                  dir="auto"
                  maxLength={100}
                  value={parameter.label}
                  onChange={(event) => set(index, { label: event.target.value })}
                />
              </FormField>
              <FormField label="Kind">
                <Select
                  value={parameter.type}
                  onChange={(type) => set(index, { type: type as ScriptParameter['type'], default: null })}
                  options={types}
                />
              </FormField>
            </div>
            {parameter.type === 'select' && (
              <FormField label="Choices" hint="With commas between">
                <Input
                  value={parameter.options.map(({ value }) => value).join(',')}
                  onChange={(event) =>
                    set(index, { options: event.target.value.split(',').map((value) => ({ value, label: '' })) })
                  }
                />
              </FormField>
            )}
            {parameter.type !== 'boolean' && parameter.type !== 'select' && (
              <div className="grid grid-cols-2 gap-3 sm:grid-cols-[90px_90px_1fr]">
                {(['min', 'max'] as const).map((bound) => (
                  <FormField key={bound} label={bound === 'min' ? 'Least' : 'Most'} required={false}>
                    <Input
                      inputMode="decimal"
                      className="tabular"
                      value={parameter[bound] === null ? '' : String(parameter[bound])}
                      onChange={(event) => set(index, { [bound]: numberOrNull(event.target.value) })}
                    />
                  </FormField>
                ))}
                {parameter.type !== 'number' && (
                  <FormField label="Pattern" required={false} className="max-sm:col-span-2">
                    <Input
                      spellCheck={false}
                      className="font-mono text-13"
                      placeholder="[a-z0-9-]+"
                      value={parameter.pattern ?? ''}
                      onChange={(event) => set(index, { pattern: event.target.value || null })}
                    />
                  </FormField>
                )}
              </div>
            )}
            <div className="flex items-center justify-between gap-2">
              <Switch
                checked={parameter.required}
                onChange={(required) => set(index, { required: required === true })}
                label="Needed"
              />
              <span className="flex">
                <IconButton
                  label={`Move ${place} up`}
                  size="small"
                  disabled={index === 0}
                  onClick={() => onChange(moved(parameters, index, index - 1))}
                >
                  <ArrowUp />
                </IconButton>
                <IconButton
                  label={`Move ${place} down`}
                  size="small"
                  disabled={index === parameters.length - 1}
                  onClick={() => onChange(moved(parameters, index, index + 1))}
                >
                  <ArrowDown />
                </IconButton>
                <IconButton
                  label={`Remove ${place}`}
                  size="small"
                  onClick={() => onChange(parameters.filter((_, at) => at !== index))}
                >
                  <Trash2 />
                </IconButton>
              </span>
            </div>
          </div>
        );
      })}
      <div>
        <Button
          size="small"
          onClick={() => onChange([...parameters, { ...scriptParameter.parse({ name: 'X', type: 'text' }), name: '' }])}
        >
          <Plus className="size-4" /> Add a parameter
        </Button>
      </div>
    </fieldset>
  );
};
