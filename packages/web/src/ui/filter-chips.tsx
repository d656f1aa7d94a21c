import { Check, ChevronDown, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './class-names.ts';
import { DropdownMenu } from './dropdown-menu.tsx';

export interface Filter {
  id: string;
  label: string;
  options: readonly { value: string; label: string; icon?: ReactNode }[];
  /** Chosen values; empty = the filter is off. */
  value: readonly string[];
  multiple?: boolean;
}

const chip =
  'inline-flex h-7 shrink-0 items-center gap-1 rounded-full border px-2.5 text-13 whitespace-nowrap transition-colors touch:h-9 touch:px-3.5 [&_svg]:size-3.5';

/** Filters as chips: off they name the filter, on they name what passes and carry a cross. */
export const FilterChips = ({
  filters,
  onChange,
  clear = true,
}: {
  filters: readonly Filter[];
  onChange: (id: string, value: string[]) => void;
  /** Ends the line with a button that takes all of them off; false where the page has its own. */
  clear?: boolean;
}) => {
  const active = filters.filter((filter) => filter.value.length > 0);
  return (
    <div className="flex items-center gap-1.5">
      {filters.map((filter) => {
        const chosen = filter.options.filter((option) => filter.value.includes(option.value));
        const on = chosen.length > 0;
        return (
          <DropdownMenu
            key={filter.id}
            align="start"
            trigger={
              <button
                type="button"
                className={cx(
                  chip,
                  on
                    ? 'border-accent-line bg-accent-soft font-medium text-text'
                    : 'border-line-strong text-text-2 hover:border-control hover:text-text',
                )}
              >
                {on
                  ? `${filter.label}: ${chosen.length > 2 ? `${chosen.length} chosen` : chosen.map((option) => option.label.toLowerCase()).join(', ')}`
                  : filter.label}
                <ChevronDown aria-hidden className="text-text-3" />
              </button>
            }
            entries={filter.options.map((option) => ({
              label: option.label,
              icon: option.icon,
              checked: filter.value.includes(option.value),
              onSelect: () => {
                const has = filter.value.includes(option.value);
                const rest = filter.value.filter((value) => value !== option.value);
                onChange(filter.id, has ? rest : filter.multiple ? [...rest, option.value] : [option.value]);
              },
            }))}
          />
        );
      })}
      {clear && active.length > 0 && (
        <button
          type="button"
          onClick={() => {
            for (const filter of active) onChange(filter.id, []);
          }}
          className={cx(chip, 'border-transparent text-text-3 hover:text-text')}
        >
          <X aria-hidden /> Clear
        </button>
      )}
    </div>
  );
};

/** A chip that is on or off. */
export const ToggleChip = ({
  label,
  on,
  onChange,
  count,
}: {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  count?: number;
}) => (
  <button
    type="button"
    aria-pressed={on}
    onClick={() => onChange(!on)}
    className={cx(
      chip,
      on
        ? 'border-accent-line bg-accent-soft font-medium text-text'
        : 'border-line-strong text-text-2 hover:border-control hover:text-text',
    )}
  >
    {on && <Check aria-hidden />}
    {label}
    {count !== undefined && <span className="tabular text-text-3">{count}</span>}
  </button>
);
