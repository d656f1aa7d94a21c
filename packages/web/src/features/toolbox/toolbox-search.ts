const words = (value: unknown): string | undefined => {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= 100 ? text : undefined;
};

export const parseCatalogue = (
  search: Record<string, unknown>,
): { q?: string | undefined; category?: string | undefined } => ({
  q: words(search['q']),
  category: words(search['category']),
});
