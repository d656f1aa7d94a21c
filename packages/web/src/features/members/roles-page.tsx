import { type OutputOf, rolesList } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { roleName } from './grantable.ts';
import { MembersTabs } from './members-tabs.tsx';
import { permissionSummary } from './permission-words.ts';

type Role = OutputOf<typeof rolesList>['items'][number];

export const RolesPage = () => {
  const may = useCan('users.invite');
  const mayChange = useCan('users.change_role');
  const list = useOperationList(rolesList, {}, { enabled: may });
  const navigate = useNavigate();
  const make = () => void navigate({ to: '/members/roles/$id', params: { id: 'new' } });
  useShortcut('c', 'New role', make, { enabled: mayChange });
  return (
    <>
      <PageHeader
        title="Members"
        tabs={<MembersTabs />}
        action={
          mayChange && (
            <Button tone="primary" size="small" onClick={make}>
              New role
            </Button>
          )
        }
      />
      {may ? (
        <OperationTable
          id="roles"
          label="Roles"
          list={list}
          columns={columns}
          rowKey={(role) => role.id}
          onOpen={(role) => void navigate({ to: '/members/roles/$id', params: { id: role.id } })}
          card={(role) => ({
            title: (
              <>
                {roleName(role)} {role.system && <span className="font-normal text-text-3">built in</span>}
              </>
            ),
            detail: permissionSummary(role.permissions),
            trailing: `${role.members} ${role.members === 1 ? 'member' : 'members'}`,
          })}
          empty={<EmptyState plain title="No role is here" />}
        />
      ) : (
        <NoPermission what="the list of roles" permission="users.invite" />
      )}
    </>
  );
};

const columns: Column<Role>[] = [
  {
    id: 'name',
    header: 'Role',
    width: 'minmax(180px, 1fr)',
    cell: (role) => (
      <span className="flex items-center gap-2">
        <span dir="auto" className="truncate font-medium text-text">
          {roleName(role)}
        </span>
        {role.system && <Badge>Built in</Badge>}
      </span>
    ),
    value: roleName,
  },
  {
    id: 'may',
    header: 'May act on',
    width: 'minmax(220px, 2fr)',
    cell: (role) => <span className="text-text-2">{permissionSummary(role.permissions)}</span>,
    value: (role) => role.permissions.join(' '),
  },
  {
    id: 'members',
    header: 'Members',
    width: '112px',
    align: 'right',
    cell: (role) => role.members.toLocaleString('en'),
    value: (role) => role.members,
  },
  {
    id: 'description',
    header: 'Description',
    width: 'minmax(160px, 1.4fr)',
    wide: true,
    cell: (role) => <span className="text-text-2">{role.description}</span>,
  },
];
