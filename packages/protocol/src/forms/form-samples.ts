import type { Form } from './form-fields.ts';

/** All 22 field types on three pages; page `detail` is visited only for `kind = long`. For tests. */
export const everyType = {
  id: 'deploy',
  title: 'Deploy',
  pages: [
    {
      id: 'basics',
      title: 'Basics',
      fields: [
        { id: 'name', type: 'text', label: 'Name', required: true, min_len: 2, max_len: 20, pattern: '[a-z-]+' },
        { id: 'why', type: 'textarea', placeholder: 'Reason' },
        { id: 'count', type: 'number', min: 1, max: 9 },
        { id: 'kind', type: 'select', options: [{ value: 'short' }, { value: 'long', label: 'Long' }], required: true },
        { id: 'speed', type: 'radio', options: [{ value: 'slow' }, { value: 'fast' }] },
        { id: 'tags', type: 'multiselect', options: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] },
        { id: 'sure', type: 'checkbox' },
        { id: 'loud', type: 'toggle' },
        { id: 'ok', type: 'yesno', yes_label: 'Go', no_label: 'Stop' },
      ],
      next: {
        kind: 'conditional',
        field_id: 'kind',
        branches: [{ value: 'long', page_id: 'detail' }],
        default: 'last',
      },
    },
    {
      id: 'detail',
      fields: [
        { id: 'when', type: 'datetime' },
        { id: 'issue', type: 'issuepicker', suggestions: ['#1', '#2'] },
        { id: 'patch', type: 'diffapproval', diff: '-a\n+b' },
        { id: 'stars', type: 'rating' },
        { id: 'level', type: 'slider', min: 0, max: 1, step: 0.1 },
        { id: 'note', type: 'markdown', content: '**read this**' },
        { id: 'log', type: 'file', max_size: 1000, mime_types: ['text/plain', 'image/*'] },
      ],
      next: { kind: 'fixed', page_id: 'last' },
    },
    {
      id: 'last',
      fields: [
        {
          id: 'hosts',
          type: 'group',
          min_rows: 0,
          max_rows: 3,
          fields: [
            { id: 'host', type: 'text', required: true },
            { id: 'port', type: 'number', integer: true, min: 1, max: 65_535 },
          ],
        },
        { id: 'day', type: 'date' },
        { id: 'hour', type: 'time' },
        { id: 'mail', type: 'email' },
        { id: 'link', type: 'url' },
        {
          id: 'extra',
          type: 'json',
          schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
        },
      ],
      next: { kind: 'end' },
    },
  ],
} satisfies Form as Form;
