import { type FieldOf, fieldDefaults } from '@atrium/protocol';
import { DiffView } from '../../ui/diff-view.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Textarea } from '../../ui/input.tsx';
import { TwoChoices } from './choice-fields.tsx';
import { labelOf } from './form-values.ts';

interface Decision {
  decision: 'approve' | 'reject';
  comment?: string;
}

const decisionOf = (value: unknown): Decision | null =>
  typeof value === 'object' && value !== null && 'decision' in value ? (value as Decision) : null;

/** The change itself, the decision, and room for a word about it. */
export const DiffField = ({
  field,
  value,
  onChange,
}: {
  field: FieldOf<'diffapproval'>;
  value: unknown;
  onChange: (value: unknown) => void;
}) => {
  const decided = decisionOf(value);
  return (
    <div className="flex flex-col gap-3">
      <DiffView diff={field.diff} />
      <TwoChoices
        label={labelOf(field)}
        yes={field.approve_label ?? fieldDefaults.approve_label}
        no={field.reject_label ?? fieldDefaults.reject_label}
        value={decided ? decided.decision === 'approve' : undefined}
        onChange={(yes) =>
          onChange(yes === undefined ? undefined : { ...decided, decision: yes ? 'approve' : 'reject' })
        }
      />
      {decided && (
        <FormField label="Comment" required={false}>
          <Textarea
            rows={2}
            dir="auto"
            value={decided.comment ?? ''}
            onChange={(event) => {
              const { comment: _before, ...rest } = decided;
              onChange(event.target.value ? { ...rest, comment: event.target.value } : rest);
            }}
          />
        </FormField>
      )}
    </div>
  );
};
