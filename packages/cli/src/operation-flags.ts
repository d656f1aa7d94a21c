import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Operation, pathParameters } from '@atrium/protocol';
import { Option } from 'commander';
import { z } from 'zod';
import { usageError } from './exit-codes.ts';
import { dashed } from './flag-names.ts';

/** What a member of an operation's input looks like on the command line. */
export interface InputFlag {
  /** Member of the input, for example `ttl_ms`. */
  name: string;
  kind: 'text' | 'number' | 'integer' | 'boolean' | 'json';
  list: boolean;
  nullable: boolean;
  required: boolean;
  choices: readonly string[] | null;
  description: string;
  default: unknown;
}

interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  format?: string;
  description?: string;
  default?: unknown;
}

const isNull = (schema: Schema): boolean => schema.type === 'null';
const variants = (schema: Schema): Schema[] => schema.anyOf ?? schema.oneOf ?? [schema];

const scalarKind = (schema: Schema): InputFlag['kind'] => {
  const kinds = new Set(
    variants(schema)
      .filter((one) => !isNull(one))
      .map(ownKind),
  );
  const [only] = kinds;
  return kinds.size === 1 && only !== undefined ? only : 'json';
};

const ownKind = (schema: Schema): InputFlag['kind'] => {
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) return scalarKind(schema);
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type;
    default:
      return typeof schema.const === 'string' ? 'text' : 'json';
  }
};

const choicesOf = (schema: Schema): string[] | null => {
  const parts = variants(schema).filter((one) => !isNull(one));
  const values = parts.flatMap((one) => one.enum ?? (one.const === undefined ? [undefined] : [one.const]));
  return values.every((value) => typeof value === 'string') && values.length > 0 ? (values as string[]) : null;
};

const flagFor = (name: string, schema: Schema, required: boolean): InputFlag => {
  const present = variants(schema).filter((one) => !isNull(one));
  const nullable = variants(schema).length > present.length;
  const only = present.length === 1 ? present[0]! : null;
  const item = only?.type === 'array' ? (only.items ?? {}) : null;
  const itemKind = item === null ? null : scalarKind(item);
  const list = itemKind !== null && itemKind !== 'json';
  return {
    name,
    kind: list ? itemKind : scalarKind(schema),
    list,
    nullable,
    required,
    choices: choicesOf(list ? item! : schema),
    description: schema.description ?? only?.description ?? '',
    default: schema.default,
  };
};

/** Flags of every member that is no path parameter, in the order of the input. */
export const flagsOf = (operation: Operation): InputFlag[] => {
  const inPath = new Set(pathParameters(operation.path));
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !inPath.has(name))
    .map(([name, member]) => flagFor(name, member, schema.required?.includes(name) ?? false));
};

const placeholder = (flag: InputFlag): string => {
  if (flag.choices !== null) return flag.list ? 'value,…' : 'value';
  const word = { text: 'text', number: 'number', integer: 'n', boolean: '', json: 'json|@file' }[flag.kind];
  return flag.list ? `${word},…` : word;
};

const note = (flag: InputFlag): string => {
  const notes = [
    flag.description,
    flag.required ? 'required' : '',
    flag.list ? 'repeat it or separate with commas' : '',
    flag.nullable ? '"null" for none' : '',
    flag.default === undefined || JSON.stringify(flag.default).length > 40 || isEmpty(flag.default)
      ? ''
      : `default: ${typeof flag.default === 'string' ? flag.default : JSON.stringify(flag.default)}`,
  ];
  return notes.filter((text) => text !== '').join('; ');
};

const isEmpty = (value: unknown): boolean =>
  value === '' || JSON.stringify(value) === '[]' || JSON.stringify(value) === '{}';

const readNumber = (flag: InputFlag, text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (flag.kind === 'integer' && !Number.isInteger(value)))
    throw usageError(
      `--${dashed(flag.name)}: "${text}" is not ${flag.kind === 'integer' ? 'a whole number' : 'a number'}.`,
    );
  return value;
};

/** JSON, or `@file` with JSON in it. */
export const readJson = (what: string, text: string, cwd: string): unknown => {
  const path = text.startsWith('@') ? resolve(cwd, text.slice(1)) : null;
  let source = text;
  try {
    if (path !== null) source = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${what}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  try {
    return JSON.parse(source);
  } catch (error) {
    throw usageError(`${what}: ${path ?? 'the value'} is not JSON: ${(error as Error).message}`);
  }
};

const readOne = (flag: InputFlag, text: string, cwd: string): unknown => {
  if (flag.nullable && text === 'null') return null;
  if (flag.choices !== null && !flag.choices.includes(text))
    throw usageError(`--${dashed(flag.name)}: "${text}" is none of ${flag.choices.join(', ')}.`);
  switch (flag.kind) {
    case 'number':
    case 'integer':
      return readNumber(flag, text);
    case 'json':
      return readJson(`--${dashed(flag.name)}`, text, cwd);
    default:
      return text;
  }
};

/** The option that commander shows and parses; a boolean gets its `--no-` form from the second. */
export const optionsFor = (flag: InputFlag, cwd: string): Option[] => {
  const name = dashed(flag.name);
  if (flag.kind === 'boolean' && !flag.list) {
    const yes = new Option(`--${name}`, note(flag));
    const no = new Option(`--no-${name}`, flag.default === true ? note(flag) : `not ${name}`);
    return flag.default === false ? [yes] : flag.default === true ? [no] : [yes, no];
  }
  const option = new Option(`--${name} <${placeholder(flag)}>`, note(flag));
  if (flag.choices !== null) option.choices(flag.choices);
  if (flag.list) {
    option.argParser<unknown[]>((text, earlier) => [
      ...(Array.isArray(earlier) ? earlier : []),
      ...text
        .split(',')
        .filter((part) => part !== '')
        .map((part) => readOne(flag, part.trim(), cwd)),
    ]);
  } else option.argParser((text) => readOne(flag, text, cwd));
  return [option];
};
