import { useNavigate } from '@tanstack/react-router';
import { BookOpen, Keyboard, LogOut, SunMoon } from 'lucide-react';
import { sayError } from '../data/client.ts';
import { signOut, useMe } from '../data/session.ts';
import { cx } from '../ui/class-names.ts';
import { DropdownMenu, type MenuEntry } from '../ui/dropdown-menu.tsx';
import { Avatar } from '../ui/identity-mark.tsx';
import { showShortcuts } from '../ui/shortcuts.tsx';
import { toast } from '../ui/toast.tsx';

export const useAccountEntries = (): MenuEntry[] => {
  const navigate = useNavigate();
  return [
    { label: 'Preferences', icon: <SunMoon />, onSelect: () => void navigate({ to: '/settings/preferences' }) },
    { label: 'Keyboard shortcuts', icon: <Keyboard />, keys: '?', onSelect: showShortcuts },
    { label: 'API reference', icon: <BookOpen />, onSelect: () => void window.open('/api/docs', '_blank', 'noopener') },
    { kind: 'separator' },
    {
      label: 'Sign out',
      icon: <LogOut />,
      onSelect: () => void signOut().catch((error: unknown) => toast({ title: sayError(error), tone: 'danger' })),
    },
  ];
};

/** Who is signed in, and what concerns only them. */
export const AccountMenu = ({ folded }: { folded: boolean }) => {
  const { principal, user } = useMe();
  const name = user?.name ?? principal.name;
  return (
    <DropdownMenu
      align="start"
      side="top"
      className="w-60"
      trigger={
        <button
          type="button"
          className={cx(
            'flex h-9 min-w-0 items-center gap-2.5 rounded-control px-1.5 text-13 font-medium text-text-2 transition-colors hover:bg-hover hover:text-text data-[state=open]:bg-active',
            !folded && 'flex-1',
          )}
        >
          <Avatar id={user?.id ?? name} name={name} size={24} />
          <span className={folded ? 'sr-only' : 'min-w-0 truncate'}>{name}</span>
        </button>
      }
      entries={[{ kind: 'heading', label: user?.email ?? name }, ...useAccountEntries()]}
    />
  );
};
