import { type ScriptRun, scriptRunStates, scriptRunsList } from '@atrium/protocol';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList } from '../../data/operations.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ScriptsTabs } from '../gateway/gateway-tabs.tsx';
import { RunRow } from './run-row.tsx';
import { isOff, runStates } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';

/** Everything that ran, newest first. */
export const RunsPage = () => {
  const [state, setState] = useState<ScriptRun['state'] | undefined>();
  const list = useOperationList(scriptRunsList, { ...(state ? { state } : {}), limit: 100 }, { keepPrevious: true });
  return (
    <>
      <PageHeader
        title="Scripts"
        tabs={<ScriptsTabs />}
        filters={
          <FilterChips
            filters={[
              {
                id: 'state',
                label: 'State',
                value: state ? [state] : [],
                options: scriptRunStates.map((value) => ({ value, label: runStates[value].label })),
              },
            ]}
            onChange={(_id, [value]) => setState(value as ScriptRun['state'] | undefined)}
          />
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {isOff(list.error) ? (
          <ScriptsOff />
        ) : list.isPending ? (
          <SkeletonRows rows={8} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState plain title={state ? 'No run is in this state' : 'Nothing has run yet'}>
            What people, agents and schedules run appears here with its output, for 30 days.
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Runs">
              {list.items.map((run) => (
                <RunRow key={run.id} run={run} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
    </>
  );
};
