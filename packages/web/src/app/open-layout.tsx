import { Link, Outlet, useLocation, useRouteContext } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Wordmark } from '../ui/atrium-mark.tsx';
import { Button } from '../ui/button.tsx';
import { FrameSkeleton } from './frame-skeleton.tsx';

const Frame = lazy(() => import('./frame.tsx').then((module) => ({ default: module.Frame })));

/** The frame around pages for everybody, or what strangers have in its place. */
export const OpenLayout = () =>
  useRouteContext({ from: '/open' }).signed_in ? (
    <Suspense fallback={<FrameSkeleton />}>
      <Frame />
    </Suspense>
  ) : (
    <StrangerLayout />
  );

const StrangerLayout = () => {
  const here = useLocation({ select: (location) => location.href });
  return (
    <div className="flex h-full flex-col bg-surface">
      <header className="flex h-14 shrink-0 items-center justify-between gap-4 border-b border-line bg-bg px-4 md:px-6">
        <Link to="/feed" aria-label="Atrium, public feed" className="rounded-control">
          <Wordmark />
        </Link>
        <Button asChild size="small">
          <Link to="/sign-in" search={{ next: here }}>
            Sign in
          </Link>
        </Button>
      </header>
      <main className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden">
        <Outlet />
      </main>
    </div>
  );
};
