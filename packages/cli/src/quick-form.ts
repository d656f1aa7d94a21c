import { type Form, type FormField, fieldTypes, formField } from '@atrium/protocol';
import { usageError } from './exit-codes.ts';

/** Words people use for field types. */
const aliases: Readonly<Record<string, string>> = {
  string: 'text',
  longtext: 'textarea',
  int: 'number',
  integer: 'number',
  bool: 'toggle',
  boolean: 'toggle',
  choice: 'radio',
  choices: 'multiselect',
};

const optionsOf = (values: readonly string[]) => values.map((value) => ({ value }));
const words = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Past this many a list to open is easier to read than buttons. */
const mostButtons = 7;

export interface QuickForm {
  yesno?: boolean;
  choice?: string;
  choices?: string;
  text?: boolean;
  number?: boolean;
  field?: string[];
}

/** `name:type[:label]`; `name?` is optional; `choice=a|b|c` and `choices=a|b` carry their options. */
export const readField = (text: string): FormField => {
  const [head = '', kind = 'text', ...label] = text.split(':');
  const [word = '', list] = kind.split('=', 2);
  const type = aliases[word] ?? word;
  const options = list === undefined ? {} : { options: optionsOf(words(list, '|')) };
  const field = {
    type: type === 'radio' && (options.options?.length ?? 0) > mostButtons ? 'select' : type,
    id: head.replace(/\?$/, ''),
    required: !head.endsWith('?'),
    ...(label.length > 0 ? { label: label.join(':') } : {}),
    ...(word === 'int' || word === 'integer' ? { integer: true } : {}),
    ...options,
  };
  const parsed = formField.safeParse(field);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = `name:type[:label] with a type of ${fieldTypes.join(', ')}`;
  throw usageError(`--field ${text}: ${issue?.path.join('.')} ${issue?.message}. Write ${known}.`);
};

const single = (field: Record<string, unknown>): Form => ({
  fields: [formField.parse({ id: 'answer', required: true, ...field })],
});

/** The form of the short flags, or null when none was given. */
export const quickForm = (given: QuickForm): Form | null => {
  const forms: Form[] = [];
  if (given.yesno) forms.push(single({ type: 'yesno' }));
  if (given.text) forms.push(single({ type: 'textarea' }));
  if (given.number) forms.push(single({ type: 'number' }));
  for (const [name, type] of [
    ['choice', 'radio'],
    ['choices', 'multiselect'],
  ] as const) {
    if (given[name] === undefined) continue;
    const options = optionsOf(words(given[name], ','));
    if (options.length === 0) throw usageError(`--${name}: needs at least one value.`);
    forms.push(single({ type: type === 'radio' && options.length > mostButtons ? 'select' : type, options }));
  }
  if (given.field !== undefined) forms.push({ fields: given.field.map(readField) });
  if (forms.length > 1) throw usageError('Give one of --yesno, --choice, --choices, --text, --number and --field.');
  return forms[0] ?? null;
};
