import { rolesCreate, rolesDelete, rolesList, rolesUpdate } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const rolesRoutes = ({ roles }: IdentityServices): Binding[] => [
  bind(rolesList, roles.list),
  bind(rolesCreate, roles.create),
  bind(rolesUpdate, roles.update),
  bind(rolesDelete, roles.delete),
];
