const longest = 64;

/** Letters, digits, `-` and `_`, at most 64: kept as it is when it fits, made from the text otherwise; null when nothing is left. */
export const appSlug = (text: string): string | null => {
  const trimmed = text.trim();
  if (/^[A-Za-z0-9_-]{1,64}$/.test(trimmed)) return trimmed;
  const made = trimmed
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '');
  return made === '' ? null : made;
};

/** The first text that makes a slug. */
export const firstSlug = (...texts: readonly (string | null | undefined)[]): string => {
  for (const text of texts) {
    const slug = text == null ? null : appSlug(text);
    if (slug !== null) return slug;
  }
  return 'app';
};

/** `home_assistant` → `Home assistant`. */
export const titleOf = (text: string): string => {
  const words = text
    .replace(/[-_.]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' ? text : words[0]!.toUpperCase() + words.slice(1);
};
