import { appsDelete, type RouteView, routesDelete, routesDrain, routesGet, routesPurgeCache } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { ArrowUpRight, FlaskConical } from 'lucide-react';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section } from '../../ui/section.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { shortAddress, sourceWords } from './gateway-words.ts';
import { HealthMark } from './health-mark.tsx';
import { RouteForm } from './route-form.tsx';
import { RouteShares } from './route-shares.tsx';

const page = getRouteApi('/frame/routes/$id');

export const RoutePage = () => {
  const { id } = page.useParams();
  const query = useOperation(routesGet, { id });
  const navigate = useNavigate();
  const mayWrite = useCan('routes.write');
  const back = { label: 'routes', onBack: () => void navigate({ to: '/routes' }) };
  const route = query.data;
  if (!route) {
    const gone = query.error instanceof ProblemError && query.error.code === 'not_found';
    return (
      <>
        <PageHeader title="Route" back={back} />
        {gone ? (
          <EmptyState plain title="This route is not here">
            It was deleted, or it belongs to an organisation you are not in.
          </EmptyState>
        ) : query.error ? (
          <LoadError error={query.error} retry={query.refetch} />
        ) : (
          <SkeletonDetail />
        )}
      </>
    );
  }
  const address = route.addresses[0];
  const title = route.slug === route.app_slug ? route.app_name : `${route.app_name} / ${route.slug}`;
  return (
    <>
      <PageHeader
        title={title}
        back={back}
        aside={<HealthMark status={route.status} />}
        tools={
          // A browser opens no port.
          address &&
          route.kind !== 'stream' && (
            <>
              <Button asChild tone="ghost" size="small">
                <Link to="/routes/test" search={{ url: new URL(address, location.origin).href }}>
                  <FlaskConical aria-hidden className="size-4" />
                  <span className="max-sm:sr-only">Test</span>
                </Link>
              </Button>
              <Button asChild size="small">
                <a href={address} target="_blank" rel="noopener noreferrer">
                  Open
                  <ArrowUpRight aria-hidden className="size-4" />
                </a>
              </Button>
            </>
          )
        }
      />
      <RouteForm
        key={route.id}
        route={route}
        mayWrite={mayWrite}
        // A port opens no page that could be shared.
        shares={
          route.kind !== 'stream' && (
            <RouteShares routeId={route.id} name={title} mayWrite={mayWrite && route.kind === 'http'} />
          )
        }
      >
        <End route={route} mayWrite={mayWrite} />
      </RouteForm>
    </>
  );
};

const rows = 'flex flex-wrap items-center justify-between gap-3 px-4 py-3';

const End = ({ route, mayWrite }: { route: RouteView; mayWrite: boolean }) => {
  const [asking, setAsking] = useState<'drain' | 'route' | 'app' | null>(null);
  const navigate = useNavigate();
  const leave = () => void navigate({ to: '/routes' });
  const drain = useOperationMutation(routesDrain, {
    onSuccess: ({ running }) => {
      setAsking(null);
      toast({
        title:
          running === 0
            ? 'Nothing ran through it'
            : `${running === 1 ? 'One connection ends' : `${running} connections end`} within 30 seconds`,
        tone: 'success',
      });
    },
  });
  const invalidates = ['routes.list', 'apps.list', 'gateway.list_versions'];
  const removeRoute = useOperationMutation(routesDelete, {
    invalidates,
    done: () => `${route.slug} is deleted`,
    onSuccess: leave,
  });
  const removeApp = useOperationMutation(appsDelete, {
    invalidates,
    done: () => `${route.app_name} is deleted`,
    onSuccess: leave,
  });
  const purge = useOperationMutation(routesPurgeCache, {
    onSuccess: ({ removed }) =>
      toast({
        title:
          removed === 0
            ? 'Nothing was kept of it'
            : removed === 1
              ? 'One answer is forgotten'
              : `${removed} answers are forgotten`,
        tone: 'success',
      }),
  });
  const addresses = route.addresses.map(shortAddress).join(' and ');
  return (
    <Section
      title="About"
      lead={
        <>
          {sourceWords[route.source]}, version {route.version}, changed <RelativeTime time={route.updated_at} />
        </>
      }
    >
      {mayWrite && (
        <ul className="divide-y divide-line rounded-card border border-line">
          <li className={rows}>
            <span className="min-w-0 flex-1 basis-60">
              <span className="block text-14 font-medium">End what runs</span>
              <span className="block text-13 text-text-2">
                Downloads, streams and sockets get 30 seconds. New ones come in.
              </span>
            </span>
            <Button size="small" onClick={() => setAsking('drain')}>
              End what runs
            </Button>
          </li>
          {route.cache && (
            <li className={rows}>
              <span className="min-w-0 flex-1 basis-60">
                <span className="block text-14 font-medium">Empty the cache</span>
                <span className="block text-13 text-text-2">Every answer is asked of the app again.</span>
              </span>
              <Button size="small" busy={purge.isPending} onClick={() => purge.mutate({ id: route.id })}>
                Empty
              </Button>
            </li>
          )}
          {route.locked === null && (
            <>
              <li className={rows}>
                <span className="min-w-0 flex-1 basis-60">
                  <span className="block text-14 font-medium">Delete the route</span>
                  <span className="block text-13 text-text-2">The app stays, with its other routes.</span>
                </span>
                <Button size="small" onClick={() => setAsking('route')}>
                  Delete route
                </Button>
              </li>
              <li className={rows}>
                <span className="min-w-0 flex-1 basis-60">
                  <span className="block text-14 font-medium">Delete the app</span>
                  <span className="block text-13 text-text-2">With this route and all others of {route.app_name}.</span>
                </span>
                <Button size="small" onClick={() => setAsking('app')}>
                  Delete app
                </Button>
              </li>
            </>
          )}
        </ul>
      )}
      <ConfirmDialog
        open={asking === 'drain'}
        onOpenChange={(open) => !open && setAsking(null)}
        title="End what runs through this route"
        verb="End what runs"
        busy={drain.isPending}
        onConfirm={() => drain.mutate({ id: route.id })}
      >
        Whoever downloads, watches or works there now is cut off after 30 seconds and can come back at once.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'route'}
        onOpenChange={(open) => !open && setAsking(null)}
        title={`Delete the route ${route.slug}`}
        verb="Delete route"
        typeName={route.slug}
        busy={removeRoute.isPending}
        onConfirm={() => removeRoute.mutate({ id: route.id })}
      >
        {addresses || 'Its address'} answers nothing any more. Share links of it end, cookies that are kept for it are
        lost, and what runs through it is cut off after 30 seconds. Rolling back to a version brings the route back,
        without links and cookies.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'app'}
        onOpenChange={(open) => !open && setAsking(null)}
        title={`Delete ${route.app_name}`}
        verb="Delete app"
        typeName={route.app_slug}
        busy={removeApp.isPending}
        onConfirm={() => removeApp.mutate({ slug: route.app_slug })}
      >
        It leaves everybody's services, every route of it ends with its share links, and cookies that are kept for it
        are lost. What it leads to goes on running.
      </ConfirmDialog>
    </Section>
  );
};
