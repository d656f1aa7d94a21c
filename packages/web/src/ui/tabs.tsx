// biome-ignore-all lint/a11y/useSemanticElements: a button keeps the label and the press in one element.
import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { Count } from './badge.tsx';

export interface Tab {
  id: string;
  label: ReactNode;
  count?: number;
  content: ReactNode;
}

/** Underlined tabs; panels mount when they are chosen. */
export const Tabs = ({
  tabs,
  value,
  onChange,
  label,
}: {
  tabs: readonly Tab[];
  value?: string;
  onChange?: (id: string) => void;
  label: string;
}) => (
  <Radix.Root {...(value === undefined ? { defaultValue: tabs[0]?.id } : { value })} onValueChange={onChange}>
    <Radix.List aria-label={label} className="hairline-b flex gap-5 overflow-x-auto [scrollbar-width:none]">
      {tabs.map((tab) => (
        <Radix.Trigger
          key={tab.id}
          value={tab.id}
          className="-outline-offset-2 flex h-10 shrink-0 items-center gap-1.5 text-13 font-medium text-text-3 transition-colors hover:text-text data-[state=active]:text-text data-[state=active]:shadow-[inset_0_-2px_0_var(--accent)] touch:h-11"
        >
          {tab.label}
          {tab.count !== undefined && <Count value={tab.count} />}
        </Radix.Trigger>
      ))}
    </Radix.List>
    {tabs.map((tab) => (
      <Radix.Content key={tab.id} value={tab.id} className="pt-4 outline-none">
        {tab.content}
      </Radix.Content>
    ))}
  </Radix.Root>
);

/** Two to four exclusive views in one control; for what changes the same content, not the page. */
export const Segmented = <T extends string>({
  options,
  value,
  onChange,
  label,
}: {
  options: readonly { value: T; label: ReactNode }[];
  value: T;
  onChange: (value: T) => void;
  label: string;
}) => (
  <div
    role="radiogroup"
    aria-label={label}
    className="inline-flex shrink-0 gap-0.5 rounded-control bg-sunken p-0.5 shadow-[inset_0_0_0_1px_var(--line)]"
  >
    {options.map((option, index) => (
      <button
        key={option.value}
        type="button"
        role="radio"
        aria-checked={option.value === value}
        tabIndex={option.value === value ? 0 : -1}
        onClick={() => onChange(option.value)}
        onKeyDown={(event) => {
          const step =
            event.key === 'ArrowRight' || event.key === 'ArrowDown'
              ? 1
              : event.key === 'ArrowLeft' || event.key === 'ArrowUp'
                ? -1
                : 0;
          if (step === 0) return;
          event.preventDefault();
          const next = options[(index + step + options.length) % options.length]!;
          onChange(next.value);
          const sibling = event.currentTarget.parentElement?.children[options.indexOf(next)];
          if (sibling instanceof HTMLElement) sibling.focus();
        }}
        className="h-7 rounded-[calc(var(--radius-control)-2px)] px-2.5 text-13 font-medium whitespace-nowrap text-text-2 transition-colors hover:text-text aria-checked:bg-raised aria-checked:text-text aria-checked:shadow-[0_0_0_1px_var(--line-strong)] touch:h-10"
      >
        {option.label}
      </button>
    ))}
  </div>
);
