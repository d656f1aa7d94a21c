import { useNavigate } from '@tanstack/react-router';
import { ChevronsUpDown, Plus, Settings } from 'lucide-react';
import { sayError } from '../data/client.ts';
import { switchOrg, useMe } from '../data/session.ts';
import { openCreateOrg } from '../features/settings/create-org-store.ts';
import { cx } from '../ui/class-names.ts';
import { DropdownMenu } from '../ui/dropdown-menu.tsx';
import { toast } from '../ui/toast.tsx';
import { OrgMark } from './org-mark.tsx';

/** Which organisation this is, the others one belongs to, and the way to a new one. */
export const OrgSwitcher = ({ folded }: { folded: boolean }) => {
  const { org, orgs } = useMe();
  const navigate = useNavigate();
  const face = (
    <>
      <OrgMark id={org.id} name={org.name} />
      <span className={folded ? 'sr-only' : 'min-w-0 flex-1 truncate text-left text-14 font-semibold text-text'}>
        {org.name}
      </span>
    </>
  );
  const shape = cx('flex h-9 items-center gap-2.5 rounded-control', folded ? 'justify-center' : 'w-full px-1.5');
  return (
    <DropdownMenu
      align="start"
      className="w-64"
      trigger={
        <button type="button" className={cx(shape, 'transition-colors hover:bg-hover data-[state=open]:bg-active')}>
          {face}
          {!folded && <ChevronsUpDown aria-hidden className="size-3.5 text-text-3" />}
        </button>
      }
      entries={[
        { kind: 'heading', label: 'Organisations' },
        ...orgs.map((other) => ({
          label: other.name,
          icon: <OrgMark id={other.id} name={other.name} size={18} />,
          hint: other.is_personal ? 'personal' : other.role.name,
          checked: other.id === org.id,
          onSelect: () => {
            if (other.id !== org.id)
              switchOrg(other.id).catch((error: unknown) => toast({ title: sayError(error), tone: 'danger' }));
          },
        })),
        { kind: 'separator' as const },
        {
          label: 'Organisation settings',
          icon: <Settings />,
          onSelect: () => void navigate({ to: '/settings/organisation' }),
        },
        { label: 'New organisation', icon: <Plus />, onSelect: openCreateOrg },
      ]}
    />
  );
};
