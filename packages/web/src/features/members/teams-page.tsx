import { type OutputOf, teamsCreate, teamsList } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { Users } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { MembersTabs } from './members-tabs.tsx';

type Team = OutputOf<typeof teamsList>['items'][number];

export const TeamsPage = () => {
  const mayCreate = useCan('teams.create');
  const list = useOperationList(teamsList, {});
  const [making, setMaking] = useState(false);
  const navigate = useNavigate();
  useShortcut('c', 'New team', () => setMaking(true), { enabled: mayCreate });
  const newTeam = mayCreate && (
    <Button tone="primary" size="small" onClick={() => setMaking(true)}>
      New team
    </Button>
  );
  return (
    <>
      <PageHeader title="Members" tabs={<MembersTabs />} action={newTeam} />
      <OperationTable
        id="teams"
        label="Teams"
        list={list}
        columns={columns}
        rowKey={(team) => team.id}
        onOpen={(team) => void navigate({ to: '/members/teams/$id', params: { id: team.id } })}
        card={(team) => ({
          leading: <Users aria-hidden className="size-5 text-text-3" />,
          title: team.name,
          detail: team.description || <code className="text-12">{team.slug}</code>,
          trailing: `${team.members} ${team.members === 1 ? 'member' : 'members'}`,
        })}
        empty={
          <EmptyState
            title="A team is a group of people who share channels"
            action={
              mayCreate && (
                <Button tone="primary" onClick={() => setMaking(true)}>
                  Make the first team
                </Button>
              )
            }
          >
            A channel that belongs to a team is seen by that team, Owners and Admins.
          </EmptyState>
        }
      />
      <NewTeamDialog open={making} onOpenChange={setMaking} />
    </>
  );
};

const columns: Column<Team>[] = [
  {
    id: 'name',
    header: 'Team',
    width: 'minmax(180px, 1.2fr)',
    cell: (team) => (
      <span dir="auto" className="font-medium text-text">
        {team.name}
      </span>
    ),
    value: (team) => team.name,
  },
  {
    id: 'description',
    header: 'Description',
    width: 'minmax(200px, 2fr)',
    cell: (team) => <span className="text-text-2">{team.description}</span>,
    value: (team) => team.description,
  },
  {
    id: 'members',
    header: 'Members',
    width: '112px',
    align: 'right',
    cell: (team) => team.members.toLocaleString('en'),
    value: (team) => team.members,
  },
  {
    id: 'made',
    header: 'Made',
    width: 'minmax(130px, 0.7fr)',
    cell: (team) => <RelativeTime time={team.created_at} className="text-text-2" />,
    value: (team) => Date.parse(team.created_at),
  },
];

const NewTeamDialog = ({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) => {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const create = useOperationMutation(teamsCreate, {
    quiet: true,
    invalidates: ['teams.list', 'orgs.usage'],
    onSuccess: (team) => {
      onOpenChange(false);
      setName('');
      setDescription('');
      void navigate({ to: '/members/teams/$id', params: { id: team.id } });
    },
  });
  const errors = formErrors(create.error, ['name', 'description']);
  const taken = create.error instanceof ProblemError && create.error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), description: description.trim() });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New team"
      description="You add its members on the next page."
      width="small"
    >
      <form onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name') ?? (taken ? 'Another team has this name.' : undefined)}>
          <Input
            dir="auto"
            required
            maxLength={100}
            autoFocus
            placeholder="Platform"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Description" required={false} error={errors.of('description')}>
          <Input
            dir="auto"
            maxLength={500}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
          />
        </FormField>
        <FormError>{taken ? undefined : errors.rest}</FormError>
        <div>
          <Button tone="primary" type="submit" busy={create.isPending} disabled={name.trim() === ''}>
            Make team
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
