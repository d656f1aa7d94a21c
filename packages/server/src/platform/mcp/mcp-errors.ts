import { type CallToolResult, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';

/** A limit of the plan. The number is also MCP's older one for a missing resource; `data.code` tells them apart. */
export const planLimitCode = -32002;
export const rateLimitedCode = -32003;

const isPlanLimit = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && (data as { code?: unknown }).code === 'plan_limit_exceeded';

/**
 * The SDK writes -32602 for every -32002, because revision 2026-07-28 moved the missing resource there. Ours is
 * another thing with the same number, so it is put back where the message leaves.
 */
export const keepPlanLimitCode = <M>(message: M): M => {
  const { error } = message as { error?: { code: number; data?: unknown } };
  if (error?.code !== ProtocolErrorCode.InvalidParams || !isPlanLimit(error.data)) return message;
  return { ...message, error: { ...error, code: planLimitCode } };
};

export const rateLimited = (retryAfter: number): ProtocolError =>
  new ProtocolError(rateLimitedCode, `Too many tool calls; wait ${Math.max(1, Math.ceil(retryAfter / 1000))} s.`, {
    reason: 'rate_limited',
    retry_after_ms: Math.max(1, Math.ceil(retryAfter)),
  });

export const unknownTool = (name: string): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.MethodNotFound, `Unknown tool: ${name.slice(0, 100)}`);

const retryAfter = (extensions: Readonly<Record<string, unknown>>): number => {
  if (typeof extensions['retry_after_ms'] === 'number') return extensions['retry_after_ms'];
  return typeof extensions['retry_after'] === 'number' ? extensions['retry_after'] * 1000 : 1000;
};

/** The two refusals that are JSON-RPC errors; null for those that a model should read and act on. */
export const protocolErrorOf = (error: AppError): ProtocolError | null => {
  if (error.code === 'rate_limited') return rateLimited(retryAfter(error.extensions));
  if (error.code === 'plan_limit_exceeded') {
    return new ProtocolError(planLimitCode, error.message, { ...error.extensions, code: error.code });
  }
  return null;
};

/** A refusal as a tool result: a first line for the model, then what else is known; `_meta` for programs. */
export const toolErrorOf = (error: AppError, requestId: string): CallToolResult => {
  const fields = (error.errors ?? []).map((e) => `- ${e.path === '' ? 'arguments' : e.path}: ${e.message}`);
  const known = Object.keys(error.extensions).length === 0 ? [] : [JSON.stringify(error.extensions)];
  const text = [`${error.code}: ${error.message}`, ...fields, ...known].join('\n');
  return {
    isError: true,
    content: [{ type: 'text', text }],
    _meta: {
      'atrium/error': {
        ...error.extensions,
        code: error.code,
        status: error.status,
        detail: error.message,
        ...(error.errors !== undefined && { errors: error.errors }),
        request_id: requestId,
      },
    },
  };
};

export const invalidArguments = (tool: string, error: z.ZodError): AppError =>
  new AppError('validation_failed', `The arguments of ${tool} are wrong.`, {
    errors: error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
  });

/** JSON-RPC code for a refusal that has no number of its own; `data.code` names it. */
const refusedCode = -32000;

/** A refusal where there is no tool result to carry it; null for what nobody expected. */
export const refusalOf = (error: unknown): ProtocolError | null => {
  if (error instanceof ProtocolError) return error;
  if (!(error instanceof AppError) || error.code === 'internal') return null;
  return (
    protocolErrorOf(error) ?? new ProtocolError(refusedCode, error.message, { ...error.extensions, code: error.code })
  );
};

export const unexpected = (requestId: string): ProtocolError =>
  new ProtocolError(-32603, internalError(requestId).message, { code: 'internal', request_id: requestId });

/** What nobody expected: the log has the rest under the request id. */
export const internalError = (requestId: string): AppError =>
  new AppError('internal', `Something went wrong on the server. Request ${requestId} names it in the log.`);
