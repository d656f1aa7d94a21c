import { hasPermission } from '@atrium/protocol';
import { Plus, X } from 'lucide-react';
import { useState } from 'react';
import { useMe } from '../../data/session.ts';
import { IconButton } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { mayGive } from './grantable.ts';
import { otherPermissions, type PermissionGroup, permissionGroups, togglePermission } from './permission-words.ts';

interface PickerProps {
  value: readonly string[];
  onChange: (permissions: string[]) => void;
  disabled?: boolean;
}

const form = /^(\*|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?)$/;

/** Permissions in words, by area; a wildcard covers the area with what later versions add to it. */
export const PermissionPicker = ({ value, onChange, disabled }: PickerProps) => {
  const everything = value.includes('*');
  const me = useMe();
  return (
    <div className="flex flex-col gap-6">
      <Checkbox
        label="Everything"
        hint={mayGive(me, '*') ? 'Also what later versions add. This is what an Owner holds.' : notYours}
        checked={everything}
        disabled={disabled || !mayGive(me, '*')}
        onChange={(on) => onChange(togglePermission(value, '*', on))}
      />
      <div className="grid gap-x-8 gap-y-6 sm:grid-cols-2">
        {permissionGroups.map((group) => (
          <Group key={group.prefix} group={group} value={value} onChange={onChange} disabled={disabled || everything} />
        ))}
      </div>
      <Others value={value} onChange={onChange} disabled={disabled || everything} />
    </div>
  );
};

const notYours = 'You do not hold this yourself.';

const Group = ({ group, value, onChange, disabled }: PickerProps & { group: PermissionGroup }) => {
  const me = useMe();
  const wildcard = `${group.prefix}.*`;
  const all = hasPermission(value, wildcard);
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 text-13 font-semibold text-text">{group.label}</legend>
      <div className="flex flex-col gap-1.5">
        {group.permissions.map(({ permission, title, powerful }) => {
          const lacking = !mayGive(me, permission);
          return (
            <Checkbox
              key={permission}
              label={
                <>
                  {title}
                  {powerful && <span className="ml-2 text-12 font-medium text-warning-text">powerful</span>}
                </>
              }
              hint={lacking ? notYours : undefined}
              checked={hasPermission(value, permission)}
              disabled={disabled || all || lacking}
              onChange={(on) => onChange(togglePermission(value, permission, on))}
            />
          );
        })}
        {group.permissions.length > 1 && (
          <Checkbox
            label={<span className="text-text-2">All of these, and what comes later</span>}
            checked={all}
            disabled={disabled || !mayGive(me, wildcard)}
            onChange={(on) => onChange(togglePermission(value, wildcard, on))}
          />
        )}
      </div>
    </fieldset>
  );
};

const Others = ({ value, onChange, disabled }: PickerProps) => {
  const me = useMe();
  const [text, setText] = useState('');
  const others = otherPermissions(value);
  const wanted = text.trim();
  const problem =
    wanted === ''
      ? undefined
      : !form.test(wanted)
        ? 'Lower-case words joined by dots, optionally ending in .*'
        : mayGive(me, wanted)
          ? undefined
          : notYours;
  const add = () => {
    if (wanted === '' || problem) return;
    onChange(togglePermission(value, wanted, true));
    setText('');
  };
  return (
    <FormField
      label="Other permissions"
      required={false}
      error={problem}
      hint="Strings that a module or your own tools check, for example flows.run or billing.*"
    >
      <Input
        value={text}
        disabled={disabled}
        placeholder="flows.run"
        spellCheck={false}
        autoCapitalize="off"
        className="font-mono"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
        trailing={
          <IconButton label="Add permission" size="small" disabled={wanted === '' || !!problem} onClick={add}>
            <Plus />
          </IconButton>
        }
      />
      {others.length > 0 && (
        <ul className="flex flex-wrap gap-1.5">
          {others.map((permission) => (
            <li
              key={permission}
              className="inline-flex h-7 items-center gap-1 rounded-[5px] bg-active pr-1 pl-2 font-mono text-12 touch:h-9"
            >
              {permission}
              <button
                type="button"
                aria-label={`Remove ${permission}`}
                disabled={disabled}
                onClick={() => onChange(togglePermission(value, permission, false))}
                className="flex size-5 items-center justify-center rounded-[3px] text-text-3 hover:text-text touch:size-7"
              >
                <X className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </FormField>
  );
};
