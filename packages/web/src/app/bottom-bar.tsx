import { Link, useNavigate } from '@tanstack/react-router';
import { Ellipsis, Search } from 'lucide-react';
import { useState } from 'react';
import { useMe } from '../data/session.ts';
import { Count } from '../ui/badge.tsx';
import { Sheet } from '../ui/dialog.tsx';
import { Avatar } from '../ui/identity-mark.tsx';
import { useAccountEntries } from './account-menu.tsx';
import type { NavEntry } from './feature.ts';
import { useNav } from './nav.ts';
import { openPalette } from './palette-store.ts';

const place =
  'relative flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-11 font-medium text-text-3 transition-colors active:text-text';
const none = () => 0;

/** Five places below the thumb: three of the product, search, and the rest. */
export const BottomBar = () => {
  const nav = useNav();
  const [more, setMore] = useState(false);
  const places = nav
    .filter((entry) => entry.phone)
    .toSorted((first, second) => first.phone! - second.phone!)
    .slice(0, 3);
  return (
    <nav aria-label="Main" className="flex shrink-0 border-t border-line bg-bg pb-[env(safe-area-inset-bottom)]">
      {places.map((entry) => (
        <Place key={entry.to} entry={entry} />
      ))}
      <button type="button" onClick={() => openPalette()} className={place}>
        <Search aria-hidden strokeWidth={1.75} className="size-5" />
        Search
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => setMore(true)} className={place}>
        <Ellipsis aria-hidden strokeWidth={1.75} className="size-5" />
        More
      </button>
      <MoreSheet open={more} onOpenChange={setMore} entries={nav.filter((entry) => !places.includes(entry))} />
    </nav>
  );
};

const Place = ({ entry }: { entry: NavEntry }) => {
  const count = (entry.useCount ?? none)();
  const Icon = entry.icon;
  return (
    <Link
      to={entry.to}
      className={place}
      activeProps={{ className: 'text-text! [&_svg]:text-accent-text', 'aria-current': 'page' }}
    >
      <Icon aria-hidden strokeWidth={1.75} className="size-5" />
      {entry.label}
      {count > 0 && (
        <span className="absolute top-1 left-1/2 ml-1.5">
          <Count value={count} tone="accent" label="open" />
        </span>
      )}
    </Link>
  );
};

const MoreSheet = ({
  open,
  onOpenChange,
  entries,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  entries: NavEntry[];
}) => {
  const { org, user, principal } = useMe();
  const navigate = useNavigate();
  const account = useAccountEntries();
  const name = user?.name ?? principal.name;
  const row =
    'flex h-12 w-full items-center gap-3 rounded-control px-2 text-left text-14 font-medium text-text active:bg-active [&>svg]:size-5 [&>svg]:text-text-3';
  const go = (run: () => void) => () => {
    onOpenChange(false);
    run();
  };
  return (
    <Sheet open={open} onOpenChange={onOpenChange} title={org.name}>
      <ul className="-mx-2">
        {entries.map((entry) => (
          <li key={entry.to}>
            <button type="button" className={row} onClick={go(() => void navigate({ to: entry.to }))}>
              <entry.icon aria-hidden strokeWidth={1.75} />
              {entry.label}
            </button>
          </li>
        ))}
      </ul>
      <div className="mt-3 flex items-center gap-3 border-t border-line pt-4 pb-1 text-13 text-text-2">
        <Avatar id={user?.id ?? name} name={name} size={28} />
        <span className="min-w-0 truncate">{user?.email ?? name}</span>
      </div>
      <ul className="-mx-2">
        {account.map(
          (entry) =>
            (entry.kind === undefined || entry.kind === 'action') && (
              <li key={String(entry.label)}>
                <button type="button" className={row} onClick={go(entry.onSelect)}>
                  {entry.icon}
                  {entry.label}
                </button>
              </li>
            ),
        )}
      </ul>
    </Sheet>
  );
};
