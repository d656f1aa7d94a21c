import { grantableScopes, hasScope, scopes as known, type Scope } from '@atrium/protocol';
import { useMe } from '../../data/session.ts';
import { Checkbox } from '../../ui/toggles.tsx';

const all = grantableScopes.map((scope) => [scope, known[scope]] as const);

/** Scopes with what they mean. One that the person's own credential lacks cannot be given. */
export const ScopePicker = ({
  value,
  onChange,
  disabled,
}: {
  value: readonly Scope[];
  onChange: (scopes: Scope[]) => void;
  disabled?: boolean;
}) => {
  const me = useMe();
  return (
    <div className="flex flex-col gap-2">
      {all.map(([scope, { title, privileged }]) => {
        const lacking = !hasScope(me.scopes, scope);
        return (
          <Checkbox
            key={scope}
            label={
              <>
                {title}
                {privileged && <span className="ml-2 text-12 font-medium text-warning-text">powerful</span>}
              </>
            }
            hint={
              <>
                <code className="text-12">{scope}</code>
                {lacking && '. Your own credential lacks this scope.'}
              </>
            }
            checked={value.includes(scope)}
            disabled={disabled || lacking}
            onChange={(on) => onChange(on ? [...value, scope] : value.filter((other) => other !== scope))}
          />
        );
      })}
    </div>
  );
};
