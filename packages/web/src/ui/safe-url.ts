const allowed = new Set(['http:', 'https:', 'mailto:', 'tel:']);

/** The absolute address when it is one that may be followed; null for `javascript:`, `data:` and whatever does not parse. */
export const safeUrl = (text: string, base: string): string | null => {
  try {
    const url = new URL(text, base);
    return allowed.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
};
