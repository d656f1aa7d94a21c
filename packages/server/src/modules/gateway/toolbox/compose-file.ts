import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { type ComposeDocument, type ComposeProblem, composeSchema, problemsOf } from './compose-schema.ts';
import {
  InterpolationProblem,
  type MissingVariable,
  render,
  type Values,
  type VariableUse,
  variablesIn,
} from './interpolation.ts';

export const largestFile = 64 * 1024;

/** A file as it is written, its variables still in place. */
export interface ComposeFile {
  text: string;
  digest: string;
  tree: Record<string, unknown>;
}

export type Reading<T> = { ok: true; value: T } | { ok: false; problems: ComposeProblem[] };

const isGroup = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Reads YAML. What the keys mean is looked at when variables have their values. */
export const readComposeFile = (text: string): Reading<ComposeFile> => {
  const no = (message: string, path = ''): Reading<ComposeFile> => ({ ok: false, problems: [{ path, message }] });
  if (Buffer.byteLength(text) > largestFile) return no(`is larger than ${largestFile / 1024} KiB`);
  const document = parseDocument(text, { merge: true, uniqueKeys: true });
  const [first] = document.errors;
  if (first !== undefined) return no(first.message.split('\n')[0]!, `line ${first.linePos?.[0].line ?? 1}`);
  let tree: unknown;
  try {
    tree = document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return no(error instanceof Error ? error.message : 'cannot be read');
  }
  if (!isGroup(tree) || !isGroup(tree['services'])) return no('has no services');
  return { ok: true, value: { text, digest: digestOf(text), tree } };
};

type Visit = (text: string, path: string) => unknown;

/** The same tree with other texts. Keys stay as they are. */
const mapTexts = (value: unknown, path: readonly string[], visit: Visit): unknown => {
  if (typeof value === 'string') return visit(value, path.join('.'));
  if (Array.isArray(value)) return value.map((one, i) => mapTexts(one, [...path, String(i)], visit));
  if (!isGroup(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, [...path, key], visit)]));
};

const problemAt = (path: string, error: unknown): ComposeProblem => {
  if (error instanceof InterpolationProblem) return { path, message: error.message };
  throw error;
};

/** Every use of a variable, in the order of the file. */
export const usesIn = (file: ComposeFile): Reading<VariableUse[]> => {
  const uses: VariableUse[] = [];
  const problems: ComposeProblem[] = [];
  mapTexts(file.tree, [], (text, path) => {
    try {
      uses.push(...variablesIn(text));
    } catch (error) {
      problems.push(problemAt(path, error));
    }
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: uses };
};

const withoutExtensions = (group: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(group).filter(([key]) => !key.startsWith('x-')));

/** The file with values in place of variables, checked against what the toolbox takes. */
export const fillIn = (
  file: ComposeFile,
  values: Values,
): { document: ComposeDocument | null; problems: ComposeProblem[]; missing: MissingVariable[] } => {
  const missing: MissingVariable[] = [];
  const problems: ComposeProblem[] = [];
  const filled = mapTexts(withoutExtensions(file.tree), [], (text, path) => {
    try {
      return render(text, values, missing);
    } catch (error) {
      problems.push(problemAt(path, error));
      return '';
    }
  }) as Record<string, unknown>;
  const services = filled['services'] as Record<string, unknown>;
  const plain = Object.fromEntries(
    Object.entries(services).map(([name, one]) => [name, isGroup(one) ? withoutExtensions(one) : one]),
  );
  const parsed = composeSchema.safeParse({ ...filled, services: plain });
  if (!parsed.success) problems.push(...problemsOf(parsed.error.issues));
  const seen = new Set<string>();
  const once = missing.filter(({ name }) => !seen.has(name) && seen.add(name));
  return { document: parsed.success ? parsed.data : null, problems, missing: once };
};
