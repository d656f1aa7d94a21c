import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { messagesOf, openSession } from './mcp-wire.ts';

export interface ToolResult {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the tool answered
  structuredContent?: any;
  content: { type: string; text?: string }[];
  isError?: boolean | undefined;
  _meta?: Record<string, unknown>;
}

export interface ToolOptions {
  onprogress?: (progress: { progress: number; total?: number | undefined }) => void;
  signal?: AbortSignal;
  timeout?: number;
  resetTimeoutOnProgress?: boolean;
}

export type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, never> };
export type OnForm = (message: string, schema: unknown, signal: AbortSignal) => Promise<FormAnswer>;

/** What tests do with an MCP client, whichever package and revision it is. */
export interface McpDriver {
  tools(): Promise<string[]>;
  call(tool: string, args?: object, options?: ToolOptions): Promise<ToolResult>;
  read(uri: string): Promise<string>;
  prompts(): Promise<string[]>;
  /** The text of a prompt. */
  prompt(name: string, args?: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export type Connect = (url: string, token: string, onForm?: OnForm) => Promise<McpDriver>;

const textOf = (result: unknown): string =>
  (result as { contents: { text?: string }[] }).contents.map((content) => content.text ?? '').join('');

const promptText = (result: unknown): string =>
  (result as { messages: { content: { text?: string } }[] }).messages
    .map(({ content }) => content.text ?? '')
    .join('\n');

export const connectV1: Connect = async (url, token, onForm) => {
  const client = new OldClient({ name: 'v1', version: '1' }, { capabilities: onForm ? { elicitation: {} } : {} });
  if (onForm) {
    client.setRequestHandler(ElicitRequestSchema, (request, extra) =>
      onForm(request.params.message, (request.params as { requestedSchema?: unknown }).requestedSchema, extra.signal),
    );
  }
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new OldTransport(new URL(`${url}/mcp`), { requestInit: { headers } }) as never);
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args = {}, options) =>
      (await client.callTool({ name, arguments: { ...args } }, undefined, options as never)) as never,
    read: async (uri) => textOf(await client.readResource({ uri })),
    prompts: async () => (await client.listPrompts()).prompts.map((prompt) => prompt.name),
    prompt: async (name, args = {}) => promptText(await client.getPrompt({ name, arguments: args })),
    close: () => client.close(),
  };
};

/** The v2 client: `auto` is how it comes, `legacy` has sessions, `pin` asks for one revision. */
export const connectV2 =
  (mode: 'legacy' | 'auto' | { pin: string } = 'auto'): Connect =>
  async (url, token, onForm) => {
    const client = new Client(
      { name: 'v2', version: '2' },
      { capabilities: onForm ? { elicitation: { form: {} } } : {}, versionNegotiation: { mode } },
    );
    if (onForm) {
      client.setRequestHandler('elicitation/create', (request, context) =>
        onForm(
          request.params.message,
          (request.params as { requestedSchema?: unknown }).requestedSchema,
          context.mcpReq.signal,
        ),
      );
    }
    const headers = { authorization: `Bearer ${token}` };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
    return {
      tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (name, args = {}, options) =>
        (await client.callTool({ name, arguments: { ...args } }, options as never)) as never,
      read: async (uri) => textOf(await client.readResource({ uri })),
      prompts: async () => (await client.listPrompts()).prompts.map((prompt) => prompt.name),
      prompt: async (name, args = {}) => promptText(await client.getPrompt({ name, arguments: args })),
      close: () => client.close(),
    };
  };

/** Revision 2025-03-26 by hand: no SDK in use speaks it first any more. */
export const connectByHand: Connect = async (url, token) => {
  const session = await openSession(`${url}/mcp`, '2025-03-26', {}, token);
  let sent = 0;
  const rpc = async (method: string, params: object, signal?: AbortSignal) => {
    sent += 1;
    const id = sent;
    const messages = await messagesOf(await session.send({ jsonrpc: '2.0', id, method, params }, signal));
    const answer = messages.find((message) => message.id === id);
    if (answer === undefined) throw new Error(`no answer to ${method}`);
    if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result;
  };
  return {
    tools: async () => (await rpc('tools/list', {})).tools.map((tool: { name: string }) => tool.name),
    call: (name, args = {}, options) => rpc('tools/call', { name, arguments: args }, options?.signal),
    read: async (uri) => textOf(await rpc('resources/read', { uri })),
    prompts: async () => (await rpc('prompts/list', {})).prompts.map((prompt: { name: string }) => prompt.name),
    prompt: async (name, args = {}) => promptText(await rpc('prompts/get', { name, arguments: args })),
    close: async () => {
      await fetch(`${url}/mcp`, {
        method: 'DELETE',
        headers: { ...session.headers, authorization: `Bearer ${token}` },
      });
    },
  };
};

/** Every generation of client that is served, by the revision it ends up with. */
export const everyClient: [name: string, connect: Connect][] = [
  ['a 2025-03-26 client by hand', connectByHand],
  ['the v1 SDK (2025-11-25)', connectV1],
  ['the v2 SDK with sessions', connectV2('legacy')],
  ['the v2 SDK as it comes', connectV2('auto')],
  ['the v2 SDK at 2026-07-28', connectV2({ pin: '2026-07-28' })],
];

/** Code and data of the JSON-RPC error that a call ended with. */
export const rpcErrorOf = async (
  calling: Promise<unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire holds
): Promise<{ code: number; data: any; message: string }> => {
  try {
    const answer = await calling;
    throw new TypeError(`answered ${JSON.stringify(answer)} instead of an error`);
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return error as { code: number; data: unknown; message: string };
  }
};
