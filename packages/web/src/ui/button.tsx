import { LoaderCircle } from 'lucide-react';
import { Slot } from 'radix-ui';
import type { ComponentProps, ReactNode } from 'react';
import { cx } from './class-names.ts';
import { Tooltip } from './tooltip.tsx';

export type ButtonTone = 'primary' | 'secondary' | 'ghost' | 'danger';
export type ButtonSize = 'small' | 'medium' | 'large';

const tones: Record<ButtonTone, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover active:brightness-95',
  secondary: 'bg-raised text-text border border-line-strong hover:border-control active:bg-active',
  ghost:
    'text-text-2 hover:bg-hover hover:text-text active:bg-active data-[state=open]:bg-active data-[state=open]:text-text',
  danger: 'bg-danger-fill text-on-danger hover:brightness-110 active:brightness-95',
};

const sizes: Record<ButtonSize, string> = {
  small: 'h-7 px-2.5 gap-1.5 text-13 touch:h-9',
  medium: 'h-9 px-3.5 gap-2 text-14 touch:h-11',
  large: 'h-11 px-5 gap-2 text-14 touch:h-12 touch:text-16',
};

const base =
  'relative inline-flex shrink-0 items-center justify-center rounded-control font-medium whitespace-nowrap select-none ' +
  'transition-[background-color,border-color,color,filter,scale] active:scale-[0.985] disabled:pointer-events-none disabled:opacity-45';

interface ButtonProps extends ComponentProps<'button'> {
  tone?: ButtonTone;
  size?: ButtonSize;
  icon?: ReactNode;
  /** Shows the spinner and refuses presses; the width stays. */
  busy?: boolean;
  /** Renders the single child (a link) in the button's clothes. */
  asChild?: boolean;
}

export const Button = ({
  tone = 'secondary',
  size = 'medium',
  icon,
  busy,
  asChild,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps) => {
  const classes = cx(base, tones[tone], sizes[size], className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button type="button" className={classes} disabled={disabled || busy} aria-busy={busy || undefined} {...rest}>
      {busy && <LoaderCircle aria-hidden className="absolute size-4 animate-spin" />}
      <span className={cx('inline-flex items-center gap-[inherit]', busy && 'opacity-0')}>
        {icon}
        {children}
      </span>
    </button>
  );
};

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'aria-label'> {
  label: string;
  /** Keys shown in the tooltip, as in `Kbd`. */
  keys?: string;
  tone?: ButtonTone;
  size?: 'small' | 'medium';
  tooltip?: boolean;
}

/** A button with an icon alone; its label is the tooltip and the accessible name. */
export const IconButton = ({
  label,
  keys,
  tone = 'ghost',
  size = 'medium',
  tooltip = true,
  className,
  ...rest
}: IconButtonProps) => {
  const button = (
    <button
      type="button"
      aria-label={label}
      className={cx(
        base,
        tones[tone],
        size === 'small' ? 'size-7 touch:size-9' : 'size-9 touch:size-11',
        '[&_svg]:size-4',
        className,
      )}
      {...rest}
    />
  );
  return tooltip ? (
    <Tooltip label={label} keys={keys}>
      {button}
    </Tooltip>
  ) : (
    button
  );
};
