import {
  type InputOf,
  membersChangeRole,
  membersDeactivate,
  membersList,
  membersReactivate,
  membersRemove,
  type OutputOf,
  rolesList,
} from '@atrium/protocol';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchCache, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { usePhone } from '../../ui/media.ts';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { roleName, whyNotManage } from './grantable.ts';
import { openInvite } from './invite-store.ts';
import { memberRefusal } from './member-refusal.ts';
import { MembersTabs } from './members-tabs.tsx';
import { RoleSelect } from './role-select.tsx';

type Member = OutputOf<typeof membersList>['items'][number];

const route = getRouteApi('/frame/members');

export const MembersPage = () => {
  const wanted = route.useSearch().q ?? '';
  const may = useCan('users.invite');
  const [q, setQ] = useState(wanted);
  const [opened, setOpened] = useState<string | null>(null);
  const list = useOperationList(membersList, q ? { q } : {}, { keepPrevious: true, enabled: may });
  const phone = usePhone();
  useShortcut('c', 'Invite somebody', openInvite, { enabled: may });
  const search = may && <SearchField className="max-md:w-full" label="Find a member" value={q} onChange={setQ} />;
  const member = list.items.find(({ user_id }) => user_id === opened) ?? null;
  return (
    <>
      <PageHeader
        title="Members"
        tabs={<MembersTabs />}
        tools={!phone && search}
        filters={phone && search}
        action={
          may && (
            <Button tone="primary" size="small" onClick={openInvite}>
              Invite
            </Button>
          )
        }
      />
      {may ? (
        <OperationTable
          id="members"
          label="Members"
          list={list}
          columns={columns}
          rowKey={(row) => row.user_id}
          onOpen={(row) => setOpened(row.user_id)}
          card={memberCard}
          empty={<EmptyState plain title={q ? `Nobody matches “${q}”` : 'Nobody is here yet'} />}
        />
      ) : (
        <NoPermission what="the list of members" permission="users.invite" />
      )}
      <MemberSheet member={member} onClose={() => setOpened(null)} />
    </>
  );
};

const MemberName = ({ member }: { member: Member }) => {
  const me = useMe();
  return (
    <span className="flex min-w-0 items-center gap-2.5">
      <Avatar id={member.user_id} name={member.name} size={24} />
      <span dir="auto" className="truncate font-medium text-text">
        {member.name}
      </span>
      {member.user_id === me.user?.id && <span className="shrink-0 text-12 text-text-3">you</span>}
      {member.deactivated_at && <Badge>Deactivated</Badge>}
    </span>
  );
};

const columns: Column<Member>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(200px, 1.6fr)',
    cell: (member) => <MemberName member={member} />,
    value: (member) => member.name,
  },
  {
    id: 'email',
    header: 'E-mail',
    width: 'minmax(180px, 1.6fr)',
    cell: (member) => <span className="text-text-2">{member.email}</span>,
    value: (member) => member.email,
  },
  {
    id: 'role',
    header: 'Role',
    width: 'minmax(96px, 0.8fr)',
    cell: (member) => roleName(member.role),
    value: (member) => roleName(member.role),
  },
  {
    id: 'teams',
    header: 'Teams',
    width: 'minmax(120px, 1fr)',
    cell: (member) => <span className="text-text-2">{member.teams.map((team) => team.name).join(', ')}</span>,
    value: (member) => member.teams.map((team) => team.name).join(', '),
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: 'minmax(120px, 0.8fr)',
    cell: (member) =>
      member.last_seen_at ? (
        <RelativeTime time={member.last_seen_at} className="text-text-2" />
      ) : (
        <span className="text-text-3">never</span>
      ),
    value: (member) => member.last_seen_at && Date.parse(member.last_seen_at),
  },
  {
    id: 'joined',
    header: 'Joined',
    width: 'minmax(110px, 0.7fr)',
    initiallyHidden: true,
    cell: (member) => <RelativeTime time={member.joined_at} className="text-text-2" />,
    value: (member) => Date.parse(member.joined_at),
  },
];

const memberCard = (member: Member) => ({
  leading: <Avatar id={member.user_id} name={member.name} size={36} />,
  title: member.name,
  detail: member.email,
  trailing: (
    <>
      <span className="block text-13 text-text-2">{roleName(member.role)}</span>
      {member.deactivated_at ? (
        'deactivated'
      ) : member.last_seen_at ? (
        <RelativeTime short time={member.last_seen_at} />
      ) : (
        'never seen'
      )}
    </>
  ),
});

const patchMember = (id: string, change: Partial<Member>) =>
  patchCache<OutputOf<typeof membersList>>('members.list', (page) => ({
    ...page,
    items: page.items.map((member) => (member.user_id === id ? { ...member, ...change } : member)),
  }));

const MemberSheet = ({ member, onClose }: { member: Member | null; onClose: () => void }) => (
  <RecordSheet record={member} onClose={onClose} title={({ name }) => name} description={({ email }) => email}>
    {(shown) => <MemberDetail key={shown.user_id} member={shown} onClose={onClose} />}
  </RecordSheet>
);

const MemberDetail = ({ member, onClose }: { member: Member; onClose: () => void }) => {
  const me = useMe();
  const roles = useOperation(rolesList, { limit: 200 });
  const mayChangeRole = useCan('users.change_role');
  const mayAudit = useCan('audit.read');
  const held = roles.data?.items.find((role) => role.id === member.role.id);
  const barrier = held ? whyNotManage(me, held) : null;
  const { changeRole, error } = useChangeRole(member);
  return (
    <div className="flex flex-col gap-6">
      <Facts
        facts={[
          { label: 'Joined', value: <RelativeTime time={member.joined_at} /> },
          { label: 'Last seen', value: member.last_seen_at ? <RelativeTime time={member.last_seen_at} /> : 'Never' },
          {
            label: 'Teams',
            value:
              member.teams.length === 0
                ? 'None'
                : member.teams.map((team, index) => (
                    <span key={team.id}>
                      {index > 0 && ', '}
                      <Link
                        to="/members/teams/$id"
                        params={{ id: team.id }}
                        className="rounded-[3px] underline decoration-line-strong underline-offset-4"
                      >
                        {team.name}
                      </Link>
                    </span>
                  )),
          },
        ]}
      />
      <FormField
        label="Role"
        hint={mayChangeRole ? 'Takes effect at once, also in open sessions.' : 'Changing it needs users.change_role.'}
      >
        <RoleSelect
          value={member.role.id}
          roles={roles.data?.items ?? [{ ...member.role, description: '', permissions: [], members: 0 }]}
          disabled={!mayChangeRole || barrier !== null}
          onChange={(role) => role !== member.role.id && changeRole({ user: member.user_id, role })}
        />
      </FormField>
      <FormError>{error && memberRefusal(error, member.name)}</FormError>
      {barrier && <Notice>{barrier}</Notice>}
      {mayAudit && (
        <Link to="/audit" search={{ actor: member.user_id }} className="quiet-link w-fit text-13">
          What {member.name.split(/\s+/)[0]} did, in the audit trail
        </Link>
      )}
      <MemberEnd member={member} barrier={barrier} onClose={onClose} />
    </div>
  );
};

const useChangeRole = (member: Member) => {
  const restore = useOperationMutation(membersChangeRole, { quiet: true });
  const change = useOperationMutation(membersChangeRole, {
    quiet: true,
    invalidates: ['members.list', 'roles.list'],
    done: (saved) => `${saved.name} is ${roleName(saved.role)} now`,
    undo: ({ user }) => restore.mutateAsync({ user, role: member.role.id }),
  });
  return { changeRole: (input: InputOf<typeof membersChangeRole>) => change.mutate(input), error: change.error };
};

const MemberEnd = ({ member, barrier, onClose }: { member: Member; barrier: string | null; onClose: () => void }) => {
  const me = useMe();
  const mayRemove = useCan('users.remove');
  const [removing, setRemoving] = useState(false);
  const self = member.user_id === me.user?.id;
  const active = member.deactivated_at === null;
  const invalidates = ['members.list', 'roles.list', 'orgs.usage'];
  const reactivate = useOperationMutation(membersReactivate, {
    quiet: true,
    invalidates,
    optimistic: ({ user }) => [patchMember(user, { deactivated_at: null })],
    done: () => `${member.name} is let in again`,
  });
  const deactivate = useOperationMutation(membersDeactivate, {
    quiet: true,
    invalidates,
    optimistic: ({ user }) => [patchMember(user, { deactivated_at: new Date().toISOString() })],
    done: () => `${member.name} is shut out; every session is ended`,
    undo: ({ user }) => reactivate.mutateAsync({ user }),
  });
  const remove = useOperationMutation(membersRemove, {
    quiet: true,
    invalidates,
    done: () => (self ? 'You left' : `${member.name} is removed`),
    onSuccess: () => (self ? location.assign('/sign-in') : onClose()),
  });
  if (!mayRemove && !self) return null;
  const refused = deactivate.error ?? reactivate.error ?? remove.error;
  const blocked = barrier !== null && !self;
  return (
    <section aria-label="End" className="flex flex-col gap-3 border-t border-line pt-5">
      <FormError>{refused && memberRefusal(refused, member.name)}</FormError>
      <div className="flex flex-wrap gap-2">
        {mayRemove && !self && (
          <Button
            disabled={blocked}
            busy={deactivate.isPending || reactivate.isPending}
            onClick={() => (active ? deactivate : reactivate).mutate({ user: member.user_id })}
          >
            {active ? 'Deactivate' : 'Let in again'}
          </Button>
        )}
        <Button disabled={blocked} onClick={() => setRemoving(true)} className="text-danger-text!">
          {self ? 'Leave this organisation' : 'Remove'}
        </Button>
      </div>
      <p className="text-13 text-text-3">
        {self
          ? 'You lose access at once and are signed out. Somebody has to invite you again.'
          : 'Deactivating ends every session and can be taken back. Removing also ends keys and memberships; what the person answered stays.'}
      </p>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={self ? 'Leave this organisation' : `Remove ${member.name}`}
        verb={self ? 'Leave' : 'Remove member'}
        typeName={self ? me.org.name : member.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ user: member.user_id }, { onSettled: () => setRemoving(false) })}
      >
        {self
          ? 'Your sessions and keys in this organisation end. What you answered stays.'
          : 'Sessions, keys and team memberships end. Answers and comments stay under this name.'}
      </ConfirmDialog>
    </section>
  );
};
