import { type ClientView, clientDocumentsList, clientsGet, clientsList, type OutputOf } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { AgentMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { PartyName } from './access-parts.tsx';
import { NewClientDialog, newClientOpen } from './client-form.tsx';
import { ServerHeader } from './server-header.tsx';
import { grantWord, methodWord } from './server-words.ts';

type Document = OutputOf<typeof clientDocumentsList>['items'][number];
type Origin = 'registered' | 'operator';

export const ClientsPage = () => {
  const [q, setQ] = useState('');
  const [view, setView] = useState<'clients' | 'documents'>('clients');
  const [origin, setOrigin] = useState<Origin[]>([]);
  const [state, setState] = useState<string[]>([]);
  useShortcut('c', 'Register a client', () => newClientOpen.set(true));
  return (
    <>
      <ServerHeader
        title="Clients"
        search={{ label: 'Find a client', value: q, onChange: setQ }}
        action={
          <Button tone="primary" size="small" onClick={() => newClientOpen.set(true)}>
            New client
          </Button>
        }
        filters={
          <div className="flex items-center gap-2">
            <Segmented
              label="Kind of client"
              value={view}
              onChange={setView}
              options={[
                { value: 'clients', label: 'Registered' },
                { value: 'documents', label: 'By document' },
              ]}
            />
            {view === 'clients' && (
              <FilterChips
                filters={[
                  {
                    id: 'origin',
                    label: 'Made by',
                    value: origin,
                    options: [
                      { value: 'operator', label: 'Operators' },
                      { value: 'registered', label: 'Themselves' },
                    ],
                  },
                  {
                    id: 'state',
                    label: 'State',
                    value: state,
                    options: [
                      { value: 'true', label: 'Enabled' },
                      { value: 'false', label: 'Disabled' },
                    ],
                  },
                ]}
                onChange={(id, value) => (id === 'origin' ? setOrigin(value as Origin[]) : setState(value))}
              />
            )}
          </div>
        }
      />
      {view === 'clients' ? (
        <Registered q={q} origin={origin[0]} enabled={state[0] === undefined ? undefined : state[0] === 'true'} />
      ) : (
        <Documents q={q} />
      )}
      <NewClientDialog />
    </>
  );
};

const Registered = ({
  q,
  origin,
  enabled,
}: {
  q: string;
  origin: Origin | undefined;
  enabled: boolean | undefined;
}) => {
  const navigate = useNavigate();
  const list = useOperationList(
    clientsList,
    { ...(q ? { q } : {}), ...(origin ? { origin } : {}), ...(enabled === undefined ? {} : { enabled }) },
    { keepPrevious: true },
  );
  const filtered = q !== '' || origin !== undefined || enabled !== undefined;
  return (
    <OperationTable
      id="clients"
      label="Clients"
      list={list}
      columns={columns}
      rowKey={(client) => client.id}
      onOpen={(client) => void navigate({ to: '/server/clients/$id', params: { id: client.id } })}
      card={clientCard}
      empty={
        filtered ? (
          <EmptyState plain title="No client fits" />
        ) : (
          <EmptyState
            title="A client is software that asks this server for tokens"
            action={
              <Button tone="primary" onClick={() => newClientOpen.set(true)}>
                Register the first client
              </Button>
            }
            docs={{ href: '/api/docs', label: 'How sign-in with Atrium works' }}
          >
            MCP clients on this machine register themselves; web applications and services are registered here.
          </EmptyState>
        )
      }
    />
  );
};

export const ClientState = ({ client }: { client: ClientView }) => (
  <Badge dot tone={client.enabled ? (client.last_used_at ? 'success' : 'neutral') : 'danger'}>
    {client.enabled ? (client.last_used_at ? 'In use' : 'Not used yet') : 'Disabled'}
  </Badge>
);

const columns: Column<ClientView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(220px, 2fr)',
    cell: (client) => (
      <span
        className="flex min-w-0 items-center gap-2.5"
        onPointerEnter={() => prefetchOperation(clientsGet, { id: client.id })}
      >
        <AgentMark id={client.client_id} name={client.name} size={22} />
        <span dir="auto" className="truncate font-medium text-text">
          {client.name}
        </span>
        {client.origin === 'registered' && <Badge tone="warning">Registered itself</Badge>}
      </span>
    ),
    value: (client) => client.name,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(110px, 0.7fr)',
    cell: (client) => <ClientState client={client} />,
    value: (client) => (client.enabled ? (client.last_used_at ? '0' : '1') : '2'),
  },
  {
    id: 'method',
    header: 'Proves itself',
    width: 'minmax(140px, 1fr)',
    wide: true,
    cell: (client) => <span className="truncate text-text-2">{methodWord(client.auth_method)}</span>,
    value: (client) => methodWord(client.auth_method),
  },
  {
    id: 'grants',
    header: 'Grant types',
    width: 'minmax(150px, 1.2fr)',
    initiallyHidden: true,
    cell: (client) => <span className="truncate text-text-2">{client.grant_types.map(grantWord).join(', ')}</span>,
    value: (client) => client.grant_types.map(grantWord).join(', '),
  },
  {
    id: 'id',
    header: 'Client id',
    width: 'minmax(180px, 1.2fr)',
    initiallyHidden: true,
    cell: (client) => <code className="truncate text-12 text-text-2">{client.client_id}</code>,
    value: (client) => client.client_id,
  },
  {
    id: 'people',
    header: 'Grants',
    width: '84px',
    align: 'right',
    cell: (client) => client.live_grants.toLocaleString('en'),
    value: (client) => client.live_grants,
  },
  {
    id: 'tokens',
    header: 'Live tokens',
    width: '118px',
    align: 'right',
    cell: (client) => client.live_tokens.toLocaleString('en'),
    value: (client) => client.live_tokens,
  },
  {
    id: 'used',
    header: 'Last used',
    width: 'minmax(140px, 0.7fr)',
    cell: (client) =>
      client.last_used_at ? (
        <RelativeTime time={client.last_used_at} className="text-text-2" />
      ) : (
        <span className="text-text-3">never</span>
      ),
    value: (client) => client.last_used_at && Date.parse(client.last_used_at),
  },
  {
    id: 'made',
    header: 'Registered',
    width: 'minmax(110px, 0.7fr)',
    initiallyHidden: true,
    cell: (client) => <RelativeTime time={client.created_at} className="text-text-2" />,
    value: (client) => Date.parse(client.created_at),
  },
];

const clientCard = (client: ClientView) => ({
  leading: <AgentMark id={client.client_id} name={client.name} size={32} />,
  title: client.name,
  detail: [methodWord(client.auth_method), client.origin === 'registered' && 'registered itself']
    .filter(Boolean)
    .join(', '),
  trailing: (
    <>
      <ClientState client={client} />
      <span className="block">{client.live_tokens.toLocaleString('en')} tokens</span>
    </>
  ),
});

const Documents = ({ q }: { q: string }) => {
  const list = useOperationList(clientDocumentsList, q ? { q } : {}, { keepPrevious: true });
  return (
    <OperationTable
      id="client-documents"
      label="Clients by document"
      list={list}
      columns={documentColumns}
      rowKey={(row) => row.client_id}
      card={(row) => ({
        leading: <AgentMark id={row.client_id} name={row.name} size={32} />,
        title: row.name,
        detail: row.host,
        trailing: <RelativeTime short time={row.last_used_at} />,
      })}
      empty={
        q ? (
          <EmptyState plain title="No document fits" />
        ) : (
          <EmptyState title="Some clients are an address">
            Their id is the https URL of a document that describes them. The first one that somebody allows stands here,
            with its host; nobody registers it.
          </EmptyState>
        )
      }
    />
  );
};

const documentColumns: Column<Document>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(180px, 1.2fr)',
    cell: (row) => <PartyName party={{ id: row.client_id, name: row.name }} size={22} first />,
    value: (row) => row.name,
  },
  {
    id: 'host',
    header: 'Host',
    width: 'minmax(140px, 1fr)',
    cell: (row) => <span className="truncate text-text">{row.host}</span>,
    value: (row) => row.host,
  },
  {
    id: 'url',
    header: 'Document',
    width: 'minmax(200px, 1.8fr)',
    wide: true,
    cell: (row) => <code className="truncate text-12 text-text-2">{row.client_id}</code>,
    value: (row) => row.client_id,
  },
  {
    id: 'grants',
    header: 'Grants',
    width: '84px',
    align: 'right',
    cell: (row) => row.live_grants.toLocaleString('en'),
    value: (row) => row.live_grants,
  },
  {
    id: 'fetched',
    header: 'Fetched',
    width: 'minmax(110px, 0.7fr)',
    cell: (row) => <RelativeTime time={row.fetched_at} className="text-text-2" />,
    value: (row) => Date.parse(row.fetched_at),
  },
  {
    id: 'used',
    header: 'Last used',
    width: 'minmax(110px, 0.7fr)',
    cell: (row) => <RelativeTime time={row.last_used_at} className="text-text-2" />,
    value: (row) => Date.parse(row.last_used_at),
  },
];
