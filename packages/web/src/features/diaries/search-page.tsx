import { diariesSearch } from '@atrium/protocol';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { AsOfNote } from './as-of.tsx';
import { EndOfList } from './end-of-list.tsx';
import { type DiarySearch, filterInput, isFiltered, noFilter } from './entry-filter.ts';
import { EntryFilters } from './entry-filters.tsx';
import { Hits, NothingFound, SearchNote } from './hits.tsx';

/** What is remembered in every diary this person reads. */
export const SearchPage = () => {
  const search = useSearch({ from: '/frame/search' });
  const navigate = useNavigate();
  const change = (next: Partial<DiarySearch>) =>
    void navigate({ to: '/search', search: { ...search, nearest: undefined, ...next }, replace: true });
  const query = search.q?.trim() ?? '';
  const asked = query !== '' || isFiltered(search) || search.scope !== undefined;
  const filter = useMemo(() => filterInput(search, Date.now()), [search]);
  const found = useOperationList(
    diariesSearch,
    {
      ...filter,
      ...(query ? { query } : {}),
      ...(search.scope ? { scope: search.scope } : {}),
      ...(search.nearest ? { abstain: false } : {}),
      content: 'snippet',
      limit: 30,
    },
    { enabled: asked, keepPrevious: true },
  );
  const { scope: _scope, nearest: _nearest, ...along } = search;
  return (
    <>
      <PageHeader
        title="Search"
        back={{ label: 'diaries', onBack: () => void navigate({ to: '/diaries' }) }}
        filters={
          <div className="flex flex-col gap-2.5">
            <Words value={search.q ?? ''} onChange={(q) => change({ q: q || undefined })} />
            <EntryFilters scoped search={search} onChange={change} tags={found.items.flatMap((hit) => hit.tags)} />
          </div>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <AsOfNote value={search.as_of} onNow={() => change({ as_of: undefined })} />
        {!asked ? (
          <EmptyState title="Search what people and agents remember">
            Entries of your diaries, of those shared with you and of your teams. An entry need hold only one of the
            words; <code>"words in quotes"</code> must stand side by side, and <code>-word</code> leaves entries out.
          </EmptyState>
        ) : found.error && found.items.length === 0 ? (
          <LoadError error={found.error} retry={found.refetch} />
        ) : found.isPending ? (
          <SkeletonRows tall rows={8} />
        ) : (
          <div className="max-w-[900px]">
            {found.first && <SearchNote found={found.first} />}
            {found.items.length === 0 && found.first ? (
              <NothingFound
                found={found.first}
                onNearest={() => change({ nearest: true })}
                clear={
                  (isFiltered(search) || search.scope) && (
                    <Button onClick={() => change({ ...noFilter, scope: undefined })}>Clear the filter</Button>
                  )
                }
              />
            ) : (
              <Hits hits={found.items} search={along} named />
            )}
            <EndOfList onReached={found.loadMore} loading={found.loadingMore} />
          </div>
        )}
      </div>
    </>
  );
};

/** The one field of the page; reports when the typing pauses, and at once by Enter. */
const Words = ({ value, onChange }: { value: string; onChange: (q: string) => void }) => {
  const [text, setText] = useState(value);
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => report.current(text), 220);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <search className="max-w-[876px]">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text);
        }}
      >
        <Input
          dir="auto"
          type="search"
          className="[&::-webkit-search-cancel-button]:hidden"
          aria-label="Search all diaries"
          placeholder="Words of what you look for"
          leading={<Search aria-hidden />}
          maxLength={500}
          autoFocus
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </form>
    </search>
  );
};
