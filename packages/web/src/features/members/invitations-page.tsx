import { invitationsList, invitationsRevoke, type OutputOf } from '@atrium/protocol';
import { Link2, Mail } from 'lucide-react';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { deferOperation, patchItem, useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { roleName } from './grantable.ts';
import { openInvite } from './invite-store.ts';
import { MembersTabs } from './members-tabs.tsx';

type Invitation = OutputOf<typeof invitationsList>['items'][number];

const states: Record<Invitation['state'], { word: string; tone: Tone }> = {
  active: { word: 'Open', tone: 'success' },
  used_up: { word: 'Used', tone: 'info' },
  expired: { word: 'Expired', tone: 'neutral' },
  revoked: { word: 'Revoked', tone: 'danger' },
};

const revoke = (invitation: Invitation) =>
  deferOperation(
    invitationsRevoke,
    { id: invitation.id },
    {
      title: `Invitation ${invitation.email ? `for ${invitation.email}` : 'link'} revoked`,
      optimistic: () => [
        patchItem<Invitation>('invitations.list', invitation.id, (row) => ({ ...row, state: 'revoked' })),
      ],
      invalidates: ['invitations.list'],
    },
  );

export const InvitationsPage = () => {
  const may = useCan('users.invite');
  const list = useOperationList(invitationsList, {}, { enabled: may });
  const phone = usePhone();
  useShortcut('c', 'Invite somebody', openInvite, { enabled: may });
  return (
    <>
      <PageHeader
        title="Members"
        tabs={<MembersTabs />}
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
          id="invitations"
          label="Invitations"
          list={list}
          columns={columns}
          rowKey={(row) => row.id}
          card={(row) => invitationCard(row, phone)}
          empty={
            <EmptyState
              title="An invitation lets one person, or everybody with a link, join with a role"
              action={
                <Button tone="primary" onClick={openInvite}>
                  Invite somebody
                </Button>
              }
            >
              It can be locked to an address, lead into a team, and expires by itself.
            </EmptyState>
          }
        />
      ) : (
        <NoPermission what="invitations" permission="users.invite" />
      )}
    </>
  );
};

const Target = ({ invitation }: { invitation: Invitation }) => {
  const Icon = invitation.email ? Mail : Link2;
  return (
    <span className="flex min-w-0 items-center gap-2.5">
      <Icon aria-hidden className="size-4 shrink-0 text-text-3" />
      <span className="truncate font-medium text-text">{invitation.email ?? 'Link'}</span>
    </span>
  );
};

const State = ({ state }: { state: Invitation['state'] }) => (
  <Badge dot tone={states[state].tone}>
    {states[state].word}
  </Badge>
);

const usesOf = ({ uses, max_uses }: Invitation): string => `${uses} of ${max_uses ?? 'unlimited'}`;

const RevokeButton = ({ invitation }: { invitation: Invitation }) =>
  invitation.state === 'active' ? (
    <Button
      size="small"
      tone="ghost"
      aria-label={`Revoke the invitation ${invitation.email ? `for ${invitation.email}` : 'link'}`}
      onClick={() => revoke(invitation)}
    >
      Revoke
    </Button>
  ) : null;

const columns: Column<Invitation>[] = [
  {
    id: 'for',
    header: 'For',
    width: 'minmax(200px, 1.8fr)',
    cell: (row) => <Target invitation={row} />,
    value: (row) => row.email ?? 'Link',
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(96px, 0.7fr)',
    cell: (row) => <State state={row.state} />,
    value: (row) => states[row.state].word,
  },
  {
    id: 'role',
    header: 'Role',
    width: 'minmax(96px, 0.8fr)',
    cell: (row) => roleName(row.role),
    value: (row) => roleName(row.role),
  },
  {
    id: 'team',
    header: 'Team',
    width: 'minmax(96px, 0.8fr)',
    cell: (row) => <span className="text-text-2">{row.team?.name ?? ''}</span>,
    value: (row) => row.team?.name ?? null,
  },
  {
    id: 'uses',
    header: 'Used',
    width: '128px',
    align: 'right',
    cell: usesOf,
    value: (row) => row.uses,
  },
  {
    id: 'expires',
    header: 'Expires',
    width: 'minmax(120px, 0.8fr)',
    cell: (row) => <RelativeTime time={row.expires_at} className="text-text-2" />,
    value: (row) => Date.parse(row.expires_at),
  },
  {
    id: 'by',
    header: 'Invited by',
    width: 'minmax(120px, 0.9fr)',
    cell: (row) => <span className="text-text-2">{row.created_by.name}</span>,
    value: (row) => row.created_by.name,
  },
  {
    id: 'revoke',
    header: 'Action',
    width: '116px',
    align: 'right',
    cell: (row) => <RevokeButton invitation={row} />,
  },
];

const invitationCard = (row: Invitation, _phone: boolean) => ({
  leading: row.email ? (
    <Mail aria-hidden className="size-5 text-text-3" />
  ) : (
    <Link2 aria-hidden className="size-5 text-text-3" />
  ),
  title: row.email ?? 'Link',
  detail: (
    <>
      {roleName(row.role)}
      {row.team && ` · ${row.team.name}`} · {usesOf(row)} used
    </>
  ),
  trailing: (
    <span className="flex flex-col items-end gap-1">
      {row.state === 'active' ? <RevokeButton invitation={row} /> : <State state={row.state} />}
    </span>
  ),
});
