import { parseDocument } from 'yaml';

export type ReadYaml = { content: unknown } | { problems: string[] };

/** Problems are one line each. */
export const parseYaml = (text: string): ReadYaml => {
  const parsed = parseDocument(text, { version: '1.2' });
  if (parsed.errors.length > 0) return { problems: parsed.errors.map(({ message }) => message.split('\n')[0] ?? '') };
  try {
    return { content: parsed.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : 'is not valid YAML'] };
  }
};
