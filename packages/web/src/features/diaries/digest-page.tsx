import { type diariesDigest as Digest, diariesDigest, diariesGet, type OutputOf } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation, useOperationList } from '../../data/operations.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { entryName, plainText, typeWords } from './diary-words.ts';
import { EndOfList } from './end-of-list.tsx';
import { Importance, RiskBadge, TypeMark, typeIcons } from './entry-marks.tsx';
import { type DigestPeriod, digestPeriods, periodWords } from './period-words.ts';

type Period = OutputOf<typeof Digest>['items'][number];

const route = getRouteApi('/frame/diaries/$id/digest');
const labels: Record<DigestPeriod, string> = { day: 'Days', week: 'Weeks', month: 'Months' };
const options = digestPeriods.map((value) => ({ value, label: labels[value] }));

/** What a diary holds, summed up by days, weeks or months. */
export const DigestPage = () => {
  const { id } = route.useParams();
  const by: DigestPeriod = route.useSearch().by ?? 'week';
  const navigate = useNavigate();
  const diary = useOperation(diariesGet, { diary_ref: id });
  const list = useOperationList(diariesDigest, { diary_ref: id, period: by, limit: 12 }, { keepPrevious: true });
  const most = Math.max(1, ...list.items.map(({ entries }) => entries));
  return (
    <>
      <PageHeader
        title={diary.data ? `${diary.data.name}, summed up` : 'Summed up'}
        back={{ label: 'the diary', onBack: () => void navigate({ to: '/diaries/$id', params: { id } }) }}
        filters={
          <Segmented
            label="Periods"
            value={by}
            options={options}
            onChange={(next) =>
              void navigate({
                to: '/diaries/$id/digest',
                params: { id },
                search: { by: next === 'week' ? undefined : next },
                replace: true,
              })
            }
          />
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto" data-digest>
        {list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.isPending ? (
          <SkeletonRows tall rows={6} />
        ) : list.items.length === 0 ? (
          <EmptyState title="There is nothing to sum up yet">
            Each period in which something is written gets its numbers, its tags and its most important entries. Agents
            read the same with the tool diary_digest.
          </EmptyState>
        ) : (
          <ol className="mx-auto max-w-[860px] px-4 md:px-6">
            {list.items.map((period) => (
              <PeriodSection key={period.begins_at} period={period} by={by} most={most} diary={id} />
            ))}
          </ol>
        )}
        <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
      </div>
    </>
  );
};

const PeriodSection = ({
  period,
  by,
  most,
  diary,
}: {
  period: Period;
  by: DigestPeriod;
  most: number;
  diary: string;
}) => {
  const title = periodWords(period.begins_at, period.ends_at, by);
  const types = (Object.keys(typeWords) as (keyof typeof typeWords)[]).filter((type) => period.by_type[type]);
  return (
    <li className="border-b border-line py-5 last:border-b-0">
      <div className="flex items-baseline justify-between gap-4">
        <h2 className="text-15 font-medium text-text">{title}</h2>
        <span className="tabular shrink-0 text-13 text-text-2">
          {period.entries} {period.entries === 1 ? 'entry' : 'entries'}
        </span>
      </div>
      <div aria-hidden className="mt-2 h-1 overflow-hidden rounded-full bg-sunken">
        <div className="h-full rounded-full bg-accent" style={{ width: `${(100 * period.entries) / most}%` }} />
      </div>
      <ul aria-label="Types" className="mt-3 flex flex-wrap gap-x-4 gap-y-1.5">
        {types.map((type) => {
          const Icon = typeIcons[type];
          return (
            <li key={type} className="inline-flex items-center gap-1.5 text-12 text-text-2">
              <Icon aria-hidden strokeWidth={1.75} className="size-3.5 text-text-3" />
              {typeWords[type]} <span className="tabular text-text-3">{period.by_type[type]}</span>
            </li>
          );
        })}
      </ul>
      {period.tags.length > 0 && (
        <ul aria-label="Most used tags" className="mt-2 flex flex-wrap gap-1.5">
          {period.tags.map(({ tag, entries }) => (
            <li key={tag}>
              <Link
                to="/diaries/$id"
                params={{ id: diary }}
                search={{ tag: [tag] }}
                className="inline-flex max-w-[220px] items-center gap-1.5 rounded-[5px] border border-line px-1.5 text-12 leading-5 text-text-2 hover:bg-hover"
              >
                <span dir="auto" className="truncate">
                  {tag}
                </span>
                <span className="tabular text-text-3">{entries}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {period.most_important.length > 0 && (
        <ul aria-label="Most important entries" className="mt-3 overflow-hidden rounded-card border border-line">
          {period.most_important.map((entry) => (
            <li key={entry.id} className="border-b border-line last:border-b-0">
              <Link
                to="/diaries/$id/$entryId"
                params={{ id: diary, entryId: entry.id }}
                className="-outline-offset-2 block px-3.5 py-2.5 hover:bg-hover"
              >
                <span className="flex items-center gap-2">
                  <span dir="auto" className="min-w-0 flex-1 truncate text-left text-14 font-medium text-text">
                    {entryName(entry)}
                  </span>
                  {entry.injection_risk && <RiskBadge />}
                  <TypeMark type={entry.entry_type} />
                  <Importance value={entry.importance} />
                </span>
                <span dir="auto" className="mt-0.5 line-clamp-2 text-left text-13 text-pretty text-text-3">
                  {plainText(entry)}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
};
