import { type FieldError, type Operation, pathParameters } from '@atrium/protocol';
import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { unstorableMembers } from '../operations/storable-input.ts';

type Coerce = (value: unknown) => unknown;
interface JsonSchema {
  type?: string | string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  properties?: Record<string, JsonSchema>;
}

const numberForm = /^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,17})?$/;

/** Every JSON type that a value of this schema may have. */
const typesOf = (schema: JsonSchema, defs: Record<string, JsonSchema>, depth = 0): Set<string> => {
  const types = new Set<string>();
  if (depth > 8) return types;
  if (schema.$ref !== undefined) {
    const target = defs[schema.$ref.replace('#/$defs/', '')];
    if (target !== undefined) for (const t of typesOf(target, defs, depth + 1)) types.add(t);
  }
  for (const t of schema.type === undefined ? [] : [schema.type].flat()) types.add(t);
  for (const value of [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])])
    types.add(typeof value);
  for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
    for (const t of typesOf(part, defs, depth + 1)) types.add(t);
  }
  return types;
};

const itemsOf = (schema: JsonSchema): JsonSchema =>
  schema.items ?? [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].find((s) => s.items !== undefined)?.items ?? {};

const coerceScalar = (types: ReadonlySet<string>): Coerce => {
  const number = types.has('number') || types.has('integer');
  const boolean = types.has('boolean');
  const object = types.has('object');
  if (!number && !boolean && !object) return (value) => value;
  return (value) => {
    if (typeof value !== 'string') return value;
    if (number && numberForm.test(value)) return Number(value);
    if (boolean && (value === 'true' || value === 'false')) return value === 'true';
    if (object && value.startsWith('{')) return parseObject(value);
    return value;
  };
};

const parseObject = (text: string): unknown => {
  try {
    return JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value));
  } catch {
    return text;
  }
};

/** How the text of a query member becomes the value that its schema expects; what does not fit stays text and is refused. */
const coerceBy = (schema: JsonSchema, defs: Record<string, JsonSchema>): Coerce => {
  const types = typesOf(schema, defs);
  if (!types.has('array')) return coerceScalar(types);
  const item = coerceScalar(typesOf(itemsOf(schema), defs));
  return (value) => {
    if (Array.isArray(value)) return value.map(item);
    if (typeof value !== 'string') return value;
    return value === '' ? [] : value.split(',').map(item);
  };
};

const coercersOf = (input: z.ZodObject): Map<string, Coerce> => {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return new Map(Object.entries(schema.properties ?? {}).map(([name, s]) => [name, coerceBy(s, schema.$defs ?? {})]));
};

const unknownField = 'Unknown field.';

/** Issues of zod as `errors[]`; each unknown field is named by its own path. */
const fieldErrors = (issues: readonly z.core.$ZodIssue[]): FieldError[] =>
  issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: unknownField }));
  });

/** Fields that the contract does not have make a request malformed (400); wrong values of those it has do not (422). */
const validationFailed = (errors: FieldError[]): AppError => {
  const first = errors[0]!;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const code = errors.every(({ message }) => message === unknownField) ? 'bad_request' : 'validation_failed';
  return new AppError(code, `${first.path === '' ? 'The input' : first.path}: ${first.message}${more}`, { errors });
};

/** The parts of a request that make up the input. */
export interface InputParts {
  params: Record<string, string>;
  query: Record<string, unknown>;
  body: unknown;
}

/** Members that headers fill when the request leaves them out. */
export type HeaderMembers = Record<string, unknown> | null;

/** Reads one operation's input from requests; what does not change is worked out once. */
export class InputReader {
  readonly #operation: Operation;
  readonly #parameters: readonly string[];
  /** Made when the first request comes: for all operations at once they were a fifth of a start. */
  #coercers: ReadonlyMap<string, Coerce> | null = null;
  readonly #fromQuery: boolean;

  constructor(operation: Operation) {
    this.#operation = operation;
    this.#parameters = pathParameters(operation.path);
    this.#fromQuery =
      operation.method === 'GET' || operation.method === 'DELETE' || (operation.body ?? 'json') !== 'json';
  }

  has(member: string): boolean {
    return Object.hasOwn(this.#operation.input.shape, member);
  }

  read(parts: InputParts, filled: HeaderMembers): unknown {
    const input = this.#fromQuery ? this.#readQuery(parts) : this.#readBody(parts);
    for (const name of this.#parameters) {
      if (Object.hasOwn(input, name))
        throw validationFailed([{ path: name, message: 'This field comes from the path.' }]);
      input[name] = this.#coerce(name, parts.params[name]);
    }
    if (filled !== null) this.#fill(input, filled);
    const result = this.#operation.input.safeParse(input);
    if (!result.success) throw validationFailed(fieldErrors(result.error.issues));
    const unstorable = unstorableMembers(result.data);
    if (unstorable.length > 0) throw validationFailed(unstorable);
    return result.data;
  }

  #coerce(name: string, value: unknown): unknown {
    this.#coercers ??= coercersOf(this.#operation.input);
    const coerce = this.#coercers.get(name);
    return coerce === undefined ? value : coerce(value);
  }

  #readQuery(parts: InputParts): Record<string, unknown> {
    const input: Record<string, unknown> = {};
    for (const name in parts.query) {
      // A plain assignment of this one name would set the prototype instead of a member.
      if (name === '__proto__') throw validationFailed([{ path: name, message: unknownField }]);
      input[name] = this.#coerce(name, parts.query[name]);
    }
    if (
      typeof parts.body === 'object' &&
      parts.body !== null &&
      Object.keys(parts.body).length > 0 &&
      this.#operation.body === undefined
    ) {
      throw validationFailed([
        { path: '', message: `${this.#operation.method} takes its members in the query string, not in a body.` },
      ]);
    }
    return input;
  }

  #readBody(parts: InputParts): Record<string, unknown> {
    for (const name in parts.query) {
      throw validationFailed([
        { path: name, message: 'This operation takes its members in the JSON body, not in the query string.' },
      ]);
    }
    const body = parts.body ?? {};
    if (typeof body !== 'object' || Array.isArray(body))
      throw validationFailed([{ path: '', message: 'The body must be a JSON object.' }]);
    return body as Record<string, unknown>;
  }

  #fill(input: Record<string, unknown>, filled: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(filled)) {
      if (input[name] === undefined) input[name] = this.#coerce(name, value);
      else if (name === 'idempotency_key' && input[name] !== value) {
        throw validationFailed([{ path: name, message: 'The Idempotency-Key header says something else.' }]);
      }
    }
  }
}
