import { useState } from 'react';
import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';

interface CodeFieldProps {
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
  /** Offers to type a recovery code instead. */
  recovery?: boolean;
  autoFocus?: boolean;
}

/** Six digits of an authenticator, or a recovery code. */
export const CodeField = ({ value, onChange, error, recovery = true, autoFocus }: CodeFieldProps) => {
  const [useRecovery, setUseRecovery] = useState(false);
  return (
    <div className="flex flex-col gap-2.5">
      <FormField
        key={String(useRecovery)}
        label={useRecovery ? 'Recovery code' : 'Code of your authenticator app'}
        error={error}
        hint={useRecovery ? 'One of the ten that you kept; each is good once.' : undefined}
      >
        <Input
          name="code"
          autoComplete={useRecovery ? 'off' : 'one-time-code'}
          inputMode={useRecovery ? 'text' : 'numeric'}
          autoCapitalize="off"
          spellCheck={false}
          required
          minLength={6}
          maxLength={useRecovery ? 40 : 7}
          autoFocus={autoFocus || useRecovery}
          placeholder={useRecovery ? 'xxxx-xxxx-xxxx-xxxx' : '000000'}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="tabular font-mono tracking-wider"
        />
      </FormField>
      {recovery && (
        <button
          type="button"
          className="self-start rounded-[3px] text-13 text-text-2 underline decoration-line-strong underline-offset-4 hover:text-text hover:decoration-current touch:min-h-11"
          onClick={() => {
            setUseRecovery(!useRecovery);
            onChange('');
          }}
        >
          {useRecovery ? 'Use the authenticator app' : 'Use a recovery code'}
        </button>
      )}
    </div>
  );
};
