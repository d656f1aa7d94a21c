import { OAuthError } from './oauth-errors.ts';

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127(?:\.\d{1,3}){3}$/.test(hostname);

/**
 * Tokens and codes travel by https. Plain http passes on one machine, and back to the very origin that the caller named
 * by http; a resource elsewhere cannot send this program to services of the machine it runs on.
 */
export const checkEndpoint = (text: unknown, what: string, resource: URL): URL => {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new OAuthError('discovery_failed', `The metadata of ${resource.href} has no valid ${what}.`);
  const local = isLoopback(url) && isLoopback(resource);
  const named = resource.protocol === 'http:' && url.origin === resource.origin;
  if (url.protocol === 'https:' || (url.protocol === 'http:' && (local || named))) return url;
  throw new OAuthError('insecure_url', `The ${what} ${url.href} of ${resource.href} is not https.`);
};

const longestAnswer = 1024 * 1024;
const answerWithinMs = 30_000;

/**
 * For metadata and tokens: no redirects, an end to size and time. Error bodies are what counts at these endpoints, so the
 * challenge header that some servers put beside them is left out.
 */
export const boundedFetch =
  (send: typeof fetch, callerSignal?: AbortSignal) =>
  async (url: string, init: object): Promise<Response> => {
    const limit = AbortSignal.timeout(answerWithinMs);
    const signal = callerSignal === undefined ? limit : AbortSignal.any([callerSignal, limit]);
    try {
      const response = await send(url, { ...init, redirect: 'manual', signal });
      const headers = new Headers(response.headers);
      headers.delete('www-authenticate');
      headers.delete('content-encoding');
      headers.delete('content-length');
      return new Response(await readBounded(response, url), { status: response.status, headers });
    } catch (cause) {
      callerSignal?.throwIfAborted();
      if (cause instanceof OAuthError) throw cause;
      throw new OAuthError('unreachable', `No answer from ${new URL(url).origin}: ${reasonOf(cause)}`, { cause });
    }
  };

const reasonOf = (cause: unknown): string =>
  cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);

const readBounded = async (response: Response, url: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  // 204, 205 and 304 may not have a body, and Response refuses to be made with one.
  if (response.body === null || [204, 205, 304].includes(response.status)) return null;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > longestAnswer)
      throw new OAuthError('invalid_answer', `The answer of ${url} is longer than ${longestAnswer} bytes.`);
    parts.push(part);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

export type BoundedFetch = ReturnType<typeof boundedFetch>;
