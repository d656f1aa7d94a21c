import { cx } from '../../ui/class-names.ts';
import { FormField } from '../../ui/form-field.tsx';
import { PasswordInput } from '../../ui/input.tsx';
import { passwordStrength } from './password-strength.ts';

const tones = ['bg-control', 'bg-danger', 'bg-warning', 'bg-success', 'bg-success'];

interface NewPasswordFieldProps {
  value: string;
  onChange: (value: string) => void;
  /** Name and e-mail: a password should not contain them. */
  known: readonly string[];
  error: string | undefined;
  label?: string;
}

/** A new password with its strength said while it is typed. */
export const NewPasswordField = ({ value, onChange, known, error, label = 'Password' }: NewPasswordFieldProps) => {
  const { level, say } = passwordStrength(value, known);
  return (
    <FormField
      label={label}
      error={error}
      hint={
        <span className="flex items-center gap-3">
          <span aria-hidden className="flex w-20 shrink-0 gap-1">
            {[1, 2, 3, 4].map((step) => (
              <span
                key={step}
                className={cx(
                  'h-1 flex-1 rounded-full transition-colors',
                  level >= step ? tones[level] : 'bg-line-strong',
                )}
              />
            ))}
          </span>
          <span aria-live="polite">{say}</span>
        </span>
      }
    >
      <PasswordInput
        name="new-password"
        autoComplete="new-password"
        minLength={10}
        required
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </FormField>
  );
};
