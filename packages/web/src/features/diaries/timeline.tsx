import type { EntryView } from '@atrium/protocol';
import { diariesGetEntry } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { prefetchOperation } from '../../data/operations.ts';
import { cx } from '../../ui/class-names.ts';
import { useNow } from '../../ui/now.ts';
import { useTimeZone } from '../../ui/time-format.ts';
import { byDay, clockOf, dayWords, entryName, plainText } from './diary-words.ts';
import { type EntrySearch, isReplaced } from './entry-filter.ts';
import { HiddenBadge, Importance, RiskBadge, StatusBadge, Tags, TimeMark, TypeMark } from './entry-marks.tsx';

/** Entries under the day on which they were written, newest first. */
export const Timeline = ({
  entries,
  search,
  openId,
}: {
  entries: readonly EntryView[];
  search: EntrySearch;
  openId: string | undefined;
}) => {
  const zone = useTimeZone();
  const now = useNow();
  return byDay(entries, zone).map(({ day, entries: ofDay }) => (
    <section key={day} aria-label={dayWords(Date.parse(ofDay[0]!.created_at), now, zone)}>
      <h2 className="sticky top-0 z-10 border-b border-line bg-surface px-4 py-1.5 text-12 font-medium text-text-3 md:px-6">
        {dayWords(Date.parse(ofDay[0]!.created_at), now, zone)}
      </h2>
      <ul>
        {ofDay.map((entry) => (
          <EntryRow key={entry.id} entry={entry} search={search} open={entry.id === openId} zone={zone} />
        ))}
      </ul>
    </section>
  ));
};

const EntryRow = ({
  entry,
  search,
  open,
  zone,
}: {
  entry: EntryView;
  search: EntrySearch;
  open: boolean;
  zone: string;
}) => {
  const replaced = isReplaced(entry, search);
  return (
    <li className="[contain-intrinsic-size:auto_76px] [content-visibility:auto]">
      <Link
        to="/diaries/$id/$entryId"
        params={{ id: entry.diary_id, entryId: entry.id }}
        search={search}
        data-entry={entry.id}
        aria-current={open || undefined}
        onPointerEnter={() => prefetchOperation(diariesGetEntry, { diary_ref: entry.diary_id, entry_id: entry.id })}
        className={cx(
          '-outline-offset-2 flex scroll-mt-8 gap-3 border-b border-line px-4 py-2.5 text-text transition-[background-color] md:px-6',
          open ? 'bg-active' : 'hover:bg-hover',
        )}
      >
        <time dateTime={entry.created_at} className="tabular w-10 shrink-0 pt-px text-12 leading-5 text-text-3">
          {clockOf(Date.parse(entry.created_at), zone)}
        </time>
        <span className="min-w-0 flex-1">
          <span className="flex items-center gap-2">
            <span
              dir="auto"
              className={cx(
                'min-w-0 truncate text-left text-14 font-medium',
                replaced && 'font-normal text-text-3 line-through',
              )}
            >
              {entryName(entry)}
            </span>
            {replaced && <span className="sr-only">superseded</span>}
            {entry.injection_risk && <RiskBadge />}
            <StatusBadge status={entry.status} />
            {entry.hidden_at && <HiddenBadge />}
          </span>
          <span dir="auto" className="block truncate text-left text-13 text-text-3">
            {plainText(entry) || entry.author.name}
          </span>
          <span className="mt-1 flex items-center gap-3">
            <TypeMark type={entry.entry_type} />
            <Importance value={entry.importance} />
            <TimeMark entry={entry} />
            <Tags tags={entry.tags} />
          </span>
        </span>
      </Link>
    </li>
  );
};
