import type { Readable } from 'node:stream';
import type { Caller } from './caller.ts';
import type { Elicit } from './elicit.ts';

/** Told by a call that it waits for a person or an event: meanwhile it is no load, and makes room for other requests. */
export interface Waiting {
  /** Throws when too many wait already. */
  begin(): void;
  end(): void;
}

/** Everything about one invocation that is not its input: who, by which door, how to report progress and stop. */
export interface Call {
  caller: Caller;
  door: 'rest' | 'mcp' | 'socket' | 'job' | 'cli';
  request_id: string;
  trace_id: string | null;
  ip: string | null;
  user_agent: string | null;
  /** Aborted when the client went away or the server drains. Long waits listen to it. */
  signal: AbortSignal;
  /** Where long waits say that they are waits. */
  waits?: Waiting | null;
  /** Sends a progress note to the client where the door can (MCP); otherwise does nothing. */
  progress: (note: { progress: number; total?: number; message?: string }) => void;
  /** Present when the client shows forms to its person (MCP elicitation); elicit.ts tells the turns it takes. */
  elicit?: Elicit;
  /** Present when the client sent an Idempotency-Key and the operation honours it by header. */
  idempotency: {
    key: string;
    operation: string;
    request_hash: string;
    /** Whose key it is when the caller is only being made by this call. */
    owner?: { org_id: string; id: string };
    /** How long a repeat gets the first answer, where that is less than usual. */
    ttl_ms?: number;
  } | null;
  /** Body of `raw` and `multipart` operations. */
  raw: {
    stream: Readable;
    content_type: string;
    length: number | null;
    file_name: string | null;
    headers: Record<string, string>;
  } | null;
  /** Bearer of a public operation that takes one of its own kind. */
  presented?: string | null;
  /** Cookies and response headers, for the few operations that sign in or out. Absent on doors that have none. */
  cookies: {
    set: (token: string, expires: Date) => void;
    clear: () => void;
    /** Cookies beside the session's, such as the one that ties a social sign-in to its browser. */
    read: (name: string) => string | null;
    keep: (name: string, value: string, expires: Date) => void;
  } | null;
}

/** The same call made by another principal, for acts that the platform performs on somebody's behalf. */
export const callAs = (call: Call, caller: Caller): Call => ({ ...call, caller, idempotency: null });

/** A call for jobs and start-up work. */
export const internalCall = (caller: Caller, request_id: string): Call => ({
  caller,
  door: 'job',
  request_id,
  trace_id: null,
  ip: null,
  user_agent: null,
  signal: new AbortController().signal,
  progress: () => {},
  idempotency: null,
  raw: null,
  cookies: null,
});
