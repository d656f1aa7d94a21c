/** What narrows the trail; lives in the address, so that a view can be sent to somebody. */
export interface AuditFilter {
  action?: string;
  actor?: string;
  item?: string;
  target?: string;
  /** A span such as `24h`, or absent when `from` and `until` say it. */
  span?: string;
  from?: string;
  until?: string;
  q?: string;
}

const keys = ['action', 'actor', 'item', 'target', 'span', 'from', 'until', 'q'] as const;

export const readAuditFilter = (search: Record<string, unknown>): AuditFilter =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = search[key];
      return typeof value === 'string' && value !== '' ? [[key, value]] : [];
    }),
  );

export const spans = [
  { value: '1h', label: 'Last hour', ms: 3_600_000 },
  { value: '24h', label: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', label: 'Last 7 days', ms: 7 * 86_400_000 },
  { value: '30d', label: 'Last 30 days', ms: 30 * 86_400_000 },
] as const;

/** The filter as the operation takes it. A span begins at a whole minute, so that the answer can be remembered. */
export const toAuditInput = ({ span, ...filter }: AuditFilter, now: number) => {
  const chosen = spans.find(({ value }) => value === span);
  return chosen ? { ...filter, from: new Date(Math.floor((now - chosen.ms) / 60_000) * 60_000).toISOString() } : filter;
};
