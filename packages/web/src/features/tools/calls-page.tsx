import { type ToolCallRow, toolCallStates, toolCallsCancel, toolCallsList } from '@atrium/protocol';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { duration } from '../../ui/time-format.ts';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { callStates, toolReads } from './tool-words.ts';
import { ToolsTabs } from './tools-tabs.tsx';

/** Every call of a tool, newest first. */
export const CallsPage = () => {
  const manages = useCan('tools.manage');
  const [state, setState] = useState<ToolCallRow['state'] | undefined>();
  const list = useOperationList(toolCallsList, { ...(state ? { state } : {}), limit: 100 }, { keepPrevious: true });
  return (
    <>
      <PageHeader
        title="Tools"
        tabs={<ToolsTabs />}
        filters={
          <FilterChips
            filters={[
              {
                id: 'state',
                label: 'State',
                value: state ? [state] : [],
                options: toolCallStates.map((value) => ({ value, label: callStates[value].label })),
              },
            ]}
            onChange={(_id, [value]) => setState(value as ToolCallRow['state'] | undefined)}
          />
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <SkeletonRows rows={8} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState plain title={state ? 'No call is in this state' : 'No tool was called yet'}>
            {manages
              ? 'Who called what, how long it took and how it ended appears here.'
              : 'What you and your sessions call appears here.'}
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Calls">
              {list.items.map((row) => (
                <CallLine key={row.id} row={row} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
    </>
  );
};

const bytes = (count: number): string =>
  count < 1024
    ? `${count} B`
    : count < 1_048_576
      ? `${Math.round(count / 1024)} KiB`
      : `${(count / 1_048_576).toFixed(1)} MiB`;

const sizeWords = ({ argument_bytes, result_bytes, cut }: ToolCallRow): string =>
  result_bytes === null
    ? `${bytes(argument_bytes)} sent`
    : `${bytes(argument_bytes)} sent, ${bytes(result_bytes)} back${cut ? ', cut' : ''}`;

const CallLine = ({ row }: { row: ToolCallRow }) => {
  const { label, tone } = callStates[row.state];
  const cancel = useOperationMutation(toolCallsCancel, {
    invalidates: toolReads,
    done: () => 'The call is taken back',
  });
  return (
    <li
      data-call={row.id}
      className="flex items-center gap-4 border-b border-line px-4 py-2.5 max-md:flex-wrap max-md:gap-y-1 md:px-6"
    >
      <span className="w-32 shrink-0 max-md:order-2 max-md:w-auto">
        <Badge dot tone={tone}>
          {label}
        </Badge>
      </span>
      <span className="min-w-0 flex-1 max-md:order-1 max-md:basis-full">
        <span className="block truncate font-mono text-13 text-text">{row.tool}</span>
        <span className="flex min-w-0 items-center gap-1.5 text-12 text-text-3">
          <PrincipalMark type={row.by.type} id={row.by.id ?? row.id} name={row.by.name} size={14} />
          <span dir="auto" className="truncate">
            {row.by.name}
            {row.detail !== null && ` · ${row.detail}`}
          </span>
        </span>
      </span>
      {row.state === 'waiting' && (
        <Button
          size="small"
          className="max-md:order-4"
          busy={cancel.isPending}
          onClick={() => cancel.mutate({ id: row.id })}
        >
          Take back
        </Button>
      )}
      <span className="tabular w-44 shrink-0 text-right text-12 text-text-3 max-md:order-3 max-md:ml-auto max-md:w-auto">
        <RelativeTime time={row.created_at} />
        {row.duration_ms !== null && ` · ${duration(row.duration_ms)}`}
        <span className="block max-md:hidden">{sizeWords(row)}</span>
      </span>
    </li>
  );
};
