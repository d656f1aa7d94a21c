import { diariesListEntries, diariesSearch } from '@atrium/protocol';
import { useMemo } from 'react';
import { useOperationList } from '../../data/operations.ts';
import { type EntrySearch, filterInput } from './entry-filter.ts';

/** Entries of one diary: by date, or what a search in it finds. */
export const useEntryList = (diary_ref: string, search: EntrySearch) => {
  const filter = useMemo(() => filterInput(search, Date.now()), [search]);
  const query = search.q?.trim() ?? '';
  const entries = useOperationList(
    diariesListEntries,
    { diary_ref, ...filter, content: 'snippet', limit: 50 },
    { enabled: query === '', keepPrevious: true },
  );
  const found = useOperationList(
    diariesSearch,
    { diary_ref, ...filter, query, content: 'snippet', limit: 30, ...(search.nearest ? { abstain: false } : {}) },
    { enabled: query !== '', keepPrevious: true },
  );
  return { searching: query !== '', entries, found };
};
