import { type Script, scriptsList } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList } from '../../data/operations.ts';
import { mayUse, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ScriptsTabs } from '../gateway/gateway-tabs.tsx';
import { RegisterDialog } from './register-dialog.tsx';
import { fileWords, isOff, kindWords, stateOf } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';

/** Files that an operator made runnable. */
export const ScriptsPage = () => {
  const mayWrite = mayUse(useMe(), { permission: 'scripts.write', operator: true });
  const [q, setQ] = useState('');
  const [registering, setRegistering] = useState(false);
  const list = useOperationList(scriptsList, { ...(q ? { q } : {}), limit: 100 }, { keepPrevious: true });
  const off = isOff(list.error);
  const register = () => setRegistering(true);
  useShortcut('c', 'Register a script', register, { enabled: mayWrite && !off });
  return (
    <>
      <PageHeader
        title="Scripts"
        tabs={off ? undefined : <ScriptsTabs />}
        action={
          mayWrite &&
          !off && (
            <Button tone="primary" size="small" onClick={register}>
              Register script
            </Button>
          )
        }
        filters={off ? undefined : <SearchField label="Find a script" value={q} onChange={setQ} />}
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {off ? (
          <ScriptsOff />
        ) : list.isPending ? (
          <SkeletonRows tall rows={6} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          q !== '' ? (
            <EmptyState
              plain
              title={`No script fits “${q}”`}
              action={<Button onClick={() => setQ('')}>Show all</Button>}
            />
          ) : (
            <EmptyState
              title="A script is a file that people and agents may run, with parameters that are checked"
              {...(mayWrite
                ? {
                    action: (
                      <Button tone="primary" onClick={register}>
                        Register the first one
                      </Button>
                    ),
                  }
                : {})}
            >
              {mayWrite
                ? 'Put a file into the directory of scripts and choose it here.'
                : 'An operator of this server registers them.'}
            </EmptyState>
          )
        ) : (
          <>
            <ul aria-label="Scripts">
              {list.items.map((script) => (
                <Row key={script.id} script={script} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
      {registering && <RegisterDialog onClose={() => setRegistering(false)} />}
    </>
  );
};

const Row = ({ script }: { script: Script }) => (
  <li
    data-script={script.id}
    className="relative flex items-center gap-4 border-b border-line px-4 py-3 hover:bg-hover md:px-6"
  >
    <span className="min-w-0 flex-1">
      <span className="flex min-w-0 items-center gap-2">
        <Link
          to="/scripts/$id"
          params={{ id: script.id }}
          dir="auto"
          className="truncate rounded-[3px] text-14 font-medium text-text before:absolute before:inset-0 before:content-['']"
        >
          {script.name}
        </Link>
        {script.file !== 'same' && <Badge tone="warning">{fileWords[script.file]}</Badge>}
        {script.approver_id !== null && <Badge>Asks first</Badge>}
      </span>
      <span dir="auto" className="block truncate text-13 text-text-2">
        {script.description || script.path}
      </span>
    </span>
    <span className="w-40 shrink-0 truncate text-13 text-text-3 max-md:hidden">
      {kindWords[script.kind]}
      {script.category && ` · ${script.category}`}
    </span>
    <span className="w-44 shrink-0 text-right max-md:w-auto">
      {script.last_run === null ? (
        <span className="text-12 text-text-3 max-md:hidden">Not run yet</span>
      ) : (
        <span className="flex flex-col items-end">
          <Badge dot tone={stateOf({ ...script.last_run, approval: null, reason: null }).tone}>
            {stateOf({ ...script.last_run, approval: null, reason: null }).label}
          </Badge>
          <RelativeTime time={script.last_run.at} className="text-12 text-text-3" />
        </span>
      )}
    </span>
  </li>
);
