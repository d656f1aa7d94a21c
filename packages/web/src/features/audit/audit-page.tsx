import { auditExport, auditList } from '@atrium/protocol';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { useMemo, useState } from 'react';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { fileUrl } from '../../data/client.ts';
import { useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge, Dot } from '../../ui/badge.tsx';
import { IconButton } from '../../ui/button.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { useTimeZone } from '../../ui/time-format.ts';
import { AuditDetail } from './audit-detail.tsx';
import { type AuditFilter, toAuditInput } from './audit-filter.ts';
import { AuditFilters } from './audit-filters.tsx';
import { type AuditEntry, auditSentence, isRefusal } from './audit-words.ts';
import { useVerifyChain, VerifyButton, VerifyResult } from './verify-chain.tsx';

const route = getRouteApi('/frame/audit');

export const AuditPage = () => (useCan('audit.read') ? <Trail /> : <Refused />);

const Refused = () => (
  <>
    <PageHeader title="Audit" />
    <NoPermission what="the audit trail" permission="audit.read" />
  </>
);

const Trail = () => {
  const filter = route.useSearch();
  const navigate = useNavigate();
  const [opened, setOpened] = useState<AuditEntry | null>(null);
  // The span counts from when it was chosen: the address of a page of rows must not change under the reader.
  const input = useMemo(() => toAuditInput(filter, Date.now()), [filter]);
  const list = useOperationList(auditList, { ...input, limit: 100 }, { keepPrevious: true });
  const verify = useVerifyChain();
  const change = (next: AuditFilter) => void navigate({ to: '/audit', search: { ...filter, ...next }, replace: true });
  const filtered = Object.keys(filter).length > 0;
  return (
    <>
      <PageHeader
        title="Audit"
        tools={<ExportMenu input={input} filtered={filtered} />}
        action={<VerifyButton verify={verify} />}
        filters={<AuditFilters filter={filter} onChange={change} />}
      />
      <VerifyResult verify={verify} />
      <OperationTable
        id="audit"
        label="Audit trail"
        list={list}
        columns={columns}
        sort={null}
        rowKey={(entry) => entry.id}
        onOpen={setOpened}
        card={auditCard}
        empty={
          filtered ? (
            <EmptyState plain title="No entry passes these filters" />
          ) : (
            <EmptyState title="Every change leaves an entry here">
              Who did what, when and from where. Entries are chained by hashes and cannot be changed.
            </EmptyState>
          )
        }
      />
      <AuditDetail
        entry={opened}
        onClose={() => setOpened(null)}
        onFilter={(next) => {
          setOpened(null);
          change(next);
        }}
      />
    </>
  );
};

const ExportMenu = ({ input, filtered }: { input: AuditFilter; filtered: boolean }) => {
  const save = (format: 'csv' | 'ndjson') => {
    const link = document.createElement('a');
    link.href = fileUrl(auditExport, { ...input, format });
    link.download = `audit.${format}`;
    link.click();
  };
  return (
    <DropdownMenu
      trigger={
        <IconButton label="Export" size="small">
          <Download />
        </IconButton>
      }
      entries={[
        { kind: 'heading', label: filtered ? 'Export what passes the filters' : 'Export the whole trail' },
        { label: 'CSV', hint: 'spreadsheets', onSelect: () => save('csv') },
        { label: 'NDJSON', hint: 'one object a line', onSelect: () => save('ndjson') },
      ]}
    />
  );
};

const When = ({ time }: { time: string }) => {
  const zone = useTimeZone();
  const format = new Intl.DateTimeFormat('en-GB', {
    day: '2-digit',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(zone ? { timeZone: zone } : {}),
  });
  return <time dateTime={time}>{format.format(Date.parse(time)).replace(',', '')}</time>;
};

const columns: Column<AuditEntry>[] = [
  {
    id: 'when',
    header: 'When',
    width: '148px',
    cell: (entry) => (
      <span className="text-text-2">
        <When time={entry.at} />
      </span>
    ),
  },
  {
    id: 'actor',
    header: 'Who',
    width: 'minmax(150px, 1fr)',
    cell: (entry) => (
      <span className="flex min-w-0 items-center gap-2">
        <PrincipalMark
          type={entry.actor.type}
          id={entry.actor.id ?? entry.actor.name}
          name={entry.actor.name}
          size={18}
        />
        <span dir="auto" className="truncate font-medium text-text">
          {entry.actor.name}
        </span>
      </span>
    ),
  },
  {
    id: 'what',
    header: 'What',
    width: 'minmax(220px, 2.4fr)',
    cell: (entry) => (
      <span className="flex min-w-0 items-center gap-2">
        {isRefusal(entry) && <Dot tone="danger" />}
        <span className="truncate">{auditSentence(entry)}</span>
      </span>
    ),
  },
  {
    id: 'action',
    header: 'Action',
    width: 'minmax(150px, 1fr)',
    wide: true,
    cell: (entry) => <code className="text-12 text-text-2">{entry.action}</code>,
  },
  {
    id: 'ip',
    header: 'Address',
    width: '132px',
    wide: true,
    cell: (entry) => <code className="text-12 text-text-2">{entry.ip ?? ''}</code>,
  },
  {
    id: 'seq',
    header: 'No.',
    width: '96px',
    align: 'right',
    wide: true,
    cell: (entry) => <span className="text-text-3">{entry.seq.toLocaleString('en')}</span>,
  },
];

const auditCard = (entry: AuditEntry) => ({
  leading: (
    <PrincipalMark type={entry.actor.type} id={entry.actor.id ?? entry.actor.name} name={entry.actor.name} size={28} />
  ),
  title: entry.actor.name,
  detail: (
    <>
      {isRefusal(entry) && (
        <Badge tone="danger" className="mr-1.5">
          refused
        </Badge>
      )}
      {auditSentence(entry)}
    </>
  ),
  trailing: <RelativeTime short time={entry.at} />,
});
