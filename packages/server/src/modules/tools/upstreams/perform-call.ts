import { SdkHttpError } from '@modelcontextprotocol/client';
import { mayBeRepeated } from '../fingerprint.ts';
import { type LimitedResult, limitResult, type ToolResult } from '../result-limit.ts';
import type { DefinitionRow, ServerRow } from '../tools-rows.ts';
import { UpstreamError, UpstreamRefusal } from './upstream-error.ts';
import type { UpstreamHub } from './upstream-hub.ts';

export interface ToPerform {
  server: ServerRow;
  /** Whose tokens are used. */
  person: string | null;
  tool: Pick<DefinitionRow, 'name' | 'approved' | 'approved_fingerprint'>;
  args: Record<string, unknown>;
  signal: AbortSignal;
  onprogress: (note: { progress: number; total?: number; message?: string }) => void;
}

export type Performed = { kind: 'result'; limited: LimitedResult } | { kind: 'changed'; found: string | null };

/**
 * Refused before it was looked at: the session is unknown there, or nobody listens. Then the call was not made. A proxy in
 * front answers 404 and 400 as well, when the call may have been made; only a tool that changes nothing, or changes the
 * same thing once, is called again after those.
 */
const wasNotMade = ({ cause }: UpstreamError, hadSession: boolean, isRepeatable: boolean): boolean => {
  if (!(cause instanceof SdkHttpError))
    return (cause as { cause?: { code?: unknown } } | null)?.cause?.code === 'ECONNREFUSED';
  const { status, text } = cause.data;
  const said = typeof text === 'string' ? text : '';
  if (status !== 404 && status !== 400) return false;
  if (isRepeatable || (said.includes('"jsonrpc"') && /\bsession\b/i.test(said))) return true;
  return status === 404 && hadSession && said.trim() === '';
};

/** One call at the upstream, on a warm session or a new one. */
export const performCall = async (hub: UpstreamHub, what: ToPerform): Promise<Performed> => {
  const { server, person, tool, args, signal, onprogress } = what;
  for (let attempt = 1; ; attempt += 1) {
    const { session, fingerprints } = await hub.ready(server, person);
    const found = fingerprints.get(tool.name) ?? null;
    if (found !== tool.approved_fingerprint) return { kind: 'changed', found };
    const { named } = session;
    try {
      const options = { signal, timeout_ms: server.timeout_s * 1000, onprogress };
      const result = await session.callTool(tool.name, args, options);
      return { kind: 'result', limited: limitResult(result as unknown as ToolResult, server.max_result_bytes) };
    } catch (error) {
      if (error instanceof UpstreamRefusal) {
        const text = `${server.slug} refused the call (${error.code}): ${error.message}`.slice(0, 4000);
        return {
          kind: 'result',
          limited: limitResult({ content: [{ type: 'text', text }], isError: true }, server.max_result_bytes),
        };
      }
      if (!(error instanceof UpstreamError)) throw error;
      if (error.reason === 'unavailable' || error.reason === 'sign_in_needed') hub.retire(server.id, person);
      const isRepeatable = tool.approved !== null && mayBeRepeated(tool.approved);
      if (attempt === 1 && error.reason === 'unavailable' && wasNotMade(error, named, isRepeatable)) continue;
      throw error;
    }
  }
};
