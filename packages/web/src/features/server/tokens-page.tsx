import {
  type TokenView,
  tokensGet,
  tokensList,
  tokensRevoke,
  tokensRevokeByClient,
  tokensRevokeByUser,
} from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { AgentMark } from '../../ui/identity-mark.tsx';
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
import { shortId } from './server-words.ts';

const route = getRouteApi('/frame/server/tokens');
/** Tokens are issued without an event that reaches operators. */
const askAgainMs = 10_000;

export const TokensPage = () => {
  const { client, subject } = route.useSearch();
  const navigate = useNavigate();
  const [q, setQ] = useState('');
  const [state, setState] = useState<string[]>(['active']);
  const [opened, setOpened] = useState<string | null>(null);
  const [ending, setEnding] = useState<'client' | 'subject' | null>(null);
  const list = useOperationList(
    tokensList,
    {
      ...(q ? { q } : {}),
      ...(client ? { client_id: client } : {}),
      ...(subject ? { subject } : {}),
      ...(state[0] ? { state: state[0] as 'active' } : {}),
    },
    { keepPrevious: true, refetchInterval: askAgainMs },
  );
  const filtered = q !== '' || client !== undefined || subject !== undefined;
  const invalidates = ['tokens.list', 'grants.list', 'clients.list', 'server.overview'];
  const said = ({ tokens, grants }: { tokens: number; grants: number }) =>
    `${tokens} ${tokens === 1 ? 'token' : 'tokens'} and ${grants} ${grants === 1 ? 'grant' : 'grants'} are ended`;
  const endClient = useOperationMutation(tokensRevokeByClient, { invalidates, done: said });
  const endUser = useOperationMutation(tokensRevokeByUser, { invalidates, done: said });
  const first = list.items[0];
  const names = namesOfChosen({ client, subject }, first);
  return (
    <>
      <ServerHeader
        title="Tokens"
        search={{ label: 'Find by person or client', value: q, onChange: setQ }}
        action={
          (client || subject) &&
          list.items.some((token) => token.state === 'active') && (
            <Button size="small" onClick={() => setEnding(client ? 'client' : 'subject')}>
              Revoke all
            </Button>
          )
        }
        filters={
          <div className="flex items-center gap-1.5">
            <ChosenChips
              chosen={{ client, subject }}
              names={names}
              subjectLabel="Acts for"
              onChange={(search) => void navigate({ to: '/server/tokens', search })}
            />
            <FilterChips
              filters={[
                {
                  id: 'state',
                  label: 'State',
                  value: state,
                  options: [
                    { value: 'active', label: 'Active' },
                    { value: 'expired', label: 'Expired' },
                    { value: 'revoked', label: 'Revoked' },
                  ],
                },
              ]}
              onChange={(_id, value) => setState(value)}
            />
          </div>
        }
      />
      <OperationTable
        id="tokens"
        label="Tokens"
        list={list}
        columns={columns}
        rowKey={(token) => token.id}
        onOpen={(token) => setOpened(token.id)}
        card={tokenCard}
        empty={
          filtered || state[0] !== 'active' ? (
            <EmptyState plain title="No token fits" />
          ) : (
            <EmptyState
              title="Nobody holds a token now"
              line={{ prompt: '$', text: `claude mcp add --transport http atrium ${location.origin}/mcp` }}
              docs={{ href: '/api/docs', label: 'How a client gets one' }}
            >
              A client that a person allowed gets a token for an hour at a time. The token itself is stored nowhere;
              this list knows what it is good for.
            </EmptyState>
          )
        }
      />
      <TokenSheet
        id={opened}
        known={list.items.find((token) => token.id === opened) ?? null}
        onClose={() => setOpened(null)}
      />
      <ConfirmDialog
        open={ending !== null}
        onOpenChange={(open) => !open && setEnding(null)}
        title={`Revoke everything of ${ending === 'client' ? names.client : names.subject}`}
        verb="Revoke all"
        busy={endClient.isPending || endUser.isPending}
        onConfirm={() => {
          if (ending === 'client' && client) endClient.mutate({ client_id: client });
          if (ending === 'subject' && subject) endUser.mutate({ user_id: subject });
          setEnding(null);
        }}
      >
        Every token and grant ends at once. People are asked again at the next sign-in.
      </ConfirmDialog>
    </>
  );
};

const tones = { active: 'success', expired: 'neutral', revoked: 'danger' } as const;
const words = { active: 'Active', expired: 'Expired', revoked: 'Revoked' } as const;

const TokenState = ({ token }: { token: TokenView }) => (
  <Badge dot tone={tones[token.state]}>
    {words[token.state]}
  </Badge>
);

const columns: Column<TokenView>[] = [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(160px, 1.2fr)',
    cell: (token) => <PartyName party={token.client} first />,
    value: (token) => token.client.name,
  },
  {
    id: 'subject',
    header: 'Acts for',
    width: 'minmax(160px, 1.2fr)',
    cell: (token) =>
      token.subject.type === 'client' ? (
        <span className="text-text-3">itself</span>
      ) : (
        <PartyName party={token.subject} />
      ),
    value: (token) => token.subject.name,
  },
  {
    id: 'actor',
    header: 'Through',
    width: 'minmax(130px, 0.9fr)',
    wide: true,
    cell: (token) => token.actors[0] && <PartyName party={token.actors[0]} />,
    value: (token) => token.actors[0]?.name ?? null,
  },
  {
    id: 'state',
    header: 'State',
    width: '96px',
    cell: (token) => <TokenState token={token} />,
    value: (token) => token.state,
  },
  {
    id: 'scopes',
    header: 'Scopes',
    width: 'minmax(160px, 1.6fr)',
    wide: true,
    cell: (token) => <ScopeLine scopes={token.scopes} />,
    value: (token) => token.scopes.join(' '),
  },
  {
    id: 'org',
    header: 'Organisation',
    width: 'minmax(110px, 0.8fr)',
    initiallyHidden: true,
    cell: (token) => <span className="truncate text-text-2">{token.org?.name ?? ''}</span>,
    value: (token) => token.org?.name ?? null,
  },
  {
    id: 'format',
    header: 'Form',
    width: '80px',
    initiallyHidden: true,
    cell: (token) => <span className="text-text-2">{token.format === 'jwt' ? 'JWT' : 'opaque'}</span>,
    value: (token) => token.format,
  },
  {
    id: 'issued',
    header: 'Issued',
    width: 'minmax(110px, 0.7fr)',
    cell: (token) => <RelativeTime time={token.created_at} className="text-text-2" />,
    value: (token) => Date.parse(token.created_at),
  },
  {
    id: 'ends',
    header: 'Ends',
    width: 'minmax(110px, 0.7fr)',
    cell: (token) => <RelativeTime time={token.revoked_at ?? token.expires_at} className="text-text-2" />,
    value: (token) => Date.parse(token.revoked_at ?? token.expires_at),
  },
];

const tokenCard = (token: TokenView) => ({
  leading: <AgentMark id={token.client.id} name={token.client.name} size={32} />,
  title: token.client.name,
  detail: actsFor(token),
  trailing: (
    <>
      <TokenState token={token} />
      <span className="block">
        <RelativeTime short time={token.created_at} />
      </span>
    </>
  ),
});

const actsFor = ({ subject, actors }: TokenView): string =>
  subject.type === 'client'
    ? 'for itself'
    : `for ${subject.name}${actors[0] === undefined ? '' : `, through ${actors[0].name}`}`;

const TokenSheet = ({ id, known, onClose }: { id: string | null; known: TokenView | null; onClose: () => void }) => {
  const query = useOperation(tokensGet, { id: id ?? '' }, { enabled: id !== null });
  return (
    <RecordSheet
      record={id === null ? null : (query.data ?? known)}
      onClose={onClose}
      title={(token) => token.client.name}
      description={(token) => `Acts ${actsFor(token)}`}
      footer={(token) => token.state === 'active' && <RevokeToken token={token} onClose={onClose} />}
    >
      {(token) => <TokenDetail token={token} />}
    </RecordSheet>
  );
};

const RevokeToken = ({ token, onClose }: { token: TokenView; onClose: () => void }) => {
  const revoke = useOperationMutation(tokensRevoke, {
    invalidates: ['tokens.list', 'tokens.get', 'server.overview'],
    done: () => 'The token is revoked on every replica',
    onSuccess: onClose,
  });
  return (
    <Button tone="danger" busy={revoke.isPending} onClick={() => revoke.mutate({ id: token.id })}>
      Revoke token
    </Button>
  );
};

const TokenDetail = ({ token }: { token: TokenView }) => (
  <>
    <Facts
      facts={[
        { label: 'State', value: <TokenState token={token} /> },
        { label: 'Issued', value: <RelativeTime time={token.created_at} /> },
        {
          label: token.revoked_at ? 'Revoked' : 'Expires',
          value: <RelativeTime time={token.revoked_at ?? token.expires_at} />,
        },
        { label: 'Form', value: token.format === 'jwt' ? 'Signed (JWT)' : 'Opaque' },
        { label: 'Organisation', value: token.org?.name ?? 'None' },
        { label: 'Token id', value: <code className="text-12">{shortId(token.id)}</code> },
      ]}
    />
    {token.actors.length > 0 && <ActorsField actors={token.actors} subject={token.subject.name} />}
    <AudiencesField
      audiences={token.resource === null ? [] : [token.resource]}
      none="every resource that its scopes reach"
    />
    <ScopesField scopes={token.scopes} none="nothing but name its subject" />
    <WaysOn>
      <Link to="/server/tokens" search={{ client: token.client.id }} className="quiet-link">
        All of this client
      </Link>
      {token.subject.type !== 'client' && (
        <Link to="/server/tokens" search={{ subject: token.subject.id }} className="quiet-link">
          All for {token.subject.name}
        </Link>
      )}
    </WaysOn>
  </>
);
