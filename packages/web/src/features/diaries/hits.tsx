import { diariesGetEntry, type diariesSearch, type OutputOf } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { Info } from 'lucide-react';
import type { ReactNode } from 'react';
import { prefetchOperation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { entryName } from './diary-words.ts';
import { type EntrySearch, isReplaced } from './entry-filter.ts';
import { Importance, RiskBadge, StatusBadge, Tags, TimeMark, TypeMark } from './entry-marks.tsx';
import { markedParts } from './marked-parts.ts';

type Found = OutputOf<typeof diariesSearch>;
type Hit = Found['items'][number];

const foundWords: Record<Hit['found_by'][number], string> = {
  words: 'its words',
  neighbours: 'entries beside it',
  meaning: 'its meaning',
};

/** "Found by its words and its meaning": why an answer is an answer, where it is more than that it holds the words. */
const whyFound = (hit: Hit): string | null =>
  hit.found_by.every((way) => way === 'words')
    ? null
    : `Found by ${hit.found_by.map((way) => foundWords[way]).join(' and ')}`;

const Snippet = ({ snippet }: { snippet: Hit['snippet'] }) => (
  <span dir="auto" className="line-clamp-3 text-left text-13 text-pretty break-words text-text-2">
    {snippet.clipped.before && '… '}
    {markedParts(snippet.text, snippet.marks).map((part) =>
      part.marked ? (
        <mark key={part.at} className="rounded-[3px] bg-accent-soft px-px font-medium text-text">
          {part.text}
        </mark>
      ) : (
        <span key={part.at}>{part.text}</span>
      ),
    )}
    {snippet.clipped.after && ' …'}
  </span>
);

export const Hits = ({
  hits,
  search,
  openId,
  named,
}: {
  hits: readonly Hit[];
  /** Goes along to the diary, so that the answers stay beside the entry. */
  search: EntrySearch;
  openId?: string | undefined;
  /** Says in which diary each one is. */
  named?: boolean;
}) => (
  <ul aria-label="Entries found">
    {hits.map((hit) => (
      <li key={hit.id} className="[contain-intrinsic-size:auto_104px] [content-visibility:auto]">
        <Link
          to="/diaries/$id/$entryId"
          params={{ id: hit.diary_id, entryId: hit.id }}
          search={search}
          data-entry={hit.id}
          aria-current={hit.id === openId || undefined}
          onPointerEnter={() => prefetchOperation(diariesGetEntry, { diary_ref: hit.diary_id, entry_id: hit.id })}
          className={cx(
            '-outline-offset-2 flex flex-col gap-1 border-b border-line px-4 py-3 text-text transition-[background-color] md:px-6',
            hit.id === openId ? 'bg-active' : 'hover:bg-hover',
          )}
        >
          <span className="flex items-center gap-2">
            <span
              dir="auto"
              className={cx(
                'min-w-0 truncate text-left text-14 font-medium',
                isReplaced(hit, search) && 'font-normal text-text-3 line-through',
              )}
            >
              {entryName({ title: hit.title, content: hit.content ?? hit.snippet.text })}
            </span>
            {isReplaced(hit, search) && <span className="sr-only">superseded</span>}
            {hit.injection_risk && <RiskBadge />}
            <StatusBadge status={hit.status} />
            <RelativeTime short time={hit.created_at} className="tabular ml-auto shrink-0 text-12 text-text-3" />
          </span>
          <Snippet snippet={hit.snippet} />
          <span className="mt-0.5 flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 text-12 text-text-3">
            {named && (
              <span dir="auto" className="max-w-56 truncate font-medium text-text-2">
                {hit.diary_name}
              </span>
            )}
            <TypeMark type={hit.entry_type} />
            <Importance value={hit.importance} />
            <TimeMark entry={hit} />
            {whyFound(hit) && <span>{whyFound(hit)}</span>}
            <Tags tags={hit.tags} />
          </span>
        </Link>
      </li>
    ))}
  </ul>
);

const meaningNotes: Record<Found['meaning'], string | null> = {
  used: null,
  not_asked: null,
  not_configured: 'Lexical only: no model is configured, so entries are found by their words, not by their meaning.',
  limited:
    'Lexical only: you searched by meaning too often in this minute, so entries are found by their words for now.',
  unavailable: 'Lexical only: the model does not answer, so entries are found by their words for now.',
};

/** How many were found, and how they were looked for. */
export const SearchNote = ({ found }: { found: Found }) => {
  const note = found.search_type === 'list' ? null : meaningNotes[found.meaning];
  return (
    <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 border-b border-line bg-sunken px-4 py-2 text-12 text-text-2 md:px-6">
      <span role="status" className="tabular font-medium">
        {countWords(found.total)}
      </span>
      {note && (
        <span className="inline-flex items-baseline gap-1.5">
          <Info aria-hidden className="size-3 shrink-0 translate-y-px text-text-3" />
          {note}
        </span>
      )}
    </div>
  );
};

/** The server counts up to a thousand. */
const countWords = (total: number): string =>
  total === 1 ? '1 entry' : `${total >= 1000 ? '1,000 or more' : total} entries`;

/** What is said instead of an answer that is none. */
export const NothingFound = ({
  found,
  onNearest,
  clear,
}: {
  found: Found;
  onNearest: () => void;
  clear?: ReactNode;
}) =>
  found.abstained ? (
    <EmptyState plain title="Nothing fits" action={<Button onClick={onNearest}>Show the nearest</Button>}>
      There are entries, and none is about this. Saying so is better than showing the nearest as if it were an answer.
    </EmptyState>
  ) : (
    <EmptyState plain title="Nothing is found" action={clear}>
      No entry holds one of these words and passes the filter.
    </EmptyState>
  );
