import type { ToolCallRow, ToolRow, ToolServer } from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

/** What an event about tools makes stale. */
export const toolReads = [
  'tool_servers.list',
  'tool_servers.get',
  'tools.list',
  'tools.get',
  'tool_calls.list',
  'tool_calls.get',
];

export const serverStates: Record<ToolServer['state'], { label: string; tone: Tone }> = {
  new: { label: 'Not asked yet', tone: 'neutral' },
  ok: { label: 'Answers', tone: 'success' },
  failing: { label: 'Failing', tone: 'danger' },
  sign_in_needed: { label: 'Sign-in needed', tone: 'warning' },
  off: { label: 'Off', tone: 'neutral' },
};

export const callStates: Record<ToolCallRow['state'], { label: string; tone: Tone }> = {
  waiting: { label: 'Waits for a yes', tone: 'warning' },
  approved: { label: 'Approved', tone: 'info' },
  running: { label: 'Runs', tone: 'info' },
  succeeded: { label: 'Done', tone: 'success' },
  failed: { label: 'Failed', tone: 'danger' },
  refused: { label: 'Refused', tone: 'neutral' },
  denied: { label: 'Denied', tone: 'neutral' },
  expired: { label: 'Not answered', tone: 'neutral' },
  cancelled: { label: 'Taken back', tone: 'neutral' },
  timeout: { label: 'Timed out', tone: 'danger' },
  interrupted: { label: 'Interrupted', tone: 'danger' },
};

export const policyWords: Record<ToolRow['your_policy'], string> = {
  allow: 'Allow',
  ask: 'Ask first',
  deny: 'Deny',
};

export const policyHints: Record<ToolRow['your_policy'], string> = {
  allow: 'Calls are made at once',
  ask: 'Each call waits in the inbox',
  deny: 'Neither listed nor called',
};

export const authWords: Record<ToolServer['auth'], string> = {
  none: 'None',
  headers: 'Headers with a secret',
  oauth_person: 'Each person signs in',
  oauth_org: 'One sign-in for all',
};

/** A failing one has its pause in the row, the others nothing to say. */
export const placeOf = (server: ToolServer): string => server.url ?? server.command ?? 'Program on this server';

/** Lines that compare well: one member a line, in one order. */
export const linesOf = (value: unknown): string => (value === null ? '' : JSON.stringify(sorted(value), null, 2));

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, sorted(member)]));
};
