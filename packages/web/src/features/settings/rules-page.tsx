import {
  type InputOf,
  type OutputOf,
  type SettingKey,
  settingKeys,
  settingsGet,
  settingsUpdate,
} from '@atrium/protocol';
import { RotateCcw } from 'lucide-react';
import { useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { patchCache, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { ruleGroups, ruleWords } from './rule-words.ts';
import { SettingsBody } from './settings-header.tsx';

type Stored = OutputOf<typeof settingsGet>;

export const RulesPage = () => {
  const query = useOperation(settingsGet, {});
  const mayManage = useCan('org.manage');
  return (
    <SettingsBody title="House rules">
      {query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : query.data ? (
        <Sections>
          {!mayManage && (
            <div className="py-5">
              <Notice>
                You see these rules. Changing them needs the permission <code>org.manage</code>.
              </Notice>
            </div>
          )}
          {ruleGroups.map(({ group, lead, keys }) => (
            <Section key={group} title={group} lead={lead}>
              <ul className="divide-y divide-line rounded-card border border-line">
                {keys.map((key) => (
                  <li key={key} className="px-4 py-3">
                    <Rule name={key} stored={query.data} disabled={!mayManage} />
                  </li>
                ))}
              </ul>
            </Section>
          ))}
        </Sections>
      ) : (
        <SkeletonRows rows={7} tall />
      )}
    </SettingsBody>
  );
};

const currentValue = (stored: Stored, key: SettingKey): unknown =>
  stored.settings[key] ?? stored.defaults[key] ?? settingKeys[key].default;

const useSaveRule = (name: SettingKey, stored: Stored) => {
  const before = stored.settings[name] ?? null;
  const restore = useOperationMutation(settingsUpdate, { quiet: true });
  return useOperationMutation(settingsUpdate, {
    quiet: true,
    invalidates: ['settings.get'],
    optimistic: ({ settings }: InputOf<typeof settingsUpdate>) => [
      patchCache<Stored>('settings.get', (data) => ({ ...data, settings: { ...data.settings, ...settings } })),
    ],
    done: () => `${ruleWords[name].label}: saved`,
    undo: () => restore.mutateAsync({ settings: { [name]: before } }),
  });
};

const Rule = ({ name, stored, disabled }: { name: SettingKey; stored: Stored; disabled: boolean }) => {
  const value = currentValue(stored, name);
  if (typeof value === 'number')
    return <NumberRule key={value} name={name} stored={stored} value={value} disabled={disabled} />;
  return typeof value === 'string' ? (
    <ChoiceRule name={name} stored={stored} value={value} disabled={disabled} />
  ) : (
    <SwitchRule name={name} stored={stored} value={value === true} disabled={disabled} />
  );
};

interface RuleProps<Value> {
  name: SettingKey;
  stored: Stored;
  value: Value;
  disabled: boolean;
}

const SwitchRule = ({ name, stored, value, disabled }: RuleProps<boolean>) => {
  const save = useSaveRule(name, stored);
  const errors = formErrors(save.error, []);
  return (
    <>
      <Switch
        label={<span className="font-medium">{ruleWords[name].label}</span>}
        hint={ruleWords[name].hint}
        checked={value}
        disabled={disabled}
        onChange={(next) => save.mutate({ settings: { [name]: next } })}
      />
      {errors.rest && (
        <p role="alert" className="mt-1 text-13 text-danger-text">
          {errors.rest}
        </p>
      )}
    </>
  );
};

const ChoiceRule = ({ name, stored, value, disabled }: RuleProps<string>) => {
  const { label, hint } = ruleWords[name];
  const save = useSaveRule(name, stored);
  const { schema } = settingKeys[name];
  const options = 'options' in schema ? schema.options : [];
  const problem = formErrors(save.error, []).rest;
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <span className="min-w-0 flex-1 basis-72 text-14 font-medium">
        {label}
        <span className="block text-13 font-normal text-text-3">{hint}</span>
      </span>
      <Select
        label={label}
        value={value}
        disabled={disabled}
        options={options.map((option) => ({ value: option, label: option }))}
        onChange={(next) => save.mutate({ settings: { [name]: next } })}
        className="w-36!"
      />
      {problem && (
        <p role="alert" className="w-full text-13 text-danger-text">
          {problem}
        </p>
      )}
    </div>
  );
};

const NumberRule = ({ name, stored, value, disabled }: RuleProps<number>) => {
  const { label, hint, unit } = ruleWords[name];
  const [text, setText] = useState(String(value));
  const save = useSaveRule(name, stored);
  const parsed = settingKeys[name].schema.safeParse(text.trim() === '' ? Number.NaN : Number(text));
  const wrong = parsed.success ? undefined : `A whole number of ${unit} within the limits.`;
  const errors = formErrors(save.error, [`settings.${name}`, name]);
  const initial = stored.defaults[name] ?? settingKeys[name].default;
  const changed = parsed.success && Number(text) !== value;
  const set = (next: number | null) => save.mutate({ settings: { [name]: next } });
  const problem = wrong ?? errors.of(`settings.${name}`) ?? errors.of(name) ?? errors.rest;
  const id = useId();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (changed) set(Number(text));
      }}
      className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2"
    >
      <label htmlFor={id} className="min-w-0 flex-1 basis-72 text-14 font-medium">
        {label}
        <span className="block text-13 font-normal text-text-3">{hint}</span>
      </label>
      <span className="flex items-center gap-2">
        {!disabled && !changed && value !== initial && (
          <IconButton
            label={`Back to ${Number(initial).toLocaleString('en')} ${unit}`}
            size="small"
            onClick={() => set(null)}
          >
            <RotateCcw />
          </IconButton>
        )}
        {changed && (
          <Button size="small" tone="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        )}
        <Input
          id={id}
          inputMode="numeric"
          autoComplete="off"
          disabled={disabled}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? `${id}-problem` : undefined}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="tabular w-20! text-right"
        />
        <span className="w-14 text-13 text-text-2">{unit}</span>
      </span>
      {problem && (
        <p id={`${id}-problem`} role="alert" className="w-full text-13 text-danger-text">
          {problem}
        </p>
      )}
    </form>
  );
};
