import { type ServerSessionView, userSessionsList, userSessionsRevoke } from '@atrium/protocol';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Monitor, Smartphone } from 'lucide-react';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { ToggleChip } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { deviceName, isHandheld } from '../settings/device-name.ts';
import { PartyName } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

const route = getRouteApi('/frame/server/sessions');

export const SessionsPage = () => {
  const { user } = route.useSearch();
  const navigate = useNavigate();
  const [q, setQ] = useState('');
  const [opened, setOpened] = useState<ServerSessionView | null>(null);
  const list = useOperationList(
    userSessionsList,
    { ...(q ? { q } : {}), ...(user ? { user_id: user } : {}) },
    { keepPrevious: true, refetchInterval: 20_000 },
  );
  return (
    <>
      <ServerHeader
        title="Sessions"
        search={{ label: 'Find by person or address', value: q, onChange: setQ }}
        filters={
          user && (
            <ToggleChip
              label={`Of ${list.items[0]?.user.name ?? 'one person'}`}
              on
              onChange={() => void navigate({ to: '/server/sessions', search: {} })}
            />
          )
        }
      />
      <OperationTable
        id="server-sessions"
        label="Sessions"
        list={list}
        columns={columns}
        rowKey={(session) => session.id}
        onOpen={setOpened}
        card={sessionCard}
        empty={
          <EmptyState plain title={q ? `No session matches “${q}”` : 'Nobody is signed in'}>
            {q
              ? undefined
              : 'A session appears when somebody signs in and goes after thirty days, or when it is ended.'}
          </EmptyState>
        }
      />
      <SessionSheet session={opened} onClose={() => setOpened(null)} />
    </>
  );
};

const Device = ({ session }: { session: ServerSessionView }) => {
  const Icon = isHandheld(session.user_agent) ? Smartphone : Monitor;
  return (
    <span className="flex min-w-0 items-center gap-2 text-text-2">
      <Icon aria-hidden strokeWidth={1.75} className="size-4 shrink-0 text-text-3" />
      <span className="truncate">{deviceName(session.user_agent)}</span>
      {session.current && <Badge tone="success">This one</Badge>}
    </span>
  );
};

const columns: Column<ServerSessionView>[] = [
  {
    id: 'person',
    header: 'Person',
    width: 'minmax(190px, 1.3fr)',
    cell: (session) => (
      <PartyName party={{ type: 'user', id: session.user.id, name: session.user.name }} size={24} first>
        {session.user.is_operator && <Badge tone="accent">Operator</Badge>}
      </PartyName>
    ),
    value: (session) => session.user.name,
  },
  {
    id: 'device',
    header: 'Device',
    width: 'minmax(170px, 1.2fr)',
    cell: (session) => <Device session={session} />,
    value: (session) => deviceName(session.user_agent),
  },
  {
    id: 'ip',
    header: 'Address',
    width: 'minmax(110px, 0.8fr)',
    cell: (session) => <span className="tabular truncate text-text-2">{session.ip ?? 'unknown'}</span>,
    value: (session) => session.ip,
  },
  {
    id: 'org',
    header: 'Organisation',
    width: 'minmax(120px, 0.9fr)',
    wide: true,
    cell: (session) => (
      <span dir="auto" className="truncate text-text-2">
        {session.org.name}
      </span>
    ),
    value: (session) => session.org.name,
  },
  {
    id: 'methods',
    header: 'Proved by',
    width: 'minmax(90px, 0.6fr)',
    wide: true,
    cell: (session) => <span className="text-text-2">{session.methods.join(', ')}</span>,
    value: (session) => session.methods.join(', '),
  },
  {
    id: 'since',
    header: 'Signed in',
    width: 'minmax(110px, 0.7fr)',
    cell: (session) => <RelativeTime time={session.signed_in_at} className="text-text-2" />,
    value: (session) => Date.parse(session.signed_in_at),
  },
  {
    id: 'used',
    header: 'Active',
    width: 'minmax(110px, 0.7fr)',
    cell: (session) => <RelativeTime time={session.last_used_at} className="text-text-2" />,
    value: (session) => Date.parse(session.last_used_at),
  },
];

const sessionCard = (session: ServerSessionView) => ({
  leading: <Avatar id={session.user.id} name={session.user.name} size={36} />,
  title: session.user.name,
  detail: [deviceName(session.user_agent), session.ip].filter(Boolean).join(', '),
  trailing: (
    <>
      {session.current && <Badge tone="success">This one</Badge>}
      <span className="block">
        <RelativeTime short time={session.last_used_at} />
      </span>
    </>
  ),
});

const SessionSheet = ({ session, onClose }: { session: ServerSessionView | null; onClose: () => void }) => {
  const revoke = useOperationMutation(userSessionsRevoke, {
    invalidates: ['user_sessions.list', 'users.list', 'users.get', 'server.overview'],
    optimistic: ({ id }) => [patchItem<ServerSessionView>('user_sessions.list', id, () => null)],
    done: () => 'The session is ended',
  });
  return (
    <RecordSheet
      record={session}
      onClose={onClose}
      title={({ user }) => user.name}
      description={({ user }) => user.email}
      footer={(last) =>
        !last.current && (
          <Button
            tone="danger"
            onClick={() => {
              revoke.mutate({ id: last.id });
              onClose();
            }}
          >
            End session
          </Button>
        )
      }
    >
      {(last) => (
        <>
          <Facts
            facts={[
              { label: 'Device', value: deviceName(last.user_agent) },
              { label: 'Address', value: last.ip ?? 'Unknown' },
              { label: 'Proved by', value: last.methods.join(', ') || 'Unknown' },
              { label: 'Signed in', value: <RelativeTime time={last.signed_in_at} /> },
              { label: 'Active', value: <RelativeTime time={last.last_used_at} /> },
              { label: 'Ends', value: <RelativeTime time={last.expires_at} /> },
            ]}
          />
          <FormField label="Acts in" group>
            <p className="text-14">{last.org.name}</p>
          </FormField>
          <FormField label="What the browser says of itself" group>
            <p className="text-13 break-words text-text-2">{last.user_agent ?? 'Nothing'}</p>
          </FormField>
          {last.current && <p className="text-13 text-text-3">This is the session you are in. Sign out to end it.</p>}
        </>
      )}
    </RecordSheet>
  );
};
