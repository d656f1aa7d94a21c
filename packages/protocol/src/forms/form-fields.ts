import { z } from 'zod';

/** Limits of section 5 of the inbox specification, and those that keep one answer cheap. */
export const formLimits = {
  bytes: 256 * 1024,
  depth: 50,
  fields: 100,
  pages: 20,
  group_depth: 2,
  options: 500,
  rows: 100,
  /** Characters of one text answer, whatever max_len says. */
  text: 65_536,
  answer_bytes: 1024 * 1024,
  answer_depth: 40,
} as const;

/** What a property that is left out means. */
export const fieldDefaults = {
  rating_min: 1,
  rating_max: 5,
  slider_step: 1,
  approve_label: 'Approve',
  reject_label: 'Reject',
  yes_label: 'Yes',
  no_label: 'No',
} as const;

/** `__proto__` and friends match the expression and would poison plain objects. */
const reserved = new Set(['__proto__', 'constructor', 'prototype']);
export const fieldId = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'starts with a letter or _, then letters, digits, _ . - (64 at most)')
  .refine((id) => !reserved.has(id), 'is a reserved name');
export const pageId = z.string().min(1).max(64);

/** A value that conditions compare with. `null` means "not answered"; a list equals a scalar that it contains. */
export const comparable = z.union([z.string().max(1000), z.number(), z.boolean(), z.null()]);
export type Comparable = z.infer<typeof comparable>;

const visibleIf = z.strictObject({ field: fieldId, equals: comparable });

const shown = {
  id: fieldId,
  label: z.string().max(500).optional(),
  help: z.string().max(4000).optional(),
  visible_if: visibleIf.optional().describe('shown and asked only while another field has this value'),
};
const common = { ...shown, required: z.boolean().optional() };

const length = z.int().min(0);
const placeholder = z.string().max(500).optional();
const caption = z.string().min(1).max(80).optional();
const options = z
  .array(z.strictObject({ value: z.string().max(500), label: z.string().max(500).optional() }))
  .min(1)
  .max(formLimits.options);

const textual = {
  ...common,
  placeholder,
  default: z.string().optional(),
  min_len: length.optional(),
  max_len: length.optional(),
  pattern: z.string().min(1).max(500).optional().describe('RE2 syntax; the whole value must match'),
  sealed: z.boolean().optional().describe('stored encrypted, handed once to the asking agent, never logged'),
};
const lengths = { min_len: length.optional(), max_len: length.optional() };

const text = z.strictObject({ type: z.literal('text'), ...textual });
const textarea = z.strictObject({ type: z.literal('textarea'), ...textual });
const number = z.strictObject({
  type: z.literal('number'),
  ...common,
  min: z.number().optional(),
  max: z.number().optional(),
  integer: z.boolean().optional(),
  default: z.number().optional(),
});
const select = z.strictObject({ type: z.literal('select'), ...common, options, default: z.string().optional() });
const radio = z.strictObject({ type: z.literal('radio'), ...common, options, default: z.string().optional() });
const multiselect = z.strictObject({
  type: z.literal('multiselect'),
  ...common,
  options,
  min_items: z.int().min(0).optional(),
  max_items: z.int().min(0).optional(),
  default: z.array(z.string()).optional(),
});
const checkbox = z.strictObject({ type: z.literal('checkbox'), ...common, default: z.boolean().optional() });
const toggle = z.strictObject({ type: z.literal('toggle'), ...common, default: z.boolean().optional() });
const yesno = z.strictObject({
  type: z.literal('yesno'),
  ...common,
  yes_label: caption,
  no_label: caption,
  default: z.boolean().optional(),
});
const datetime = z.strictObject({ type: z.literal('datetime'), ...common, default: z.string().optional() });
const issuepicker = z.strictObject({
  type: z.literal('issuepicker'),
  ...common,
  placeholder,
  suggestions: z.array(z.string().max(500)).max(formLimits.options).optional(),
  default: z.string().optional(),
});

export const diffDecision = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  comment: z.string().max(10_000).optional(),
});
const diffapproval = z.strictObject({
  type: z.literal('diffapproval'),
  ...common,
  diff: z.string().describe('unified diff'),
  approve_label: caption,
  reject_label: caption,
  default: diffDecision.optional(),
});
const rating = z.strictObject({
  type: z.literal('rating'),
  ...common,
  min: z.int().optional(),
  max: z.int().optional(),
  default: z.int().optional(),
});
const slider = z.strictObject({
  type: z.literal('slider'),
  ...common,
  min: z.number(),
  max: z.number(),
  step: z.number().positive().optional(),
  default: z.number().optional(),
});
const markdown = z.strictObject({ type: z.literal('markdown'), ...shown, content: z.string() });
const file = z.strictObject({
  type: z.literal('file'),
  ...common,
  max_size: z.int().positive().optional().describe('bytes'),
  mime_types: z
    .array(z.string().regex(/^[\w.+-]+\/(\*|[\w.+-]+)$/, 'is not a media type such as image/png or image/*'))
    .min(1)
    .max(50)
    .optional(),
});
const date = z.strictObject({ type: z.literal('date'), ...common, default: z.string().optional() });
const time = z.strictObject({ type: z.literal('time'), ...common, default: z.string().optional() });
const email = z.strictObject({ type: z.literal('email'), ...common, ...lengths, default: z.string().optional() });
const url = z.strictObject({ type: z.literal('url'), ...common, ...lengths, default: z.string().optional() });
const json = z.strictObject({
  type: z.literal('json'),
  ...common,
  schema: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of the value'),
  default: z.unknown().optional(),
});

// biome-ignore format: the table of section 2.4, one row as there
const leaves = [
  text, textarea, number, select, radio, multiselect, checkbox, toggle, yesno, datetime, issuepicker, diffapproval,
  rating, slider, markdown, file, date, time, email, url, json,
] as const;

/** The 22 types, in the order of the specification. */
// biome-ignore format: as above
export const fieldTypes = [
  'text', 'textarea', 'number', 'select', 'radio', 'multiselect', 'checkbox', 'toggle', 'yesno', 'datetime',
  'issuepicker', 'diffapproval', 'rating', 'slider', 'markdown', 'file', 'group', 'date', 'time', 'email', 'url', 'json',
] as const;
export type FieldType = (typeof fieldTypes)[number];

const unknownType = (issue: { code?: string | undefined; input?: unknown }): string | undefined => {
  if (issue.code !== 'invalid_union') return undefined;
  const type = (issue.input as { type?: unknown } | null | undefined)?.type;
  const named = typeof type === 'string' ? `"${type.slice(0, 100)}" is no field type` : 'has no type';
  return type === 'group'
    ? `groups nest at most ${formLimits.group_depth} deep`
    : `${named}; known are ${fieldTypes.join(', ')}`;
};
const repeating = { min_rows: z.int().min(0).max(formLimits.rows), max_rows: z.int().min(1).max(formLimits.rows) };
const groupOf = <Child extends z.ZodType>(child: Child) =>
  z.strictObject({
    type: z.literal('group'),
    ...common,
    fields: z.array(child).min(1).max(formLimits.fields),
    min_rows: repeating.min_rows.optional(),
    max_rows: repeating.max_rows.optional(),
    default: z.array(z.record(z.string(), z.unknown())).max(formLimits.rows).optional(),
  });

// Spelled out twice instead of recursive: a hostile document cannot drive the parser deeper than two groups.
const leafField = z.discriminatedUnion('type', leaves, { error: unknownType });
const innerField = z.discriminatedUnion('type', [...leaves, groupOf(leafField)], { error: unknownType });
export const formField = z.discriminatedUnion('type', [...leaves, groupOf(innerField)], { error: unknownType });

export type LeafField = z.infer<typeof leafField>;
export type FormField = z.infer<typeof formField>;
export type GroupField = Extract<FormField, { type: 'group' }>;
export type FieldOf<Type extends FieldType> = Extract<FormField, { type: Type }>;

const next = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('end') }),
  z.strictObject({ kind: z.literal('fixed'), page_id: pageId }),
  z.strictObject({
    kind: z.literal('conditional'),
    field_id: fieldId,
    branches: z.array(z.strictObject({ value: comparable, page_id: pageId })).max(100),
    default: pageId.optional(),
  }),
]);

export const formPage = z.strictObject({
  id: pageId,
  title: z.string().max(500).optional(),
  fields: z.array(formField).max(formLimits.fields),
  next: next.optional().describe('left out: the page that follows in the list, or the end after the last'),
});
export type FormPage = z.infer<typeof formPage>;

/** The document's shape alone; `formDocument` in form-schema.ts also checks that it makes sense. */
export const formShape = z.strictObject({
  id: z.string().min(1).max(200).optional(),
  title: z.string().max(500).optional(),
  description: z.string().max(10_000).optional(),
  fields: z.array(formField).max(formLimits.fields, `has more than ${formLimits.fields} fields`).optional(),
  pages: z.array(formPage).max(formLimits.pages, `has more than ${formLimits.pages} pages`).optional(),
  submit_label: caption,
  cancel_label: caption,
});
export type Form = z.infer<typeof formShape>;

/** A field that yields a value; markdown is shown only. */
export const hasValue = (field: FormField): field is Exclude<FormField, { type: 'markdown' }> =>
  field.type !== 'markdown';

/** The pages of a form; a flat form acts as one page with an empty id. */
export const pagesOf = (form: Form): FormPage[] =>
  form.pages !== undefined && form.pages.length > 0 ? form.pages : [{ id: '', fields: form.fields ?? [] }];

/** Top-level fields of all pages in document order. */
export const topFields = (form: Form): FormField[] => pagesOf(form).flatMap((page) => page.fields);

/** Ids of the sealed fields; their values are split off before anything else sees the answer. */
export const sealedFieldIds = (form: Form): string[] =>
  topFields(form).flatMap((field) =>
    (field.type === 'text' || field.type === 'textarea') && field.sealed ? [field.id] : [],
  );
