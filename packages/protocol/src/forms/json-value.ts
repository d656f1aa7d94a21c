import type { FieldError } from '../errors.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Own member or undefined: a field may be called `toString` and must not find the one of Object.prototype. */
export const own = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

export const joinPath = (path: string, key: string | number): string => (path === '' ? `${key}` : `${path}.${key}`);

export interface JsonLimits {
  bytes: number;
  depth: number;
}

/**
 * Why a value cannot be stored as JSON within the limits, or null. Walks without recursion, because a body of nested
 * brackets overflows the stack of anything recursive; everything behind this guard may recurse freely.
 */
export const jsonProblem = (value: unknown, limits: JsonLimits): FieldError | null => {
  const encoder = new TextEncoder();
  const stack: { value: unknown; path: string; depth: number }[] = [{ value, path: '', depth: 0 }];
  let bytes = 0;
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value: current, path, depth } = entry;
    if (depth > limits.depth) return { path, message: `is nested more than ${limits.depth} levels deep` };
    if (typeof current === 'string') {
      const problem = stringProblem(current);
      if (problem !== null) return { path, message: problem };
      bytes += encoder.encode(JSON.stringify(current)).length;
    } else if (Array.isArray(current)) {
      bytes += 1 + Math.max(1, current.length);
      if (bytes <= limits.bytes) {
        for (let i = current.length - 1; i >= 0; i--) {
          stack.push({ value: current[i], path: joinPath(path, i), depth: depth + 1 });
        }
      }
    } else if (isObject(current)) {
      const prototype: unknown = Object.getPrototypeOf(current);
      if (prototype !== null && prototype !== Object.prototype) return { path, message: 'is not plain JSON' };
      bytes += 1;
      for (const [key, member] of Object.entries(current).reverse()) {
        if (member === undefined) continue;
        const problem = stringProblem(key);
        if (problem !== null) return { path, message: `has a name that ${problem}` };
        bytes += encoder.encode(JSON.stringify(key)).length + 2;
        stack.push({ value: member, path: joinPath(path, key), depth: depth + 1 });
      }
    } else if (current === null || typeof current === 'boolean' || Number.isFinite(current)) {
      bytes += String(current).length;
    } else {
      return { path, message: 'is not plain JSON' };
    }
    if (bytes > limits.bytes) return { path: '', message: `is larger than ${limits.bytes / 1024} KiB` };
  }
  return null;
};

/** PostgreSQL's jsonb takes neither U+0000 nor half a surrogate pair; refusing them here makes it a 422, not a 500. */
const stringProblem = (text: string): string | null => {
  if (text.includes('\u0000')) return 'contains the character U+0000';
  return text.isWellFormed() ? null : 'contains half a surrogate pair';
};

/** Equality of JSON values; members in any order. Recursive: guard hostile input with jsonProblem first. */
export const jsonEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((member, i) => jsonEqual(member, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  return (
    keys.length === Object.keys(b).filter((key) => b[key] !== undefined).length &&
    keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  );
};

/** Characters as people and JSON Schema count them: an emoji is one, not two UTF-16 units. */
export const lengthOf = (text: string): number => {
  let length = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      length--;
      i++;
    }
  }
  return length;
};
