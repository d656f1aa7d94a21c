import { createHash } from 'node:crypto';
import { type ToolDefinition, toolLimits } from '@atrium/protocol';

/** JSON with the members of every object in one order, so that the same meaning has the same bytes. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
};

export const fingerprintOf = (definition: ToolDefinition): string =>
  createHash('sha256').update(canonical(definition)).digest('hex');

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** What of a server's word about a tool is shown to models, hence is approved; null when it cannot be offered. */
export const definitionOf = (found: unknown): ToolDefinition | null => {
  if (!isObject(found) || typeof found['name'] !== 'string' || !isObject(found['inputSchema'])) return null;
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(found['name']) || found['inputSchema']['type'] !== 'object') return null;
  const definition: ToolDefinition = { name: found['name'], inputSchema: found['inputSchema'] };
  if (typeof found['title'] === 'string') definition.title = found['title'];
  if (typeof found['description'] === 'string') definition.description = found['description'];
  if (isObject(found['outputSchema']) && found['outputSchema']['type'] === 'object')
    definition.outputSchema = found['outputSchema'];
  if (isObject(found['annotations'])) definition.annotations = found['annotations'];
  const text = canonical(definition);
  // PostgreSQL keeps neither U+0000 nor half of a surrogate pair in jsonb.
  if (text.length > toolLimits.definition_bytes || /\\u0000|\\ud[89a-f]/i.test(text)) return null;
  return definition;
};

const listed = (definition: ToolDefinition) => definition.annotations ?? {};
/** Calling it twice does no more than calling it once, as it says itself. */
export const mayBeRepeated = (definition: ToolDefinition): boolean =>
  isReadOnly(definition) || listed(definition)['idempotentHint'] === true;
export const isReadOnly = (definition: ToolDefinition): boolean => listed(definition)['readOnlyHint'] === true;
export const isDestructive = (definition: ToolDefinition): boolean =>
  !isReadOnly(definition) && listed(definition)['destructiveHint'] !== false;
