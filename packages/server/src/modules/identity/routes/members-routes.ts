import {
  membersChangeRole,
  membersDeactivate,
  membersList,
  membersReactivate,
  membersRemove,
  peopleList,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const membersRoutes = ({ members }: IdentityServices): Binding[] => [
  bind(peopleList, members.people),
  bind(membersList, members.list),
  bind(membersChangeRole, members.changeRole),
  bind(membersDeactivate, members.deactivate),
  bind(membersReactivate, members.reactivate),
  bind(membersRemove, members.remove),
];
