import { type FieldType, type FormField, fieldTypes } from '@atrium/protocol';

/** Field types as people call them. */
export const fieldWords: Record<FieldType, string> = {
  text: 'Text, one line',
  textarea: 'Text, several lines',
  number: 'Number',
  select: 'Choice from a menu',
  radio: 'Choice from a list',
  multiselect: 'Several choices',
  checkbox: 'Checkbox',
  toggle: 'Switch',
  yesno: 'Yes or no',
  datetime: 'Date and time',
  issuepicker: 'Issue',
  diffapproval: 'Diff to approve',
  rating: 'Rating',
  slider: 'Slider',
  markdown: 'Text to read',
  file: 'File',
  group: 'Repeating rows',
  date: 'Date',
  time: 'Time of day',
  email: 'E-mail address',
  url: 'Web address',
  json: 'JSON',
};

const options = [
  { value: 'first', label: 'First' },
  { value: 'second', label: 'Second' },
];

const more: { [type in FieldType]?: object } = {
  text: { label: 'Name', required: true, max_len: 80 },
  number: { label: 'How many', min: 0, integer: true },
  select: { label: 'Which one', options, required: true },
  radio: { label: 'Which one', options, required: true },
  multiselect: { label: 'Which ones', options },
  yesno: { label: 'Go ahead?', required: true, yes_label: 'Go ahead', no_label: 'Stop' },
  issuepicker: { label: 'Issue', suggestions: ['ATR-1', 'ATR-2'] },
  diffapproval: { label: 'This change', required: true, diff: '@@ -1 +1 @@\n-retries: 1\n+retries: 3' },
  rating: { label: 'How good is it', min: 1, max: 5 },
  slider: { label: 'Share', min: 0, max: 100, step: 5, default: 50 },
  markdown: { content: 'Read **this** first.' },
  file: { label: 'File', max_size: 5_000_000 },
  group: {
    label: 'Hosts',
    min_rows: 1,
    max_rows: 5,
    fields: [
      { id: 'host', type: 'text', label: 'Host', required: true },
      { id: 'port', type: 'number', label: 'Port', integer: true, min: 1, max: 65_535 },
    ],
  },
};

/** A field of a type as a start, under an id that is not taken. */
export const fieldSnippet = (type: FieldType, taken: ReadonlySet<string>): FormField => {
  let id: string = type;
  for (let number = 2; taken.has(id); number += 1) id = `${type}_${number}`;
  const field = { id, type, ...(more[type] ?? { label: fieldWords[type] }) };
  if (type === 'group') {
    const inner = (field as { fields?: { id: string }[] }).fields?.map((child) => ({
      ...child,
      id: taken.has(child.id) ? `${id}_${child.id}` : child.id,
    }));
    return { ...field, fields: inner } as unknown as FormField;
  }
  return field as unknown as FormField;
};

export const snippetEntries = fieldTypes.map((type) => ({ type, label: fieldWords[type] }));
