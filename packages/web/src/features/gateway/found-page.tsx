import {
  discoveryRescan,
  discoveryRestore,
  discoveryStatus,
  type OutputOf,
  type Proposal,
  proposalsApprove,
  proposalsDismiss,
  proposalsList,
} from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { RefreshCw } from 'lucide-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { NoPermission } from '../../app/no-permission.tsx';
import { call } from '../../data/client.ts';
import { patchItem, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge, Dot, type Tone } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { openAddApp } from './add-app-store.ts';
import { AppIcon } from './app-icon.tsx';
import { Confidence, SecurityNotes } from './found-marks.tsx';
import { FoundSheet } from './found-sheet.tsx';
import { appReads, proposalReads } from './gateway-changes.ts';
import { discoveryWords } from './gateway-words.ts';
import { ImportDialog } from './import-dialog.tsx';
import { type FoundList, foundLists } from './route-search.ts';

const parts = (Object.keys(foundLists) as FoundList[]).map((value) => ({ value, label: foundLists[value] }));

/** What runs around here and waits for a yes or a no. */
export const FoundPage = () => (useCan('discovery.decide') ? <Found /> : <FoundClosed />);

const FoundClosed = () => (
  <>
    <PageHeader title="Found services" />
    <NoPermission what="deciding about found services" permission="discovery.decide" />
  </>
);

const Found = () => {
  const { list: part = 'pending', q = '' } = useSearch({ from: '/frame/found' });
  const navigate = useNavigate();
  const list = useOperationList(
    proposalsList,
    { state: part, ...(q ? { q } : {}), limit: 100 },
    { keepPrevious: true },
  );
  const [opened, setOpened] = useState<Proposal | null>(null);
  const [importing, setImporting] = useState(false);
  const rows = useRef<HTMLUListElement>(null);
  const acts = useDecisions();
  const rescan = useOperationMutation(discoveryRescan, {
    invalidates: proposalReads,
    done: ({ providers }) =>
      providers.length === 0 ? 'No provider runs' : `Asked ${providers.join(', ')}. What is new appears by itself.`,
  });
  const show = (change: { list?: FoundList; q?: string }) => {
    const next = { list: part, q, ...change };
    void navigate({
      to: '/found',
      search: { list: next.list === 'pending' ? undefined : next.list, q: next.q || undefined },
      replace: true,
    });
  };
  useShortcut('r', 'Look again', () => rescan.mutate({}), { group: 'Found services' });
  const step = (by: number) => {
    const all = [...(rows.current?.querySelectorAll<HTMLElement>('[data-proposal]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  useShortcut('j', 'Next one', () => step(1), { group: 'Found services' });
  useShortcut('k', 'One before', () => step(-1), { group: 'Found services' });
  const onRowKey = (proposal: Proposal) => (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') step(event.key === 'ArrowDown' ? 1 : -1);
    else if (event.key === 'a' && proposal.state === 'pending') acts.approve.mutate({ id: proposal.id });
    else if (event.key === 'd' && proposal.state === 'pending') acts.dismiss.mutate({ id: proposal.id });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <PageHeader
        title="Found services"
        action={
          <Button size="small" onClick={() => setImporting(true)}>
            Import
          </Button>
        }
        tools={
          <IconButton
            label="Look again"
            keys="r"
            size="small"
            onClick={() => rescan.mutate({})}
            disabled={rescan.isPending}
          >
            <RefreshCw className={cx(rescan.isPending && 'animate-spin')} />
          </IconButton>
        }
        filters={
          <div className="flex items-center gap-2">
            <Segmented label="Which services" value={part} onChange={(next) => show({ list: next })} options={parts} />
            <SearchField label="Find one" value={q} onChange={(next) => show({ q: next })} />
          </div>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="grid min-h-full lg:grid-cols-[minmax(0,1fr)_320px]">
          <div className="min-w-0 lg:border-r lg:border-line">
            {list.isPending ? (
              <SkeletonRows tall rows={7} />
            ) : list.error && list.items.length === 0 ? (
              <LoadError error={list.error} retry={list.refetch} />
            ) : list.items.length === 0 ? (
              <NothingFound part={part} q={q} onClear={() => show({ q: '' })} />
            ) : (
              <>
                <ul ref={rows} aria-label="Found services" className={cx(list.isStale && 'opacity-60')}>
                  {list.items.map((proposal, index) => (
                    <Row
                      key={proposal.id}
                      proposal={proposal}
                      first={index === 0}
                      onKeyDown={onRowKey(proposal)}
                      onOpen={() => setOpened(proposal)}
                      acts={acts}
                    />
                  ))}
                </ul>
                <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
                {part === 'pending' && (
                  <p className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-4 text-12 text-text-3 md:px-6 touch:hidden">
                    <span className="inline-flex items-center gap-1.5">
                      <Kbd keys="a" /> approve as it is
                    </span>
                    <span className="inline-flex items-center gap-1.5">
                      <Kbd keys="d" /> dismiss
                    </span>
                    <span className="inline-flex items-center gap-1.5">
                      <Kbd keys="enter" /> look closer
                    </span>
                  </p>
                )}
              </>
            )}
          </div>
          <Providers />
        </div>
      </div>
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
      <FoundSheet
        proposal={opened && (list.items.find(({ id }) => id === opened.id) ?? opened)}
        onClose={() => setOpened(null)}
        onDismiss={(id) => {
          setOpened(null);
          acts.dismiss.mutate({ id });
        }}
        onRestore={(id) => {
          setOpened(null);
          acts.restore.mutate({ id });
        }}
      />
    </>
  );
};

/** A decision takes its row away at once; a refusal brings it back. */
const useDecisions = () => {
  const gone = (id: string) => [patchItem<Proposal>('discovery.list_proposals', id, () => null)];
  const approve = useOperationMutation(proposalsApprove, {
    optimistic: ({ id }) => gone(id),
    invalidates: [...proposalReads, ...appReads],
    done: ({ app }) => `${app.name} is among your services`,
  });
  const dismiss = useOperationMutation(proposalsDismiss, {
    optimistic: ({ id }) => gone(id),
    invalidates: proposalReads,
    done: ({ name }) => `${name} is dismissed`,
    undo: ({ id }) => call(discoveryRestore, { id }),
  });
  const restore = useOperationMutation(discoveryRestore, {
    optimistic: ({ id }) => gone(id),
    invalidates: proposalReads,
    done: ({ name }) => `${name} waits again`,
  });
  return { approve, dismiss, restore };
};

const Row = ({
  proposal,
  first,
  onKeyDown,
  onOpen,
  acts,
}: {
  proposal: Proposal;
  first: boolean;
  onKeyDown: (event: KeyboardEvent) => void;
  onOpen: () => void;
  acts: ReturnType<typeof useDecisions>;
}) => {
  const { id, name, state, detected, suggested_app: app } = proposal;
  return (
    <li className="group relative flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3.5 has-[[data-proposal]:hover]:bg-hover md:flex-nowrap md:px-6">
      <AppIcon icon={app.icon} name={app.name || name} />
      <span className="min-w-0 flex-1 max-md:basis-[calc(100%-56px)]">
        <span className="flex min-w-0 items-baseline gap-2">
          <button
            type="button"
            data-proposal={id}
            data-first={first || undefined}
            onClick={onOpen}
            onKeyDown={onKeyDown}
            dir="auto"
            className="min-w-0 truncate rounded-[3px] text-left text-14 font-medium text-text before:absolute before:inset-0 before:content-['']"
          >
            {app.name || name}
          </button>
          {proposal.gone && <Badge>Not seen lately</Badge>}
        </span>
        <span className="block truncate text-13 text-text-2">
          {discoveryWords[proposal.source]}
          {' · '}
          <code className="text-12">
            {detected.scheme}://{detected.host}:{detected.port}
          </code>
        </span>
        <SecurityNotes notes={proposal.security_notes} short />
      </span>
      <span className="flex w-56 shrink-0 flex-col gap-1 max-md:ml-[52px] max-md:w-auto max-md:basis-[calc(100%-56px)]">
        <Confidence value={proposal.confidence} />
        <span className="truncate text-12 text-text-3">{proposal.reasons[0]?.reason ?? 'Its port answers'}</span>
      </span>
      <span className="relative flex shrink-0 items-center justify-end gap-1.5 max-md:ml-auto md:w-44">
        {state === 'pending' && (
          <>
            <Button
              size="small"
              tone="ghost"
              aria-label={`Dismiss ${app.name || name}`}
              onClick={() => acts.dismiss.mutate({ id })}
            >
              Dismiss
            </Button>
            <Button size="small" aria-label={`Approve ${app.name || name}`} onClick={() => acts.approve.mutate({ id })}>
              Approve
            </Button>
          </>
        )}
        {state === 'dismissed' && (
          <Button
            size="small"
            aria-label={`Bring ${app.name || name} back`}
            onClick={() => acts.restore.mutate({ id })}
          >
            Bring back
          </Button>
        )}
        {state === 'approved' && proposal.app_slug !== null && (
          <Link to="/routes" search={{ q: proposal.app_slug }} className="quiet-link text-13">
            Its route
          </Link>
        )}
      </span>
    </li>
  );
};

const NothingFound = ({ part, q, onClear }: { part: FoundList; q: string; onClear: () => void }) => {
  if (q !== '')
    return (
      <EmptyState plain title={`Nothing found fits “${q}”`} action={<Button onClick={onClear}>Show all</Button>} />
    );
  if (part === 'approved')
    return (
      <EmptyState plain title="Nothing was approved yet">
        What you approve becomes an app with a route.
      </EmptyState>
    );
  if (part === 'dismissed')
    return (
      <EmptyState plain title="Nothing was dismissed">
        What you dismiss stays away until it is brought back from here.
      </EmptyState>
    );
  return (
    <EmptyState title="Nothing waits for you" action={<Button onClick={openAddApp}>Add an app by hand</Button>}>
      A container that starts, a service that says hello on the network, an Ingress: each appears here within two
      seconds.
    </EmptyState>
  );
};

type Provider = OutputOf<typeof discoveryStatus>['providers'][number];

const providerStates: Record<Provider['state'], { label: string; tone: Tone }> = {
  off: { label: 'Off', tone: 'neutral' },
  connecting: { label: 'Connecting', tone: 'info' },
  running: { label: 'Looking', tone: 'success' },
  retrying: { label: 'Trying again', tone: 'warning' },
};

/** Where this server looks, and what keeps it from seeing more. */
const Providers = () => {
  const status = useOperation(discoveryStatus, {});
  return (
    <aside
      aria-labelledby="providers"
      className="flex flex-col gap-4 px-4 py-5 max-lg:border-t max-lg:border-line md:px-6"
    >
      <h2 id="providers" className="text-13 font-medium">
        Where Atrium looks
      </h2>
      {status.error && <p className="text-13 text-text-3">{status.error.message}</p>}
      {status.data && !status.data.enabled && (
        <p className="text-13 text-pretty text-text-2">
          Looking for services is off. <code className="text-12">discovery.enabled: auto</code> in atrium.yaml turns it
          on.
        </p>
      )}
      <ul className="flex flex-col gap-4">
        {status.data?.providers.map((provider) => (
          <ProviderLine key={provider.name} provider={provider} />
        ))}
      </ul>
    </aside>
  );
};

const ProviderLine = ({ provider }: { provider: Provider }) => {
  const { label, tone } = providerStates[provider.state];
  const trouble = provider.state === 'retrying' || provider.missing_rights.length > 0;
  // Most machines have no container engine, which is no trouble.
  const absent = provider.state === 'retrying' && !provider.last_event_at && /ENOENT/.test(provider.last_error ?? '');
  const [words = '', line] = provider.hint?.split(/: (.+)/) ?? [];
  return (
    <li className="flex gap-2.5 text-13">
      <Dot tone={provider.missing_rights.length > 0 ? 'warning' : absent ? 'neutral' : tone} className="mt-1.5" />
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline justify-between gap-2">
          <span className="truncate font-medium text-text">
            {provider.name.toLowerCase() === provider.kind ? discoveryWords[provider.kind] : provider.name}
          </span>
          <span className="shrink-0 text-12 text-text-3">{absent ? 'Not here' : label}</span>
        </p>
        {provider.endpoint && <p className="truncate font-mono text-12 text-text-3">{provider.endpoint}</p>}
        {provider.state === 'running' && provider.last_event_at && (
          <p className="text-12 text-text-3">
            last heard <RelativeTime time={provider.last_event_at} />
          </p>
        )}
        {absent && <p className="mt-1 text-text-2">There is no socket at that path.</p>}
        {trouble && !absent && provider.last_error && (
          <p dir="auto" className="mt-1 break-words text-danger-text">
            {provider.last_error}
            {provider.failures > 1 && ` (${provider.failures} times in a row)`}
          </p>
        )}
        {provider.state === 'retrying' && !absent && provider.next_attempt_at && (
          <p className="text-12 text-text-3">
            next try <RelativeTime time={provider.next_attempt_at} />
          </p>
        )}
        {provider.missing_rights.length > 0 && (
          <p className="mt-1 text-text-2">
            It lacks{' '}
            {provider.missing_rights.map((right, index) => (
              <span key={right}>
                {index > 0 && ', '}
                <code className="text-12">{right}</code>
              </span>
            ))}
            .
          </p>
        )}
        {words !== '' && <p className="mt-1 text-text-3">{words}.</p>}
        {line !== undefined && <CopyLine text={line} label="Copy line" className="mt-2" />}
      </div>
    </li>
  );
};
