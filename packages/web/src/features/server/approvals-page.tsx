import { type ApprovalRequestView, approvalRequestsCancel, approvalRequestsList } from '@atrium/protocol';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { AudiencesField, PartyName, ScopesField } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

type State = ApprovalRequestView['state'];

/** Requests live for minutes, so the page looks often. */
const askAgainMs = 5000;

const states: Record<State, { label: string; tone: Tone }> = {
  pending: { label: 'Waits', tone: 'warning' },
  approved: { label: 'Approved', tone: 'success' },
  denied: { label: 'Denied', tone: 'danger' },
  expired: { label: 'Expired', tone: 'neutral' },
  withdrawn: { label: 'Taken back', tone: 'neutral' },
};

export const ApprovalsPage = () => {
  const [q, setQ] = useState('');
  const [state, setState] = useState<State[]>(['pending']);
  const [opened, setOpened] = useState<ApprovalRequestView | null>(null);
  const list = useOperationList(
    approvalRequestsList,
    { ...(q ? { q } : {}), ...(state[0] ? { state: state[0] } : {}) },
    { keepPrevious: true, refetchInterval: askAgainMs },
  );
  return (
    <>
      <ServerHeader
        title="Approvals"
        search={{ label: 'Find by person or client', value: q, onChange: setQ }}
        filters={
          <FilterChips
            filters={[
              {
                id: 'state',
                label: 'State',
                value: state,
                options: Object.entries(states).map(([value, { label }]) => ({ value, label })),
              },
            ]}
            onChange={(_id, value) => setState(value as State[])}
          />
        }
      />
      <OperationTable
        id="approvals"
        label="Requests for approval"
        list={list}
        columns={columns}
        rowKey={(request) => request.id}
        onOpen={setOpened}
        card={(request) => ({
          leading: <Avatar id={request.person.id} name={request.person.name} size={32} />,
          title: whatOf(request),
          detail: `${request.client.name} asks ${request.person.name}`,
          trailing: (
            <>
              <RequestState request={request} />
              <span className="block">
                <RelativeTime short time={request.decided_at ?? request.expires_at} />
              </span>
            </>
          ),
        })}
        empty={
          q !== '' || (state[0] !== undefined && state[0] !== 'pending') ? (
            <EmptyState plain title="No request fits" />
          ) : (
            <EmptyState
              title="No request waits for a person"
              line={{ text: 'ATRIUM_OAUTH_APPROVALS=true' }}
              docs={{ href: '/api/docs', label: 'How a client asks' }}
            >
              Clients can ask a person to approve one transaction, or to sign in apart from them, where the server has
              that switched on. The person answers in the inbox; what waits stands here, and for an hour how it ended.
            </EmptyState>
          )
        }
      />
      <RequestSheet
        request={opened && (list.items.find(({ id }) => id === opened.id) ?? opened)}
        onClose={() => setOpened(null)}
      />
    </>
  );
};

const whatOf = ({ kind, title }: ApprovalRequestView): string =>
  title ?? (kind === 'ciba' ? 'Signing in' : 'A transaction without a title');

const RequestState = ({ request }: { request: ApprovalRequestView }) => (
  <Badge dot tone={states[request.state].tone}>
    {states[request.state].label}
  </Badge>
);

const Ending = ({ request }: { request: ApprovalRequestView }) =>
  request.state === 'pending' ? (
    <span className="flex items-center gap-2 text-text-2">
      <CountdownRing from={request.created_at} until={request.expires_at} size={16} />
      <RelativeTime time={request.expires_at} />
    </span>
  ) : (
    <RelativeTime time={request.decided_at ?? request.expires_at} className="text-text-2" />
  );

const columns: Column<ApprovalRequestView>[] = [
  {
    id: 'person',
    header: 'Who is asked',
    width: 'minmax(160px, 1.1fr)',
    cell: ({ person }) => <PartyName party={{ ...person, type: 'user' }} size={22} first />,
    value: ({ person }) => person.name,
  },
  {
    id: 'client',
    header: 'By',
    width: 'minmax(170px, 1.3fr)',
    cell: ({ client }) => <PartyName party={client} />,
    value: ({ client }) => client.name,
  },
  {
    id: 'what',
    header: 'For',
    width: 'minmax(180px, 2fr)',
    cell: (request) => (
      <span dir="auto" className="truncate text-text-2">
        {whatOf(request)}
      </span>
    ),
    value: whatOf,
  },
  {
    id: 'state',
    header: 'State',
    width: '110px',
    cell: (request) => <RequestState request={request} />,
    value: ({ state }) => Object.keys(states).indexOf(state),
  },
  {
    id: 'org',
    header: 'Organisation',
    width: 'minmax(120px, 0.8fr)',
    initiallyHidden: true,
    cell: ({ org }) => (
      <span dir="auto" className="truncate text-text-2">
        {org.name}
      </span>
    ),
    value: ({ org }) => org.name,
  },
  {
    id: 'asked',
    header: 'Asked',
    width: 'minmax(110px, 0.6fr)',
    initiallyHidden: true,
    cell: ({ created_at }) => <RelativeTime time={created_at} className="text-text-2" />,
    value: ({ created_at }) => Date.parse(created_at),
  },
  {
    id: 'ends',
    header: 'Ends',
    width: 'minmax(150px, 0.7fr)',
    cell: (request) => <Ending request={request} />,
    value: ({ decided_at, expires_at }) => Date.parse(decided_at ?? expires_at),
  },
];

const kinds = {
  transaction: 'One transaction that a client asks a person to approve',
  ciba: 'A client wants to sign a person in who is elsewhere (CIBA)',
} as const;
const endings: Record<State, string> = {
  pending: 'Ends',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Expired',
  withdrawn: 'Taken back',
};

const RequestSheet = ({ request, onClose }: { request: ApprovalRequestView | null; onClose: () => void }) => {
  const [asking, setAsking] = useState(false);
  const cancel = useOperationMutation(approvalRequestsCancel, {
    invalidates: ['approval_requests.list'],
    optimistic: ({ id }) => [
      patchItem<ApprovalRequestView>('approval_requests.list', id, (one) => ({ ...one, state: 'withdrawn' })),
    ],
    done: ({ client }) => `The request of ${client.name} is ended`,
    onSuccess: onClose,
  });
  return (
    <RecordSheet
      record={request}
      onClose={onClose}
      title={whatOf}
      description={({ kind }) => kinds[kind]}
      footer={({ state }) =>
        state === 'pending' && (
          <Button tone="danger" onClick={() => setAsking(true)}>
            End request
          </Button>
        )
      }
    >
      {(shown) => (
        <>
          <Facts
            roomy
            facts={[
              { label: 'Who is asked', value: <PartyName party={{ ...shown.person, type: 'user' }} /> },
              { label: 'By', value: <PartyName party={shown.client} /> },
              { label: 'Organisation', value: shown.org.name },
              { label: 'State', value: <RequestState request={shown} /> },
              { label: 'Asked', value: <RelativeTime time={shown.created_at} /> },
              { label: endings[shown.state], value: <RelativeTime time={shown.decided_at ?? shown.expires_at} /> },
            ]}
          />
          <ScopesField scopes={shown.scopes} none="nothing but the transaction itself" />
          <AudiencesField audiences={shown.resources} none="userinfo of this server" />
          <p className="text-13 text-pretty text-text-3">
            What else the client says of it is for {shown.person.name} alone, who decides it in the inbox.
          </p>
          <ConfirmDialog
            open={asking}
            onOpenChange={setAsking}
            title="End this request"
            verb="End request"
            onConfirm={() => {
              cancel.mutate({ id: shown.id });
              setAsking(false);
            }}
          >
            It leaves the inbox of {shown.person.name}, and {shown.client.name} gets no token for it. It can ask again.
          </ConfirmDialog>
        </>
      )}
    </RecordSheet>
  );
};
