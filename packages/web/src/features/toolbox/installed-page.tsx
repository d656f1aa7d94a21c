import { type ToolboxDeployment, toolboxDeploymentsGet, toolboxDeploymentsList } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { LoadError } from '../../app/load-error.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { AppIcon } from '../gateway/app-icon.tsx';
import { StateMark } from './state-mark.tsx';
import { EngineNotice, ToolboxClosed, ToolboxTabs } from './toolbox-tabs.tsx';

/** What was installed, and how it is. */
export const InstalledPage = () => (useCan('toolbox.deploy') ? <Installed /> : <ToolboxClosed />);

const Installed = () => {
  const list = useOperationList(toolboxDeploymentsList, { limit: 50 });
  return (
    <>
      <PageHeader
        title="Toolbox"
        tabs={<ToolboxTabs />}
        action={
          <Button asChild size="small" tone="primary">
            <Link to="/toolbox">Install</Link>
          </Button>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="m-4 max-w-[760px] empty:hidden md:mx-6">
          <EngineNotice />
        </div>
        {list.isPending ? (
          <SkeletonRows tall rows={5} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState
            title="Nothing was installed yet"
            line={{
              text: `curl -X POST ${location.origin}/api/v1/toolbox/deployments -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"template":"it-tools"}'`,
              prompt: '$',
            }}
            action={
              <Button asChild>
                <Link to="/toolbox">Look into the catalogue</Link>
              </Button>
            }
          >
            An application of the catalogue runs in containers of its own, on this machine, behind the sign-in.
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Installed applications">
              {list.items.map((deployment) => (
                <Row key={deployment.id} deployment={deployment} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
    </>
  );
};

const Row = ({ deployment }: { deployment: ToolboxDeployment }) => {
  const { id, name, template, state, message, newer_template, created_at, containers } = deployment;
  const ahead = () => prefetchOperation(toolboxDeploymentsGet, { id });
  return (
    <li className="relative flex min-h-16 items-center gap-4 border-b border-line px-4 py-3 has-[a:hover]:bg-hover md:px-6">
      <AppIcon icon={template.icon} name={template.name} />
      <span className="min-w-0 flex-1">
        <span className="flex min-w-0 items-baseline gap-2">
          <Link
            to="/toolbox/installed/$id"
            params={{ id }}
            data-deployment={id}
            onMouseEnter={ahead}
            onFocus={ahead}
            dir="auto"
            className="min-w-0 truncate rounded-[3px] text-14 font-medium text-text before:absolute before:inset-0 before:content-['']"
          >
            {name}
          </Link>
          {newer_template && <Badge>Newer template</Badge>}
        </span>
        <span dir="auto" className={`block truncate text-13 ${state === 'error' ? 'text-danger-text' : 'text-text-2'}`}>
          {message ??
            (containers.length === 0
              ? template.name
              : `${template.name} · ${containers.length === 1 ? 'one container' : `${containers.length} containers`}`)}
        </span>
      </span>
      <span className="flex shrink-0 flex-col items-end gap-0.5">
        <StateMark deployment={deployment} />
        <RelativeTime time={created_at} className="text-12 text-text-3 max-sm:hidden" />
      </span>
    </li>
  );
};
