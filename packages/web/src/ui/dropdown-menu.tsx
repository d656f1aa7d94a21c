import { Check } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from './class-names.ts';
import { Kbd } from './kbd.tsx';

export type MenuEntry =
  | { kind: 'separator' }
  | { kind: 'heading'; label: string }
  | {
      kind?: 'action';
      label: ReactNode;
      icon?: ReactNode;
      keys?: string;
      hint?: ReactNode;
      tone?: 'danger';
      /** Shows a tick; for choices. */
      checked?: boolean;
      disabled?: boolean;
      onSelect: () => void;
    };

interface DropdownMenuProps {
  trigger: ReactNode;
  entries: readonly MenuEntry[];
  align?: 'start' | 'center' | 'end';
  side?: 'top' | 'bottom' | 'right';
  className?: string;
}

/** Actions on one thing. Written as data, so a row menu and the palette can share them. */
export const DropdownMenu = ({ trigger, entries, align = 'end', side = 'bottom', className }: DropdownMenuProps) => (
  <Radix.Root modal={false}>
    <Radix.Trigger asChild>{trigger}</Radix.Trigger>
    <Radix.Portal>
      <Radix.Content
        align={align}
        side={side}
        sideOffset={5}
        collisionPadding={8}
        className={cx(
          'floating z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-48 overflow-y-auto p-1 outline-none data-[state=closed]:animate-pop-out data-[state=open]:animate-pop-in',
          className,
        )}
      >
        {entries.map((entry, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries have no identity and no state of their own.
          <Entry key={index} entry={entry} />
        ))}
      </Radix.Content>
    </Radix.Portal>
  </Radix.Root>
);

const Entry = ({ entry }: { entry: MenuEntry }) => {
  if (entry.kind === 'separator') return <Radix.Separator className="-mx-1 my-1 h-px bg-line" />;
  if (entry.kind === 'heading')
    return <Radix.Label className="px-2 pt-1.5 pb-1 text-12 text-text-3">{entry.label}</Radix.Label>;
  return (
    <Radix.Item
      disabled={entry.disabled}
      onSelect={entry.onSelect}
      className={cx(
        'flex min-h-8 cursor-default items-center gap-2.5 rounded-control px-2 py-1 text-13 outline-none select-none data-disabled:opacity-45 data-highlighted:bg-active touch:min-h-11 touch:text-14 [&_svg]:size-4 [&_svg]:shrink-0',
        entry.tone === 'danger' ? 'text-danger-text' : 'text-text [&_svg]:text-text-3',
      )}
    >
      {entry.icon}
      <span className="min-w-0 flex-1 truncate">{entry.label}</span>
      {entry.hint && <span className="text-12 text-text-3">{entry.hint}</span>}
      {entry.checked && <Check aria-label="chosen" className="text-accent-text!" />}
      {entry.keys && <Kbd keys={entry.keys} />}
    </Radix.Item>
  );
};
