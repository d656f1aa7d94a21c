import { Link, Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { signOut, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { serverGroups, serverPages } from './server-pages.ts';

/** The list of pages beside each of them; on the phone the list is a page of its own. */
export const ServerLayout = () => {
  const phone = usePhone();
  if (!useMe().is_operator) return <OperatorsOnly />;
  if (phone) return <Outlet />;
  return (
    <div className="flex min-h-0 flex-1">
      <nav aria-label="Server" className="w-52 shrink-0 overflow-y-auto border-r border-line px-3 pb-4">
        <p className="flex min-h-14 items-center px-2 text-16 font-semibold">Server</p>
        {serverGroups.map((group) => (
          <section key={group} aria-label={group} className="mb-3">
            {group !== 'Server' && <h2 className="truncate px-2 pt-2 pb-1 text-12 font-medium text-text-3">{group}</h2>}
            <ul className="space-y-px">
              {serverPages
                .filter((page) => page.group === group)
                .map((page) => (
                  <li key={page.to}>
                    <Link
                      to={page.to}
                      className="flex h-8 items-center gap-2.5 rounded-control px-2 text-13 font-medium text-text-2 transition-colors hover:bg-hover hover:text-text"
                      activeProps={{ className: 'bg-active text-text!', 'aria-current': 'page' }}
                    >
                      <page.icon aria-hidden strokeWidth={1.75} className="size-4 shrink-0 text-text-3" />
                      <span className="truncate">{page.label}</span>
                    </Link>
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </nav>
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <Outlet />
      </div>
    </div>
  );
};

/** What stands in place of the section for everybody else, and for an operator whose sign-in is too old. */
const OperatorsOnly = () => (
  <>
    <PageHeader title="Server" />
    <EmptyState
      title="These pages are for people who run the server"
      action={<Button onClick={() => void signOut()}>Sign out and in again</Button>}
    >
      If you are one, your sign-in is older than twelve hours: sign in again to open them. Otherwise an operator can
      give you the right.
    </EmptyState>
  </>
);

/** `/server`: the list on the phone, the overview elsewhere. */
export const ServerIndex = () => {
  const phone = usePhone();
  // The index stays matched for a moment while its child loads.
  const here = useLocation({ select: (location) => location.pathname.replace(/\/$/, '') === '/server' });
  if (!phone) return here ? <Navigate to="/server/overview" replace /> : null;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader title="Server" />
      {serverGroups.map((group) => (
        <section key={group} aria-label={group}>
          <h2 className="truncate px-4 pt-5 pb-1.5 text-12 font-medium text-text-3">{group}</h2>
          <ul className="border-y border-line">
            {serverPages
              .filter((page) => page.group === group)
              .map((page) => (
                <li key={page.to} className="border-b border-line last:border-b-0">
                  <Link
                    to={page.to}
                    className="-outline-offset-2 flex min-h-14 items-center gap-3.5 px-4 py-2 text-text active:bg-active"
                  >
                    <page.icon aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
                    <span className="min-w-0 flex-1">
                      <span className="block text-14 font-medium">{page.label}</span>
                      <span className="block truncate text-13 text-text-2">{page.hint}</span>
                    </span>
                    <ChevronRight aria-hidden className="size-4 text-text-3" />
                  </Link>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
};
