import { type Agent, buildConnector, fetch, Agent as UndiciAgent } from 'undici';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import {
  guardedTargetLookup,
  literalRefusal,
  type TargetGuard,
  TargetRefused,
} from '../../../platform/net/target-guard.ts';

/** Of an answer that is no event stream, and of one event in a stream. */
const largestMessage = 16 * 1024 * 1024;
const connectMs = 10_000;

export interface WebFetchOptions {
  guard: TargetGuard;
  resolve: Resolve;
  /** The one host that may have an address which is not public; null: none may. */
  private_host: string | null;
}

export interface WebFetch {
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  close: () => Promise<void>;
}

const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 };

const connectorOf =
  ({ guard, resolve, private_host }: WebFetchOptions): buildConnector.connector =>
  (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const port = Number(options.port) || defaultPorts[options.protocol] || 443;
    const privateToo = private_host !== null && host === private_host;
    const refused = literalRefusal(guard, host, port, privateToo);
    if (refused !== null) return callback(refused, null);
    // What was checked is what is dialled: the check sits in the lookup of the connection itself.
    const connect = buildConnector({
      lookup: guardedTargetLookup(guard, resolve, port, privateToo),
      timeout: connectMs,
    });
    return connect(options, callback);
  };

/** Ends a body that would fill the memory: a whole answer, or one event of a stream that never ends. */
const bounded = (response: Response): Response => {
  if (response.body === null) return response;
  const streams = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
  let size = 0;
  const decoder = new TextDecoder('latin1');
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      size += chunk.length;
      if (streams && /\n\r?\n/.test(decoder.decode(chunk))) size = 0;
      if (size > largestMessage) controller.error(new Error(`a message is longer than ${largestMessage} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(counting), { status, statusText, headers });
};

/** The fetch of the official client, which connects only to where the target guard lets it and follows no redirects. */
export const createWebFetch = (options: WebFetchOptions): WebFetch => {
  const agent: Agent = new UndiciAgent({
    connect: connectorOf(options),
    // Event streams of MCP may be silent for long; the client's own timeouts end calls.
    ...{ bodyTimeout: 0, headersTimeout: 3_700_000, keepAliveTimeout: 10_000, keepAliveMaxTimeout: 30_000 },
  });
  return {
    fetch: async (url, init = {}) => {
      const target = new URL(url);
      if (target.username !== '' || target.password !== '') throw new Error('a URL must not carry credentials');
      try {
        const response = await fetch(target, { ...init, dispatcher: agent, redirect: 'manual' } as never);
        return bounded(response as unknown as Response);
      } catch (error) {
        const cause = (error as { cause?: unknown }).cause;
        throw cause instanceof TargetRefused ? cause : error;
      }
    },
    close: () => agent.destroy(),
  };
};
