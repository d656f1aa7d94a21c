import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { type Form, fieldId, formLimits } from './form-fields.ts';
import { longText, typeHint } from './form-json-schema.ts';
import { formDocument, zodErrors } from './form-schema.ts';
import { checkJsonSchema, resolveReference } from './json-schema.ts';
import { isObject, type JsonObject, joinPath, jsonProblem, own } from './json-value.ts';

export type FormResult = { ok: true; form: Form } | { ok: false; errors: FieldError[] };

interface Conversion {
  root: JsonObject;
  errors: FieldError[];
  /** Field ids given away: they are unique in the whole form, while objects of a schema repeat names freely. */
  ids: Set<string>;
}

const conversionOf = (root: JsonObject): Conversion => ({ root, errors: [], ids: new Set() });

/**
 * Makes a flat form of a JSON Schema of an object. Inside the elicitation subset nothing is lost. Beyond it: nested
 * objects and lists of objects become groups (a name taken elsewhere is qualified by its group), other lists and free objects json fields, `null` means that the field may
 * stay empty, a pattern beside a known format is covered by that format. What no field can express is refused by path.
 */
export const formFromJsonSchema = (schema: unknown): FormResult => {
  const size = jsonProblem(schema, { bytes: formLimits.bytes, depth: formLimits.depth });
  if (size !== null) return { ok: false, errors: [size] };
  if (!isObject(schema)) return { ok: false, errors: [{ path: '', message: 'must be a JSON Schema of an object' }] };
  const conversion = conversionOf(schema);
  const node = resolved(conversion, schema, '');
  const fields = own(node, 'properties') === undefined ? [] : objectFields(conversion, node, '', null, 0);
  if (own(node, 'properties') === undefined) conversion.errors.push({ path: 'properties', message: 'is missing' });
  if (conversion.errors.length > 0) return { ok: false, errors: conversion.errors };
  const form = { ...text(node, 'title', 'title'), ...text(node, 'description', 'description'), fields };
  const parsed = formDocument.safeParse(form);
  return parsed.success ? { ok: true, form: parsed.data } : { ok: false, errors: zodErrors(parsed.error) };
};

/** The same from a zod schema. */
export const formFromZod = (schema: z.ZodType): FormResult => {
  try {
    return formFromJsonSchema(z.toJSONSchema(schema, { io: 'input' }));
  } catch (error) {
    return {
      ok: false,
      errors: [{ path: '', message: error instanceof Error ? error.message : 'has no JSON Schema' }],
    };
  }
};

/** The answer in the shape of the schema its form was made from: the one row of a nested object becomes that object. */
export const answerForJsonSchema = (schema: unknown, values: JsonObject): JsonObject => {
  if (!isObject(schema)) return values;
  const conversion = conversionOf(schema);
  return unwrapped(conversion, resolved(conversion, schema, ''), values, null);
};

const unwrapped = (conversion: Conversion, node: JsonObject, values: JsonObject, group: string | null): JsonObject => {
  const properties = own(node, 'properties');
  if (!isObject(properties)) return values;
  const entries = Object.entries(values).flatMap(([id, value]): [string, unknown][] => {
    const name = group === null || Object.hasOwn(properties, id) ? id : id.slice(group.length + 1);
    const raw = own(properties, name);
    if (!isObject(raw) || !Array.isArray(value)) return [[name, value]];
    const inner = withoutNull(conversion, resolved(conversion, raw, name), name).node;
    if (isNested(inner)) return value.length === 0 ? [] : [[name, unwrapped(conversion, inner, asRow(value[0]), id)]];
    const items = own(inner, 'items');
    if (!isObject(items)) return [[name, value]];
    const entry = resolved(conversion, items, name);
    return [[name, isNested(entry) ? value.map((row) => unwrapped(conversion, entry, asRow(row), id)) : value]];
  });
  return Object.fromEntries(entries);
};

const asRow = (value: unknown): JsonObject => (isObject(value) ? value : {});
const isNested = (node: JsonObject): boolean => own(node, 'type') === 'object' && isObject(own(node, 'properties'));

const annotations = new Set([
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
]);
const ignored = new Set(['readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType', 'contentSchema']);

/** Reports every keyword that the chosen field does not express. */
const refuseRest = (conversion: Conversion, node: JsonObject, expressed: readonly string[], path: string): void => {
  for (const keyword of Object.keys(node)) {
    if (annotations.has(keyword) || ignored.has(keyword) || keyword.startsWith('x-') || expressed.includes(keyword))
      continue;
    conversion.errors.push({ path: joinPath(path, keyword), message: 'cannot be expressed by a form field' });
  }
};

/** Follows references and opens an `allOf` of one; keywords beside a reference win, as annotations there are meant to. */
const resolved = (conversion: Conversion, node: JsonObject, path: string): JsonObject => {
  let current = node;
  for (let hops = 0; hops < 20; hops++) {
    const all = own(current, 'allOf');
    const only = Array.isArray(all) && all.length === 1 && isObject(all[0]) ? all[0] : undefined;
    const reference = own(current, '$ref');
    if (reference === undefined && only === undefined) return current;
    const target = reference === undefined ? only : resolveReference(conversion.root, reference);
    if (!isObject(target)) break;
    const { [reference === undefined ? 'allOf' : '$ref']: _opened, ...rest } = current;
    current = { ...target, ...rest };
  }
  conversion.errors.push({ path: joinPath(path, '$ref'), message: 'does not lead to a schema of this document' });
  return {};
};

/** Optional values arrive as `type: [string, null]` or `anyOf: [schema, {type: null}]`. */
const withoutNull = (
  conversion: Conversion,
  node: JsonObject,
  path: string,
): { node: JsonObject; nullable: boolean } => {
  const type = own(node, 'type');
  if (Array.isArray(type) && type.length === 2 && type.includes('null')) {
    const { enum: values, ...rest } = node;
    const kept = Array.isArray(values) ? { enum: values.filter((value) => value !== null) } : {};
    return { node: { ...rest, ...kept, type: type.find((name) => name !== 'null') }, nullable: true };
  }
  for (const keyword of ['anyOf', 'oneOf']) {
    const forms = own(node, keyword);
    if (!Array.isArray(forms) || forms.length !== 2) continue;
    const other = forms.filter((form) => !(isObject(form) && own(form, 'type') === 'null'));
    if (other.length !== 1 || !isObject(other[0])) continue;
    const { [keyword]: _opened, ...rest } = node;
    return { node: { ...resolved(conversion, other[0], path), ...rest }, nullable: true };
  }
  return { node, nullable: false };
};

const text = (node: JsonObject, keyword: string, property: string): JsonObject => {
  const value = own(node, keyword);
  return typeof value === 'string' ? { [property]: value } : {};
};

/** Renames the keywords that a node has: `{minLength: 3}` with `{minLength: 'min_len'}` gives `{min_len: 3}`. */
const renamed = (node: JsonObject, names: Record<string, string>): JsonObject =>
  Object.fromEntries(
    Object.entries(names).flatMap(([from, to]) => (Object.hasOwn(node, from) ? [[to, node[from]]] : [])),
  );

const objectFields = (
  conversion: Conversion,
  node: JsonObject,
  path: string,
  group: string | null,
  depth: number,
): JsonObject[] => {
  refuseRest(conversion, node, ['type', 'properties', 'required', 'additionalProperties'], path);
  const type = own(node, 'type');
  if (type !== undefined && type !== 'object')
    conversion.errors.push({ path: joinPath(path, 'type'), message: 'must be object' });
  if (isObject(own(node, 'additionalProperties'))) {
    conversion.errors.push({ path: joinPath(path, 'additionalProperties'), message: 'cannot be expressed by a form' });
  }
  const properties = own(node, 'properties');
  const required = own(node, 'required');
  const names = new Set(Array.isArray(required) ? required : []);
  if (!isObject(properties)) {
    conversion.errors.push({ path: joinPath(path, 'properties'), message: 'must be an object' });
    return [];
  }
  for (const name of names) {
    if (typeof name !== 'string' || !Object.hasOwn(properties, name)) {
      conversion.errors.push({
        path: joinPath(path, 'required'),
        message: `names "${String(name).slice(0, 100)}", which is no property`,
      });
    }
  }
  if (group === null) for (const name of Object.keys(properties)) conversion.ids.add(name);
  return Object.entries(properties).flatMap(([name, member]) => {
    const id = group !== null && conversion.ids.has(name) ? `${group}.${name}` : name;
    conversion.ids.add(id);
    const at = `${joinPath(path, 'properties')}.${name}`;
    const problem = fieldId.safeParse(id);
    if (!problem.success) {
      conversion.errors.push({ path: at, message: `cannot be a field id, which ${problem.error.issues[0]?.message}` });
      return [];
    }
    const field = propertyField(conversion, id, member, names.has(name), at, depth);
    return field === null ? [] : [field];
  });
};

const propertyField = (
  conversion: Conversion,
  id: string,
  member: unknown,
  required: boolean,
  path: string,
  depth: number,
): JsonObject | null => {
  if (!isObject(member)) {
    conversion.errors.push({ path, message: 'must be a schema' });
    return null;
  }
  const { node, nullable } = withoutNull(conversion, resolved(conversion, member, path), path);
  const typed = typedField(conversion, node, path, { id, depth, required: required && !nullable });
  const value = own(node, 'default');
  const hasDefault = value !== undefined && !(nullable && value === null);
  return {
    id,
    ...text(node, 'title', 'label'),
    ...text(node, 'description', 'help'),
    ...(required && !nullable ? { required: true } : {}),
    ...typed,
    ...(hasDefault ? { default: typed['type'] === 'group' && isObject(value) ? [value] : value } : {}),
  };
};

interface Place {
  id: string;
  depth: number;
  required: boolean;
}

const typedField = (conversion: Conversion, node: JsonObject, path: string, place: Place): JsonObject => {
  if (own(node, typeHint) === 'json') return jsonField(conversion, node, path);
  const options = optionsOf(node);
  if (options !== null) {
    refuseRest(conversion, node, ['type', 'enum', 'enumNames', 'oneOf', 'anyOf', 'const'], path);
    return { type: own(node, typeHint) === 'radio' ? 'radio' : 'select', options };
  }
  switch (own(node, 'type')) {
    case 'string':
      return stringField(conversion, node, path);
    case 'number':
    case 'integer':
      return numberField(conversion, node, path);
    case 'boolean': {
      refuseRest(conversion, node, ['type'], path);
      const wanted = own(node, typeHint);
      return { type: wanted === 'toggle' || wanted === 'checkbox' ? wanted : 'yesno' };
    }
    case 'array':
      return listField(conversion, node, path, place);
    case 'object':
      if (!isObject(own(node, 'properties'))) return jsonField(conversion, node, path);
      return { ...groupField(conversion, node, path, place), min_rows: place.required ? 1 : 0, max_rows: 1 };
    default:
      return jsonField(conversion, node, path);
  }
};

interface Option {
  value: string;
  label?: string;
}

/** Options of an enum in any of its spellings, or null when the node is none or has values other than text. */
const optionsOf = (node: JsonObject): Option[] | null => {
  const type = own(node, 'type');
  if (type !== undefined && type !== 'string') return null;
  const values = Object.hasOwn(node, 'const') ? [node['const']] : own(node, 'enum');
  if (Array.isArray(values)) {
    const names = own(node, 'enumNames');
    if (!values.every((value) => typeof value === 'string')) return null;
    return values.map((value, i) => {
      const label = Array.isArray(names) ? names[i] : undefined;
      return typeof label === 'string' ? { value, label } : { value };
    });
  }
  return titledOptions(own(node, 'oneOf')) ?? titledOptions(own(node, 'anyOf'));
};

const titledOptions = (list: unknown): Option[] | null => {
  if (!Array.isArray(list) || list.length === 0) return null;
  const options = list.flatMap((entry): Option[] => {
    const value = isObject(entry) ? own(entry, 'const') : undefined;
    if (
      typeof value !== 'string' ||
      Object.keys(entry).some((key) => !['const', 'title', 'type', 'description'].includes(key))
    )
      return [];
    const label = own(entry, 'title');
    return [typeof label === 'string' ? { value, label } : { value }];
  });
  return options.length === list.length ? options : null;
};

const lengths = { minLength: 'min_len', maxLength: 'max_len' };
const formats: Record<string, string> = {
  email: 'email',
  uri: 'url',
  url: 'url',
  date: 'date',
  'date-time': 'datetime',
};
const uuid = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

const stringField = (conversion: Conversion, node: JsonObject, path: string): JsonObject => {
  const format = own(node, 'format');
  const wanted = own(node, typeHint);
  if (wanted === 'time' && format === 'time') return plain(conversion, node, 'time', ['format'], path);
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (known === 'email' || known === 'url') {
    return {
      ...plain(conversion, node, known, ['format', 'pattern', 'minLength', 'maxLength'], path),
      ...renamed(node, lengths),
    };
  }
  if (known !== undefined) return plain(conversion, withoutIdleLengths(node), known, ['format', 'pattern'], path);
  if (wanted === 'issuepicker')
    return { ...plain(conversion, node, 'issuepicker', [], path), ...renamed(node, { examples: 'suggestions' }) };
  const expressed = ['minLength', 'maxLength', 'pattern', ...(format === 'uuid' ? ['format'] : [])];
  const max = own(node, 'maxLength');
  const usual = typeof max === 'number' && max > longText ? 'textarea' : 'text';
  const pattern = own(node, 'pattern');
  return {
    ...plain(conversion, node, wanted === 'text' || wanted === 'textarea' ? wanted : usual, expressed, path),
    ...renamed(node, lengths),
    ...(typeof pattern === 'string' ? { pattern: wholePattern(pattern) } : format === 'uuid' ? { pattern: uuid } : {}),
  };
};

/** A date always has ten characters: limits that allow ten say nothing. */
const withoutIdleLengths = (node: JsonObject): JsonObject => {
  const { minLength, maxLength, ...rest } = node;
  const idle = own(node, 'format') === 'date' && Number(minLength ?? 0) <= 10 && Number(maxLength ?? 10) >= 10;
  return idle ? rest : node;
};

const plain = (
  conversion: Conversion,
  node: JsonObject,
  type: string,
  expressed: readonly string[],
  path: string,
): JsonObject => {
  refuseRest(conversion, node, ['type', ...expressed], path);
  return { type };
};

/** JSON Schema searches with a pattern, a form matches the whole value. */
export const wholePattern = (pattern: string): string => {
  if (pattern.startsWith('^(?:') && pattern.endsWith(')$') && closesAt(pattern, 1) === pattern.length - 2)
    return pattern.slice(4, -2);
  const inner = pattern.slice(1, -1);
  const anchored = pattern.startsWith('^') && pattern.endsWith('$') && !/[|\\]$/.test(inner) && !inner.includes('|');
  return anchored && !inner.startsWith('(?') ? inner : `(?s:.*)(?:${pattern})(?s:.*)`;
};

/** Where the group that opens at `start` closes, or -1; skips escapes and character classes. */
const closesAt = (pattern: string, start: number): number => {
  let open = 0;
  let inClass = false;
  for (let i = start; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\') i++;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') inClass = true;
    else if (character === '(') open++;
    else if (character === ')' && --open === 0) return i;
  }
  return -1;
};

const numberField = (conversion: Conversion, node: JsonObject, path: string): JsonObject => {
  const step = own(node, 'multipleOf');
  const whole = own(node, 'type') === 'integer' || step === 1;
  const [min, max] = [own(node, 'minimum'), own(node, 'maximum')];
  const bounded = typeof min === 'number' && typeof max === 'number';
  const wanted = own(node, typeHint);
  if (wanted === 'rating' && whole && bounded)
    return { ...plain(conversion, node, 'rating', ['minimum', 'maximum'], path), min, max };
  const stepped = typeof step === 'number' && step !== 1;
  const slides =
    bounded &&
    (wanted === 'slider' ? stepped || whole : stepped && !whole) &&
    Number.isInteger(min / (stepped ? step : 1));
  if (slides && (!whole || Number.isInteger(stepped ? step : 1))) {
    return {
      ...plain(conversion, node, 'slider', ['minimum', 'maximum', 'multipleOf'], path),
      min,
      max,
      ...(stepped ? { step } : {}),
    };
  }
  const expressed = [
    'minimum',
    'maximum',
    ...(step === 1 ? ['multipleOf'] : []),
    ...(whole ? ['exclusiveMinimum', 'exclusiveMaximum'] : []),
  ];
  return {
    ...plain(conversion, node, 'number', expressed, path),
    ...(whole ? { integer: true, ...wholeBounds(node) } : renamed(node, { minimum: 'min', maximum: 'max' })),
  };
};

/** Among whole numbers "above 3" is "at least 4". */
const wholeBounds = (node: JsonObject): JsonObject => {
  const numbers = (...values: unknown[]): number[] => values.filter((value) => typeof value === 'number');
  const [above, below] = [own(node, 'exclusiveMinimum'), own(node, 'exclusiveMaximum')];
  const low = numbers(own(node, 'minimum'), typeof above === 'number' ? Math.floor(above) + 1 : undefined);
  const high = numbers(own(node, 'maximum'), typeof below === 'number' ? Math.ceil(below) - 1 : undefined);
  return {
    ...(low.length > 0 ? { min: Math.max(...low) } : {}),
    ...(high.length > 0 ? { max: Math.min(...high) } : {}),
  };
};

const listField = (conversion: Conversion, node: JsonObject, path: string, place: Place): JsonObject => {
  const raw = own(node, 'items');
  const items = isObject(raw) ? resolved(conversion, raw, joinPath(path, 'items')) : {};
  const options = optionsOf(items);
  if (options !== null) {
    refuseRest(conversion, node, ['type', 'items', 'minItems', 'maxItems', 'uniqueItems'], path);
    return { type: 'multiselect', options, ...renamed(node, { minItems: 'min_items', maxItems: 'max_items' }) };
  }
  if (!isNested(items)) return jsonField(conversion, node, path);
  refuseRest(conversion, node, ['type', 'items', 'minItems', 'maxItems'], path);
  return {
    ...groupField(conversion, items, joinPath(path, 'items'), place),
    ...renamed(node, { minItems: 'min_rows', maxItems: 'max_rows' }),
  };
};

const groupField = (conversion: Conversion, node: JsonObject, path: string, { id, depth }: Place): JsonObject => {
  if (depth >= formLimits.group_depth) {
    conversion.errors.push({ path, message: `nests deeper than ${formLimits.group_depth} groups` });
    return { type: 'group' };
  }
  return { type: 'group', fields: objectFields(conversion, node, path, id, depth + 1) };
};

/** The way out for values that only JSON can write down; carries the schema, and the definitions it refers to. */
const jsonField = (conversion: Conversion, node: JsonObject, path: string): JsonObject => {
  const { title: _title, description: _description, default: _default, [typeHint]: _hint, ...schema } = node;
  const used = JSON.stringify(schema).includes('"$ref":')
    ? renamed(conversion.root, { $defs: '$defs', definitions: 'definitions' })
    : {};
  const self = { ...used, ...schema };
  for (const error of checkJsonSchema(self)) {
    conversion.errors.push({ path: error.path === '' ? path : joinPath(path, error.path), message: error.message });
  }
  return Object.keys(self).length > 0 ? { type: 'json', schema: self } : { type: 'json' };
};
