/** A path of this origin to go on to after signing in; undefined for anything that could lead elsewhere. */
export const safeNext = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || !value.startsWith('/')) return undefined;
  try {
    const url = new URL(value, 'http://atrium.invalid');
    return url.origin === 'http://atrium.invalid' ? url.pathname + url.search + url.hash : undefined;
  } catch {
    return undefined;
  }
};
