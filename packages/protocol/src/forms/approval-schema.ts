import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { argumentPrefix, matchesAlwaysRule } from './always-rule.ts';
import type { MatchPattern, Patterns } from './form-pattern.ts';
import { zodErrors } from './form-schema.ts';
import { checkJsonSchema, validateJson } from './json-schema.ts';
import { joinPath, jsonProblem } from './json-value.ts';

export const approvalLimits = { bytes: 128 * 1024, depth: 40, options: 10, longest_rule_s: 90 * 24 * 3600 } as const;

const toolArguments = z.record(z.string(), z.unknown());

const rejectOption = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'is letters, digits, _ . - (64 at most)'),
  title: z.string().min(1).max(120).optional(),
  description: z.string().max(1000).optional(),
  prompt_fill: z.string().max(4000).optional().describe('seeds the reply to the model'),
});

/** A tool call under review; section 4.3 of the inbox specification. Ways of answering are allowed unless set to false. */
export const approvalRequest = z
  .strictObject({
    tool: z.string().min(1).max(200),
    arguments: toolArguments,
    arguments_schema: toolArguments.optional().describe('JSON Schema that edited arguments must satisfy'),
    allow: z
      .strictObject({
        accept: z.boolean().optional(),
        edit: z.boolean().optional(),
        respond: z.boolean().optional(),
        reject: z.boolean().optional(),
      })
      .optional(),
    reject_options: z
      .array(rejectOption)
      .max(approvalLimits.options)
      .refine(
        (options) => new Set(options.map((option) => option.name)).size === options.length,
        'has two options with one name',
      )
      .optional(),
    summary: z.string().max(4000).optional(),
  })
  .superRefine((approval, context) => {
    if (replyKinds.every((kind) => approval.allow?.[kind] === false)) {
      context.addIssue({ code: 'custom', path: ['allow'], message: 'leaves no way to answer' });
    }
    if (approval.arguments_schema === undefined) return;
    for (const { path, message } of checkJsonSchema(approval.arguments_schema)) {
      context.addIssue({
        code: 'custom',
        path: ['arguments_schema', ...(path === '' ? [] : path.split('.'))],
        message,
      });
    }
  });
export type ApprovalRequest = z.infer<typeof approvalRequest>;

export const replyKinds = ['accept', 'edit', 'respond', 'reject'] as const;
export type ReplyKind = (typeof replyKinds)[number];

const reason = z.string().min(1).max(20_000);

export const approvalReply = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('accept'),
      always_allow: z
        .strictObject({
          expires_in_s: z.int().min(60).max(approvalLimits.longest_rule_s),
          argument_prefix: argumentPrefix,
        })
        .optional(),
    }),
    z.strictObject({ kind: z.literal('edit'), arguments: toolArguments }),
    z.strictObject({ kind: z.literal('respond'), text: reason }),
    z.strictObject({ kind: z.literal('reject'), option: z.string().max(64).optional(), text: reason.optional() }),
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? `is no reply kind; known are ${replyKinds.join(', ')}` : undefined,
  },
);
export type ApprovalReply = z.infer<typeof approvalReply>;

export const replyAllowed = (approval: ApprovalRequest, kind: ReplyKind): boolean => approval.allow?.[kind] !== false;

type Result<Name extends string, Value> = ({ ok: true } & Record<Name, Value>) | { ok: false; errors: FieldError[] };

/** Everything that can be wrong with an approval when it is created; `path` is put in front of every error path. */
export const checkApproval = (input: unknown, patterns: Patterns, path = ''): Result<'approval', ApprovalRequest> => {
  const at = (error: FieldError): FieldError => ({
    path: error.path === '' ? path : joinPath(path, error.path),
    message: error.message,
  });
  const size = jsonProblem(input, approvalLimits);
  if (size !== null) return { ok: false, errors: [at(size)] };
  const parsed = approvalRequest.safeParse(input);
  if (!parsed.success) return { ok: false, errors: zodErrors(parsed.error).map(at) };
  const schema = parsed.data.arguments_schema;
  const broken = schema === undefined ? [] : checkJsonSchema(schema, patterns.problem);
  if (broken.length === 0) return { ok: true, approval: parsed.data };
  return {
    ok: false,
    errors: broken.map((error) => at({ path: joinPath('arguments_schema', error.path), message: error.message })),
  };
};

/** Checks a reply against the approval it answers. Edited arguments must satisfy `arguments_schema`, if there is one. */
export const validateApprovalReply = (
  approval: ApprovalRequest,
  input: unknown,
  options: { matchPattern: MatchPattern },
): Result<'reply', ApprovalReply> => {
  const size = jsonProblem(input, approvalLimits);
  if (size !== null) return { ok: false, errors: [size] };
  const parsed = approvalReply.safeParse(input);
  if (!parsed.success) return { ok: false, errors: zodErrors(parsed.error) };
  const reply = parsed.data;
  const errors = replyAllowed(approval, reply.kind)
    ? replyErrors(approval, reply, options.matchPattern)
    : [{ path: 'kind', message: `"${reply.kind}" is not allowed for this approval` }];
  return errors.length > 0 ? { ok: false, errors } : { ok: true, reply };
};

const replyErrors = (approval: ApprovalRequest, reply: ApprovalReply, matchPattern: MatchPattern): FieldError[] => {
  if (reply.kind === 'edit' && approval.arguments_schema !== undefined) {
    return validateJson(approval.arguments_schema, reply.arguments, { matchPattern, path: 'arguments' });
  }
  if (reply.kind === 'reject' && reply.option !== undefined) {
    const known = approval.reject_options?.some((option) => option.name === reply.option) ?? false;
    return known ? [] : [{ path: 'option', message: 'is not one of the ways to reject' }];
  }
  if (reply.kind === 'accept' && reply.always_allow !== undefined) {
    const rule = { tool: approval.tool, argument_prefix: reply.always_allow.argument_prefix };
    if (matchesAlwaysRule(rule, approval.tool, approval.arguments)) return [];
    return [{ path: 'always_allow.argument_prefix', message: 'does not cover the call under review' }];
  }
  return [];
};
