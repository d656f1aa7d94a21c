import { Link, Navigate, Outlet, useLocation } from '@tanstack/react-router';
import { ChevronRight, type LucideIcon } from 'lucide-react';
import { usePhone } from '../ui/media.ts';
import { PageHeader } from '../ui/page-header.tsx';

export interface SectionPage {
  to: string;
  label: string;
  hint: string;
  icon: LucideIcon;
}

interface SectionProps {
  /** Its name; the group that has the same name goes without a heading beside the pages. */
  title: string;
  groups: readonly (readonly [group: string, pages: readonly SectionPage[]])[];
}

/** The list of pages beside each of them; on the phone the list is a page of its own. */
export const SectionLayout = ({ title, groups }: SectionProps) => {
  if (usePhone()) return <Outlet />;
  return (
    <div className="flex min-h-0 flex-1">
      <nav aria-label={title} className="w-52 shrink-0 overflow-y-auto border-r border-line px-3 pb-4">
        <p className="flex min-h-14 items-center px-2 text-16 font-semibold">{title}</p>
        {groups.map(([group, pages]) => (
          <section key={pages[0]?.to} aria-label={group} className="mb-3">
            {group !== title && <h2 className="truncate px-2 pt-2 pb-1 text-12 font-medium text-text-3">{group}</h2>}
            <ul className="space-y-px">
              {pages.map((page) => (
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

/** The address of the section itself: the list on the phone, the first page elsewhere. */
export const SectionIndex = ({ title, groups, address }: SectionProps & { address: string }) => {
  const phone = usePhone();
  // The index stays matched for a moment while its child loads.
  const here = useLocation({ select: (location) => location.pathname.replace(/\/$/, '') === address });
  if (!phone) return here ? <Navigate to={groups[0]![1][0]!.to} replace /> : null;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader title={title} />
      {groups.map(([group, pages]) => (
        <section key={pages[0]?.to} aria-label={group}>
          <h2 className="truncate px-4 pt-5 pb-1.5 text-12 font-medium text-text-3">{group}</h2>
          <ul className="border-y border-line">
            {pages.map((page) => (
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
