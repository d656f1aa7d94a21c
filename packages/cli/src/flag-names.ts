/** `always_rules` and `list_items` as they are typed: `always-rules`, `list-items`. */
export const dashed = (name: string): string => name.replaceAll('_', '-');

/** `form.fields.0.id` is reported as `--form.fields.0.id`. */
export const flagOf = (path: string): string => {
  const [first, ...rest] = path.split('.');
  return [`--${dashed(first ?? '')}`, ...rest].join('.');
};

/** The name under which commander keeps the value of `--wait-s`. */
export const attributeOf = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
