import { type GrantView, grantsList, grantsRevoke } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import {
  ActorsField,
  AudiencesField,
  ChosenChips,
  namesOfChosen,
  PartyName,
  ScopeLine,
  ScopesField,
  WaysOn,
} from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

const route = getRouteApi('/frame/server/grants');

export const GrantsPage = () => {
  const { client, subject } = route.useSearch();
  const navigate = useNavigate();
  const [q, setQ] = useState('');
  const [state, setState] = useState<string[]>(['active']);
  const [opened, setOpened] = useState<GrantView | null>(null);
  const list = useOperationList(
    grantsList,
    {
      ...(q ? { q } : {}),
      ...(client ? { client_id: client } : {}),
      ...(subject ? { subject } : {}),
      state: state[0] === 'ended' ? ('ended' as const) : ('active' as const),
    },
    { keepPrevious: true, refetchInterval: 20_000 },
  );
  const filtered = q !== '' || client !== undefined || subject !== undefined || state[0] === 'ended';
  return (
    <>
      <ServerHeader
        title="Grants"
        search={{ label: 'Find by person or client', value: q, onChange: setQ }}
        filters={
          <div className="flex items-center gap-1.5">
            <ChosenChips
              chosen={{ client, subject }}
              names={namesOfChosen({ client, subject }, list.items[0])}
              subjectLabel="By"
              onChange={(search) => void navigate({ to: '/server/grants', search })}
            />
            <FilterChips
              clear={false}
              filters={[
                {
                  id: 'state',
                  label: 'State',
                  value: state,
                  options: [
                    { value: 'active', label: 'Active' },
                    { value: 'ended', label: 'Ended' },
                  ],
                },
              ]}
              onChange={(_id, value) => setState(value.length === 0 ? ['active'] : value)}
            />
          </div>
        }
      />
      <OperationTable
        id="grants"
        label="Grants"
        list={list}
        columns={columns}
        rowKey={(grant) => grant.id}
        onOpen={setOpened}
        card={grantCard}
        empty={
          filtered ? (
            <EmptyState plain title="No grant fits" />
          ) : (
            <EmptyState title="A grant is what a person allowed a client">
              It appears when somebody agrees on the consent page, and every token of that client for that person is
              born from it. Ending it ends them all.
            </EmptyState>
          )
        }
      />
      <GrantSheet grant={opened} onClose={() => setOpened(null)} />
    </>
  );
};

const originWords = {
  operator: 'Registered by an operator',
  registered: 'Registered itself',
  document: 'By document',
  gone: 'Client is deleted',
} as const;

const columns: Column<GrantView>[] = [
  {
    id: 'person',
    header: 'Person',
    width: 'minmax(170px, 1.2fr)',
    cell: (grant) => <PartyName party={grant.subject} size={22} first />,
    value: (grant) => grant.subject.name,
  },
  {
    id: 'client',
    header: 'Allowed',
    width: 'minmax(170px, 1.2fr)',
    cell: (grant) => <PartyName party={grant.client} />,
    value: (grant) => grant.client.name,
  },
  {
    id: 'actor',
    header: 'Through the agent',
    width: 'minmax(150px, 1fr)',
    cell: (grant) => grant.actor && <PartyName party={grant.actor} />,
    value: (grant) => grant.actor?.name ?? null,
  },
  {
    id: 'scopes',
    header: 'Scopes',
    width: 'minmax(160px, 1.5fr)',
    wide: true,
    cell: (grant) => <ScopeLine scopes={grant.scopes} />,
    value: (grant) => grant.scopes.join(' '),
  },
  {
    id: 'org',
    header: 'Organisation',
    width: 'minmax(120px, 0.8fr)',
    initiallyHidden: true,
    cell: (grant) => (
      <span dir="auto" className="truncate text-text-2">
        {grant.org.name}
      </span>
    ),
    value: (grant) => grant.org.name,
  },
  {
    id: 'tokens',
    header: 'Live tokens',
    width: '118px',
    align: 'right',
    cell: (grant) => grant.live_tokens.toLocaleString('en'),
    value: (grant) => grant.live_tokens,
  },
  {
    id: 'used',
    header: 'Last used',
    width: 'minmax(140px, 0.7fr)',
    cell: (grant) => <RelativeTime time={grant.last_used_at} className="text-text-2" />,
    value: (grant) => Date.parse(grant.last_used_at),
  },
  {
    id: 'made',
    header: 'Since',
    width: 'minmax(110px, 0.7fr)',
    initiallyHidden: true,
    cell: (grant) => <RelativeTime time={grant.created_at} className="text-text-2" />,
    value: (grant) => Date.parse(grant.created_at),
  },
];

const grantCard = (grant: GrantView) => ({
  leading: <Avatar id={grant.subject.id} name={grant.subject.name} size={32} />,
  title: grant.subject.name,
  detail: `allowed ${grant.client.name}${grant.actor ? ` through ${grant.actor.name}` : ''}`,
  trailing: (
    <>
      <span className="block text-13 text-text-2">{grant.live_tokens} live</span>
      <RelativeTime short time={grant.last_used_at} />
    </>
  ),
});

const GrantSheet = ({ grant, onClose }: { grant: GrantView | null; onClose: () => void }) => {
  const [ending, setEnding] = useState(false);
  const revoke = useOperationMutation(grantsRevoke, {
    invalidates: ['grants.list', 'tokens.list', 'clients.list', 'server.overview'],
    optimistic: ({ id }) => [patchItem<GrantView>('grants.list', id, () => null)],
    done: () => 'The grant is ended with everything born from it',
    onSuccess: onClose,
  });
  return (
    <RecordSheet
      record={grant}
      onClose={onClose}
      title={({ client }) => client.name}
      description={({ subject }) => `Allowed by ${subject.name}`}
      footer={({ revoked_at, expires_at }) =>
        revoked_at === null &&
        Date.parse(expires_at) > Date.now() && (
          <Button tone="danger" onClick={() => setEnding(true)}>
            End grant
          </Button>
        )
      }
    >
      {({ id, client, subject, actor, ...more }) => (
        <>
          <Facts
            facts={[
              { label: 'Since', value: <RelativeTime time={more.created_at} /> },
              { label: 'Last used', value: <RelativeTime time={more.last_used_at} /> },
              {
                label: more.revoked_at ? 'Ended' : 'Until',
                value: <RelativeTime time={more.revoked_at ?? more.expires_at} />,
              },
              { label: 'Live tokens', value: more.live_tokens.toLocaleString('en') },
              { label: 'Client', value: originWords[client.origin] },
              { label: 'Organisation', value: more.org.name },
            ]}
          />
          {actor && <ActorsField actors={[actor]} subject={subject.name} />}
          <ScopesField scopes={more.scopes} none="nothing but what its tokens say of the transaction" />
          <AudiencesField audiences={more.resources} none="every resource that its scopes reach" />
          <WaysOn>
            <Link to="/server/tokens" search={{ subject: subject.id }} className="quiet-link">
              Tokens for {subject.name}
            </Link>
            <Link to="/server/grants" search={{ client: client.id }} className="quiet-link">
              Who else allowed this client
            </Link>
          </WaysOn>
          <ConfirmDialog
            open={ending}
            onOpenChange={setEnding}
            title="End this grant"
            verb="End grant"
            onConfirm={() => {
              revoke.mutate({ id });
              setEnding(false);
            }}
          >
            {client.name} is signed out for {subject.name} at once. It can ask for consent again.
          </ConfirmDialog>
        </>
      )}
    </RecordSheet>
  );
};
