import { type AnswerValues, type Form, type FormField, fieldDefaults, hasValue, pagesOf } from '@atrium/protocol';

export interface QuickChoice {
  label: string;
  values: AnswerValues;
  tone: 'primary' | 'secondary' | 'danger';
}

export interface QuickForm {
  field: FormField;
  /** Shown above the buttons: text, help and diffs of the form. */
  shown: FormField[];
  choices: QuickChoice[];
}

const most = 4;

/** A form whose only question has two to four answers needs no form: each answer is a button. */
export const quickForm = (form: Form | null): QuickForm | null => {
  if (form === null) return null;
  const pages = pagesOf(form);
  const fields = pages[0]?.fields ?? [];
  const asked = fields.filter(hasValue);
  const field = asked[0];
  if (pages.length !== 1 || asked.length !== 1 || field === undefined || field.visible_if) return null;
  const choices = choicesOf(field);
  return choices && choices.length >= 2 && choices.length <= most ? { field, shown: fields, choices } : null;
};

const choicesOf = (field: FormField): QuickChoice[] | null => {
  const answer = (value: unknown): AnswerValues => ({ [field.id]: value });
  switch (field.type) {
    case 'yesno':
      return [
        { label: field.yes_label ?? fieldDefaults.yes_label, values: answer(true), tone: 'primary' },
        { label: field.no_label ?? fieldDefaults.no_label, values: answer(false), tone: 'secondary' },
      ];
    case 'diffapproval':
      return [
        {
          label: field.approve_label ?? fieldDefaults.approve_label,
          values: answer({ decision: 'approve' }),
          tone: 'primary',
        },
        {
          label: field.reject_label ?? fieldDefaults.reject_label,
          values: answer({ decision: 'reject' }),
          tone: 'secondary',
        },
      ];
    case 'select':
    case 'radio':
      return field.options.map((option) => ({
        label: option.label ?? option.value,
        values: answer(option.value),
        tone: 'secondary' as const,
      }));
    default:
      return null;
  }
};
