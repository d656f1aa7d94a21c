import { type GrantView, grantsList, grantsRevoke } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Sheet } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips, ToggleChip } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { AgentMark, Avatar } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { ServerHeader } from './server-header.tsx';
import { isPowerful, scopeWord } from './server-words.ts';
import { ScopeLine } from './tokens-page.tsx';

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
  const first = list.items[0];
  return (
    <>
      <ServerHeader
        title="Grants"
        search={{ label: 'Find by person or client', value: q, onChange: setQ }}
        filters={
          <div className="flex items-center gap-1.5">
            {client && (
              <ToggleChip
                label={`Client: ${first && first.client.id === client ? first.client.name : client}`}
                on
                onChange={() => void navigate({ to: '/server/grants', search: { subject } })}
              />
            )}
            {subject && (
              <ToggleChip
                label={`By: ${first && first.subject.id === subject ? first.subject.name : subject}`}
                on
                onChange={() => void navigate({ to: '/server/grants', search: { client } })}
              />
            )}
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
    cell: (grant) => (
      <span className="flex min-w-0 items-center gap-2.5">
        <Avatar id={grant.subject.id} name={grant.subject.name} size={22} />
        <span dir="auto" className="truncate font-medium text-text">
          {grant.subject.name}
        </span>
      </span>
    ),
    value: (grant) => grant.subject.name,
  },
  {
    id: 'client',
    header: 'Allowed',
    width: 'minmax(170px, 1.2fr)',
    cell: (grant) => (
      <span className="flex min-w-0 items-center gap-2">
        <AgentMark id={grant.client.id} name={grant.client.name} size={20} />
        <span dir="auto" className="truncate">
          {grant.client.name}
        </span>
      </span>
    ),
    value: (grant) => grant.client.name,
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
    wide: true,
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
    width: 'minmax(110px, 0.7fr)',
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
  detail: `allowed ${grant.client.name}`,
  trailing: (
    <>
      <span className="block text-13 text-text-2">{grant.live_tokens} live</span>
      <RelativeTime short time={grant.last_used_at} />
    </>
  ),
});

const quiet = 'rounded-[3px] text-text-2 underline decoration-line-strong underline-offset-4 hover:text-text';

const GrantSheet = ({ grant, onClose }: { grant: GrantView | null; onClose: () => void }) => {
  const [last, setLast] = useState(grant);
  if (grant && grant !== last) setLast(grant);
  const [ending, setEnding] = useState(false);
  const revoke = useOperationMutation(grantsRevoke, {
    invalidates: ['grants.list', 'tokens.list', 'clients.list', 'server.overview'],
    optimistic: ({ id }) => [patchItem<GrantView>('grants.list', id, () => null)],
    done: () => 'The grant is ended with everything born from it',
    onSuccess: onClose,
  });
  const live = last !== null && last.revoked_at === null && Date.parse(last.expires_at) > Date.now();
  return (
    <Sheet
      open={grant !== null}
      onOpenChange={(open) => !open && onClose()}
      title={last?.client.name ?? ''}
      description={last && `Allowed by ${last.subject.name} in ${last.org.name}`}
      footer={
        live && (
          <Button tone="danger" onClick={() => setEnding(true)}>
            End grant
          </Button>
        )
      }
    >
      {last && (
        <div className="flex flex-col gap-5">
          <Facts
            facts={[
              { label: 'Since', value: <RelativeTime time={last.created_at} /> },
              { label: 'Last used', value: <RelativeTime time={last.last_used_at} /> },
              {
                label: last.revoked_at ? 'Ended' : 'Until',
                value: <RelativeTime time={last.revoked_at ?? last.expires_at} />,
              },
              { label: 'Live tokens', value: last.live_tokens.toLocaleString('en') },
              { label: 'Client', value: originWords[last.client.origin] },
            ]}
          />
          <FormField label="May" group>
            <ul className="flex flex-col gap-1.5 text-13">
              {last.scopes.map((scope) => (
                <li key={scope} className="flex flex-wrap items-center gap-x-2">
                  <span className="text-text">{scopeWord(scope)}</span>
                  <code className="text-12 text-text-3">{scope}</code>
                  {isPowerful(scope) && <Badge tone="warning">Powerful</Badge>}
                </li>
              ))}
            </ul>
          </FormField>
          {last.resources.length > 0 && (
            <FormField label="At" group>
              <ul className="flex flex-col gap-1">
                {last.resources.map((resource) => (
                  <li key={resource}>
                    <code className="text-13 break-all text-text-2">{resource}</code>
                  </li>
                ))}
              </ul>
            </FormField>
          )}
          <p className="flex flex-wrap gap-x-4 gap-y-1 text-13">
            <Link to="/server/tokens" search={{ subject: last.subject.id }} className={quiet}>
              Tokens for {last.subject.name}
            </Link>
            <Link to="/server/grants" search={{ client: last.client.id }} className={quiet}>
              Who else allowed this client
            </Link>
          </p>
        </div>
      )}
      <ConfirmDialog
        open={ending}
        onOpenChange={setEnding}
        title="End this grant"
        verb="End grant"
        onConfirm={() => {
          if (last) revoke.mutate({ id: last.id });
          setEnding(false);
        }}
      >
        {last?.client.name} is signed out for {last?.subject.name} at once. It can ask for consent again.
      </ConfirmDialog>
    </Sheet>
  );
};
