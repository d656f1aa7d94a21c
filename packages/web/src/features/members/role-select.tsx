import { useMe } from '../../data/session.ts';
import { Select } from '../../ui/select.tsx';
import { type RoleView, roleName, whyNotGrant } from './grantable.ts';
import { permissionSummary } from './permission-words.ts';

/** One role; those that the person may not hand out say why. */
export const RoleSelect = ({
  value,
  onChange,
  roles,
  disabled,
}: {
  value: string | undefined;
  onChange: (id: string) => void;
  roles: readonly RoleView[];
  disabled?: boolean;
}) => {
  const me = useMe();
  return (
    <Select
      value={value}
      onChange={onChange}
      disabled={disabled}
      placeholder="Choose a role"
      options={roles.map((role) => {
        const why = role.id === value ? null : whyNotGrant(me, role);
        return {
          value: role.id,
          label: roleName(role),
          hint: why ?? (role.description || permissionSummary(role.permissions)),
          disabled: why !== null,
        };
      })}
    />
  );
};
