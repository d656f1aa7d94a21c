import { Link } from '@tanstack/react-router';
import { PanelLeft, Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Count } from '../ui/badge.tsx';
import { IconButton } from '../ui/button.tsx';
import { cx } from '../ui/class-names.ts';
import { Kbd } from '../ui/kbd.tsx';
import { useShortcut } from '../ui/shortcuts.tsx';
import { Tooltip } from '../ui/tooltip.tsx';
import { AccountMenu } from './account-menu.tsx';
import type { NavEntry, NavGroup } from './feature.ts';
import { useNav } from './nav.ts';
import { OrgSwitcher } from './org-switcher.tsx';
import { openPalette } from './palette-store.ts';

const groups: NavGroup[] = ['top', 'Work', 'Things', 'People', 'House'];

const useFolded = (): [boolean, () => void] => {
  const [folded, setFolded] = useState(document.documentElement.dataset['rail'] === 'folded');
  useEffect(() => {
    document.documentElement.dataset['rail'] = folded ? 'folded' : 'open';
    try {
      localStorage.setItem('atrium.rail', folded ? 'folded' : 'open');
    } catch {
      // Folded for as long as the page lives.
    }
  }, [folded]);
  return [folded, () => setFolded(!folded)];
};

/** Left rail, 232 px or 64 px folded. */
export const Rail = () => {
  const nav = useNav();
  const [folded, fold] = useFolded();
  useShortcut('mod+b', folded ? 'Unfold the rail' : 'Fold the rail', fold, { group: 'Everywhere' });
  return (
    <nav
      aria-label="Main"
      className={cx(
        'flex shrink-0 flex-col border-r border-line transition-[width] duration-150',
        folded ? 'w-16' : 'w-[232px]',
      )}
    >
      <div className={cx('flex flex-col gap-2 pt-3 pb-2', folded ? 'items-center px-2' : 'px-3')}>
        <OrgSwitcher folded={folded} />
        <SearchButton folded={folded} />
      </div>
      <div className={cx('min-h-0 flex-1 overflow-y-auto pb-3 [scrollbar-width:none]', folded ? 'px-3' : 'px-3')}>
        {groups.map((group) => {
          const entries = nav.filter((entry) => entry.group === group);
          if (entries.length === 0) return null;
          return (
            <section key={group} aria-label={group === 'top' ? 'Inbox' : group} className="mb-1">
              {group !== 'top' &&
                (folded ? (
                  <hr className="mx-1 my-2 border-line" />
                ) : (
                  <h2 className="px-2 pt-3 pb-1 text-12 font-medium text-text-3">{group}</h2>
                ))}
              <ul className="space-y-px">
                {entries.map((entry) => (
                  <li key={entry.to}>
                    <RailLink entry={entry} folded={folded} />
                  </li>
                ))}
              </ul>
            </section>
          );
        })}
      </div>
      <div
        className={cx(
          'flex items-center border-t border-line py-2',
          folded ? 'flex-col gap-1 px-2' : 'justify-between gap-1 px-3',
        )}
      >
        <AccountMenu folded={folded} />
        <IconButton label={folded ? 'Unfold the rail' : 'Fold the rail'} keys="mod+b" size="small" onClick={fold}>
          <PanelLeft />
        </IconButton>
      </div>
    </nav>
  );
};

const SearchButton = ({ folded }: { folded: boolean }) =>
  folded ? (
    <IconButton label="Search and commands" keys="mod+k" onClick={() => openPalette()}>
      <Search />
    </IconButton>
  ) : (
    <button
      type="button"
      onClick={() => openPalette()}
      className="flex h-8 w-full items-center gap-2 rounded-control border border-line-strong bg-surface px-2 text-13 text-text-3 transition-colors hover:border-control hover:text-text"
    >
      <Search aria-hidden className="size-4" />
      <span className="flex-1 text-left">Search</span>
      <Kbd keys="mod+k" />
    </button>
  );

const none = () => 0;

const RailLink = ({ entry, folded }: { entry: NavEntry; folded: boolean }) => {
  const count = (entry.useCount ?? none)();
  const Icon = entry.icon;
  const link = (
    <Link
      to={entry.to}
      aria-label={folded ? entry.label : undefined}
      className={cx(
        'group relative flex h-8 items-center gap-2.5 rounded-control text-13 font-medium text-text-2 transition-colors hover:bg-hover hover:text-text',
        folded ? 'h-9 justify-center' : 'px-2',
      )}
      activeProps={{ className: 'bg-active text-text! [&>svg]:text-text', 'aria-current': 'page' }}
    >
      <Icon
        aria-hidden
        strokeWidth={1.75}
        className="size-4 shrink-0 text-text-3 transition-colors group-hover:text-text-2"
      />
      {!folded && <span className="flex-1 truncate">{entry.label}</span>}
      {folded ? (
        count > 0 && <span className="absolute top-1 right-1.5 size-2 rounded-full bg-accent" />
      ) : (
        <Count value={count} tone={entry.group === 'top' ? 'accent' : 'neutral'} label="open" />
      )}
    </Link>
  );
  return folded ? (
    <Tooltip label={entry.label} keys={entry.keys} side="right">
      {link}
    </Tooltip>
  ) : (
    link
  );
};
