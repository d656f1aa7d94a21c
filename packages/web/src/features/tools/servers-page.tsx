import { type ToolServer, toolServersList } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ServerDialog } from './server-dialog.tsx';
import { placeOf, serverStates } from './tool-words.ts';
import { ToolsTabs } from './tools-tabs.tsx';

/** MCP servers behind this one, and how they are. */
export const ServersPage = () => {
  const manages = useCan('tools.manage');
  const [adding, setAdding] = useState(false);
  const list = useOperationList(toolServersList, { limit: 100 });
  const add = () => setAdding(true);
  useShortcut('c', 'Add an MCP server', add, { enabled: manages });
  const button = (
    <Button tone="primary" size="small" onClick={add}>
      Add server
    </Button>
  );
  return (
    <>
      <PageHeader title="Tools" tabs={<ToolsTabs />} action={manages && button} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <SkeletonRows tall rows={5} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState
            title="Tools of other MCP servers, offered to agents at one address, with a policy for each"
            action={
              manages ? (
                <Button tone="primary" onClick={add}>
                  Add the first server
                </Button>
              ) : undefined
            }
          >
            {manages
              ? 'Nothing of a server is offered before you have approved it.'
              : 'Somebody who manages tools adds them.'}
          </EmptyState>
        ) : (
          <>
            <ul aria-label="MCP servers">
              {list.items.map((server) => (
                <Row key={server.id} server={server} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
      {adding && <ServerDialog onClose={() => setAdding(false)} />}
    </>
  );
};

const Row = ({ server }: { server: ToolServer }) => {
  const { label, tone } = serverStates[server.state];
  const { approved, held } = server.tools;
  const signIn = server.auth === 'oauth_person' && !server.connected;
  return (
    <li
      data-server={server.id}
      className="relative flex items-center gap-4 border-b border-line px-4 py-3 hover:bg-hover md:px-6"
    >
      <span className="min-w-0 flex-1">
        <span className="flex min-w-0 items-center gap-2">
          <Link
            to="/tools/servers/$id"
            params={{ id: server.id }}
            dir="auto"
            className="truncate rounded-[3px] text-14 font-medium text-text before:absolute before:inset-0 before:content-['']"
          >
            {server.name}
          </Link>
          {held > 0 && <Badge tone="warning">{held} to approve</Badge>}
          {signIn && <Badge>Sign in to use</Badge>}
        </span>
        <span dir="auto" className="block truncate text-13 text-text-2">
          <code className="text-12">{server.slug}</code>
          <span className="text-text-3"> · {placeOf(server)}</span>
        </span>
      </span>
      <span className="tabular w-24 shrink-0 text-right text-13 text-text-2 max-md:hidden">
        {approved === 1 ? '1 tool' : `${approved} tools`}
      </span>
      <span className="flex w-36 shrink-0 flex-col items-end max-md:w-auto">
        <Badge dot tone={tone}>
          {label}
        </Badge>
        {server.seen_at !== null && <RelativeTime time={server.seen_at} className="text-12 text-text-3" />}
      </span>
    </li>
  );
};
