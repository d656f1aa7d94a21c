import { Tooltip as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { Kbd } from './kbd.tsx';

interface TooltipProps {
  label: ReactNode;
  keys?: string | undefined;
  side?: 'top' | 'right' | 'bottom' | 'left';
  children: ReactNode;
}

export const TooltipProvider = ({ children }: { children: ReactNode }) => (
  <Radix.Provider delayDuration={350} skipDelayDuration={200}>
    {children}
  </Radix.Provider>
);

/** A label on hover and focus. Never the only place of a fact. */
export const Tooltip = ({ label, keys, side = 'top', children }: TooltipProps) => (
  <Radix.Root>
    <Radix.Trigger asChild>{children}</Radix.Trigger>
    <Radix.Portal>
      <Radix.Content
        side={side}
        sideOffset={6}
        collisionPadding={8}
        className="z-50 flex max-w-72 items-center gap-2 rounded-control bg-text px-2 py-1 text-12 font-medium text-surface data-[state=delayed-open]:animate-pop-in"
      >
        {label}
        {keys && <Kbd keys={keys} inverted />}
      </Radix.Content>
    </Radix.Portal>
  </Radix.Root>
);
