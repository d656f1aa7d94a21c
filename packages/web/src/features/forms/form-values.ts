import { type AnswerValues, type Form, type FormField, hasValue, topFields } from '@atrium/protocol';

/** What a field holds before anybody touched it. */
export const initialValue = (field: FormField): unknown => {
  if ('default' in field && field.default !== undefined) return field.default;
  switch (field.type) {
    case 'checkbox':
    case 'toggle':
      return false;
    case 'multiselect':
      return [];
    case 'slider':
      return field.min;
    case 'group': {
      const rows = Math.max(field.min_rows ?? 0, field.required === true ? 1 : 0);
      return Array.from({ length: rows }, () => emptyRow(field.fields));
    }
    default:
      return undefined;
  }
};

/** A new row of a group. */
export const emptyRow = (fields: readonly FormField[]): AnswerValues =>
  Object.fromEntries(
    fields.flatMap((field) => {
      const value = hasValue(field) ? initialValue(field) : undefined;
      return value === undefined ? [] : [[field.id, value]];
    }),
  );

/** The values with which a form opens: defaults, over them what a draft or an earlier answer holds. */
export const openingValues = (form: Form, kept: AnswerValues | null | undefined): AnswerValues => {
  const fields = topFields(form);
  const known = new Set(fields.filter(hasValue).map((field) => field.id));
  const earlier = Object.entries(kept ?? {}).filter(([id]) => known.has(id));
  return { ...emptyRow(fields), ...Object.fromEntries(earlier) };
};

/** "retention_days" reads as "Retention days". */
export const labelOf = (field: FormField): string => field.label ?? sentence(field.id);

export const sentence = (id: string): string => {
  const words = id.replaceAll(/[_.-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};
