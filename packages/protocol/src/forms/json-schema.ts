import type { FieldError } from '../errors.ts';
import { type MatchPattern, PatternTooCostly } from './form-pattern.ts';
import { isObject, type JsonObject, joinPath, jsonEqual, jsonProblem, lengthOf, own } from './json-value.ts';
import { isDate, isDateTime, isEmail, isTime, isWebAddress } from './text-format.ts';

/**
 * A validator for the part of JSON Schema 2020-12 that forms and tool arguments use: boolean schemas, type, enum, const,
 * properties, required, additionalProperties, patternProperties, propertyNames, minProperties, maxProperties,
 * dependentRequired, items, prefixItems, minItems, maxItems, uniqueItems, contains, minimum, maximum, exclusiveMinimum,
 * exclusiveMaximum, multipleOf, minLength, maxLength, pattern, format (date, time, date-time, email, uri), allOf, anyOf,
 * oneOf, not, if/then/else and $ref into the same document. `checkJsonSchema` refuses the other assertions by name, so
 * that nothing is left unchecked in silence.
 */
export interface ValidateJsonOptions {
  /** Whole-text matcher; `pattern`, which is unanchored in JSON Schema, is wrapped accordingly. */
  matchPattern: MatchPattern;
  /** Put in front of every path. */
  path?: string;
  /** Shared by the values of one answer, so that many small explosions are no way around the limit. */
  budget?: StepBudget;
}

export interface StepBudget {
  steps: number;
}

export const schemaLimits = { bytes: 128 * 1024, depth: 40, value_depth: 40, steps: 20_000, errors: 50 } as const;

const types = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
const unsupported = [
  '$dynamicRef',
  '$dynamicAnchor',
  '$anchor',
  '$recursiveRef',
  '$recursiveAnchor',
  'unevaluatedProperties',
  'unevaluatedItems',
  'dependentSchemas',
  'dependencies',
  'minContains',
  'maxContains',
  'additionalItems',
];
const schemaKeywords = ['items', 'additionalProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else'];
const schemaListKeywords = ['prefixItems', 'allOf', 'anyOf', 'oneOf'];
const schemaMapKeywords = ['properties', 'patternProperties', '$defs', 'definitions'];
const countKeywords = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const numberKeywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];

/** What keeps a schema from being used here; an empty list when all is well. `problem` judges patterns. */
export const checkJsonSchema = (
  schema: unknown,
  problem: (pattern: string) => string | null = () => null,
): FieldError[] => {
  const size = jsonProblem(schema, schemaLimits);
  if (size !== null) return [size];
  const errors: FieldError[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node === 'boolean') return;
    if (!isObject(node)) {
      errors.push({ path, message: 'must be a schema: an object or a boolean' });
      return;
    }
    for (const keyword of Object.keys(node)) {
      const message = keywordProblem(keyword, node[keyword], schema, problem);
      if (message !== null) errors.push({ path: joinPath(path, keyword), message });
    }
    for (const keyword of schemaKeywords)
      if (Object.hasOwn(node, keyword)) visit(node[keyword], joinPath(path, keyword));
    for (const keyword of schemaListKeywords) {
      const list = own(node, keyword);
      if (Array.isArray(list)) list.forEach((member, i) => void visit(member, `${joinPath(path, keyword)}.${i}`));
    }
    for (const keyword of schemaMapKeywords) {
      const map = own(node, keyword);
      if (isObject(map)) for (const key of Object.keys(map)) visit(map[key], `${joinPath(path, keyword)}.${key}`);
    }
  };
  visit(schema, '');
  return errors.slice(0, schemaLimits.errors);
};

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((member) => typeof member === 'string');

const keywordProblem = (
  keyword: string,
  value: unknown,
  root: unknown,
  problem: (pattern: string) => string | null,
): string | null => {
  if (unsupported.includes(keyword)) return 'is a keyword that is not supported here';
  if (schemaListKeywords.includes(keyword))
    return Array.isArray(value) && value.length > 0 ? null : 'must be a list of schemas';
  if (keyword === 'patternProperties') {
    if (!isObject(value)) return 'must be an object';
    return Object.keys(value).map((pattern) => problem(searching(pattern)))[0] ?? null;
  }
  if (schemaMapKeywords.includes(keyword)) return isObject(value) ? null : 'must be an object';
  if (countKeywords.includes(keyword))
    return Number.isInteger(value) && (value as number) >= 0 ? null : 'must be a count';
  if (keyword === 'multipleOf' && !((value as number) > 0)) return 'must be above zero';
  if (numberKeywords.includes(keyword)) return typeof value === 'number' ? null : 'must be a number';
  switch (keyword) {
    case 'type':
      return [value].flat().every((type) => types.includes(type as string)) ? null : 'must name JSON types';
    case 'enum':
      return Array.isArray(value) && value.length > 0 ? null : 'must be a list of values';
    case 'required':
      return isStrings(value) ? null : 'must be a list of names';
    case 'dependentRequired':
      return isObject(value) && Object.values(value).every(isStrings) ? null : 'must map names to lists of names';
    case 'pattern':
      return typeof value === 'string' ? problem(searching(value)) : 'must be text';
    case '$ref':
      return resolveReference(root, value) === undefined ? 'does not point into this schema' : null;
    default:
      return null;
  }
};

/** JSON Schema searches, our matcher matches the whole text. */
const searching = (pattern: string): string => `(?s:.*)(?:${pattern})(?s:.*)`;

/** Follows `#`, `#/$defs/name` and any other JSON pointer into the document; undefined when there is nothing. */
export const resolveReference = (root: unknown, reference: unknown): unknown => {
  if (reference === '#') return root;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  let node = root;
  for (const part of reference.slice(2).split('/')) {
    let key = part;
    try {
      key = decodeURIComponent(part);
    } catch {
      return undefined;
    }
    key = key.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isObject(node)) node = own(node, key);
    else if (Array.isArray(node) && /^\d+$/.test(key)) node = node[Number(key)];
    else return undefined;
  }
  return isObject(node) || typeof node === 'boolean' ? node : undefined;
};

interface Run {
  root: unknown;
  matchPattern: MatchPattern;
  budget: StepBudget;
  depth: number;
  errors: Map<string, string>;
}

class TooComplex extends Error {}

/** All errors of a value against a schema, the first one for each path. Never throws, whatever schema and value are. */
export const validateJson = (schema: unknown, value: unknown, options: ValidateJsonOptions): FieldError[] => {
  const prefix = options.path ?? '';
  const guard = jsonProblem(value, { bytes: 1024 * 1024, depth: schemaLimits.value_depth });
  if (guard !== null)
    return [{ path: guard.path === '' ? prefix : joinPath(prefix, guard.path), message: guard.message }];
  const run: Run = {
    root: schema,
    matchPattern: options.matchPattern,
    budget: options.budget ?? { steps: schemaLimits.steps },
    depth: 0,
    errors: new Map(),
  };
  try {
    check(run, schema, value, prefix);
  } catch (error) {
    const message =
      error instanceof TooComplex ? 'is too complex for its schema' : 'could not be checked against its schema';
    return [{ path: prefix, message }];
  }
  return [...run.errors].slice(0, schemaLimits.errors).map(([path, message]) => ({ path, message }));
};

const fail = (run: Run, path: string, message: string): void => {
  if (!run.errors.has(path)) run.errors.set(path, message);
};

const check = (run: Run, schema: unknown, value: unknown, path: string): void => {
  run.budget.steps--;
  run.depth++;
  if (run.budget.steps < 0 || run.depth > 200) throw new TooComplex();
  if (schema === false) fail(run, path, 'is not allowed');
  if (isObject(schema)) {
    checkGeneral(run, schema, value, path);
    if (typeof value === 'string') checkText(run, schema, value, path);
    if (typeof value === 'number') checkNumber(run, schema, value, path);
    if (Array.isArray(value)) checkList(run, schema, value, path);
    if (isObject(value)) checkObject(run, schema, value, path);
    checkCombined(run, schema, value, path);
  }
  run.depth--;
};

const passes = (run: Run, schema: unknown, value: unknown): boolean => {
  const inner: Run = { ...run, errors: new Map() };
  check(inner, schema, value, '');
  return inner.errors.size === 0;
};

const hasType = (value: unknown, type: unknown): boolean => {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
};

const checkGeneral = (run: Run, schema: JsonObject, value: unknown, path: string): void => {
  const type = own(schema, 'type');
  if (type !== undefined && ![type].flat().some((name) => hasType(value, name))) {
    fail(run, path, `must be of type ${[type].flat().join(' or ')}`);
  }
  const values = own(schema, 'enum');
  if (Array.isArray(values)) run.budget.steps -= values.length / 50;
  if (Array.isArray(values) && !values.some((member) => jsonEqual(member, value)))
    fail(run, path, 'is not one of the allowed values');
  if (Object.hasOwn(schema, 'const') && !jsonEqual(schema['const'], value))
    fail(run, path, 'is not the required value');
};

const numberOf = (schema: JsonObject, keyword: string): number | undefined => {
  const value = own(schema, keyword);
  return typeof value === 'number' ? value : undefined;
};

const formats: Record<string, [(value: unknown) => boolean, string]> = {
  date: [isDate, 'an ISO date'],
  time: [(value) => isTime(String(value).replace(/(Z|[+-]\d\d:\d\d)$/i, '')), 'an ISO time'],
  'date-time': [isDateTime, 'an ISO timestamp with a time zone'],
  email: [isEmail, 'an e-mail address'],
  uri: [
    (value) => /^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(String(value)) && URL.canParse(String(value)),
    'an absolute address',
  ],
  'http-url': [isWebAddress, 'an absolute http(s) address'],
};

const checkText = (run: Run, schema: JsonObject, value: string, path: string): void => {
  run.budget.steps -= value.length / 1000;
  const [min, max] = [numberOf(schema, 'minLength'), numberOf(schema, 'maxLength')];
  if (min !== undefined && lengthOf(value) < min) fail(run, path, `must be at least ${min} characters long`);
  if (max !== undefined && lengthOf(value) > max) fail(run, path, `must be at most ${max} characters long`);
  const pattern = own(schema, 'pattern');
  if (typeof pattern === 'string') {
    const problem = patternProblem(run, pattern, value);
    if (problem !== null) fail(run, path, problem);
  }
  const name = own(schema, 'format');
  const format = typeof name === 'string' && Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined && !format[0](value)) fail(run, path, `is not ${format[1]}`);
};

const noMatch = 'does not match the required pattern';

const patternProblem = (run: Run, pattern: string, value: string): string | null => {
  try {
    return run.matchPattern(searching(pattern), value) ? null : noMatch;
  } catch (error) {
    return error instanceof PatternTooCostly ? error.message : 'could not be checked against its pattern';
  }
};

const checkNumber = (run: Run, schema: JsonObject, value: number, path: string): void => {
  const [min, max] = [numberOf(schema, 'minimum'), numberOf(schema, 'maximum')];
  const [above, below] = [numberOf(schema, 'exclusiveMinimum'), numberOf(schema, 'exclusiveMaximum')];
  if (min !== undefined && value < min) fail(run, path, `must be at least ${min}`);
  if (max !== undefined && value > max) fail(run, path, `must be at most ${max}`);
  if (above !== undefined && value <= above) fail(run, path, `must be above ${above}`);
  if (below !== undefined && value >= below) fail(run, path, `must be below ${below}`);
  const step = numberOf(schema, 'multipleOf');
  if (step === undefined || step <= 0) return;
  const steps = value / step;
  if (Math.abs(steps - Math.round(steps)) > Math.min(1e-6, 1e-9 * Math.max(1, Math.abs(steps)))) {
    fail(run, path, `must be a multiple of ${step}`);
  }
};

const checkList = (run: Run, schema: JsonObject, value: unknown[], path: string): void => {
  const [min, max] = [numberOf(schema, 'minItems'), numberOf(schema, 'maxItems')];
  if (min !== undefined && value.length < min) fail(run, path, `needs at least ${min} entries`);
  if (max !== undefined && value.length > max) fail(run, path, `allows at most ${max} entries`);
  if (own(schema, 'uniqueItems') === true && hasDuplicates(run, value)) fail(run, path, 'has an entry twice');
  const prefix = own(schema, 'prefixItems');
  const first = Array.isArray(prefix) ? prefix : [];
  const rest = own(schema, 'items');
  value.forEach((entry, i) => {
    if (i < first.length) check(run, first[i], entry, joinPath(path, i));
    else if (rest !== undefined) check(run, rest, entry, joinPath(path, i));
  });
  const contains = own(schema, 'contains');
  if (contains !== undefined && !value.some((entry) => passes(run, contains, entry)))
    fail(run, path, 'lacks a required entry');
};

const hasDuplicates = (run: Run, list: unknown[]): boolean => {
  const scalars = new Set<unknown>();
  const rest: unknown[] = [];
  for (const entry of list) {
    if (typeof entry !== 'object' || entry === null) {
      if (scalars.has(entry)) return true;
      scalars.add(entry);
      continue;
    }
    run.budget.steps -= rest.length;
    if (run.budget.steps < 0) throw new TooComplex();
    if (rest.some((other) => jsonEqual(other, entry))) return true;
    rest.push(entry);
  }
  return false;
};

const checkObject = (run: Run, schema: JsonObject, value: JsonObject, path: string): void => {
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  const [min, max] = [numberOf(schema, 'minProperties'), numberOf(schema, 'maxProperties')];
  if (min !== undefined && keys.length < min) fail(run, path, `needs at least ${min} members`);
  if (max !== undefined && keys.length > max) fail(run, path, `allows at most ${max} members`);
  const required = own(schema, 'required');
  for (const name of isStrings(required) ? required : []) {
    if (own(value, name) === undefined) fail(run, joinPath(path, name), 'is required');
  }
  const dependent = own(schema, 'dependentRequired');
  for (const [key, names] of Object.entries(isObject(dependent) ? dependent : {})) {
    if (own(value, key) === undefined || !isStrings(names)) continue;
    for (const name of names)
      if (own(value, name) === undefined) fail(run, joinPath(path, name), `is required together with ${key}`);
  }
  for (const key of keys) checkMember(run, schema, key, value[key], path);
};

const checkMember = (run: Run, schema: JsonObject, key: string, value: unknown, path: string): void => {
  const at = joinPath(path, key);
  const names = own(schema, 'propertyNames');
  if (names !== undefined && !passes(run, names, key)) fail(run, at, 'is not an allowed name');
  const properties = own(schema, 'properties');
  let known = false;
  if (isObject(properties) && Object.hasOwn(properties, key)) {
    known = true;
    check(run, properties[key], value, at);
  }
  const patterns = own(schema, 'patternProperties');
  for (const [pattern, inner] of Object.entries(isObject(patterns) ? patterns : {})) {
    const mismatch = patternProblem(run, pattern, key);
    if (mismatch !== null && mismatch !== noMatch) fail(run, at, mismatch);
    if (mismatch !== null) continue;
    known = true;
    check(run, inner, value, at);
  }
  const additional = own(schema, 'additionalProperties');
  if (known || additional === undefined) return;
  if (additional === false) fail(run, at, 'is not a known member');
  else check(run, additional, value, at);
};

const checkCombined = (run: Run, schema: JsonObject, value: unknown, path: string): void => {
  const reference = own(schema, '$ref');
  if (reference !== undefined) {
    const target = resolveReference(run.root, reference);
    if (target === undefined) fail(run, path, 'has a schema that points nowhere');
    else check(run, target, value, path);
  }
  const [all, any, one] = [own(schema, 'allOf'), own(schema, 'anyOf'), own(schema, 'oneOf')];
  if (Array.isArray(all)) for (const member of all) check(run, member, value, path);
  if (Array.isArray(any) && !any.some((member) => passes(run, member, value)))
    fail(run, path, 'fits none of the allowed forms');
  if (Array.isArray(one)) {
    const fitting = one.filter((member) => passes(run, member, value)).length;
    if (fitting === 0) fail(run, path, 'fits none of the allowed forms');
    if (fitting > 1) fail(run, path, 'fits more than one of forms that exclude each other');
  }
  if (Object.hasOwn(schema, 'not') && passes(run, schema['not'], value)) fail(run, path, 'has a form that is excluded');
  if (Object.hasOwn(schema, 'if')) {
    const branch = own(schema, passes(run, schema['if'], value) ? 'then' : 'else');
    if (branch !== undefined) check(run, branch, value, path);
  }
};
