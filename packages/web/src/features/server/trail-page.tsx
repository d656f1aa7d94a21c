import { type OutputOf, serverAudit } from '@atrium/protocol';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { useOperationList } from '../../data/operations.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { auditSentence } from '../audit/audit-words.ts';
import { PartyName } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

type Line = OutputOf<typeof serverAudit>['items'][number];

const sentence = (line: Line): string => auditSentence({ ...line, item_id: null });

const actions = [
  { value: 'auth.', label: 'Sign-in' },
  { value: 'users.', label: 'People' },
  { value: 'clients.', label: 'Clients' },
  { value: 'tokens.', label: 'Tokens' },
  { value: 'grants.', label: 'Grants' },
  { value: 'oauth.keys.', label: 'Key rotations' },
  { value: 'denylist.', label: 'Denied addresses' },
  { value: 'operation.denied', label: 'Refusals' },
];

export const TrailPage = () => {
  const [action, setAction] = useState<string[]>([]);
  const list = useOperationList(serverAudit, action[0] ? { action: action[0] } : {}, {
    keepPrevious: true,
    refetchInterval: 15_000,
  });
  return (
    <>
      <ServerHeader
        title="Audit trail"
        filters={
          <FilterChips
            filters={[{ id: 'action', label: 'Action', value: action, options: actions }]}
            onChange={(_id, value) => setAction(value)}
          />
        }
      />
      <OperationTable
        id="server-trail"
        label="Audit trail"
        list={list}
        columns={columns}
        rowKey={(line) => line.id}
        card={(line) => ({
          leading: (
            <PrincipalMark
              type={line.actor.type}
              id={line.actor.id ?? line.actor.name}
              name={line.actor.name}
              size={32}
            />
          ),
          title: line.actor.name,
          detail: sentence(line),
          trailing: <RelativeTime short time={line.at} />,
        })}
        empty={<EmptyState plain title="No line fits" />}
      />
    </>
  );
};

const columns: Column<Line>[] = [
  {
    id: 'who',
    header: 'Who',
    width: 'minmax(170px, 1.1fr)',
    cell: (line) => <PartyName party={line.actor} first />,
    value: (line) => line.actor.name,
  },
  {
    id: 'did',
    header: 'Did',
    width: 'minmax(200px, 1.5fr)',
    cell: (line) => <span className="truncate">{sentence(line)}</span>,
    value: (line) => sentence(line),
  },
  {
    id: 'org',
    header: 'Where',
    width: 'minmax(130px, 1fr)',
    cell: (line) => (
      <span dir="auto" className="truncate text-text-2">
        {line.org?.name ?? 'The server'}
      </span>
    ),
    value: (line) => line.org?.name ?? '',
  },
  {
    id: 'ip',
    header: 'Address',
    width: 'minmax(110px, 0.8fr)',
    wide: true,
    cell: (line) => <span className="tabular truncate text-text-2">{line.ip ?? ''}</span>,
    value: (line) => line.ip,
  },
  {
    id: 'request',
    header: 'Request',
    width: 'minmax(150px, 1fr)',
    initiallyHidden: true,
    cell: (line) => <code className="truncate text-12 text-text-3">{line.request_id}</code>,
    value: (line) => line.request_id,
  },
  {
    id: 'at',
    header: 'When',
    width: 'minmax(120px, 0.7fr)',
    cell: (line) => <RelativeTime time={line.at} className="text-text-2" />,
    value: (line) => Date.parse(line.at),
  },
];
