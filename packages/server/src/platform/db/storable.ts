/**
 * Makes a value fit for text and jsonb columns: PostgreSQL stores neither U+0000 nor half of a surrogate pair, and a
 * transaction must not fail because a stranger put one into a header or a title.
 */
export const storableText = (text: string): string => text.replaceAll('\u0000', '\ufffd').toWellFormed();

/** The value as JSON will have it (dates become text, undefined members vanish), with every string storable. */
export const storableJson = (value: Record<string, unknown>): Record<string, unknown> =>
  clean(JSON.parse(JSON.stringify(value))) as Record<string, unknown>;

const clean = (value: unknown): unknown => {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [storableText(key), clean(member)]));
};
