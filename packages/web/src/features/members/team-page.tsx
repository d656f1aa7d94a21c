import {
  type OutputOf,
  peopleList,
  teamsAddMember,
  teamsDelete,
  teamsList,
  teamsListMembers,
  teamsRemoveMember,
  teamsUpdate,
} from '@atrium/protocol';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { UserMinus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { patchCache, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonDetail, SkeletonRows } from '../../ui/skeleton.tsx';

type Team = OutputOf<typeof teamsList>['items'][number];
type TeamMember = OutputOf<typeof teamsListMembers>['items'][number];
const route = getRouteApi('/frame/members/teams/$id');

export const TeamPage = () => {
  const { id } = route.useParams();
  const teams = useOperation(teamsList, { limit: 200 });
  const navigate = useNavigate();
  const team = teams.data?.items.find((candidate) => candidate.id === id);
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader
        title={team?.name ?? 'Team'}
        back={{ label: 'teams', onBack: () => void navigate({ to: '/members/teams' }) }}
      />
      {team ? (
        <TeamDetail key={team.id} team={team} />
      ) : teams.error ? (
        <LoadError error={teams.error} retry={teams.refetch} />
      ) : teams.data ? (
        <EmptyState plain title="This team is gone" />
      ) : (
        <SkeletonDetail />
      )}
    </div>
  );
};

const TeamDetail = ({ team }: { team: Team }) => {
  const mayManage = useCan('teams.manage_members');
  const mayDelete = useCan('teams.delete');
  return (
    <Sections>
      <Section
        title="Members"
        lead={
          mayManage
            ? 'Leads are named first when an item is brought to the team.'
            : 'Changing them needs teams.manage_members.'
        }
      >
        <TeamMembers team={team} mayManage={mayManage} />
      </Section>
      {mayManage && (
        <Section title="Naming">
          <TeamForm key={team.name + team.description} team={team} />
        </Section>
      )}
      {mayDelete && <DeleteTeam team={team} />}
    </Sections>
  );
};

const patchMembers = (change: (items: TeamMember[]) => TeamMember[]) =>
  patchCache<OutputOf<typeof teamsListMembers>>('teams.list_members', (page) => ({
    ...page,
    items: change(page.items),
  }));

const TeamMembers = ({ team, mayManage }: { team: Team; mayManage: boolean }) => {
  const list = useOperationList(teamsListMembers, { id: team.id });
  const invalidates = ['teams.list_members', 'teams.list', 'members.list'];
  const put = useOperationMutation(teamsAddMember, {
    invalidates,
    optimistic: ({ user_id, role = 'member' }) => [
      patchMembers((items) => items.map((member) => (member.user_id === user_id ? { ...member, role } : member))),
    ],
  });
  const remove = useOperationMutation(teamsRemoveMember, {
    invalidates,
    optimistic: ({ user }) => [patchMembers((items) => items.filter((member) => member.user_id !== user))],
    done: (_output, { user }) =>
      `${list.items.find((member) => member.user_id === user)?.name ?? 'The member'} left the team`,
    undo: ({ user }) => put.mutateAsync({ id: team.id, user_id: user, role: roles.get(user) ?? 'member' }),
  });
  const roles = new Map(list.items.map((member) => [member.user_id, member.role]));
  if (list.isPending) return <SkeletonRows rows={4} />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  return (
    <div className="flex flex-col gap-4">
      {mayManage && (
        <AddMember
          present={new Set(roles.keys())}
          onAdd={(user_id) => put.mutate({ id: team.id, user_id, role: 'member' })}
        />
      )}
      {list.items.length === 0 ? (
        <p className="rounded-card border border-dashed border-line-strong px-4 py-6 text-center text-13 text-text-2">
          Nobody is in this team yet.
        </p>
      ) : (
        <ul className="divide-y divide-line rounded-card border border-line">
          {list.items.map((member) => (
            <li key={member.user_id} className="flex min-h-13 items-center gap-3 px-3 py-2 sm:px-4">
              <Avatar id={member.user_id} name={member.name} size={28} />
              <span className="min-w-0 flex-1">
                <span dir="auto" className="block truncate text-left text-14 font-medium">
                  {member.name}
                </span>
                <span className="block truncate text-13 text-text-2">{member.email}</span>
              </span>
              {mayManage ? (
                <>
                  <Select
                    label={`Role of ${member.name} in the team`}
                    className="w-28!"
                    value={member.role}
                    options={[
                      { value: 'lead', label: 'Lead' },
                      { value: 'member', label: 'Member' },
                    ]}
                    onChange={(role) =>
                      put.mutate({ id: team.id, user_id: member.user_id, role: role as TeamMember['role'] })
                    }
                  />
                  <IconButton
                    label={`Take ${member.name} out of the team`}
                    size="small"
                    onClick={() => remove.mutate({ id: team.id, user: member.user_id })}
                  >
                    <UserMinus />
                  </IconButton>
                </>
              ) : (
                <span className="text-13 text-text-2">{member.role === 'lead' ? 'Lead' : 'Member'}</span>
              )}
            </li>
          ))}
        </ul>
      )}
      {list.hasMore && (
        <Button tone="ghost" size="small" busy={list.loadingMore} onClick={list.loadMore} className="self-start">
          Show more
        </Button>
      )}
    </div>
  );
};

const AddMember = ({ present, onAdd }: { present: ReadonlySet<string>; onAdd: (user: string) => void }) => {
  const [q, setQ] = useState('');
  const people = useOperation(peopleList, { limit: 50, ...(q ? { q } : {}) }, { keepPrevious: true });
  const options = (people.data?.items ?? [])
    .filter((person) => person.kind === 'user' && !present.has(person.id))
    .map((person) => ({
      value: person.id,
      label: person.name,
      icon: <Avatar id={person.id} name={person.name} size={18} />,
    }));
  return (
    <Combobox
      label="Add a member"
      placeholder="Add a member"
      searchPlaceholder="Find a person"
      empty="Nobody else is called that."
      options={options}
      value={[]}
      onSearch={setQ}
      onChange={([user]) => user && onAdd(user)}
    />
  );
};

const TeamForm = ({ team }: { team: Team }) => {
  const [name, setName] = useState(team.name);
  const [description, setDescription] = useState(team.description);
  const restore = useOperationMutation(teamsUpdate, { quiet: true });
  const update = useOperationMutation(teamsUpdate, {
    quiet: true,
    invalidates: ['teams.list'],
    done: () => 'Saved',
    undo: () => restore.mutateAsync({ id: team.id, name: team.name, description: team.description }),
  });
  const errors = formErrors(update.error, ['name', 'description']);
  const taken = update.error instanceof ProblemError && update.error.code === 'name_taken';
  const dirty = name.trim() !== team.name || description !== team.description;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({ id: team.id, name: name.trim(), description });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <FormField label="Name" error={errors.of('name') ?? (taken ? 'Another team has this name.' : undefined)}>
        <Input dir="auto" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
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
        <Button tone="primary" type="submit" busy={update.isPending} disabled={!dirty || name.trim() === ''}>
          Save
        </Button>
      </div>
    </form>
  );
};

const DeleteTeam = ({ team }: { team: Team }) => {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const remove = useOperationMutation(teamsDelete, {
    invalidates: ['teams.list', 'members.list', 'orgs.usage', 'channels.list'],
    done: () => `Team ${team.name} is deleted`,
    onSuccess: () => void navigate({ to: '/members/teams' }),
  });
  return (
    <Section title="Delete" lead="Its channels stay and become private to the people who are in it now.">
      <Button className="text-danger-text!" onClick={() => setOpen(true)}>
        Delete team
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Delete ${team.name}`}
        verb="Delete team"
        typeName={team.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: team.id })}
      >
        The team cannot be brought back. Its channels become private to its {team.members}{' '}
        {team.members === 1 ? 'member' : 'members'}; Owners and Admins are told.
      </ConfirmDialog>
    </Section>
  );
};
