import { CircleAlert } from 'lucide-react';
import { createContext, type ReactNode, use, useId } from 'react';
import { cx } from './class-names.ts';

interface FieldWiring {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': true | undefined;
  'aria-required': true | undefined;
}

const FieldContext = createContext<FieldWiring | null>(null);

/** What a control inside a FormField spreads on its element: id, description, error state. Empty outside of one. */
export const useFieldWiring = (): Partial<FieldWiring> => use(FieldContext) ?? {};

interface FormFieldProps {
  label: ReactNode;
  /** Groups (radio, rating) are labelled by aria-labelledby instead of `for`. */
  group?: boolean;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  /** At the right end of the label line: a link or a counter. */
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** Label, control, hint and error, wired to each other. */
export const FormField = ({ label, group, hint, error, required, aside, className, children }: FormFieldProps) => {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined;
  const wiring: FieldWiring = {
    id,
    'aria-describedby': described,
    'aria-invalid': error ? true : undefined,
    'aria-required': required || undefined,
  };
  const Label = group ? 'span' : 'label';
  return (
    <div
      className={cx('flex flex-col gap-1.5', className)}
      {...(group ? { role: 'group', 'aria-labelledby': `${id}-label` } : {})}
    >
      <div className="flex items-baseline justify-between gap-3">
        <Label id={`${id}-label`} {...(group ? {} : { htmlFor: id })} className="text-13 font-medium text-text">
          {label}
          {required === false && <span className="font-normal text-text-3"> (optional)</span>}
        </Label>
        {aside}
      </div>
      <FieldContext value={wiring}>{children}</FieldContext>
      {error && (
        <p id={`${id}-error`} className="flex animate-fade-in items-start gap-1.5 text-13 text-danger-text">
          <CircleAlert aria-hidden className="mt-[3px] size-3.5 shrink-0" />
          <span>{error}</span>
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-13 text-text-3">
          {hint}
        </p>
      )}
    </div>
  );
};

/** The refusal of a whole form, above its button. */
export const FormError = ({ children }: { children: ReactNode }) =>
  children ? (
    <div
      role="alert"
      className="flex animate-fade-in items-start gap-2 rounded-control border border-danger-line bg-danger-soft px-3 py-2 text-13 text-danger-text"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0">{children}</div>
    </div>
  ) : null;
