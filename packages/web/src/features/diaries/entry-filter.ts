import {
  type DiaryScope,
  type diariesListEntries,
  diaryScopes,
  type EntryStatus,
  type EntryType,
  entryStatuses,
  entryTypes,
  type InputOf,
} from '@atrium/protocol';

export const periods = ['day', 'week', 'month', 'quarter'] as const;
export type Period = (typeof periods)[number];
const periodDays: Record<Period, number> = { day: 1, week: 7, month: 30, quarter: 90 };

/** What the address of a diary says about the entries on its page. */
export interface EntrySearch {
  q?: string | undefined;
  type?: EntryType[] | undefined;
  status?: EntryStatus[] | undefined;
  tag?: string[] | undefined;
  when?: Period | undefined;
  superseded?: true | undefined;
  expired?: true | undefined;
  /** Shows what was current at this time. */
  as_of?: string | undefined;
  /** Shows what is nearest although nothing fits. */
  nearest?: true | undefined;
}

/** The address of the search over all diaries says in which ones as well. */
export interface DiarySearch extends EntrySearch {
  scope?: DiaryScope[] | undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : typeof value === 'number' ? String(value) : undefined;
const texts = <T extends string>(value: unknown, allowed?: readonly T[]): T[] | undefined => {
  const list = (Array.isArray(value) ? value : [value])
    .flatMap((entry) => (text(entry) as T | undefined) ?? [])
    .filter((entry) => !allowed || allowed.includes(entry));
  return list.length > 0 ? list : undefined;
};
const time = (value: unknown): string | undefined => {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
};
const flag = (value: unknown): true | undefined => (value === true ? true : undefined);

/** Reads the address; what it does not know is left out rather than refused. */
export const parseEntrySearch = (search: Record<string, unknown>): EntrySearch => ({
  q: text(search['q'])?.slice(0, 500),
  type: texts(search['type'], entryTypes),
  status: texts(search['status'], entryStatuses),
  tag: texts<string>(search['tag'])?.slice(0, 20),
  when: periods.find((period) => period === search['when']),
  superseded: flag(search['superseded']),
  expired: flag(search['expired']),
  as_of: time(search['as_of']),
  nearest: flag(search['nearest']),
});

export const parseDiarySearch = (search: Record<string, unknown>): DiarySearch => ({
  ...parseEntrySearch(search),
  scope: texts(search['scope'], diaryScopes),
});

/** The address as filter of the operations that list and search. Full hours, so that a page asks the same for a while. */
export const filterInput = (
  { type, status, tag, when, superseded, expired, as_of }: EntrySearch,
  now: number,
): Pick<
  InputOf<typeof diariesListEntries>,
  'entry_types' | 'status' | 'tags' | 'created_after' | 'include_superseded' | 'include_expired' | 'as_of'
> => ({
  ...(type ? { entry_types: type } : {}),
  ...(status ? { status } : {}),
  ...(tag ? { tags: tag } : {}),
  ...(when
    ? { created_after: new Date(Math.floor(now / 3_600_000) * 3_600_000 - periodDays[when] * 86_400_000).toISOString() }
    : {}),
  ...(superseded ? { include_superseded: true } : {}),
  ...(expired ? { include_expired: true } : {}),
  ...(as_of ? { as_of } : {}),
});

/** What takes every filter of the address off. */
export const noFilter = {
  type: undefined,
  tag: undefined,
  status: undefined,
  when: undefined,
  superseded: undefined,
  expired: undefined,
  as_of: undefined,
} satisfies Record<Exclude<keyof EntrySearch, 'q' | 'nearest'>, undefined>;

export const isFiltered = (search: EntrySearch): boolean =>
  (Object.keys(noFilter) as (keyof typeof noFilter)[]).some((name) => search[name] !== undefined);

/** Whether another entry had taken its place, at the time of which the page tells. */
export const isReplaced = ({ superseded_at }: { superseded_at: string | null }, { as_of }: EntrySearch): boolean =>
  superseded_at !== null && (as_of === undefined || Date.parse(superseded_at) <= Date.parse(as_of));
