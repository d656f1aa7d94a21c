/**
 * `*` stands for any part of a segment, `**` for any part of a path, `?` for one character. A glob without a slash is
 * compared with the last segment. Runs in length × length steps whatever the glob is: a tenant writes it.
 */
export const matchesGlob = (glob: string, path: string): boolean => {
  const subject = glob.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1);
  let states = new Set([0]);
  const rest = (state: number, into: Set<number>): void => {
    into.add(state);
    if (glob[state] !== '*') return;
    const wide = glob[state + 1] === '*';
    // `/**/` matches a single slash as well.
    const after = state + (wide ? 2 : 1);
    rest(after, into);
    if (wide && glob[after] === '/' && glob[state - 1] === '/') rest(after + 1, into);
  };
  const begin = new Set<number>();
  rest(0, begin);
  states = begin;
  for (const sign of subject) {
    const next = new Set<number>();
    for (const state of states) {
      const wanted = glob[state];
      if (wanted === '*') {
        if (glob[state + 1] === '*' || sign !== '/') rest(state, next);
      } else if (wanted === sign || (wanted === '?' && sign !== '/')) rest(state + 1, next);
    }
    if (next.size === 0) return false;
    states = next;
  }
  return states.has(glob.length);
};
