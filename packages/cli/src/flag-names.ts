/** Members whose own name is a flag of the program, by what they are called here. */
const renamed: Readonly<Record<string, string>> = { url: 'address' };
const typed = (name: string): string => renamed[name] ?? name;

/** `always_rules` and `list_items` as they are typed: `always-rules`, `list-items`. */
export const dashed = (name: string): string => typed(name).replaceAll('_', '-');

/** `form.fields.0.id` is reported as `--form.fields.0.id`. */
export const flagOf = (path: string): string => {
  const [first, ...rest] = path.split('.');
  return [`--${dashed(first ?? '')}`, ...rest].join('.');
};

/** The name under which commander keeps the value of `--wait-s`. */
export const attributeOf = (name: string): string =>
  typed(name).replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
