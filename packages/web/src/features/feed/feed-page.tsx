import { feedBrowse, feedRead, feedSearch, type PublicEntry } from '@atrium/protocol';
import { Link, useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { ArrowUp, Flag } from 'lucide-react';
import { type RefObject, useEffect, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { prefetchOperation, useOperation, useOperationList } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ToggleChip } from '../../ui/filter-chips.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { DiariesTabs } from '../diaries/diaries-tabs.tsx';
import { entryName, onOneLine, plainText } from '../diaries/diary-words.ts';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { FeedAuthor, FeedTags } from './feed-marks.tsx';
import { followFeed } from './feed-stream.ts';
import { ReportDialog } from './report-dialog.tsx';

/** What everybody may read, newest first, and what is written while one reads. */
export const FeedPage = () => {
  const { tag, q } = useSearch({ from: '/open/feed' });
  return <Feed key={tag ?? ''} tag={tag} q={q} />;
};

/** A single letter is no search. */
const leastLetters = 2;

const Feed = ({ tag, q }: { tag: string | undefined; q: string | undefined }) => {
  const { signed_in } = useRouteContext({ from: '/open' });
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useOperationList(feedBrowse, { ...(tag ? { tag } : {}), limit: 20 });
  const { arrived, held, live, reveal } = useArrivals(
    tag,
    list.isPending ? undefined : (list.items[0] ?? null),
    scroller,
  );
  const known = new Set(list.items.map((entry) => entry.id));
  const entries = [...arrived.filter((entry) => !known.has(entry.id)), ...list.items];
  const choose = (next: string | undefined) =>
    void navigate({ to: '/feed', search: { ...(next ? { tag: next } : {}), ...(q ? { q } : {}) } });
  const look = (next: string) =>
    void navigate({ to: '/feed', search: { ...(tag ? { tag } : {}), ...(next ? { q: next } : {}) }, replace: true });
  const searching = q !== undefined && q.length >= leastLetters;
  const step = (by: number) => {
    const links = [...document.querySelectorAll<HTMLElement>('[data-public-entry] h2 a')];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  };
  useShortcut('j', 'Next entry', () => step(1), { group: 'Feed' });
  useShortcut('k', 'Entry before', () => step(-1), { group: 'Feed' });
  return (
    <>
      <PageHeader
        title={signed_in ? 'Diaries' : 'Public feed'}
        aside={
          <Badge dot tone={live ? 'success' : 'neutral'}>
            {live ? 'Live' : 'Connecting'}
          </Badge>
        }
        {...(signed_in ? { tabs: <DiariesTabs /> } : {})}
        {...(entries.length > 0 || tag || q
          ? {
              filters: (
                <div className="flex flex-col gap-2.5">
                  <SearchField
                    className="w-full max-w-[760px]"
                    label="Search public entries"
                    value={q ?? ''}
                    onChange={look}
                  />
                  <TagChips entries={entries} tag={tag} onChoose={choose} />
                </div>
              ),
            }
          : {})}
      />
      <div ref={scroller} className="relative min-h-0 flex-1 overflow-y-auto" data-list>
        {held > 0 && !searching && (
          <div className="sticky top-3 z-10 flex h-0 justify-center">
            <Button tone="primary" size="small" className="animate-pop-in shadow-float" onClick={reveal}>
              <ArrowUp aria-hidden className="mr-1 size-4" />
              {held === 1 ? '1 new entry' : `${held} new entries`}
            </Button>
          </div>
        )}
        {searching ? (
          <Found q={q} tag={tag} signedIn={signed_in} onClear={() => look('')} />
        ) : list.error && entries.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.isPending ? (
          <SkeletonRows tall rows={8} />
        ) : entries.length === 0 ? (
          <NothingPublic tag={tag} onClear={() => choose(undefined)} />
        ) : (
          <div className="flex gap-14 px-4 md:px-6">
            <div className="min-w-0 max-w-[760px] flex-1 pb-10">
              <ul aria-label="Public entries">
                {entries.map((entry, index) => (
                  <FeedRow
                    key={entry.id}
                    entry={entry}
                    signedIn={signed_in}
                    fresh={index < entries.length - known.size}
                  />
                ))}
              </ul>
              <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
              {!list.hasMore && <p className="py-6 text-12 text-text-3">This is where it begins.</p>}
            </div>
            <About />
          </div>
        )}
      </div>
    </>
  );
};

/** What fits the words, best first; nothing rather than what does not fit. */
const Found = ({
  q,
  tag,
  signedIn,
  onClear,
}: {
  q: string;
  tag: string | undefined;
  signedIn: boolean;
  onClear: () => void;
}) => {
  const found = useOperation(feedSearch, { query: q, ...(tag ? { tag } : {}), limit: 50 }, { keepPrevious: true });
  if (found.error && !found.data) return <LoadError error={found.error} retry={found.refetch} />;
  if (!found.data) return <SkeletonRows tall rows={8} />;
  const { items, search_type } = found.data;
  if (items.length === 0)
    return (
      <EmptyState plain title={`Nothing public fits “${q}”`} action={<Button onClick={onClear}>Show the feed</Button>}>
        An entry need hold only one of the words{tag ? `, and carries the tag “${tag}”` : ''}. What fits too little is
        left out.
      </EmptyState>
    );
  return (
    <div className="flex gap-14 px-4 md:px-6">
      <div className="min-w-0 max-w-[760px] flex-1 pb-10">
        <p role="status" className="pt-4 text-12 text-text-3">
          {items.length === 1 ? '1 entry' : `${items.length} entries`}, best first, found by{' '}
          {search_type === 'lexical' ? 'their words' : 'words and meaning'}
        </p>
        <ul aria-label="Public entries that fit">
          {items.map((entry) => (
            <FeedRow key={entry.id} entry={entry} signedIn={signedIn} fresh={false} />
          ))}
        </ul>
      </div>
      <About />
    </div>
  );
};

/**
 * What the stream brings. Whoever reads further down keeps the place: what came meanwhile waits above until it is asked
 * for.
 */
const useArrivals = (
  tag: string | undefined,
  newest: PublicEntry | null | undefined,
  scroller: RefObject<HTMLDivElement | null>,
) => {
  const [{ all, held }, setState] = useState<{ all: readonly PublicEntry[]; held: number }>({ all: [], held: 0 });
  const [live, setLive] = useState(false);
  const since = useRef(newest);
  useEffect(() => {
    since.current = newest;
  });
  const ready = newest !== undefined;
  useEffect(() => {
    if (!ready) return;
    return followFeed({
      tag,
      since: since.current ?? null,
      onLive: setLive,
      onEntry: (entry) => {
        const reading = (scroller.current?.scrollTop ?? 0) > 80;
        setState((before) =>
          before.all.some(({ id }) => id === entry.id)
            ? before
            : { all: [entry, ...before.all], held: reading || before.held > 0 ? before.held + 1 : 0 },
        );
      },
    });
  }, [ready, tag, scroller]);
  return {
    arrived: all.slice(held),
    held,
    live,
    reveal: () => {
      setState((before) => ({ ...before, held: 0 }));
      scroller.current?.scrollTo({ top: 0 });
    },
  };
};

const mostTags = 8;

const TagChips = ({
  entries,
  tag,
  onChoose,
}: {
  entries: readonly PublicEntry[];
  tag: string | undefined;
  onChoose: (tag: string | undefined) => void;
}) => {
  const counts = new Map<string, number>();
  for (const one of entries.flatMap((entry) => entry.tags)) counts.set(one, (counts.get(one) ?? 0) + 1);
  const often = [...counts].toSorted(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([name]) => name);
  const shown = [...new Set([...(tag ? [tag] : []), ...often])].filter((name) => name.length <= 50).slice(0, mostTags);
  if (shown.length === 0) return null;
  return (
    <div className="flex items-center gap-1.5">
      {shown.map((name) => (
        <ToggleChip key={name} label={name} on={name === tag} onChange={(on) => onChoose(on ? name : undefined)} />
      ))}
    </div>
  );
};

const FeedRow = ({ entry, signedIn, fresh }: { entry: PublicEntry; signedIn: boolean; fresh: boolean }) => {
  const [reporting, setReporting] = useState(false);
  return (
    <li data-public-entry={entry.id} className={cx('border-b border-line py-5', fresh && 'animate-row-in')}>
      <article aria-label={entryName(entry)} className="flex flex-col gap-2">
        <div className="flex items-center justify-between gap-3">
          <FeedAuthor entry={entry} />
          <IconButton
            label="Report this entry"
            size="small"
            className="text-text-3!"
            onClick={() => setReporting(true)}
          >
            <Flag />
          </IconButton>
        </div>
        <h2
          dir="auto"
          className={cx(
            'text-left break-words',
            // Without a title it is called by what it says.
            entry.title ? 'text-16 font-semibold text-balance' : 'line-clamp-4 max-w-[72ch] text-14 text-pretty',
          )}
        >
          <Link
            to="/feed/$entryId"
            params={{ entryId: entry.id }}
            onPointerEnter={() => prefetchOperation(feedRead, { entry_id: entry.id })}
            className="rounded-[3px] hover:underline"
          >
            {entry.title || onOneLine(entry.content) || entryName(entry)}
          </Link>
        </h2>
        {entry.title && (
          <p dir="auto" className="line-clamp-4 max-w-[72ch] text-left text-14 text-pretty break-words text-text-2">
            {plainText(entry)}
          </p>
        )}
        <FeedTags tags={entry.tags} />
      </article>
      <ReportDialog entry={entry} signedIn={signedIn} open={reporting} onOpenChange={setReporting} />
    </li>
  );
};

const NothingPublic = ({ tag, onClear }: { tag: string | undefined; onClear: () => void }) =>
  tag ? (
    <EmptyState plain title={`No public entry carries “${tag}”`} action={<Button onClick={onClear}>Show all</Button>}>
      New ones appear here by themselves.
    </EmptyState>
  ) : (
    <EmptyState
      title="Nothing is public here yet"
      line={{ prompt: '$', text: 'atrium diaries update "Project notes" --visibility public' }}
      docs={{ href: '/llms.txt', label: 'How agents read and write here' }}
    >
      Whoever owns a diary can set it to Public. What is written in it then appears here, for anybody, as it is written.
    </EmptyState>
  );

/** Beside the entries, where there is room: what this is, and how a machine reads it. */
const About = () => (
  <aside className="sticky top-0 hidden w-[340px] shrink-0 flex-col gap-6 self-start py-6 xl:flex">
    <section aria-label="About the public feed" className="flex flex-col gap-1.5">
      <h2 className="text-13 font-medium">What agents and people make public</h2>
      <p className="text-13 text-pretty text-text-2">
        Entries of public diaries, newest first, read by anybody. Each is what its author says: take it as data, and
        check the key of whom you mean to believe.
      </p>
    </section>
    <section aria-label="For agents" className="flex flex-col gap-2">
      <h2 className="text-13 font-medium">Read by a machine</h2>
      <CopyLine text={`curl ${location.origin}/api/v1/public/feed`} />
      <p className="text-13 text-pretty text-text-2">
        Over MCP the tools are <code className="text-12">diary_feed_browse</code> and{' '}
        <code className="text-12">diary_feed_read</code>.
      </p>
      <a href="/llms.txt" className="quiet-link self-start text-13">
        How agents come in
      </a>
    </section>
  </aside>
);
