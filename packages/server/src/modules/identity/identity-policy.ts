import {
  type HeldScope,
  hasPermission,
  hasScope,
  missingPermissions,
  type Permission,
  type SystemRole,
} from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import type { Caller, ItemScope } from '../../platform/operations/caller.ts';

/** The part of a role that decides what its holder may do. */
export interface Powers {
  system: SystemRole | null;
  permissions: readonly string[];
}

const escalation = (message: string, extensions: Record<string, unknown> = {}): AppError =>
  new AppError('escalation_denied', message, { extensions: { error: 'escalation denied', ...extensions } });

const isOwner = (caller: Caller): boolean => caller.kind === 'user' && caller.system_role === 'owner';

/** A call runs in one organisation; every other one looks as if it did not exist. */
export const requireOwnOrg = (caller: Caller, org: string): string => {
  if (org !== 'current' && org.toLowerCase() !== caller.org_id) throw notFound('The organisation');
  return caller.org_id;
};

export const requirePermission = (caller: Caller, permission: Permission): void => {
  if (hasPermission(caller.permissions, permission)) return;
  throw new AppError('permission_denied', `This needs the permission ${permission}.`, {
    extensions: { error: 'permission denied', required: permission },
  });
};

/** What ends in a new session needs a session: a key with fewer scopes must not turn into one. */
export const requireSession = (caller: Caller): void => {
  if (caller.credential.kind === 'session') return;
  throw new AppError('permission_denied', 'Sign in with your password for this; a key or token does not do.', {
    extensions: { error: 'permission denied', required: 'credential:session' },
  });
};

/** Nobody hands out a permission they lack. */
export const requireGrantable = (caller: Caller, permissions: readonly string[]): void => {
  const missing = missingPermissions(caller.permissions, permissions);
  if (missing.length > 0) throw escalation(`You do not hold ${missing.join(', ')} yourself.`, { missing });
};

/** Only an Owner makes an Owner, and nobody gives a role that holds more than they do. */
export const requireMayGrant = (caller: Caller, role: Powers): void => {
  if (role.system === 'owner' && !isOwner(caller)) throw escalation('Only an Owner makes an Owner.');
  requireGrantable(caller, role.permissions);
};

/** Only an Owner changes an Owner, and nobody changes somebody who holds more than they do. */
export const requireMayManage = (caller: Caller, held: Powers): void => {
  if (held.system === 'owner' && !isOwner(caller)) throw escalation('Only an Owner changes an Owner.');
  requireGrantable(caller, held.permissions);
};

/** Whether somebody with these powers could have given that role. */
export const mayHaveGranted = (powers: Powers, role: Powers): boolean =>
  (role.system !== 'owner' || powers.system === 'owner') &&
  missingPermissions(powers.permissions, role.permissions).length === 0;

/** A key or agent never has a scope that its maker's own credential lacks. */
export const requireScopes = (caller: Caller, scopes: readonly HeldScope[]): void => {
  const missing = scopes.filter((scope) => !hasScope(caller.scopes, scope));
  if (missing.length > 0) throw escalation(`Your own credential lacks ${missing.join(', ')}.`, { missing });
};

export const itemScopeCovers = (held: ItemScope, wanted: ItemScope): boolean => {
  if (held.kind === 'org' || wanted.kind === 'own') return true;
  if (held.kind === 'own' || wanted.kind === 'org') return false;
  return wanted.channel_ids.every((id) => held.channel_ids.includes(id));
};

/** Nobody lets an agent see more items than they see themselves. */
export const requireItemScope = (caller: Caller, wanted: ItemScope): void => {
  if (!itemScopeCovers(caller.item_scope, wanted)) throw escalation('You do not see those items yourself.');
};

/** The text is part of the contract: the seed's clients match on it. */
export const lastOwner = (): AppError =>
  new AppError('last_owner', 'cannot demote the last Owner', { extensions: { error: 'cannot demote the last Owner' } });

export const planLimit = (limit: string, current: number, max: number): AppError =>
  new AppError('plan_limit_exceeded', `The plan allows ${max} (${limit}); ${current} are in use.`, {
    extensions: { error: 'plan limit exceeded', limit, current, max },
  });

/** Every dead invitation answers this, whatever is wrong with it. */
export const deadInvitation = (): AppError => notFound('The invitation');
