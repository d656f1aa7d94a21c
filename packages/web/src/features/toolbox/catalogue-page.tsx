import { type ToolboxTemplateSummary, toolboxTemplatesGet, toolboxTemplatesList } from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { LoadError } from '../../app/load-error.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { AppIcon } from '../gateway/app-icon.tsx';
import { EngineNotice, ToolboxClosed, ToolboxTabs } from './toolbox-tabs.tsx';

const columns = 'grid grid-cols-[repeat(auto-fill,minmax(min(100%,288px),1fr))] gap-3';

/** What can be installed, by what it is for. */
export const CataloguePage = () => (useCan('toolbox.deploy') ? <Catalogue /> : <ToolboxClosed />);

const Catalogue = () => {
  const { q = '', category } = useSearch({ from: '/frame/toolbox' });
  const navigate = useNavigate();
  const list = useOperationList(
    toolboxTemplatesList,
    { ...(q ? { q } : {}), ...(category ? { category } : {}), limit: 100 },
    { keepPrevious: true },
  );
  const show = (change: { q?: string | undefined; category?: string | undefined }) => {
    const next = { q, category, ...change };
    void navigate({
      to: '/toolbox',
      search: { q: next.q || undefined, category: next.category || undefined },
      replace: true,
    });
  };
  const categories = list.first?.categories ?? [];
  const enabled = list.first?.enabled ?? true;
  return (
    <>
      <PageHeader
        title="Toolbox"
        tabs={<ToolboxTabs />}
        filters={
          <div className="flex items-center gap-2">
            <SearchField label="Find an application" value={q} onChange={(next) => show({ q: next })} />
            <FilterChips
              filters={[
                {
                  id: 'category',
                  label: 'Category',
                  options: categories.map(({ name, templates }) => ({ value: name, label: `${name} (${templates})` })),
                  value: category ? [category] : [],
                },
              ]}
              onChange={(_, [next]) => show({ category: next })}
            />
          </div>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-5 md:px-6">
        <div className="mb-4 max-w-[760px] empty:hidden">
          <EngineNotice />
        </div>
        {list.isPending ? (
          <TilesSkeleton />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          enabled && (
            <EmptyState
              plain
              title={q ? `No application fits “${q}”` : 'No application is in this category'}
              action={<Button onClick={() => show({ q: undefined, category: undefined })}>Show all</Button>}
            >
              A folder of your own with a compose.yaml joins them: name its parent in{' '}
              <code className="text-13">toolbox.catalog_dir</code>.
            </EmptyState>
          )
        ) : (
          <>
            <ul aria-label="Applications" className={cx(columns, list.isStale && 'opacity-60')}>
              {list.items.map((template) => (
                <Tile key={template.id} template={template} />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
    </>
  );
};

const Tile = ({ template }: { template: ToolboxTemplateSummary }) => {
  const { id, name, icon, description, category, deployments, dangers, problem, source } = template;
  const ahead = () => prefetchOperation(toolboxTemplatesGet, { template: id });
  return (
    <li className="[contain-intrinsic-size:auto_116px] [content-visibility:auto]">
      <Link
        to="/toolbox/templates/$template"
        params={{ template: id }}
        data-template={id}
        onMouseEnter={ahead}
        onFocus={ahead}
        className="-outline-offset-2 flex h-full min-h-[116px] items-start gap-3 rounded-card border border-line bg-surface px-3.5 py-3 text-left transition-colors hover:border-line-strong hover:bg-hover"
      >
        <AppIcon icon={icon} name={name} />
        <span className="flex min-w-0 flex-1 flex-col self-stretch">
          <span dir="auto" className="truncate text-14 font-medium text-text">
            {name}
          </span>
          <span dir="auto" className="line-clamp-2 text-13 text-text-2">
            {problem ?? description}
          </span>
          <span className="mt-auto flex min-w-0 items-center gap-2 pt-2 text-12 text-text-3">
            <span className="truncate">{category}</span>
            {source === 'operator' && <span className="shrink-0">· yours</span>}
            <span className="ml-auto flex shrink-0 items-center gap-1.5">
              {problem ? (
                <Badge tone="danger">Cannot be used</Badge>
              ) : (
                dangers > 0 && <Badge tone="warning">Needs your tick</Badge>
              )}
              {deployments > 0 && (
                <Badge tone="success">{deployments === 1 ? 'Installed' : `${deployments} installed`}</Badge>
              )}
            </span>
          </span>
        </span>
      </Link>
    </li>
  );
};

const TilesSkeleton = () => (
  <div role="status" aria-label="Loading" className={columns}>
    {Array.from({ length: 12 }, (_, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the tiles are alike.
      <div key={index} className="flex h-[116px] gap-3 rounded-card border border-line px-3.5 py-3">
        <Skeleton className="size-9 shrink-0 rounded-[24%]" />
        <span className="flex-1 space-y-2 pt-1">
          <Skeleton className="h-3.5 w-2/5" />
          <Skeleton className="h-3 w-11/12" />
          <Skeleton className="h-3 w-3/5" />
        </span>
      </div>
    ))}
  </div>
);
