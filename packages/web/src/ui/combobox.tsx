import { Command } from 'cmdk';
import { Check, ChevronsUpDown, X } from 'lucide-react';
import { Popover } from 'radix-ui';
import { useState } from 'react';
import { cx } from './class-names.ts';
import { useFieldWiring } from './form-field.tsx';
import type { Option } from './select.tsx';

interface ComboboxProps {
  options: readonly Option[];
  value: readonly string[];
  onChange: (value: string[]) => void;
  /** More than one may be chosen; they show as chips. */
  multiple?: boolean;
  placeholder?: string;
  searchPlaceholder?: string;
  empty?: string;
  label?: string;
  /** Called with the typed text, for options that the server filters. */
  onSearch?: (text: string) => void;
  /** Offers the typed text itself as a value. */
  allowNew?: boolean;
  disabled?: boolean;
}

const rowClass =
  'flex min-h-8 items-center gap-2 rounded-control px-2 py-1 text-14 text-text select-none data-[selected=true]:bg-active data-[disabled=true]:opacity-45 touch:min-h-11 [&_svg]:size-4';

/** Searchable choice of one or several. */
export const Combobox = ({
  options,
  value,
  onChange,
  multiple,
  placeholder = 'Choose',
  searchPlaceholder = 'Search',
  empty = 'Nothing matches.',
  label,
  onSearch,
  allowNew,
  disabled,
}: ComboboxProps) => {
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState('');
  const wiring = useFieldWiring();
  const labelOf = (entry: string) => options.find((option) => option.value === entry)?.label ?? entry;
  const toggle = (entry: string) => {
    if (multiple) onChange(value.includes(entry) ? value.filter((other) => other !== entry) : [...value, entry]);
    else {
      onChange([entry]);
      setOpen(false);
    }
    setSearch('');
  };
  const fresh = allowNew && search.trim() !== '' && !options.some((option) => option.label === search.trim());
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <div className="relative">
        <Popover.Trigger
          {...wiring}
          role="combobox"
          aria-expanded={open}
          aria-label={label}
          disabled={disabled}
          className="field flex items-center justify-between gap-2 py-1 text-left"
        >
          <span className={cx('flex min-w-0 flex-wrap gap-1', value.length === 0 && 'text-text-3')}>
            {value.length === 0 && placeholder}
            {!multiple && value[0] !== undefined && labelOf(value[0])}
            {multiple &&
              value.map((entry) => <Chip key={entry} text={labelOf(entry)} onRemove={() => toggle(entry)} />)}
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-text-3" />
        </Popover.Trigger>
      </div>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          className="floating z-50 w-(--radix-popover-trigger-width) min-w-56 overflow-hidden data-[state=open]:animate-pop-in"
        >
          <Command shouldFilter={!onSearch} label={label ?? placeholder}>
            <Command.Input
              value={search}
              onValueChange={(text) => {
                setSearch(text);
                onSearch?.(text);
              }}
              placeholder={searchPlaceholder}
              className="h-10 w-full bg-transparent px-3 text-14 text-text outline-none placeholder:text-text-3 hairline-b touch:text-16"
            />
            <Command.List className="max-h-64 overflow-y-auto p-1">
              {!fresh && <Command.Empty className="px-2 py-6 text-center text-13 text-text-3">{empty}</Command.Empty>}
              {options.map((option) => (
                <Command.Item
                  key={option.value}
                  value={option.value}
                  keywords={[option.label]}
                  disabled={option.disabled}
                  onSelect={() => toggle(option.value)}
                  className={rowClass}
                >
                  {option.icon}
                  <span className="min-w-0 flex-1 truncate">{option.label}</span>
                  {option.hint && <span className="text-12 text-text-3">{option.hint}</span>}
                  {value.includes(option.value) && <Check aria-hidden className="text-accent-text" />}
                </Command.Item>
              ))}
              {fresh && (
                <Command.Item
                  value={`new:${search}`}
                  keywords={[search]}
                  onSelect={() => toggle(search.trim())}
                  className={rowClass}
                >
                  Use “{search.trim()}”
                </Command.Item>
              )}
            </Command.List>
          </Command>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
};

// Inside a button no second button may stand: the cross works for the pointer, Backspace-free removal by keyboard is in the list.
const Chip = ({ text, onRemove }: { text: string; onRemove: () => void }) => (
  <span className="inline-flex h-6 items-center gap-1 rounded-[5px] bg-active pr-1 pl-1.5 text-13">
    {text}
    <span
      aria-hidden
      onPointerDown={(event) => {
        event.preventDefault();
        event.stopPropagation();
        onRemove();
      }}
      className="rounded-[3px] p-0.5 text-text-3 hover:bg-active hover:text-text"
    >
      <X className="size-3" />
    </span>
  </span>
);
