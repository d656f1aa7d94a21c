import type { Server } from '@modelcontextprotocol/server';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../clock/clock.ts';
import type { Binding } from '../operations/binding.ts';
import type { Caller } from '../operations/caller.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { McpContentSource, McpEvents, McpPrompt, McpResources, McpToolSource, ToolCallSeen } from './mcp-face.ts';

export interface McpLimits {
  /** Sessions kept in memory, in all and for one principal. The one used least recently leaves first; its id stays good. */
  sessions: number;
  sessions_per_principal: number;
  /** A session nobody used for this long leaves memory. */
  session_idle_ms: number;
  /** An id older than this is over, as if it had been ended. */
  session_age_ms: number;
  /** Open event streams (GET and subscriptions/listen) of one principal. */
  streams_per_principal: number;
  subscriptions_per_session: number;
  /** Comment line on every open stream, and a progress note of every call that has a progress token. */
  keep_alive_ms: number;
  /** A call that takes longer answers as an event stream, so that nothing on the way gives it up. */
  patience_ms: number;
  batch: number;
  body_bytes: number;
  /** Tools of one tools/list page. Large, because many clients read the first page only. */
  page: number;
  /** How long a stateless client may take to come back with the person's input. */
  input_ms: number;
}

export const defaultMcpLimits: McpLimits = {
  sessions: 10_000,
  sessions_per_principal: 64,
  session_idle_ms: 30 * 60_000,
  session_age_ms: 30 * 86_400_000,
  streams_per_principal: 32,
  subscriptions_per_session: 200,
  keep_alive_ms: 15_000,
  patience_ms: 3_000,
  batch: 100,
  body_bytes: 4 * 1024 * 1024,
  page: 250,
  input_ms: 86_400_000,
};

export interface McpHostOptions {
  bindings: readonly Binding[];
  resources?: readonly McpResources[];
  prompts?: readonly McpPrompt[];
  sources?: readonly McpToolSource[];
  content?: readonly McpContentSource[];
  /** Tools of other servers that clients may know and that this one will not have, with what to do instead. */
  refused_tools?: Readonly<Record<string, string>>;
  /** Adds to each SDK server what operations cannot express, for example completions. Called before it connects. */
  extend?: (server: Server, era: 'session' | 'stateless') => void;
  version: string;
  /** Told to every model that connects: what this server is for, in a few lines. */
  instructions: string;
  /** Base of the challenge and the first allowed name. Read on each request, because the port may be found late. */
  public_url: () => string;
  /** Further names under which the server is reached; host names without port. */
  allowed_hosts?: readonly string[];
  /** 32 bytes, the same on every replica and after a restart: it seals session ids and the state of input rounds. */
  key: Uint8Array;
  /** Null when no credential came; throws AppError for one that is no good. */
  authenticate: (request: FastifyRequest) => Promise<Caller | null>;
  /** Counts one tool call. Without it nothing is limited. */
  meter?: (caller: Caller) => Promise<{ allowed: boolean; retry_after_ms: number }>;
  events?: McpEvents;
  /** A span for each tool call, below that of its request. */
  tracing?: Tracing | null;
  onToolCall?: (seen: ToolCallSeen) => void;
  /**
   * When true a tool call that lacks a scope is answered 403 with a challenge (RFC 6750 section 3.1) to OAuth access
   * tokens, so that their clients ask the person for more. Other credentials get a tool error either way.
   */
  scope_challenge?: boolean;
  clock: Clock;
  log: { error: (detail: object, message: string) => void };
  limits?: Partial<McpLimits>;
}
