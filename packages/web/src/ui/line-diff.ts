type Step = { sign: ' ' | '+' | '-'; line: string };

/** Above so many pairs of lines the middle is shown as replaced: comparing all would hold up the page. */
const mostPairs = 4_000_000;

const longestCommon = (before: readonly string[], after: readonly string[]): Step[] => {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] =
        before[i] === after[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      steps.push({ sign: ' ', line: before[i]! });
      i += 1;
      j += 1;
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) {
      steps.push({ sign: '-', line: before[i++]! });
    } else {
      steps.push({ sign: '+', line: after[j++]! });
    }
  }
  return [...steps, ...replaced(before.slice(i), after.slice(j))];
};

const replaced = (before: readonly string[], after: readonly string[]): Step[] => [
  ...before.map((line) => ({ sign: '-', line }) as const),
  ...after.map((line) => ({ sign: '+', line }) as const),
];

const stepsBetween = (before: readonly string[], after: readonly string[]): Step[] => {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end += 1;
  const same = (lines: readonly string[]) => lines.map((line) => ({ sign: ' ', line }) as const);
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  return [
    ...same(before.slice(0, start)),
    ...(old.length * fresh.length > mostPairs ? replaced(old, fresh) : longestCommon(old, fresh)),
    ...same(before.slice(before.length - end)),
  ];
};

/** Two texts as a unified diff with three lines around each change; empty where they are equal. */
export const lineDiff = (before: string, after: string): string => {
  if (before === after) return '';
  const steps = stepsBetween(before === '' ? [] : before.split('\n'), after === '' ? [] : after.split('\n'));
  const near = steps.map((_, at) => steps.slice(Math.max(0, at - 3), at + 4).some(({ sign }) => sign !== ' '));
  const out: string[] = [];
  let [old, fresh] = [1, 1];
  for (const [at, { sign, line }] of steps.entries()) {
    if (near[at] && !near[at - 1]) out.push(`@@ -${old} +${fresh} @@`);
    if (near[at]) out.push(`${sign}${line}`);
    if (sign !== '+') old += 1;
    if (sign !== '-') fresh += 1;
  }
  return out.join('\n');
};
