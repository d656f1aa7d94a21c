import type { Transaction } from '../../platform/db/database.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { identityEvents } from './identity-events.ts';
import { systemRoleIds } from './system-roles.ts';

/** An account gets an organisation of its own, so that nothing ever lies outside one. */
export const personalOrgName = (name: string): string => name;

/** Somebody who is signing up or in, as the actor of what that writes. */
export const personCaller = (parts: { id: string; name: string; org_id: string; org_name: string }): Caller => ({
  kind: 'user',
  ...parts,
  system_role: 'owner',
  role_id: systemRoleIds.owner,
  permissions: ['*'],
  scopes: ['*'],
  item_scope: { kind: 'org' },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'internal', id: null, expires_at: null },
});

/** Told in the organisation that is the person's own. */
export const announceCreated = (
  tx: Transaction,
  person: { user_id: string; org_id: string; created_by: 'setup' | 'signup' | 'invite' | 'jit' },
): void => {
  const { user_id, org_id, created_by } = person;
  tx.emit({ kind: identityEvents.userCreated, id: user_id, org_id, body: { user_id, created_by } });
};
