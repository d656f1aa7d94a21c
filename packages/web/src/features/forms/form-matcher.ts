import { type Form, type FormField, type MatchPattern, type Patterns, pagesOf } from '@atrium/protocol';

type Matcher = () => MatchPattern;

const usesPattern = (field: FormField): boolean => {
  if (field.type === 'group') return field.fields.some(usesPattern);
  if (field.type === 'json') return field.schema !== undefined && schemaUsesPattern(field.schema);
  return (field.type === 'text' || field.type === 'textarea') && field.pattern !== undefined;
};

/** A schema may name a property `pattern`; loading the engine for nothing is the cheap side to err on. */
export const schemaUsesPattern = (schema: unknown): boolean =>
  /"pattern(Properties)?"\s*:/.test(JSON.stringify(schema ?? null));

let engine: Promise<Patterns> | undefined;
/** The pattern engine, fetched at its first use. */
export const loadPatterns = (): Promise<Patterns> => {
  engine ??= import('./pattern-engine.ts').then((module) => module.formPatterns);
  return engine;
};

const never: Matcher = () => () => false;

/** What `validateAnswer` needs; resolves at once for forms without patterns. */
export const matcherFor = async (form: Form): Promise<MatchPattern> =>
  pagesOf(form).some((page) => page.fields.some(usesPattern)) ? (await loadPatterns()).matcher() : never();

/** The same for a JSON Schema. */
export const matcherForSchema = async (schema: unknown): Promise<MatchPattern> =>
  schemaUsesPattern(schema) ? (await loadPatterns()).matcher() : never();
