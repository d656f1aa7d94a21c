import type { Operation } from '@atrium/protocol';
import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ServerContext,
  Tool,
} from '@modelcontextprotocol/server';
import type { Call } from '../operations/call.ts';
import type { Caller } from '../operations/caller.ts';

/** Resources a module shows over MCP, under `atrium://`. */
export interface McpResources {
  /** Fixed resources and templates, for resources/list and resources/templates/list. */
  list: readonly { uri: string; name: string; description: string }[];
  templates: readonly { uri_template: string; name: string; description: string }[];
  /**
   * Older names of the same things: `klaxon/open` → `atrium://inbox/open`. Null when the uri is not this module's.
   * A string is sent as text, bytes as a blob, anything else as JSON.
   */
  read: (call: Call, uri: string) => Promise<unknown | null>;
  /** The present name of an older one, so that a subscription to either hears of changes. Other uris come back as they are. */
  canonical?: (uri: string) => string;
  /** URIs whose content changed with an event, for resources/updated. */
  changedBy?: (event: { kind: string; id: string }) => readonly string[];
}

/** A text that a client offers to its person or puts before its model, filled in by the server. */
export interface McpPrompt {
  name: string;
  title: string;
  description: string;
  arguments: readonly { name: string; description: string; required: boolean }[];
  /** What it leads to: it is shown and given to those only who may call all of these. */
  leads_to: readonly Operation[];
  /** What is put into the mouth of the user. Arguments that are required are there, and none that is unknown. */
  text: (call: Call, args: Readonly<Record<string, string>>) => Promise<string>;
}

/** Tools that are known only while the server runs, for example those of a connected MCP server. Operations come first. */
export interface McpToolSource {
  /** What this caller may use. Asked on every tools/list, so it answers from memory. */
  list: (caller: Caller) => readonly Tool[] | Promise<readonly Tool[]>;
  /** Null when the name is not of this source, or not for this caller. Counting, progress and cancellation are the host's. */
  call: (
    call: Call,
    name: string,
    args: Record<string, unknown>,
    context: ServerContext,
  ) => Promise<CallToolResult | InputRequiredResult | null>;
}

/** Resources and prompts that are known only while the server runs. Those of modules come first. */
export interface McpContentSource {
  resources: (call: Call) => Promise<readonly Resource[]>;
  /** Null when the uri is not of this source, or not for this caller. */
  read: (call: Call, uri: string) => Promise<ReadResourceResult | null>;
  prompts: (call: Call) => Promise<readonly Prompt[]>;
  /** Null when the name is not of this source, or not for this caller. */
  prompt: (call: Call, name: string, args: Readonly<Record<string, unknown>>) => Promise<GetPromptResult | null>;
}

/** Events as the dispatcher delivers them: already filtered for this receiver, silent once the receiver lost access. */
export interface McpEvents {
  subscribe: (caller: Caller, listener: (event: { kind: string; id: string }) => void) => () => void;
}

/** What is known after a tool call; identity keeps it as first and last seen, client and last tool. */
export interface ToolCallSeen {
  caller: Caller;
  tool: string;
  client_name: string;
  client_version: string;
  revision: string;
  ok: boolean;
}
