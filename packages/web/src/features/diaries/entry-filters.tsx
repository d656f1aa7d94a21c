import {
  type DiaryScope,
  diaryScopes,
  type EntryStatus,
  type EntryType,
  entryStatuses,
  entryTypes,
} from '@atrium/protocol';
import { type Filter, FilterChips, ToggleChip } from '../../ui/filter-chips.tsx';
import { AsOfChip } from './as-of.tsx';
import { scopeWords, statusWords, typeWords } from './diary-words.ts';
import type { DiarySearch, Period } from './entry-filter.ts';

export const periodWords: Record<Period, string> = {
  day: 'Last day',
  week: 'Last 7 days',
  month: 'Last 30 days',
  quarter: 'Last 90 days',
};

const known = <T extends string>(values: readonly T[], words: Record<T, string>) =>
  values.map((value) => ({ value, label: words[value] }));

/** Chips that narrow entries; what they say stands in the address. `tags` are offered beside the chosen ones. */
export const EntryFilters = ({
  search,
  onChange,
  tags,
  scoped,
}: {
  search: DiarySearch;
  onChange: (change: Partial<DiarySearch>) => void;
  tags: readonly string[];
  /** Offers in which diaries to look. */
  scoped?: boolean;
}) => {
  const allTags = [...new Set([...(search.tag ?? []), ...tags])].toSorted();
  const filters: Filter[] = [
    ...(scoped
      ? [
          {
            id: 'scope',
            label: 'Where',
            multiple: true,
            value: search.scope ?? [],
            options: known(diaryScopes, scopeWords),
          },
        ]
      : []),
    { id: 'type', label: 'Type', multiple: true, value: search.type ?? [], options: known(entryTypes, typeWords) },
    ...(allTags.length > 0
      ? [
          {
            id: 'tag',
            label: 'Tag',
            multiple: true,
            value: search.tag ?? [],
            options: allTags.map((tag) => ({ value: tag, label: tag })),
          },
        ]
      : []),
    {
      id: 'when',
      label: 'Written',
      value: search.when ? [search.when] : [],
      options: known(Object.keys(periodWords) as Period[], periodWords),
    },
    {
      id: 'status',
      label: 'Status',
      multiple: true,
      value: search.status ?? [],
      options: known(entryStatuses, statusWords),
    },
  ];
  const change = (id: string, value: string[]) => {
    const list = value.length > 0 ? value : undefined;
    switch (id) {
      case 'scope':
        return onChange({ scope: list as DiaryScope[] | undefined });
      case 'type':
        return onChange({ type: list as EntryType[] | undefined });
      case 'tag':
        return onChange({ tag: list });
      case 'when':
        return onChange({ when: value[0] as Period | undefined });
      default:
        return onChange({ status: list as EntryStatus[] | undefined });
    }
  };
  return (
    <div className="flex items-center gap-1.5">
      <FilterChips filters={filters} onChange={change} clear={false} />
      <ToggleChip
        label="Superseded"
        on={search.superseded === true}
        onChange={(on) => onChange({ superseded: on ? true : undefined })}
      />
      <ToggleChip
        label="Ended"
        on={search.expired === true}
        onChange={(on) => onChange({ expired: on ? true : undefined })}
      />
      {scoped && <AsOfChip value={search.as_of} onChange={(as_of) => onChange({ as_of })} />}
    </div>
  );
};
