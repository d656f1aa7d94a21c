import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApprovalRequest, checkApproval, replyKinds, validateApprovalReply } from './approval-schema.ts';
import { createPatterns } from './form-pattern.ts';

const matchPattern = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`, 'u').test(text);
const patterns = createPatterns((source) => {
  const expression = new RegExp(`^(?:${source})$`, 'u');
  return { size: source.length, matches: (text) => expression.test(text) };
});
const approval: ApprovalRequest = {
  tool: 'shell',
  arguments: { command: 'git status' },
  arguments_schema: {
    type: 'object',
    properties: { command: { type: 'string', maxLength: 20 }, options: { $ref: '#/$defs/options' } },
    required: ['command'],
    additionalProperties: false,
    $defs: { options: { type: 'object', properties: { depth: { type: 'integer', minimum: 1 } } } },
  },
  reject_options: [{ name: 'later', title: 'Not now', prompt_fill: 'Try again tomorrow.' }],
};
const reply = (input: unknown, to: ApprovalRequest = approval) => validateApprovalReply(to, input, { matchPattern });
const paths = (result: ReturnType<typeof reply>) => (result.ok ? [] : result.errors.map((error) => error.path));

describe('an approval', () => {
  it('is created with a schema whose every keyword can be checked', () => {
    expect(checkApproval(approval, patterns)).toEqual({ ok: true, approval });
    const path = (arguments_schema: object) => {
      const result = checkApproval({ ...approval, arguments_schema }, patterns, 'approval');
      return result.ok ? null : result.errors[0]?.path;
    };
    expect(path({ properties: { a: { unevaluatedProperties: false } } })).toBe(
      'approval.arguments_schema.properties.a.unevaluatedProperties',
    );
    expect(path({ properties: { a: { pattern: '(' } } })).toBe('approval.arguments_schema.properties.a.pattern');
    expect(path({ $ref: '#/$defs/none' })).toBe('approval.arguments_schema.$ref');
    expect(checkApproval({ ...approval, tools: [] }, patterns).ok).toBe(false);
  });

  it('leaves at least one way to answer and names each way to reject once', () => {
    expect(
      checkApproval({ ...approval, allow: { accept: false, edit: false, respond: false, reject: false } }, patterns).ok,
    ).toBe(false);
    expect(checkApproval({ ...approval, reject_options: [{ name: 'a' }, { name: 'a' }] }, patterns).ok).toBe(false);
  });
});

describe('a reply to an approval', () => {
  it.each([
    { kind: 'accept' },
    { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git status' } },
    { kind: 'edit', arguments: { command: 'git diff', options: { depth: 2 } } },
    { kind: 'respond', text: 'Which branch?' },
    { kind: 'reject' },
    { kind: 'reject', option: 'later', text: 'Try again tomorrow.' },
  ])('may be %j', (input) => expect(reply(input)).toEqual({ ok: true, reply: input }));

  it.each([
    [{ kind: 'edit', arguments: { command: 1 } }, 'arguments.command'],
    [{ kind: 'edit', arguments: {} }, 'arguments.command'],
    [{ kind: 'edit', arguments: { command: 'x'.repeat(21) } }, 'arguments.command'],
    [{ kind: 'edit', arguments: { command: 'x', cwd: '/' } }, 'arguments.cwd'],
    [{ kind: 'edit', arguments: { command: 'x', options: { depth: 0 } } }, 'arguments.options.depth'],
    [{ kind: 'edit' }, 'arguments'],
    [{ kind: 'reject', option: 'never' }, 'option'],
    [{ kind: 'respond', text: '' }, 'text'],
    [{ kind: 'accept', text: 'x' }, 'text'],
    [
      { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git push' } },
      'always_allow.argument_prefix',
    ],
    [{ kind: 'accept', always_allow: { expires_in_s: 1, argument_prefix: 'git' } }, 'always_allow.expires_in_s'],
    [{ kind: 'ignore' }, 'kind'],
  ])('is refused as %j', (input, path) => expect(paths(reply(input))).toContain(path));

  it('is refused in a way that the approval does not allow', () => {
    const strict: ApprovalRequest = { ...approval, allow: { edit: false } };
    expect(paths(reply({ kind: 'edit', arguments: { command: 'x' } }, strict))).toEqual(['kind']);
    expect(reply({ kind: 'accept' }, strict).ok).toBe(true);
  });

  it('never makes the check throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...replyKinds),
        fc.dictionary(fc.constantFrom('arguments', 'text', 'option', 'always_allow'), fc.jsonValue()),
        (kind, rest) => {
          expect(typeof reply({ kind, ...rest }).ok).toBe('boolean');
        },
      ),
    );
  });
});
