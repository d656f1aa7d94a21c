/** The part of a JSON Schema that says which kinds of value fit. */
export interface ArgumentSchema {
  type?: string | readonly string[];
  properties?: Record<string, ArgumentSchema>;
  required?: readonly string[];
  items?: ArgumentSchema | boolean;
  additionalProperties?: ArgumentSchema | boolean;
  anyOf?: readonly ArgumentSchema[];
  oneOf?: readonly ArgumentSchema[];
  allOf?: readonly ArgumentSchema[];
  const?: unknown;
  enum?: readonly unknown[];
  $ref?: string;
  $defs?: Record<string, ArgumentSchema>;
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
};

/**
 * Models write arrays, objects, numbers and booleans as JSON strings, and null for what they leave out. Where the
 * schema takes no string (or no null), the text is read as JSON and kept if it is of a kind that fits; whatever does
 * not fit stays as it came, so that validation speaks about what the caller wrote.
 */
export const readLeniently = (root: ArgumentSchema, value: Record<string, unknown>): Record<string, unknown> =>
  read(root, root, value, 0) as Record<string, unknown>;

const read = (root: ArgumentSchema, schema: ArgumentSchema, value: unknown, depth: number): unknown => {
  if (depth > 12) return value;
  const given = typeof value === 'string' ? readText(kindsOf(root, schema, 0), value) : value;
  if (Array.isArray(given)) return readArray(root, schema, given, depth);
  if (kindOf(given) === 'object') return readObject(root, schema, given as Record<string, unknown>, depth);
  return given;
};

const readArray = (root: ArgumentSchema, schema: ArgumentSchema, value: unknown[], depth: number): unknown[] => {
  const items = branches(root, schema, 0).find((b) => typeof b.items === 'object')?.items;
  return typeof items === 'object' ? value.map((item) => read(root, items, item, depth + 1)) : value;
};

const readObject = (
  root: ArgumentSchema,
  schema: ArgumentSchema,
  value: Record<string, unknown>,
  depth: number,
): Record<string, unknown> => {
  const shape = branchFor(branches(root, schema, 0), value);
  if (shape === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(shape.properties ?? {}, name) ? shape.properties![name]! : shape.additionalProperties;
    if (typeof known !== 'object') {
      result[name] = member;
      continue;
    }
    const kinds = kindsOf(root, known, 0);
    if (member === null && kinds !== null && !kinds.has('null') && !shape.required?.includes(name)) continue;
    result[name] = read(root, known, member, depth + 1);
  }
  return result;
};

const readText = (kinds: ReadonlySet<string> | null, text: string): unknown => {
  if (kinds === null || kinds.has('string')) return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return text;
  }
  const kind = kindOf(parsed);
  return kinds.has(kind) || (kind === 'number' && Number.isInteger(parsed) && kinds.has('integer')) ? parsed : text;
};

/** The alternatives of a schema, references followed. */
const branches = (root: ArgumentSchema, schema: ArgumentSchema, depth: number): ArgumentSchema[] => {
  if (depth > 8) return [];
  if (schema.$ref !== undefined) {
    const target = schema.$ref === '#' ? root : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return target === undefined ? [] : branches(root, target, depth + 1);
  }
  const nested = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return nested.length === 0 ? [schema] : [schema, ...nested.flatMap((b) => branches(root, b, depth + 1))];
};

/** Among the shapes of a union, the one whose constants the value repeats. */
const branchFor = (all: readonly ArgumentSchema[], value: Record<string, unknown>): ArgumentSchema | undefined => {
  const shapes = all.filter((b) => b.properties !== undefined || typeof b.additionalProperties === 'object');
  return (
    shapes.find((b) =>
      Object.entries(b.properties ?? {}).some(([n, p]) => p.const !== undefined && p.const === value[n]),
    ) ?? shapes[0]
  );
};

/** Kinds that fit, or null when anything does. */
const kindsOf = (root: ArgumentSchema, schema: ArgumentSchema, depth: number): ReadonlySet<string> | null => {
  const kinds = new Set<string>();
  for (const branch of branches(root, schema, depth)) {
    if (branch.const !== undefined) kinds.add(kindOf(branch.const));
    else if (branch.enum !== undefined) for (const member of branch.enum) kinds.add(kindOf(member));
    else if (typeof branch.type === 'string') kinds.add(branch.type);
    else if (branch.type !== undefined) for (const type of branch.type) kinds.add(type);
    else if (branch.anyOf === undefined && branch.oneOf === undefined && branch.allOf === undefined) return null;
  }
  return kinds.size === 0 ? null : kinds;
};
