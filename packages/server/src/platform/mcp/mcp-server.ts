import { createHmac } from 'node:crypto';
import {
  createRequestStateCodec,
  type JSONRPCMessage,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  Server,
  type ServerContext,
  type ServerOptions,
  type Tool,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import type { InputRounds } from './client-elicitation.ts';
import { keepPlanLimitCode } from './mcp-errors.ts';
import type { McpHostOptions, McpLimits } from './mcp-options.ts';
import { PromptShelf } from './prompt-shelf.ts';
import { factsOf, ownerOf } from './request-facts.ts';
import { ResourceShelf } from './resource-shelf.ts';
import { ToolCaller } from './tool-call.ts';
import { ToolCatalogue } from './tool-catalogue.ts';

/** Newest first: the first one is offered to a client that asks for a revision we do not speak. */
export const sessionRevisions = ['2025-11-25', '2025-06-18', '2025-03-26'];
export const statelessRevision = '2026-07-28';

/** What a session adds to its server; a stateless exchange subscribes by subscriptions/listen instead. */
export interface Subscriptions {
  subscribe: (uri: string) => void;
  unsubscribe: (uri: string) => void;
}

/** Answers are validated by the module that asked: here every one passes, and no validator is built for each server. */
const noValidation: NonNullable<ServerOptions['jsonSchemaValidator']> = {
  getValidator: () => ((data: unknown) => ({ valid: true, data, errorMessage: undefined })) as never,
};

/** An SDK server whose messages keep our -32002. */
class AtriumServer extends Server {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message: JSONRPCMessage, options?: TransportSendOptions) =>
      send(keepPlanLimitCode(message), options);
    return super.connect(transport);
  }
}

/** Makes the SDK's server objects, one a session or one a stateless exchange, all on the same tools and resources. */
export class McpServerMaker {
  readonly shelf: ResourceShelf;
  readonly prompts: PromptShelf;
  readonly tools: ToolCaller;
  readonly catalogue: ToolCatalogue;
  readonly #options: McpHostOptions;
  readonly #limits: McpLimits;
  readonly #codec: RequestStateCodec<InputRounds>;

  constructor(options: McpHostOptions, limits: McpLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#codec = createRequestStateCodec<InputRounds>({
      key: createHmac('sha256', options.key).update('mcp-request-state').digest(),
      ttlSeconds: Math.ceil(limits.input_ms / 1000),
      bind: (context) => ownerOf(factsOf(context).caller),
    });
    this.shelf = new ResourceShelf(options.resources ?? [], options.log, options.content);
    this.prompts = new PromptShelf(options.prompts ?? [], options.log, options.content);
    this.catalogue = new ToolCatalogue(options.bindings);
    this.tools = new ToolCaller(this.catalogue, options, limits, this.#codec);
  }

  make(era: 'session' | 'stateless', subscriptions: Subscriptions | null): Server {
    const server = new AtriumServer(
      { name: 'atrium', title: 'Atrium', version: this.#options.version },
      this.#serverOptions(era),
    );
    server.setRequestHandler('tools/list', (request, context) => this.#listTools(request.params?.cursor, context));
    server.setRequestHandler('tools/call', (request, context) =>
      this.tools.perform(request.params, context, {
        era,
        revision:
          era === 'stateless' ? statelessRevision : (server.getNegotiatedProtocolVersion() ?? sessionRevisions[0]!),
        client: clientOf(server),
        shows_forms: showsForms(server),
      }),
    );
    if (this.#hasResources) this.#addResources(server, subscriptions);
    if (this.#hasPrompts) this.#addPrompts(server);
    this.#options.extend?.(server, era);
    return server;
  }

  /** Seals what a stateless client carries between two rounds; handlers read it by `context.mcpReq.requestState()`. */
  sealState(state: unknown, context: ServerContext): Promise<string> {
    return this.#codec.mint(state as InputRounds, context);
  }

  get #hasResources(): boolean {
    return (this.#options.resources ?? []).length > 0;
  }

  get #hasPrompts(): boolean {
    return (this.#options.prompts ?? []).length > 0;
  }

  #serverOptions(era: 'session' | 'stateless'): ServerOptions {
    const hint = { ttlMs: 60_000, cacheScope: 'private' as const };
    return {
      supportedProtocolVersions: era === 'session' ? sessionRevisions : [statelessRevision],
      capabilities: {
        tools: { listChanged: true },
        ...(this.#hasResources && { resources: { subscribe: this.#options.events !== undefined, listChanged: true } }),
        ...(this.#hasPrompts && { prompts: {} }),
        // Setting a level is answered because clients ask for it; nothing is logged to them. The newest revision has it no more.
        ...(era === 'session' && { logging: {} }),
      },
      instructions: this.#options.instructions,
      jsonSchemaValidator: noValidation,
      requestState: { verify: this.#codec.verify },
      inputRequired: { roundTimeoutMs: this.#limits.input_ms },
      cacheHints: {
        'tools/list': hint,
        ...(this.#hasPrompts && { 'prompts/list': hint }),
        'resources/list': hint,
        'resources/templates/list': hint,
        'server/discover': hint,
      },
    };
  }

  #addResources(server: Server, subscriptions: Subscriptions | null): void {
    server.setRequestHandler('resources/list', async (_request, context) => ({
      resources: await this.shelf.listFor(factsOf(context)),
    }));
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [...this.shelf.templates] }));
    server.setRequestHandler('resources/read', (request, context) =>
      this.shelf.read(request.params.uri, factsOf(context)),
    );
    if (subscriptions === null || this.#options.events === undefined) return;
    server.setRequestHandler('resources/subscribe', async (request, context) => {
      // Reading first keeps a subscription from telling that something invisible changed.
      await this.shelf.read(request.params.uri, factsOf(context));
      subscriptions.subscribe(request.params.uri);
      return {};
    });
    server.setRequestHandler('resources/unsubscribe', (request) => {
      subscriptions.unsubscribe(request.params.uri);
      return {};
    });
  }

  #addPrompts(server: Server): void {
    server.setRequestHandler('prompts/list', async (_request, context) => ({
      prompts: await this.prompts.listFor(factsOf(context)),
    }));
    server.setRequestHandler('prompts/get', (request, context) =>
      this.prompts.get(request.params.name, request.params.arguments ?? {}, factsOf(context)),
    );
  }

  async #listTools(
    cursor: string | undefined,
    context: ServerContext,
  ): Promise<{ tools: Tool[]; nextCursor?: string }> {
    const { caller } = factsOf(context);
    const own = this.catalogue.list(caller);
    const more = await Promise.all((this.#options.sources ?? []).map((source) => source.list(caller)));
    const all =
      more.length === 0 ? own : [...own, ...more.flat().filter((tool) => this.catalogue.find(tool.name) === undefined)];
    const from = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isInteger(from) || from < 0)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The cursor is not one of ours.');
    const end = from + this.#limits.page;
    return { tools: all.slice(from, end), ...(end < all.length && { nextCursor: String(end) }) };
  }
}

const clientOf = (server: Server): { name: string; version: string } => {
  const client = server.getClientVersion();
  return { name: client?.name ?? 'unknown', version: client?.version ?? '' };
};

/** Before revision 2025-11-25 there was one mode only, declared by an empty object. */
const showsForms = (server: Server): boolean => {
  const elicitation = server.getClientCapabilities()?.elicitation;
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
};
