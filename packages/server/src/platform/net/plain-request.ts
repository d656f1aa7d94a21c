import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';

export interface PlainRequest {
  method: 'GET' | 'PUT' | 'HEAD' | 'DELETE' | 'POST';
  headers?: Record<string, string>;
  body?: string | Uint8Array | Readable;
  timeout_ms?: number;
}

export interface PlainAnswer {
  status: number;
  headers: Record<string, string>;
  body: Readable & { text(): Promise<string>; dump(): Promise<void> };
}

const agent = new Agent({ connect: { timeout: 10_000 } });

/**
 * HTTP to a service that the operator configured, such as an object store, which may well be on a private address.
 * Never for an address that a user or a client gave: those go through guarded-fetch.
 */
export const plainRequest = async (url: URL, init: PlainRequest): Promise<PlainAnswer> => {
  const answer = await request(url, {
    dispatcher: agent,
    method: init.method,
    headers: init.headers ?? {},
    body: init.body ?? null,
    headersTimeout: init.timeout_ms ?? 60_000,
    bodyTimeout: init.timeout_ms ?? 60_000,
  });
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  return { status: answer.statusCode, headers, body: answer.body as PlainAnswer['body'] };
};
