import type { ReportView, reportStatuses } from '@atrium/protocol';

type Status = (typeof reportStatuses)[number];

/** Parts of the queue, and what each asks for. */
export const reportLists = {
  open: { label: 'Open', status: 'open' },
  upheld: { label: 'Upheld', status: 'upheld' },
  dismissed: { label: 'Dismissed', status: 'dismissed' },
} as const satisfies Record<string, { label: string; status: Status }>;
export type ReportList = keyof typeof reportLists;

export const parseReportList = (
  search: Record<string, unknown>,
): { list?: Exclude<ReportList, 'open'> | undefined } => {
  const list = search['list'];
  return { list: list === 'upheld' || list === 'dismissed' ? list : undefined };
};

/** An entry with everything that was said against it, the newest first. */
export interface ReportedEntry {
  entry: ReportView['entry'];
  reports: ReportView[];
}

/** A moderator decides about an entry, not about a report: reports of one stand together, where its newest one stood. */
export const byEntry = (reports: readonly ReportView[]): ReportedEntry[] => {
  const found = new Map<string, ReportedEntry>();
  for (const report of reports) {
    const known = found.get(report.entry.id);
    if (known) known.reports.push(report);
    else found.set(report.entry.id, { entry: report.entry, reports: [report] });
  }
  return [...found.values()];
};
