import { Check, ChevronDown } from 'lucide-react';
import { Select as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from './class-names.ts';
import { useFieldWiring } from './form-field.tsx';
import { styleNonce } from './style-nonce.ts';

export interface Option {
  value: string;
  label: string;
  hint?: string;
  icon?: ReactNode;
  disabled?: boolean;
}

interface SelectProps {
  value: string | undefined;
  onChange: (value: string) => void;
  options: readonly Option[];
  placeholder?: string;
  disabled?: boolean;
  label?: string;
  className?: string;
}

/** One of a few. From about a dozen options on, Combobox. */
export const Select = ({
  value,
  onChange,
  options,
  placeholder = 'Choose',
  disabled,
  label,
  className,
}: SelectProps) => (
  <Radix.Root value={value ?? ''} onValueChange={onChange} disabled={disabled}>
    <Radix.Trigger
      {...useFieldWiring()}
      aria-label={label}
      className={cx('field flex items-center justify-between gap-2 text-left data-placeholder:text-text-3', className)}
    >
      <span className="min-w-0 truncate">
        <Radix.Value placeholder={placeholder} />
      </span>
      <Radix.Icon asChild>
        <ChevronDown aria-hidden className="size-4 shrink-0 text-text-3" />
      </Radix.Icon>
    </Radix.Trigger>
    <Radix.Portal>
      <Radix.Content
        position="popper"
        sideOffset={4}
        collisionPadding={8}
        className="floating z-50 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) overflow-hidden data-[state=open]:animate-pop-in"
      >
        <Radix.Viewport nonce={styleNonce} className="p-1">
          {options.map((option) => (
            <Radix.Item
              key={option.value}
              value={option.value}
              disabled={option.disabled}
              className="flex min-h-8 items-center gap-2 rounded-control py-1 pr-8 pl-2 text-14 text-text outline-none select-none data-disabled:opacity-45 data-highlighted:bg-active touch:min-h-11 [&_svg]:size-4"
            >
              {option.icon}
              <span className="min-w-0">
                <Radix.ItemText>{option.label}</Radix.ItemText>
                {option.hint && <span className="block text-12 text-text-3">{option.hint}</span>}
              </span>
              <Radix.ItemIndicator className="absolute right-3">
                <Check aria-hidden className="text-accent-text" />
              </Radix.ItemIndicator>
            </Radix.Item>
          ))}
        </Radix.Viewport>
      </Radix.Content>
    </Radix.Portal>
  </Radix.Root>
);
