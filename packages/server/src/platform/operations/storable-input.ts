import type { FieldError } from '@atrium/protocol';

/** U+0000 and half of a surrogate pair: PostgreSQL stores neither, in text or in jsonb. */
const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();

const message = 'holds a character that cannot be stored (U+0000, or half of a surrogate pair)';

/** Members of an input that no table could take, so that a caller hears of them instead of an internal error. */
export const unstorableMembers = (value: unknown, path = ''): FieldError[] => {
  if (typeof value === 'string') return isStorable(value) ? [] : [{ path, message }];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (!isStorable(key)) return [{ path, message: `has a name that ${message}` }];
    return unstorableMembers(member, path === '' ? key : `${path}.${key}`);
  });
};
