/** `wide` runs over slashes as well; `loose` is a slash that may be left out, since `/**` and what follows share one. */
type Step = { kind: 'sign'; sign: string; loose: boolean } | { kind: 'any' } | { kind: 'star'; wide: boolean };

const steps = (glob: string): Step[] => {
  const out: Step[] = [];
  for (let at = 0; at < glob.length; at += 1) {
    const sign = glob[at]!;
    if (sign === '*') {
      const wide = glob[at + 1] === '*';
      out.push({ kind: 'star', wide });
      if (wide) at += 1;
    } else if (sign === '?') out.push({ kind: 'any' });
    else out.push({ kind: 'sign', sign, loose: sign === '/' && glob.slice(Math.max(0, at - 3), at) === '/**' });
  }
  return out;
};

/**
 * `*` stands for any part of a segment, `**` for any part of a path, `?` for one character. A glob without a slash is
 * compared with the last segment. Takes length × length small steps whatever the glob is: a tenant writes it.
 */
export const matchesGlob = (glob: string, path: string): boolean => {
  const subject = glob.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1);
  const all = steps(glob);
  /** Marks the step and those after it that may stand for nothing. */
  const reach = (states: Uint8Array, step: number): void => {
    for (let at = step; states[at] === 0; at += 1) {
      states[at] = 1;
      const next = all[at];
      if (next === undefined || (next.kind !== 'star' && !(next.kind === 'sign' && next.loose))) return;
    }
  };
  let states = new Uint8Array(all.length + 1);
  reach(states, 0);
  for (const sign of subject) {
    const next = new Uint8Array(all.length + 1);
    let alive = false;
    for (let at = 0; at < all.length; at += 1) {
      if (states[at] === 0) continue;
      const step = all[at]!;
      const stays = step.kind === 'star' && (step.wide || sign !== '/');
      const goes = step.kind === 'sign' ? step.sign === sign : step.kind === 'any' && sign !== '/';
      if (stays) reach(next, at);
      if (goes) reach(next, at + 1);
      alive ||= stays || goes;
    }
    if (!alive) return false;
    states = next;
  }
  return states[all.length] === 1;
};
