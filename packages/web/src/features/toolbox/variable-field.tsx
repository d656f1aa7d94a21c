import type { ToolboxVariable } from '@atrium/protocol';
import { Dices } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput } from '../../ui/input.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { madeUpPassword } from './toolbox-words.ts';

const isOn = (value: string): boolean => ['true', 'yes', 'on'].includes(value.toLowerCase());
/** Spelled as the template spells it. */
const spelled = (on: boolean, like: string): string =>
  ({ yes: ['yes', 'no'], no: ['yes', 'no'], on: ['on', 'off'], off: ['on', 'off'] })[like.toLowerCase()]?.[
    on ? 0 : 1
  ] ?? String(on);

/** One variable of a template, as its type wants it. `kept`: a secret that stays when nothing is typed. */
export const VariableField = ({
  variable,
  value,
  onChange,
  error,
  kept = false,
}: {
  variable: ToolboxVariable;
  value: string | undefined;
  onChange: (value: string) => void;
  error: string | undefined;
  kept?: boolean;
}) => {
  const { name, label, type, required, default: byDefault, message } = variable;
  const shown = value ?? '';
  if (type === 'boolean')
    return (
      <Switch
        label={label}
        checked={isOn(value ?? byDefault ?? 'false')}
        onChange={(on) => onChange(spelled(on, byDefault ?? 'true'))}
      />
    );
  if (type === 'password')
    return (
      <FormField
        label={label}
        error={error}
        {...(required ? {} : { required: false })}
        hint={kept ? 'Left empty it stays as it is' : message === label ? undefined : (message ?? undefined)}
        aside={
          <button
            type="button"
            onClick={() => onChange(madeUpPassword())}
            className="inline-flex items-center gap-1 rounded-control text-13 font-medium text-text-2 hover:text-text"
          >
            <Dices aria-hidden className="size-3.5" />
            Make one up
          </button>
        }
      >
        <PasswordInput
          name={`variable-${name}`}
          autoComplete="new-password"
          value={shown}
          onChange={(event) => onChange(event.target.value)}
        />
      </FormField>
    );
  return (
    <FormField label={label} error={error} {...(required ? {} : { required: false })} hint={message ?? undefined}>
      <Input
        dir="auto"
        name={`variable-${name}`}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        {...(type === 'number' ? { inputMode: 'numeric' as const, className: 'tabular max-w-40' } : {})}
        placeholder={byDefault ?? ''}
        value={shown}
        onChange={(event) => onChange(event.target.value)}
      />
    </FormField>
  );
};

/** Fills every password that is needed and empty. */
export const MakeAllUp = ({
  variables,
  values,
  onChange,
}: {
  variables: readonly ToolboxVariable[];
  values: Readonly<Record<string, string>>;
  onChange: (values: Record<string, string>) => void;
}) => {
  const empty = variables.filter(({ name, generated }) => generated && !values[name]);
  if (empty.length < 2) return null;
  return (
    <Button
      size="small"
      icon={<Dices aria-hidden className="size-4" />}
      onClick={() => onChange({ ...values, ...Object.fromEntries(empty.map(({ name }) => [name, madeUpPassword()])) })}
    >
      Make up all {empty.length} passwords
    </Button>
  );
};
