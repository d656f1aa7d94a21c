import { feedDismiss, feedHide, feedListReports, feedRestore, type ReportView } from '@atrium/protocol';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { EyeOff } from 'lucide-react';
import { useState } from 'react';
import { NoPermission } from '../../app/no-permission.tsx';
import { OperationTable } from '../../app/operation-table.tsx';
import { call } from '../../data/client.ts';
import { deferOperation, patchCache, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { DiariesTabs } from '../diaries/diaries-tabs.tsx';
import { entryName } from '../diaries/diary-words.ts';
import { PartyName } from '../server/access-parts.tsx';
import { byEntry, type ReportedEntry, type ReportList, reportLists } from './report-lists.ts';

const route = getRouteApi('/frame/diaries/moderation');
const parts = (Object.keys(reportLists) as ReportList[]).map((value) => ({ value, label: reportLists[value].label }));
const stale = ['feed.list_reports', 'feed.browse', 'feed.read', 'diaries.get_entry', 'diaries.list_entries'] as const;

/** What was reported of public entries, and what became of it. */
export const ModerationPage = () => (useCan('diaries.moderate') ? <Queue /> : <Refused />);

const Refused = () => (
  <>
    <PageHeader title="Diaries" tabs={<DiariesTabs />} />
    <NoPermission what="looking after public entries" permission="diaries.moderate" />
  </>
);

const emptyWords: Record<ReportList, [string, string]> = {
  open: [
    'No report waits for a decision',
    'Anybody can report an entry of a public diary. It stays public until somebody here hides it.',
  ],
  upheld: ['Nothing was hidden after a report', 'Entries that a moderator takes out of the public stand here.'],
  dismissed: ['No report was dismissed', 'Reports that changed nothing stand here, with who decided so.'],
};

const Queue = () => {
  const list: ReportList = route.useSearch().list ?? 'open';
  const navigate = useNavigate();
  const [opened, setOpened] = useState<ReportedEntry | null>(null);
  const reports = useOperationList(
    feedListReports,
    { status: [reportLists[list].status], limit: 100 },
    // No event tells of a report: it is nobody's but the moderators'.
    { keepPrevious: true, refetchInterval: 30_000 },
  );
  const items = byEntry(reports.items);
  const [title, text] = emptyWords[list];
  return (
    <>
      <PageHeader
        title="Diaries"
        tabs={<DiariesTabs />}
        filters={
          <Segmented
            label="Which reports"
            value={list}
            onChange={(next) =>
              void navigate({
                to: '/diaries/moderation',
                search: { list: next === 'open' ? undefined : next },
                replace: true,
              })
            }
            options={parts}
          />
        }
      />
      <OperationTable
        id="reports"
        label="Reported entries"
        list={{ ...reports, items }}
        columns={columns}
        sort={null}
        rowKey={({ entry }) => entry.id}
        onOpen={setOpened}
        card={({ entry, reports: of }) => ({
          leading: <Author entry={entry} size={32} />,
          title: entryName(entry),
          detail: of[0]!.reason,
          trailing: (
            <>
              <span className="tabular block text-13 text-text-2">{countWords(of.length)}</span>
              <RelativeTime short time={of[0]!.created_at} />
            </>
          ),
        })}
        empty={<EmptyState title={title}>{text}</EmptyState>}
      />
      <ReportSheet
        reported={opened && (items.find(({ entry }) => entry.id === opened.entry.id) ?? opened)}
        onClose={() => setOpened(null)}
      />
    </>
  );
};

const countWords = (count: number): string => (count === 1 ? '1 report' : `${count} reports`);

const Author = ({ entry, size }: { entry: ReportView['entry']; size: number }) => (
  <PrincipalMark
    type={entry.author.type}
    id={entry.author.id ?? entry.author.name}
    name={entry.author.name}
    size={size}
  />
);

const columns: Column<ReportedEntry>[] = [
  {
    id: 'entry',
    header: 'Entry',
    width: 'minmax(200px, 1.6fr)',
    cell: ({ entry }) => (
      <span className="flex min-w-0 items-center gap-2">
        <span dir="auto" className="truncate font-medium text-text">
          {entryName(entry)}
        </span>
        {entry.hidden_at && <Badge tone="warning">Hidden</Badge>}
      </span>
    ),
    value: ({ entry }) => entryName(entry),
  },
  {
    id: 'reason',
    header: 'Latest reason',
    width: 'minmax(200px, 1.8fr)',
    cell: ({ reports }) => (
      <span dir="auto" className="truncate text-text-2">
        {reports[0]!.reason}
      </span>
    ),
    value: ({ reports }) => reports[0]!.reason,
  },
  {
    id: 'reports',
    header: 'Reports',
    width: '90px',
    align: 'right',
    cell: ({ reports }) => <span className="tabular text-text-2">{reports.length}</span>,
    value: ({ reports }) => reports.length,
  },
  {
    id: 'author',
    header: 'Author',
    width: 'minmax(150px, 1fr)',
    cell: ({ entry }) => <PartyName party={entry.author} size={18} />,
    value: ({ entry }) => entry.author.name,
  },
  {
    id: 'diary',
    header: 'Diary',
    width: 'minmax(140px, 1fr)',
    cell: ({ entry }) => (
      <span dir="auto" className="truncate text-text-2">
        {entry.diary_name}
      </span>
    ),
    value: ({ entry }) => entry.diary_name,
  },
  {
    id: 'reported',
    header: 'Reported',
    width: '130px',
    cell: ({ reports }) => <RelativeTime time={reports[0]!.created_at} className="text-text-2" />,
    value: ({ reports }) => Date.parse(reports[0]!.created_at),
  },
];

interface Page {
  items: ReportView[];
}

/** Every report of an entry leaves with the decision about it. */
const leaves = (entry_id: string) =>
  patchCache<Page>('feed.list_reports', (page) => ({
    ...page,
    items: page.items.filter(({ entry }) => entry.id !== entry_id),
  }));

const ReportSheet = ({ reported, onClose }: { reported: ReportedEntry | null; onClose: () => void }) => {
  const hide = useOperationMutation(feedHide, {
    invalidates: stale,
    optimistic: ({ entry_id }) => [leaves(entry_id)],
    done: () => 'The entry is out of the public',
    undo: ({ entry_id }) => call(feedRestore, { entry_id }),
    onSuccess: onClose,
  });
  const restore = useOperationMutation(feedRestore, {
    invalidates: stale,
    done: () => 'The entry is public again',
    undo: ({ entry_id }) => call(feedHide, { entry_id }),
    onSuccess: onClose,
  });
  const dismiss = (entry_id: string, count: number) => {
    onClose();
    deferOperation(
      feedDismiss,
      { entry_id },
      {
        title: count === 1 ? 'The report is dismissed' : `${count} reports are dismissed`,
        optimistic: () => [leaves(entry_id)],
        invalidates: stale,
      },
    );
  };
  return (
    <RecordSheet
      record={reported}
      onClose={onClose}
      title={({ entry }) => entryName(entry)}
      description={({ entry }) => `In ${entry.diary_name}`}
      footer={({ entry, reports }) => (
        <>
          {reports.some(({ status }) => status === 'open') && (
            <Button onClick={() => dismiss(entry.id, reports.length)}>Dismiss</Button>
          )}
          {entry.hidden_at ? (
            <Button tone="primary" busy={restore.isPending} onClick={() => restore.mutate({ entry_id: entry.id })}>
              Make public again
            </Button>
          ) : (
            <Button
              tone="primary"
              icon={<EyeOff aria-hidden className="size-4" />}
              busy={hide.isPending}
              onClick={() => hide.mutate({ entry_id: entry.id })}
            >
              Hide entry
            </Button>
          )}
        </>
      )}
    >
      {({ entry, reports }) => (
        <>
          <Facts
            roomy
            facts={[
              { label: 'Author', value: <PartyName party={entry.author} size={18} /> },
              {
                label: 'State',
                value: entry.hidden_at ? (
                  <>
                    Hidden <RelativeTime time={entry.hidden_at} />
                  </>
                ) : (
                  'Public'
                ),
              },
            ]}
          />
          <section aria-label="Text of the entry" className="rounded-card border border-line bg-sunken px-4 py-3">
            <Markdown text={entry.content} />
          </section>
          <section>
            <h3 className="text-13 font-medium">{countWords(reports.length)}</h3>
            <ul className="mt-1">
              {reports.map((report) => (
                <ReportRow key={report.id} report={report} />
              ))}
            </ul>
          </section>
          <p className="text-13 text-pretty text-text-3">
            Hidden, it is read by those who write in its diary alone. It leaves the feed at once, and copies that others
            keep within five minutes.
          </p>
        </>
      )}
    </RecordSheet>
  );
};

const ReportRow = ({ report }: { report: ReportView }) => (
  <li className="flex flex-col gap-1 border-b border-line py-2.5 text-13 last:border-b-0">
    <span className="flex items-center justify-between gap-3 text-text-2">
      {report.reporter ? <PartyName party={report.reporter} size={18} /> : <span>Somebody without a sign-in</span>}
      <RelativeTime time={report.created_at} className="shrink-0 text-12 text-text-3" />
    </span>
    <span dir="auto" className="text-left text-14 text-pretty break-words">
      {report.reason}
    </span>
    {report.decided_by && report.decided_at && (
      <span className="text-12 text-text-3">
        {report.status === 'upheld' ? 'Upheld' : 'Dismissed'} by {report.decided_by.name}{' '}
        <RelativeTime time={report.decided_at} />
      </span>
    )}
  </li>
);
