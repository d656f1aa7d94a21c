import { Link } from '@tanstack/react-router';
import { Plus, Users } from 'lucide-react';
import { IconButton } from '../../ui/button.tsx';
import { openNewBoard } from './board-stores.ts';
import { useBoards } from './use-boards.ts';

const tab =
  '-outline-offset-2 flex h-9 shrink-0 items-center gap-1.5 text-13 font-medium text-text-3 transition-colors hover:text-text touch:h-11';
const active = {
  className: 'text-text! shadow-[inset_0_-2px_0_var(--accent)]',
  'aria-current': 'page',
} as const;

/** Everything there is, boards of the organisation and of one's own, and for who operates them the containers beneath. */
export const LauncherTabs = ({ operates }: { operates: boolean }) => {
  const boards = useBoards();
  return (
    <nav aria-label="Services" className="flex items-center gap-5">
      <Link to="/services" activeOptions={{ exact: true, includeSearch: false }} className={tab} activeProps={active}>
        All
      </Link>
      {boards.map(({ id, name, shared }) => (
        <Link key={id} to="/services/$id" params={{ id }} className={tab} activeProps={active}>
          <span dir="auto" className="max-w-[180px] truncate">
            {name}
          </span>
          {shared && (
            <>
              <Users aria-hidden className="size-3.5" />
              <span className="sr-only">, shared</span>
            </>
          )}
        </Link>
      ))}
      <IconButton label="New board" size="small" className="-ml-2" onClick={openNewBoard}>
        <Plus />
      </IconButton>
      {operates && (
        <Link to="/containers" className={`${tab} ml-auto pl-2`} activeProps={active}>
          Containers
        </Link>
      )}
    </nav>
  );
};
