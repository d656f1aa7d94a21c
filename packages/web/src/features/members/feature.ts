import { membersList, teamsCreate, teamsList } from '@atrium/protocol';
import { KeySquare, MailPlus, User, UserPlus, Users, UsersRound } from 'lucide-react';
import { lazy } from 'react';
import { type Feature, operationCommand } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidateOn } from '../../data/live.ts';
import { openInvite } from './invite-store.ts';

export const membersFeature: Feature = {
  overlay: lazy(async () => ({ default: (await import('./invite-dialog.tsx')).InviteDialog })),
  nav: [{ to: '/members', label: 'Members', icon: Users, group: 'People', keys: 'g m', permission: 'users.invite' }],
  commands: [
    {
      id: 'members.invite',
      title: 'Invite somebody',
      group: 'People',
      icon: UserPlus,
      keywords: ['invitation', 'add member', 'link', 'invitations.create'],
      permission: 'users.invite',
      run: openInvite,
    },
    {
      id: 'go:/members/roles',
      title: 'Roles',
      group: 'Go to',
      icon: KeySquare,
      keywords: ['permissions', 'rights'],
      permission: 'users.invite',
      run: (_values, go) => go('/members/roles'),
    },
    {
      id: 'go:/members/teams',
      title: 'Teams',
      group: 'Go to',
      icon: UsersRound,
      permission: 'items.read',
      run: (_values, go) => go('/members/teams'),
    },
    {
      id: 'go:/members/invitations',
      title: 'Invitations',
      group: 'Go to',
      icon: MailPlus,
      permission: 'users.invite',
      run: (_values, go) => go('/members/invitations'),
    },
    {
      id: 'roles.new',
      title: 'New role',
      group: 'People',
      icon: KeySquare,
      keywords: ['roles.create', 'permissions'],
      permission: 'users.change_role',
      run: (_values, go) => go('/members/roles/new'),
    },
    operationCommand(teamsCreate, {
      group: 'People',
      title: 'Make a team',
      icon: UsersRound,
      arguments: [{ name: 'name', label: 'Name', placeholder: 'Name of the team' }],
      toInput: ({ name }) => ({ name: name! }),
      done: (team) => `Team ${team.name} is made`,
      invalidates: ['teams.list'],
    }),
  ],
  searches: [
    {
      id: 'members',
      heading: 'Members',
      permission: 'users.invite',
      search: async (q, signal) =>
        (await call(membersList, { q, limit: 6 }, { signal })).items.map((member) => ({
          id: member.user_id,
          label: member.name,
          hint: member.email,
          to: `/members?q=${encodeURIComponent(member.email)}`,
          icon: User,
        })),
    },
    {
      id: 'teams',
      heading: 'Teams',
      permission: 'items.read',
      search: async (q, signal) =>
        (await call(teamsList, { limit: 200 }, { signal })).items
          .filter((team) => team.name.toLowerCase().includes(q.toLowerCase()))
          .slice(0, 6)
          .map((team) => ({ id: team.id, label: team.name, to: `/members/teams/${team.id}`, icon: UsersRound })),
    },
  ],
  listen: () => {
    invalidateOn('identity.member.', ['members.list', 'people.list', 'teams.list_members', 'me.get']);
    invalidateOn('identity.role.', ['roles.list', 'members.list', 'me.get']);
    invalidateOn('identity.team.', ['teams.list', 'teams.list_members', 'members.list']);
    invalidateOn('identity.invitation.', ['invitations.list']);
  },
};
