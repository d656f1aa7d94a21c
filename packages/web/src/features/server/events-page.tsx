import { type OutputOf, securityEventsList } from '@atrium/protocol';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { useOperationList } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { PartyName } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';
import { eventTone, eventWord } from './server-words.ts';

type SecurityEvent = OutputOf<typeof securityEventsList>['items'][number];

const kinds = [
  { value: 'identity.session.', label: 'Sign-ins and sessions' },
  { value: 'identity.', label: 'Accounts and organisations' },
  { value: 'oauth.token.', label: 'Tokens' },
  { value: 'oauth.consent.', label: 'Consents' },
  { value: 'oauth.approval.', label: 'Approvals' },
  { value: 'oauth.client.', label: 'Clients' },
  { value: 'oauth.family.', label: 'Replays' },
  { value: 'oauth.key.', label: 'Keys' },
];

export const EventsPage = () => {
  const [kind, setKind] = useState<string[]>([]);
  const [opened, setOpened] = useState<SecurityEvent | null>(null);
  const list = useOperationList(securityEventsList, kind[0] ? { kind: kind[0] } : {}, {
    keepPrevious: true,
    refetchInterval: 5000,
  });
  return (
    <>
      <ServerHeader
        title="Security events"
        filters={
          <FilterChips
            filters={[{ id: 'kind', label: 'Kind', value: kind, options: kinds }]}
            onChange={(_id, value) => setKind(value)}
          />
        }
      />
      <OperationTable
        id="security-events"
        label="Security events"
        list={list}
        columns={columns}
        rowKey={(event) => `${event.org?.id ?? ''} ${event.seq}`}
        onOpen={setOpened}
        card={(event) => ({
          leading: (
            <PrincipalMark
              type={event.actor.type}
              id={event.actor.id ?? event.actor.name}
              name={event.actor.name}
              size={32}
            />
          ),
          title: eventWord(event.kind),
          detail: [event.actor.name, event.org?.name].filter(Boolean).join(', '),
          trailing: <RelativeTime short time={event.at} />,
        })}
        empty={
          kind.length > 0 ? (
            <EmptyState plain title="Nothing of this kind happened lately" />
          ) : (
            <EmptyState title="Nothing happened lately">
              Sign-ins, consents, tokens and keys of every organisation stand here for a day; the audit trail keeps them
              longer.
            </EmptyState>
          )
        }
      />
      <EventSheet event={opened} onClose={() => setOpened(null)} />
    </>
  );
};

const columns: Column<SecurityEvent>[] = [
  {
    id: 'what',
    header: 'What',
    width: 'minmax(200px, 1.3fr)',
    cell: (event) => (
      <Badge dot tone={eventTone(event.kind)} className="min-w-0">
        <span className="truncate text-13 font-medium text-text">{eventWord(event.kind)}</span>
      </Badge>
    ),
    value: (event) => eventWord(event.kind),
  },
  {
    id: 'who',
    header: 'Who',
    width: 'minmax(160px, 1.1fr)',
    cell: (event) => <PartyName party={event.actor} />,
    value: (event) => event.actor.name,
  },
  {
    id: 'org',
    header: 'Where',
    width: 'minmax(130px, 1fr)',
    cell: (event) => (
      <span dir="auto" className="truncate text-text-2">
        {event.org?.name ?? 'The server'}
      </span>
    ),
    value: (event) => event.org?.name ?? '',
  },
  {
    id: 'kind',
    header: 'Kind',
    width: 'minmax(170px, 1fr)',
    wide: true,
    cell: (event) => <code className="truncate text-12 text-text-3">{event.kind}</code>,
    value: (event) => event.kind,
  },
  {
    id: 'at',
    header: 'When',
    width: 'minmax(120px, 0.7fr)',
    cell: (event) => <RelativeTime time={event.at} className="text-text-2" />,
    value: (event) => Date.parse(event.at),
  },
];

const EventSheet = ({ event, onClose }: { event: SecurityEvent | null; onClose: () => void }) => (
  <RecordSheet record={event} onClose={onClose} title={({ kind }) => eventWord(kind)} description={({ kind }) => kind}>
    {(last) => (
      <>
        <Facts
          facts={[
            { label: 'When', value: <RelativeTime time={last.at} /> },
            { label: 'Who', value: last.actor.name },
            { label: 'Where', value: last.org?.name ?? 'The server' },
            { label: 'Number', value: last.seq.toLocaleString('en') },
          ]}
        />
        <FormField label="Subject" group>
          <code className="text-13 break-all text-text-2">{last.id}</code>
        </FormField>
        {Object.keys(last.body).length > 0 && (
          <FormField label="Details" group>
            <dl className="divide-y divide-line rounded-card border border-line">
              {Object.entries(last.body).map(([member, value]) => (
                <div key={member} className="flex gap-4 px-3 py-2 text-13">
                  <dt className="w-28 shrink-0 text-text-3">{member.replaceAll('_', ' ')}</dt>
                  <dd className="min-w-0 break-all text-text">
                    {typeof value === 'string' ? value : JSON.stringify(value)}
                  </dd>
                </div>
              ))}
            </dl>
          </FormField>
        )}
      </>
    )}
  </RecordSheet>
);
