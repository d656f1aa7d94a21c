import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { idPosition, toPage } from '../../platform/paging/keyset.ts';
import { currentCaller } from './current-caller.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireGrantable, requireOwnOrg } from './identity-policy.ts';
import { type RoleRow, rolesStore } from './roles-store.ts';
import { systemRoleIds } from './system-roles.ts';

const systemNames = new Set(Object.keys(systemRoleIds));

/** Roles of an organisation. System roles are read only. */
export const createRolesService = ({ clock, database, transact }: IdentityContext) => {
  const requireFreeName = (name: string | undefined): void => {
    if (name !== undefined && systemNames.has(name.trim().toLowerCase()))
      throw new AppError('name_taken', 'A system role has this name.');
  };

  const lockCustom = async (tx: Transaction, call: Call, input: { org: string; id: string }): Promise<RoleRow> => {
    const orgId = requireOwnOrg(call.caller, input.org);
    if (Object.values(systemRoleIds).includes(input.id)) {
      throw new AppError('permission_denied', 'System roles do not change.', {
        extensions: { error: 'permission denied', required: 'role:custom' },
      });
    }
    const role = await rolesStore.lockCustom(tx.db, orgId, input.id);
    if (role === null) throw notFound('The role');
    return role;
  };

  const announce = (tx: Transaction, action: string, id: string, details: Record<string, unknown>): void => {
    tx.emit({ kind: identityEvents.roleUpdated, id, body: { change: action.split('.')[1] } });
    tx.audit({ action, target_type: 'role', target_id: id, details });
  };

  return {
    list: async (call: Call, input: { org: string; limit: number; cursor?: string | undefined }) => {
      const orgId = requireOwnOrg(call.caller, input.org);
      const rows = await rolesStore.page(database.read, orgId, idPosition(input.cursor), input.limit + 1);
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: '', id: row.id }),
        (row) => row,
      );
    },

    create: (call: Call, input: { org: string; name: string; description: string; permissions: string[] }) =>
      transact(call, 'roles.create', async (tx) => {
        const orgId = requireOwnOrg(call.caller, input.org);
        requireGrantable(await currentCaller(tx, call.caller), input.permissions);
        requireFreeName(input.name);
        const { name, description } = input;
        const permissions = [...new Set(input.permissions)];
        const id = newId();
        await rolesStore.insert(tx.db, { id, org_id: orgId, name, description, permissions, at: clock.now() });
        announce(tx, 'roles.create', id, { name, permissions });
        return (await rolesStore.find(tx.db, orgId, id))!;
      }),

    update: (
      call: Call,
      input: {
        org: string;
        id: string;
        name?: string | undefined;
        description?: string | undefined;
        permissions?: string[] | undefined;
      },
    ) =>
      transact(call, 'roles.update', async (tx) => {
        const role = await lockCustom(tx, call, input);
        const caller = await currentCaller(tx, call.caller);
        // Both ways: taking permissions from people who hold more than the caller is not the caller's either.
        requireGrantable(caller, role.permissions);
        if (input.permissions !== undefined) requireGrantable(caller, input.permissions);
        requireFreeName(input.name);
        if (input.name === undefined && input.description === undefined && input.permissions === undefined)
          throw invalid('', 'nothing to change');
        const permissions = input.permissions && [...new Set(input.permissions)];
        await rolesStore.update(tx.db, caller.org_id, role.id, {
          name: input.name,
          description: input.description,
          permissions,
        });
        announce(tx, 'roles.update', role.id, {
          name: input.name ?? role.name,
          from: role.permissions,
          to: permissions ?? role.permissions,
        });
        return (await rolesStore.find(tx.db, caller.org_id, role.id))!;
      }),

    delete: (call: Call, input: { org: string; id: string }): Promise<null> =>
      transact(call, 'roles.delete', async (tx) => {
        const role = await lockCustom(tx, call, input);
        requireGrantable(await currentCaller(tx, call.caller), role.permissions);
        const uses = await rolesStore.uses(tx.db, call.caller.org_id, role.id, clock.now());
        const held = Object.entries(uses).filter(([, count]) => count > 0);
        if (held.length > 0)
          throw new AppError(
            'in_use',
            `The role is held by ${held.map(([what, count]) => `${count} ${what}`).join(', ')}.`,
          );
        await rolesStore.delete(tx.db, call.caller.org_id, role.id);
        announce(tx, 'roles.delete', role.id, { name: role.name });
        return null;
      }),
  };
};

export type RolesService = ReturnType<typeof createRolesService>;
