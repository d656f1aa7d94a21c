import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { type AnswerOptions, type AnswerResult, validateAnswer } from './form-answer.ts';
import { type Form, type FormField, type FormPage, fieldDefaults, hasValue, topFields } from './form-fields.ts';
import { walkForm } from './form-walk.ts';
import type { JsonObject } from './json-value.ts';

/** Tells readers of our schemas which of several field types with one value type was meant; others ignore it. */
export const typeHint = 'x-atrium-type';

const compact = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** JSON Schema (2020-12) of the values that `validateAnswer` returns for a form. */
export const jsonSchemaOfAnswer = (form: Form): JsonObject => {
  const always = new Set(certainPages(form).flatMap((page) => page.fields.filter(isAlwaysAsked)));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...compact({ title: form.title, description: form.description }),
    ...objectSchema(topFields(form), (field) => always.has(field)),
  };
};

/** The zod schema of the same values, for callers in TypeScript. */
export const zodOfAnswer = (form: Form): z.ZodType =>
  z.fromJSONSchema(jsonSchemaOfAnswer(form) as Parameters<typeof z.fromJSONSchema>[0]);

/** The pages that every answer goes through: from the first to the one where a condition decides. */
const certainPages = (form: Form): FormPage[] => {
  const ordered = walkForm(form, {}).visited.map(({ page }) => page);
  const decision = ordered.findIndex((page) => page.next?.kind === 'conditional');
  return decision < 0 ? ordered : ordered.slice(0, decision + 1);
};

const isAlwaysAsked = (field: FormField): boolean => field.visible_if === undefined && isDemanded(field);

const isDemanded = (field: FormField): boolean =>
  hasValue(field) && (field.required === true || (field.type === 'group' && (field.min_rows ?? 0) > 0));

const objectSchema = (fields: readonly FormField[], isRequired: (field: FormField) => boolean): JsonObject => {
  const required = fields.filter(isRequired).map((field) => field.id);
  return {
    type: 'object',
    properties: Object.fromEntries(fields.filter(hasValue).map((field) => [field.id, fieldSchema(field)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
};

type ValueField = Exclude<FormField, { type: 'markdown' }>;

const fieldSchema = (field: ValueField): JsonObject =>
  compact({
    title: field.label,
    description: field.help,
    ...valueSchema(field),
    default: 'default' in field ? field.default : undefined,
  });

const isLong = (max: number | undefined): boolean => max !== undefined && max > longText;
export const longText = 200;

const valueSchema = (field: ValueField): JsonObject => {
  switch (field.type) {
    case 'text':
    case 'textarea': {
      const usual = isLong(field.max_len) ? 'textarea' : 'text';
      const pattern = field.pattern === undefined ? undefined : `^(?:${field.pattern})$`;
      const type = field.type === usual ? undefined : field.type;
      return { type: 'string', minLength: field.min_len, maxLength: field.max_len, pattern, [typeHint]: type };
    }
    case 'email':
      return { type: 'string', format: 'email', minLength: field.min_len, maxLength: field.max_len };
    case 'url':
      return { type: 'string', format: 'uri', minLength: field.min_len, maxLength: field.max_len };
    case 'date':
      return { type: 'string', format: 'date' };
    case 'datetime':
      return { type: 'string', format: 'date-time' };
    case 'time':
      return { type: 'string', format: 'time', [typeHint]: 'time' };
    case 'issuepicker':
      return { type: 'string', examples: field.suggestions, [typeHint]: 'issuepicker' };
    case 'number':
      return { type: field.integer === true ? 'integer' : 'number', minimum: field.min, maximum: field.max };
    case 'rating':
      return {
        type: 'integer',
        minimum: field.min ?? fieldDefaults.rating_min,
        maximum: field.max ?? fieldDefaults.rating_max,
        [typeHint]: 'rating',
      };
    case 'slider':
      return sliderSchema(field.min, field.max, field.step ?? fieldDefaults.slider_step);
    case 'select':
      return { type: 'string', ...choices(field.options, 'oneOf') };
    case 'radio':
      return { type: 'string', ...choices(field.options, 'oneOf'), [typeHint]: 'radio' };
    case 'multiselect': {
      const entry = choices(field.options, 'anyOf');
      const items = 'enum' in entry ? { type: 'string', ...entry } : entry;
      return { type: 'array', minItems: field.min_items, maxItems: field.max_items, items, uniqueItems: true };
    }
    case 'yesno':
      return { type: 'boolean' };
    case 'checkbox':
    case 'toggle':
      return { type: 'boolean', [typeHint]: field.type };
    case 'diffapproval':
      return {
        type: 'object',
        properties: { decision: { type: 'string', enum: ['approve', 'reject'] }, comment: { type: 'string' } },
        required: ['decision'],
        additionalProperties: false,
        [typeHint]: 'diffapproval',
      };
    case 'file':
      return {
        type: 'object',
        properties: {
          attachment_id: { type: 'string', format: 'uuid' },
          name: { type: 'string' },
          size: { type: 'integer', minimum: 0 },
          mime: { type: 'string' },
        },
        required: ['attachment_id', 'name', 'size', 'mime'],
        additionalProperties: false,
        [typeHint]: 'file',
      };
    case 'group':
      return {
        type: 'array',
        minItems: field.min_rows ?? (field.required === true ? 1 : undefined),
        maxItems: field.max_rows,
        items: objectSchema(field.fields, isAlwaysAsked),
      };
    case 'json':
      // A reference would point from the new document instead of the field's schema: then anything is described.
      return { ...(refersElsewhere(field.schema) ? {} : field.schema), [typeHint]: 'json' };
    default:
      return field satisfies never;
  }
};

const refersElsewhere = (schema: unknown): boolean => JSON.stringify(schema ?? {}).includes('"$ref":');

/** `multipleOf` counts from zero, a slider from its minimum; it can say so only when the minimum lies on the step. */
const sliderSchema = (min: number, max: number, step: number): JsonObject => {
  const whole = Number.isInteger(min) && Number.isInteger(step);
  const multipleOf = step !== 1 && Number.isInteger(min / step) ? step : undefined;
  return { type: whole ? 'integer' : 'number', minimum: min, maximum: max, multipleOf, [typeHint]: 'slider' };
};

interface Option {
  value: string;
  label?: string | undefined;
}

/** Plain `enum` when no option is titled, else `oneOf` / `anyOf` of const and title, as MCP writes them. */
const choices = (options: readonly Option[], keyword: 'oneOf' | 'anyOf'): JsonObject =>
  options.every((option) => option.label === undefined)
    ? { enum: options.map((option) => option.value) }
    : { [keyword]: options.map((option) => ({ const: option.value, title: option.label ?? option.value })) };

export interface ElicitationSchema {
  type: 'object';
  properties: Record<string, JsonObject>;
  required?: string[];
}
export type ElicitationResult = { ok: true; requestedSchema: ElicitationSchema } | { ok: false; errors: FieldError[] };

/**
 * The `requestedSchema` of an MCP elicitation (revision 2026-07-28), or the fields that keep the form from fitting: the
 * subset is flat and has neither conditions nor secrets, patterns, files, rows or texts to read. Give `legacy_enums` to
 * clients of revision 2025-06-18, which know titles only as `enumNames`.
 */
export const toElicitation = (form: Form, options: { legacy_enums?: boolean } = {}): ElicitationResult => {
  const errors: FieldError[] = [];
  if ((form.pages?.length ?? 0) > 0)
    errors.push({ path: 'pages', message: 'has pages; an elicitation is one flat form' });
  const fields = topFields(form);
  for (const field of fields) {
    const message = misfit(field);
    if (message !== null) errors.push({ path: field.id, message });
    else if (options.legacy_enums === true && field.type === 'multiselect') {
      errors.push({ path: field.id, message: 'multiselect is unknown to clients of that revision' });
    }
  }
  if (errors.length > 0) return { ok: false, errors };
  const required = fields.filter((field) => hasValue(field) && field.required === true).map((field) => field.id);
  const properties = Object.fromEntries(
    fields.filter(hasValue).map((field) => [field.id, primitive(field, options.legacy_enums === true)]),
  );
  return { ok: true, requestedSchema: { type: 'object', properties, ...(required.length > 0 ? { required } : {}) } };
};

const misfit = (field: FormField): string | null => {
  if (field.visible_if !== undefined) return 'is shown only under a condition';
  switch (field.type) {
    case 'text':
    case 'textarea':
      if (field.sealed === true) return 'is sealed, and an elicitation passes through the client';
      return field.pattern === undefined ? null : 'has a pattern, which the client cannot check';
    case 'slider': {
      const step = field.step ?? fieldDefaults.slider_step;
      return step === 1 && Number.isInteger(field.min) ? null : 'has steps other than whole numbers';
    }
    case 'time':
    case 'file':
    case 'json':
    case 'group':
    case 'markdown':
    case 'diffapproval':
      return `${field.type} has no counterpart in an elicitation`;
    default:
      return null;
  }
};

const primitive = (field: ValueField, legacy: boolean): JsonObject => {
  const { [typeHint]: _hint, examples: _examples, uniqueItems: _unique, ...schema } = fieldSchema(field);
  const titled = schema['oneOf'];
  if (!legacy || !Array.isArray(titled)) return schema;
  const { oneOf: _oneOf, ...rest } = schema;
  return { ...rest, enum: titled.map((option) => option.const), enumNames: titled.map((option) => option.title) };
};

/** The content an elicitation brought back, checked like any other answer to the form. */
export const fromElicitation = (form: Form, content: unknown, options: AnswerOptions): AnswerResult =>
  validateAnswer(form, content, options);
