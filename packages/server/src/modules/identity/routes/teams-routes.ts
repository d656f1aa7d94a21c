import {
  teamsAddMember,
  teamsCreate,
  teamsDelete,
  teamsList,
  teamsListMembers,
  teamsRemoveMember,
  teamsUpdate,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const teamsRoutes = ({ teams }: IdentityServices): Binding[] => [
  bind(teamsList, teams.list),
  bind(teamsCreate, teams.create),
  bind(teamsUpdate, teams.update),
  bind(teamsDelete, teams.delete),
  bind(teamsListMembers, teams.listMembers),
  bind(teamsAddMember, teams.addMember),
  bind(teamsRemoveMember, teams.removeMember),
];
