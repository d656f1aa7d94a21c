import type { ArgumentSchema } from './lenient-arguments.ts';

export type JsonSchema = ArgumentSchema & Record<string, unknown>;

/** Every model that connects reads the input schemas, and many clients compile the output schemas: size is cost. */
const inlineUpTo = 8_000;
const worthDefining = 160;
const deepest = 4;

const single = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames'] as const;
const lists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const;
const maps = ['properties', '$defs', 'patternProperties'] as const;

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const sizeOf = (schema: unknown): number => JSON.stringify(schema).length;

/** A copy of a schema whose direct subschemas went through `change`. Values of `default`, `const` and `enum` are left alone. */
const mapChildren = (schema: JsonSchema, change: (child: JsonSchema) => JsonSchema): JsonSchema => {
  const copy: Record<string, unknown> = { ...schema };
  for (const key of single) if (isSchema(copy[key])) copy[key] = change(copy[key]);
  for (const key of lists) if (Array.isArray(copy[key])) copy[key] = (copy[key] as JsonSchema[]).map(change);
  for (const key of maps) {
    if (!isSchema(copy[key])) continue;
    copy[key] = Object.fromEntries(
      Object.entries(copy[key]).map(([name, child]) => [name, change(child as JsonSchema)]),
    );
  }
  return copy as JsonSchema;
};

/** Says a repeated part of a large schema once, under `$defs`. Small schemas stay whole, since some clients follow no references. */
export const shareRepeats = (schema: JsonSchema): JsonSchema => {
  if (sizeOf(schema) <= inlineUpTo) return schema;
  const seen = new Map<string, number>();
  const count = (node: JsonSchema): JsonSchema => {
    const text = JSON.stringify(node);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    // What repeats inside a repeat is counted once with it.
    return times > 1 || node.$ref !== undefined ? node : mapChildren(node, count);
  };
  mapChildren(schema, count);
  const names = new Map<string, string>();
  const definitions: Record<string, JsonSchema> = {};
  const share = (node: JsonSchema): JsonSchema => {
    const text = JSON.stringify(node);
    if (text.length < worthDefining || (seen.get(text) ?? 0) < 2) return mapChildren(node, share);
    let name = names.get(text);
    if (name === undefined) {
      name = `shared_${names.size + 1}`;
      names.set(text, name);
      definitions[name] = mapChildren(node, share);
    }
    return { $ref: `#/$defs/${name}` } as JsonSchema;
  };
  const shared = mapChildren(schema, share);
  return { ...shared, ...(names.size > 0 && { $defs: { ...shared.$defs, ...definitions } }) } as JsonSchema;
};

const limits = ['minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'minItems', 'maxItems', 'multipleOf'];

/**
 * An output schema without limits, which are for those who write. In a large one, what lies deep keeps its type only:
 * nobody needs the grammar of forms to read a result.
 */
export const outlineOutput = (schema: JsonSchema): JsonSchema => {
  const outline = (node: JsonSchema, depth: number): JsonSchema => {
    const copy = mapChildren(node, (child) => (depth >= deepest ? typeOnly(child) : outline(child, depth + 1)));
    for (const key of limits) delete (copy as Record<string, unknown>)[key];
    return copy;
  };
  const whole = outline(schema, Number.NEGATIVE_INFINITY);
  return sizeOf(whole) <= inlineUpTo ? whole : outline(schema, 1);
};

const typesOf = (schema: JsonSchema): string[] =>
  [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((s) => (s.type === undefined ? [] : s.type));

const typeOnly = (schema: JsonSchema): JsonSchema => {
  if (schema.$ref !== undefined) return schema;
  const types = [...new Set(typesOf(schema))];
  const { description } = schema;
  return {
    ...(types.length > 0 && { type: types.length === 1 ? types[0]! : types }),
    ...(description !== undefined && { description }),
  } as JsonSchema;
};
