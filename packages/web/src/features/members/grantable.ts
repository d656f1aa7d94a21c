import { hasPermission, missingPermissions, type OutputOf, type rolesList } from '@atrium/protocol';
import type { Me } from '../../data/session.ts';

export type RoleView = OutputOf<typeof rolesList>['items'][number];

/** Why this person may not hand out a role; null when they may. The server decides, this only says it first. */
export const whyNotGrant = (me: Me, role: Pick<RoleView, 'system' | 'permissions'>): string | null => {
  if (role.system === 'owner' && me.role?.system !== 'owner') return 'Only an Owner makes an Owner.';
  const missing = missingPermissions(me.permissions, role.permissions);
  return missing.length > 0
    ? `You do not hold ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ' and more' : ''} yourself.`
    : null;
};

/** Why this person may not change somebody with that role. */
export const whyNotManage = (me: Me, role: Pick<RoleView, 'system' | 'permissions'>): string | null => {
  if (role.system === 'owner' && me.role?.system !== 'owner') return 'Only an Owner changes an Owner.';
  return missingPermissions(me.permissions, role.permissions).length > 0
    ? 'This person holds more than you do, so you cannot change them.'
    : null;
};

export const mayGive = (me: Me, permission: string): boolean => hasPermission(me.permissions, permission);

/** System roles are written with a capital: they are titles here. */
export const roleName = (role: { name: string; system: string | null }): string =>
  role.system ? role.name.charAt(0).toUpperCase() + role.name.slice(1) : role.name;
