import { orgsCreate, orgsDelete, orgsGet, orgsUpdate, orgsUsage } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const orgsRoutes = ({ orgs, plan }: IdentityServices): Binding[] => [
  bind(orgsCreate, orgs.create),
  bind(orgsGet, orgs.get),
  bind(orgsUpdate, orgs.update),
  bind(orgsDelete, orgs.delete),
  bind(orgsUsage, plan.usage),
];
