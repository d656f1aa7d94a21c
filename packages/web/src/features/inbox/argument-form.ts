import { type ApprovalRequest, type Form, type FormField, formFromJsonSchema } from '@atrium/protocol';
import { sentence } from '../forms/form-values.ts';

type Arguments = Record<string, unknown>;
const isObject = (value: unknown): value is Arguments =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const prefix = 'argument_';

/**
 * A form of a call's arguments, one field each: as the schema describes them where a plain field can express it, by the
 * kind of the value otherwise, JSON where nothing else fits. Names may be anything, so fields are numbered.
 */
export const argumentForm = (approval: ApprovalRequest): { form: Form; names: readonly string[] } => {
  const schema = approval.arguments_schema ?? {};
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const names = [...new Set([...Object.keys(approval.arguments), ...Object.keys(properties)])];
  const fields = names.slice(0, 100).map((name, index): FormField => {
    const field = fieldFor(properties[name], approval.arguments[name], schema);
    return {
      ...field,
      id: `${prefix}${index}`,
      label: field.label ?? sentence(name),
      ...(required.includes(name) ? { required: true } : {}),
    } as FormField;
  });
  return { form: { fields }, names };
};

const fieldFor = (property: unknown, value: unknown, root: Arguments): FormField => {
  if (isObject(property)) {
    const { $defs, definitions } = root;
    const made = formFromJsonSchema({
      type: 'object',
      properties: { it: property },
      ...($defs === undefined ? {} : { $defs }),
      ...(definitions === undefined ? {} : { definitions }),
    });
    const field = made.ok ? made.form.fields?.[0] : undefined;
    if (field && field.type !== 'group' && holds(field, value)) return withoutDefault(field);
  }
  switch (typeof value) {
    case 'string':
      return { id: 'it', type: value.length > 80 || value.includes('\n') ? 'textarea' : 'text' };
    case 'number':
      return { id: 'it', type: 'number' };
    case 'boolean':
      return { id: 'it', type: 'toggle' };
    default:
      return { id: 'it', type: 'json' };
  }
};

const withoutDefault = (field: FormField): FormField => {
  const { default: _default, ...rest } = field as FormField & { default?: unknown };
  return rest as FormField;
};

/** Whether a control of that type can show the value at hand. */
const holds = (field: FormField, value: unknown): boolean => {
  if (value === undefined || value === null) return true;
  switch (field.type) {
    case 'number':
    case 'rating':
    case 'slider':
      return typeof value === 'number';
    case 'yesno':
    case 'toggle':
    case 'checkbox':
      return typeof value === 'boolean';
    case 'multiselect':
      return Array.isArray(value);
    case 'json':
      return true;
    default:
      return typeof value === 'string';
  }
};

export const toFieldValues = (names: readonly string[], args: Arguments): Arguments =>
  Object.fromEntries(
    names.flatMap((name, index) => (Object.hasOwn(args, name) ? [[`${prefix}${index}`, args[name]]] : [])),
  );

export const toArguments = (names: readonly string[], values: Arguments): Arguments =>
  Object.fromEntries(
    names.flatMap((name, index) => {
      const value = values[`${prefix}${index}`];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** `arguments.version` of a refusal as the field that holds it. */
export const toFieldPath = (names: readonly string[], path: string): string => {
  const bare = path.replace(/^(reply\.)?arguments\.?/, '');
  const index = names.findIndex((name) => bare === name || bare.startsWith(`${name}.`));
  return index < 0 ? '' : `${prefix}${index}`;
};

export interface Change {
  name: string;
  before: unknown;
  after: unknown;
}

/** What differs, by argument. */
export const changesOf = (before: Arguments, after: Arguments): Change[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
    JSON.stringify(before[name]) === JSON.stringify(after[name])
      ? []
      : [{ name, before: before[name], after: after[name] }],
  );

/** The changes as a unified diff of the arguments' lines, for the eye that reads diffs all day. */
export const changesAsDiff = (changes: readonly Change[]): string =>
  changes.flatMap(({ name, before, after }) => [...lines('-', name, before), ...lines('+', name, after)]).join('\n');

const lines = (sign: string, name: string, value: unknown): string[] => {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const [first = '', ...rest] = text.split('\n');
  return [`${sign}${name}: ${first}`, ...rest.map((line) => `${sign}  ${line}`)];
};
