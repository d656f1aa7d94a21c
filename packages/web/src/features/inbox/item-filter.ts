import { type InputOf, type ItemView, type inboxListItems, itemKinds, itemLevels } from '@atrium/protocol';

export type ListInput = Omit<InputOf<typeof inboxListItems>, 'cursor'>;

export const boxes = [
  { id: 'needs_me', label: 'Needs me' },
  { id: 'watching', label: 'Watching' },
  { id: 'snoozed', label: 'Snoozed' },
  { id: 'done', label: 'Done' },
  { id: 'all', label: 'All' },
] as const;
export type Box = (typeof boxes)[number]['id'];

/** What the address of the inbox says. */
export interface InboxSearch {
  box?: Box | undefined;
  view?: string | undefined;
  level?: string[] | undefined;
  kind?: string[] | undefined;
  priority?: string[] | undefined;
  channel?: string[] | undefined;
  agent?: string | undefined;
  tag?: string[] | undefined;
  run?: string | undefined;
  q?: string | undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
const texts = (value: unknown, allowed?: readonly string[]): string[] | undefined => {
  const list = (Array.isArray(value) ? value : [value])
    .flatMap((entry) => text(entry) ?? [])
    .filter((entry) => !allowed || allowed.includes(entry));
  return list.length > 0 ? list : undefined;
};

/** Reads the address; what it does not know is left out rather than refused. */
export const parseSearch = (search: Record<string, unknown>): InboxSearch => ({
  box: boxes.find((box) => box.id === search['box'])?.id,
  view: text(search['view']),
  level: texts(search['level'], itemLevels),
  kind: texts(search['kind'], itemKinds),
  priority: texts(search['priority'], ['1', '2', '3', '4']),
  channel: texts(search['channel']),
  agent: text(search['agent']),
  tag: texts(search['tag']),
  run: text(search['run']),
  q: text(search['q'])?.slice(0, 200),
});

export const pageSize = 100;

/** The address as input of `inbox.list_items`. A saved view decides the box itself. */
export const listInput = (search: InboxSearch): ListInput => {
  const { box, view, level, kind, priority, channel, agent, tag, run, q } = search;
  const input = {
    ...(view ? { view, ...(box ? { box } : {}) } : { box: box ?? 'needs_me' }),
    ...(level ? { level } : {}),
    ...(kind ? { kind } : {}),
    ...(priority ? { priority: priority.map(Number) } : {}),
    ...(channel ? { channel } : {}),
    ...(agent ? { agent } : {}),
    ...(tag ? { tag } : {}),
    ...(run ? { run_id: run } : {}),
    ...(q ? { q } : {}),
    limit: pageSize,
  };
  return input as ListInput;
};

export const isFiltered = ({ level, kind, priority, channel, agent, tag, run, q }: InboxSearch): boolean =>
  Boolean(level || kind || priority || channel || agent || tag || run || q);

const inBox = (item: ItemView, box: Box, me: string, now: number): boolean => {
  const snoozed = item.snoozed_until !== null && Date.parse(item.snoozed_until) > now;
  const open = item.status === 'open';
  switch (box) {
    case 'needs_me':
      return open && !snoozed && needs(item, me);
    case 'watching':
      return !snoozed && (item.watching || item.created_by.id === me);
    case 'snoozed':
      return open && snoozed;
    case 'done':
      return !open && !snoozed;
    case 'all':
      return !snoozed;
    default:
      return box satisfies never;
  }
};

/** The rule of the server's box: mine to act on, and not yet acted on by me. */
const needs = (item: ItemView, me: string): boolean => {
  if (item.created_by.id === me && item.assignee?.id !== me) return false;
  if (item.assignee !== null && item.assignee.id !== me) return false;
  if (item.kind === 'notice') return item.viewed_at === null;
  if (item.require === null) return true;
  const named = [...(item.require.all_of ?? []), ...(item.require.any_of ?? [])];
  return (named.length === 0 || named.includes(me)) && !item.approvals.some((reply) => reply.by.id === me);
};

/** Whether a list shows an item; null where only the server can tell (words, saved views). */
export const matches = (item: ItemView, input: ListInput, me: string, now: number): boolean | null => {
  const one = <T>(wanted: readonly T[] | undefined, value: T): boolean => !wanted || wanted.includes(value);
  const fits =
    (item.archived_at === null || input.include_archived === true) &&
    (!input.box || inBox(item, input.box, me, now)) &&
    one(input.status, item.status) &&
    one(input.kind, item.kind) &&
    one(input.level, item.level) &&
    one(input.priority, item.priority) &&
    (!input.channel || (item.channel !== null && input.channel.includes(item.channel.id))) &&
    (!input.tag || input.tag.every((tag) => item.tags.includes(tag))) &&
    (!input.agent || item.created_by.id === input.agent) &&
    (!input.run_id || item.run_id === input.run_id) &&
    (!input.parent_id || item.parent_id === input.parent_id);
  if (!fits) return false;
  return input.q || input.view || input.assignee ? null : true;
};
