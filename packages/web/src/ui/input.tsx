import { Eye, EyeOff } from 'lucide-react';
import { type ComponentProps, type ReactNode, useLayoutEffect, useRef, useState } from 'react';
import { cx } from './class-names.ts';
import { useFieldWiring } from './form-field.tsx';

interface InputProps extends ComponentProps<'input'> {
  /** An icon or a unit inside the field. */
  leading?: ReactNode;
  trailing?: ReactNode;
}

export const Input = ({ className, leading, trailing, ...rest }: InputProps) => {
  const wiring = useFieldWiring();
  const input = (
    <input {...wiring} className={cx('field', !!leading && 'pl-9', !!trailing && 'pr-11', className)} {...rest} />
  );
  if (!leading && !trailing) return input;
  return (
    <span className="relative block w-full">
      {leading && (
        <span className="pointer-events-none absolute inset-y-0 left-3 flex items-center text-text-3 [&_svg]:size-4">
          {leading}
        </span>
      )}
      {input}
      {trailing && <span className="absolute inset-y-0 right-1 flex items-center">{trailing}</span>}
    </span>
  );
};

/** A password with a button that shows it. */
export const PasswordInput = (props: Omit<InputProps, 'type' | 'trailing'>) => {
  const [shown, setShown] = useState(false);
  return (
    <Input
      {...props}
      type={shown ? 'text' : 'password'}
      autoCapitalize="off"
      autoCorrect="off"
      spellCheck={false}
      trailing={
        <button
          type="button"
          aria-label={shown ? 'Hide password' : 'Show password'}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          className="flex size-8 items-center justify-center rounded-control text-text-3 hover:bg-hover hover:text-text touch:size-10"
        >
          {shown ? <EyeOff className="size-4" /> : <Eye className="size-4" />}
        </button>
      }
    />
  );
};

/** Grows with its text up to `maxRows`. */
export const Textarea = ({
  className,
  rows = 3,
  maxRows = 14,
  value,
  ...rest
}: ComponentProps<'textarea'> & { maxRows?: number }) => {
  const wiring = useFieldWiring();
  const element = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text.
  useLayoutEffect(() => {
    const area = element.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight + 2, maxRows * 22 + 18)}px`;
  }, [value, maxRows]);
  return (
    <textarea
      ref={element}
      rows={rows}
      value={value}
      {...wiring}
      className={cx('field resize-y py-1.5', className)}
      {...rest}
    />
  );
};
