import { Link } from '@tanstack/react-router';

interface PageTab {
  to: string;
  label: string;
}

/** Tabs that are places: each has its own address. */
export const PageTabs = ({ label, tabs }: { label: string; tabs: readonly PageTab[] }) => (
  <nav aria-label={label} className="flex gap-5">
    {tabs.map((tab, index) => (
      <Link
        key={tab.to}
        to={tab.to}
        activeOptions={{ exact: index === 0, includeSearch: false }}
        className="-outline-offset-2 flex h-9 shrink-0 items-center text-13 font-medium text-text-3 transition-colors hover:text-text touch:h-11"
        activeProps={{ className: 'text-text! shadow-[inset_0_-2px_0_var(--accent)]', 'aria-current': 'page' }}
      >
        {tab.label}
      </Link>
    ))}
  </nav>
);
