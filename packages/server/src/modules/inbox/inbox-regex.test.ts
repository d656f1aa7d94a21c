import { checkForm, formFromJsonSchema, toElicitation, validateAnswer } from '@atrium/protocol';
import { isSpecType } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { formPatterns } from './inbox-regex.ts';

const textForm = (...patterns: string[]) => ({
  fields: patterns.map((pattern, i) => ({ id: `t${i}`, type: 'text', pattern })),
});
const problemsOf = (pattern: string) => {
  const result = checkForm(textForm(pattern), formPatterns);
  return result.ok ? [] : result.errors;
};

describe('patterns of forms', () => {
  it('match the whole value', () => {
    const match = formPatterns.matcher();
    expect([
      match('a|b', 'a'),
      match('a|b', 'ab'),
      match('[a-z]+', 'abc1'),
      match('^\\d{2}$', '12'),
      match('\\p{L}+', 'é'),
    ]).toEqual([true, false, false, true, true]);
  });

  it.each([
    ['(?=a)b', 'a lookahead'],
    ['a(?!b)', 'a lookahead'],
    ['(?<=a)b', 'a lookbehind'],
    ['(?<!a)b', 'a lookbehind'],
    ['(a)\\1', 'a backreference'],
    ['(?<n>a)\\k<n>', 'a backreference'],
    ['(?>a)', 'an atomic group'],
  ])('refuse %s, saying that the engine cannot run %s', (pattern, construct) => {
    expect(problemsOf(pattern)).toEqual([{ path: 'fields.0.pattern', message: expect.stringContaining(construct) }]);
    expect(problemsOf(pattern)[0]?.message).toContain('linear-time engine');
  });

  it.each(['(a', '[a', '*a', 'a{2,1}', 'a{1001}', '\\'])('refuse %s, which does not compile', (pattern) => {
    expect(problemsOf(pattern)).toEqual([
      { path: 'fields.0.pattern', message: expect.stringContaining('does not compile') },
    ]);
  });

  it.each(['(a+)+$', '[(?=]+', '\\(\\?=', '(?i)abc', '(?P<n>a)(?<m>b)'])('accept %s', (pattern) =>
    expect(problemsOf(pattern)).toEqual([]),
  );

  it('spend a fixed number of steps on one answer, so that no pair of pattern and text can block the process', () => {
    const hostile = `${'a'.repeat(65_535)}!`;
    const form = checkForm(textForm('(a+)+$'), formPatterns);
    if (!form.ok) throw new Error('refused');
    expect(validateAnswer(form.form, { t0: hostile }, { matchPattern: formPatterns.matcher() })).toEqual({
      ok: false,
      errors: [{ path: 't0', message: 'does not match the required pattern' }],
    });
    const costly = checkForm(textForm('[ab]*a[ab]{900}', '(a+)+$', '(x{0,1000})*y'), formPatterns);
    if (!costly.ok) throw new Error('refused');
    const values = { t0: 'ab'.repeat(30_000), t1: hostile, t2: 'x'.repeat(60_000) };
    const result = validateAnswer(costly.form, values, { matchPattern: formPatterns.matcher() });
    expect(result.ok ? [] : result.errors.map((error) => error.message)).toEqual(
      Array(3).fill('is too long to be checked against its pattern'),
    );
  });
});

describe('the elicitation of a form', () => {
  it('has the shape that the MCP library expects', () => {
    const form = formFromJsonSchema({
      type: 'object',
      properties: {
        a: { type: 'string', format: 'email', minLength: 3 },
        b: { type: 'integer', minimum: 1 },
        c: { type: 'boolean', default: true },
        d: { type: 'string', oneOf: [{ const: 'x', title: 'X' }] },
        e: { type: 'array', items: { type: 'string', enum: ['x'] }, maxItems: 1 },
        f: { type: 'array', items: { anyOf: [{ const: 'x', title: 'X' }] } },
      },
      required: ['a'],
    });
    const elicitation = form.ok ? toElicitation(form.form) : null;
    const requestedSchema = elicitation?.ok ? elicitation.requestedSchema : null;
    expect(isSpecType.ElicitRequestFormParams({ message: 'm', requestedSchema })).toBe(true);
    expect(
      isSpecType.ElicitRequestFormParams({
        message: 'm',
        requestedSchema: { type: 'object', properties: { a: { type: 'object' } } },
      }),
    ).toBe(false);
  });
});
