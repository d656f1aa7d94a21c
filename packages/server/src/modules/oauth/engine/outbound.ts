import type { GuardedFetch } from '../../../platform/net/guarded-fetch.ts';

/**
 * `fetch` for the engine through the guard: addresses are checked as the connection is made, redirects are answers, and
 * time and size are bounded. Used for client documents, key sets and logout calls.
 */
export const createEngineFetch =
  (guarded: GuardedFetch) =>
  async (url: string | URL, options: RequestInit = {}): Promise<Response> => {
    const headers = Object.fromEntries(new Headers(options.headers).entries());
    const answer = await guarded(String(url), {
      method: options.method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(options.body == null ? {} : { body: String(options.body as URLSearchParams | string) }),
      // The engine asks a second time when it words its refusal; both together stay below five seconds.
      timeout_ms: 2000,
      ...(options.signal == null ? {} : { signal: options.signal }),
      max_bytes: 64 * 1024,
    });
    const nullBody = answer.status === 204 || answer.status === 304;
    return new Response(nullBody ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: answer.headers,
    });
  };
