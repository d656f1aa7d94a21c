import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Waiting } from '../operations/call.ts';

/** MCP's number for a session that is not there; clients look for it beside the status. */
export const sessionNotFound = -32001;
export const refused = -32000;
export const parseError = -32700;
export const invalidRequest = -32600;

/** One HTTP request whose answer is written by hand, after Fastify let go of it. */
export interface RawExchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Headers of every answer: CORS, request id. */
  headers: Record<string, string>;
}

/** A refusal in JSON-RPC form, since that is what an MCP client reads. */
export const refuse = (
  { response, headers }: RawExchange,
  status: number,
  code: number,
  message: string,
  more: { headers?: Record<string, string>; data?: unknown; id?: unknown } = {},
): void => {
  const error = { code, message, ...(more.data !== undefined && { data: more.data }) };
  const id = typeof more.id === 'string' || typeof more.id === 'number' ? more.id : null;
  response
    .writeHead(status, { ...headers, ...more.headers, 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id, error }));
};

/** Marks the request as one that waits; false when too many do, which it has then been told. */
export const waitBegins = (raw: RawExchange, waits: Waiting | null): boolean => {
  try {
    waits?.begin();
    return true;
  } catch {
    refuse(raw, 503, refused, 'Too many streams are open at this server; try again soon.', {
      headers: { 'retry-after': '5' },
    });
    return false;
  }
};

export const empty = ({ response, headers }: RawExchange, status: number): void => {
  response.writeHead(status, headers).end();
};

/** Aborts when the connection closes before the answer is complete. */
export const goneSignal = (response: ServerResponse): AbortSignal => {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('The client closed the connection.', 'AbortError'));
  });
  return gone.signal;
};
