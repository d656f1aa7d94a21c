// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose are written so.
import { expect, it } from 'vitest';
import { InterpolationProblem, type MissingVariable, render, variablesIn } from './interpolation.ts';

const values = { SET: 'value', EMPTY: '', OTHER: 'other' };
const rendered = (text: string): [string, string[]] => {
  const missing: MissingVariable[] = [];
  const filled = render(text, values, missing);
  return [filled, missing.map(({ name, message }) => (message === null ? name : `${name}: ${message}`))];
};

it.each([
  ['$SET', 'value', []],
  ['$SET-suffix ${SET}s', 'value-suffix values', []],
  ['$$SET $$$SET', '$SET $value', []],
  ['${UNSET}', '', ['UNSET']],
  ['$UNSET', '', ['UNSET']],
  ['${UNSET-default}', 'default', []],
  ['${EMPTY-default}', '', []],
  ['${EMPTY:-default}', 'default', []],
  ['${UNSET:-}', '', []],
  ['${UNSET:-a:-b}', 'a:-b', []],
  ['${UNSET?}', '', ['UNSET']],
  ['${EMPTY?must be set}', '', []],
  ['${EMPTY:?must be set}', '', ['EMPTY: must be set']],
  ['${SET:?must be set}', 'value', []],
  ['${SET+there}', 'there', []],
  ['${EMPTY+there}', 'there', []],
  ['${EMPTY:+there}', '', []],
  ['${SET:+there}', 'there', []],
  ['${UNSET+there}', '', []],
  ['${UNSET:-${SET}}', 'value', []],
  ['${UNSET:-${GONE:-${OTHER}}}', 'other', []],
  ['${UNSET:-x-${SET}-y}', 'x-value-y', []],
  ['${SET:+${OTHER}!}', 'other!', []],
  ['postgres://u:${SET}@db/${UNSET:-app}?a=b', 'postgres://u:value@db/app?a=b', []],
  ['} {} no variable', '} {} no variable', []],
])('%s becomes "%s"', (text, filled, missing) => {
  expect(rendered(text)).toEqual([filled, missing]);
});

it.each(['$', 'a $ b', '${}', '${1A}', '${SET', '${SET:-x', '${SET!x}', '${SET:x}', '$-'])(
  '%s is refused with a sentence',
  (text) => {
    expect(() => render(text, values, [])).toThrow(InterpolationProblem);
    expect(() => variablesIn(text)).toThrow(InterpolationProblem);
  },
);

it('variables are found in every form, with their defaults and what they need', () => {
  const uses = variablesIn('$A ${B} ${C-c} ${D:-d} ${E?} ${F:?say it} ${G+g} ${H:+$I} ${J:-${K:-k}} $$L ${M:-$N}');
  const by = Object.fromEntries(uses.map(({ name, ...use }) => [name, use]));
  const use = (required: boolean, byDefault: string | null = null, message: string | null = null) => ({
    ...{ required, default: byDefault, message },
  });
  expect(by).toEqual({
    A: use(true),
    B: use(true),
    C: use(false, 'c'),
    D: use(false, 'd'),
    E: use(true),
    F: use(true, null, 'say it'),
    G: use(false),
    H: use(false),
    I: use(false),
    J: use(false, 'k'),
    K: use(false, 'k'),
    M: use(false, ''),
    N: use(false),
  });
});

it('a value that looks like a variable stays as it is', () => {
  expect(render('${SET}', { SET: '$OTHER ${OTHER}' }, [])).toBe('$OTHER ${OTHER}');
});

it('names of the language itself are no variables that have a value', () => {
  const missing: MissingVariable[] = [];
  expect(render('${constructor} ${__proto__}', {}, missing)).toBe(' ');
  expect(missing).toHaveLength(2);
});
