import type {
  CallToolRequestParams,
  CallToolResult,
  InputRequiredResult,
  RequestStateCodec,
  ServerContext,
} from '@modelcontextprotocol/server';
import { ProtocolError } from '@modelcontextprotocol/server';
import { translateDatabaseError } from '../db/database-errors.ts';
import { AppError } from '../errors/app-error.ts';
import { authorize } from '../operations/authorize.ts';
import type { Call } from '../operations/call.ts';
import { unstorableMembers } from '../operations/storable-input.ts';
import { CallProgress } from './call-progress.ts';
import { type InputRounds, StatelessElicit, sessionElicit } from './client-elicitation.ts';
import { readLeniently } from './lenient-arguments.ts';
import {
  internalError,
  invalidArguments,
  protocolErrorOf,
  rateLimited,
  toolErrorOf,
  unknownTool,
} from './mcp-errors.ts';
import type { McpToolSource } from './mcp-face.ts';
import type { McpHostOptions, McpLimits } from './mcp-options.ts';
import { factsOf, plainCallOf, type RequestFacts } from './request-facts.ts';
import type { ToolCatalogue, ToolEntry } from './tool-catalogue.ts';
import { structuredOutput } from './tool-schema.ts';

/** Who is at the other end of the wire. */
export interface McpPeer {
  era: 'session' | 'stateless';
  revision: string;
  client: { name: string; version: string };
  shows_forms: boolean;
}

type Outcome = CallToolResult | InputRequiredResult;

/** Performs tools/call: permission, count, arguments, the handler, and the words in which its end is told. */
export class ToolCaller {
  readonly #catalogue: ToolCatalogue;
  readonly #sources: readonly McpToolSource[];
  readonly #options: McpHostOptions;
  readonly #limits: McpLimits;
  readonly #codec: RequestStateCodec<InputRounds>;
  readonly #running = new Set<AbortController>();
  readonly #refusals: ReadonlyMap<string, string>;

  constructor(
    catalogue: ToolCatalogue,
    options: McpHostOptions,
    limits: McpLimits,
    codec: RequestStateCodec<InputRounds>,
  ) {
    this.#catalogue = catalogue;
    this.#sources = options.sources ?? [];
    this.#options = options;
    this.#refusals = new Map(Object.entries(options.refused_tools ?? {}));
    this.#limits = limits;
    this.#codec = codec;
  }

  async perform(params: CallToolRequestParams, context: ServerContext, peer: McpPeer): Promise<Outcome> {
    const facts = factsOf(context);
    const entry = this.#catalogue.find(params.name);
    const tool = entry?.tool.name ?? params.name;
    let known = entry !== undefined;
    let ok = false;
    // A name that nobody knows comes from outside and must not become the name of a span.
    const name = `tools/call ${known ? tool : 'unknown'}`;
    const span = this.#options.tracing?.start(name, 'internal', facts.trace, { 'mcp.revision': peer.revision });
    try {
      const result = await this.#attempt(params, entry, context, facts, peer);
      known = true;
      ok = (result as CallToolResult).isError !== true;
      return result;
    } catch (error) {
      return this.#told(error, facts, tool);
    } finally {
      span?.end({ failed: !ok });
      // A name nobody knows is not a tool anybody used.
      if (known) this.#seen(facts, tool, peer, ok);
    }
  }

  /** Ends every call that still runs; handlers see it as a server that is stopping. */
  abortAll(): void {
    for (const running of this.#running)
      running.abort(new AppError('not_ready', 'The server is stopping; call again.'));
  }

  async #attempt(
    params: CallToolRequestParams,
    entry: ToolEntry | undefined,
    context: ServerContext,
    facts: RequestFacts,
    peer: McpPeer,
  ): Promise<Outcome> {
    if (entry !== undefined) authorize(entry.binding.operation, facts.caller);
    const refusal = entry === undefined ? this.#refusals.get(params.name) : undefined;
    if (refusal !== undefined) throw new AppError('permission_denied', refusal);
    if (entry === undefined && this.#sources.length === 0) throw unknownTool(params.name);
    if (entry?.metered !== false) await this.#count(facts);
    return this.#withCall(params.name, context, facts, peer, (call) =>
      entry === undefined ? this.#fromSources(call, params, context) : this.#operate(call, entry, params),
    );
  }

  async #count(facts: RequestFacts): Promise<void> {
    const verdict = await this.#options.meter?.(facts.caller);
    if (verdict !== undefined && !verdict.allowed) throw rateLimited(verdict.retry_after_ms);
  }

  /** Runs `act` with a call whose signal follows the client, and returns early when a stateless client must be asked. */
  async #withCall(
    tool: string,
    context: ServerContext,
    facts: RequestFacts,
    peer: McpPeer,
    act: (call: Call) => Promise<Outcome>,
  ): Promise<Outcome> {
    const running = new AbortController();
    const stop = () => running.abort(new DOMException('The client gave the call up.', 'AbortError'));
    const signals = [context.mcpReq.signal, facts.gone];
    for (const signal of signals) signal.addEventListener('abort', stop, { once: true });
    if (signals.some((signal) => signal.aborted)) stop();
    const progress = new CallProgress(context, this.#limits.keep_alive_ms);
    const stateless =
      peer.shows_forms && peer.era === 'stateless' ? new StatelessElicit(context, this.#codec, tool) : null;
    const elicit = stateless ?? (peer.shows_forms ? sessionElicit(context, running.signal) : null);
    this.#running.add(running);
    try {
      const call = { ...plainCallOf(facts), signal: running.signal, progress: progress.report };
      const done = act(elicit === null ? call : { ...call, elicit });
      if (stateless === null) return await done;
      const asked = stateless.needed.then((result) => {
        // The handler is left behind: its wait ends here, and whatever it still says has no reader.
        done.catch(() => {});
        stop();
        return result;
      });
      return await Promise.race([done, asked]);
    } finally {
      this.#running.delete(running);
      progress.stop();
      for (const signal of signals) signal.removeEventListener('abort', stop);
    }
  }

  async #operate(call: Call, entry: ToolEntry, params: CallToolRequestParams): Promise<CallToolResult> {
    const { operation, run } = entry.binding;
    const input = operation.input.safeParse(readLeniently(entry.input, params.arguments ?? {}));
    if (!input.success) throw invalidArguments(entry.tool.name, input.error);
    const errors = unstorableMembers(input.data);
    if (errors.length > 0)
      throw new AppError('validation_failed', `The arguments of ${entry.tool.name} are wrong.`, { errors });
    const output = await run(call, input.data as never);
    const { text, structured } = structuredOutput(entry.shape, output);
    return { content: [{ type: 'text', text }], structuredContent: structured };
  }

  async #fromSources(call: Call, params: CallToolRequestParams, context: ServerContext): Promise<Outcome> {
    for (const source of this.#sources) {
      const result = await source.call(call, params.name, params.arguments ?? {}, context);
      if (result !== null) return result;
    }
    throw unknownTool(params.name);
  }

  #told(thrown: unknown, facts: RequestFacts, tool: string): CallToolResult {
    const error = translateDatabaseError(thrown);
    if (error instanceof ProtocolError) throw error;
    if (error instanceof AppError) {
      const refusal = protocolErrorOf(error);
      if (refusal !== null) throw refusal;
      if (error.code !== 'internal') return toolErrorOf(error, facts.request_id);
    }
    if (!facts.gone.aborted)
      this.#options.log.error({ err: error, request_id: facts.request_id, tool }, 'An MCP tool failed.');
    return toolErrorOf(internalError(facts.request_id), facts.request_id);
  }

  #seen(facts: RequestFacts, tool: string, peer: McpPeer, ok: boolean): void {
    this.#options.onToolCall?.({
      caller: facts.caller,
      tool,
      client_name: peer.client.name,
      client_version: peer.client.version,
      revision: peer.revision,
      ok,
    });
  }
}
