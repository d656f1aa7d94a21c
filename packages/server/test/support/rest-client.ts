import { randomInt } from 'node:crypto';

// biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire holds
export type Json = any;

export interface RestAnswer {
  status: number;
  body: Json;
  headers: Headers;
}

export interface RestOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The REST door for one credential. Every call answers, whatever its status. */
export interface RestClient {
  send(method: string, path: string, body?: unknown, options?: RestOptions): Promise<RestAnswer>;
  get(path: string, options?: RestOptions): Promise<RestAnswer>;
  post(path: string, body?: unknown, options?: RestOptions): Promise<RestAnswer>;
  put(path: string, body?: unknown, options?: RestOptions): Promise<RestAnswer>;
  patch(path: string, body?: unknown, options?: RestOptions): Promise<RestAnswer>;
  delete(path: string, options?: RestOptions): Promise<RestAnswer>;
}

/** Limits by address count each test person by themselves; the server must trust this machine as a proxy. */
export const someAddress = (): string => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;

const parsed = (text: string): Json => {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return text;
  }
};

export const createRestClient = (
  url: string | (() => string),
  token: string | null = null,
  always: Record<string, string> = {},
): RestClient => {
  const base = typeof url === 'string' ? () => url : url;
  const send = async (method: string, path: string, body?: unknown, options: RestOptions = {}): Promise<RestAnswer> => {
    const form = body instanceof FormData;
    const response = await fetch(`${base()}${path}`, {
      method,
      headers: {
        'x-forwarded-for': someAddress(),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || form ? {} : { 'content-type': 'application/json' }),
        ...always,
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: form || typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return { status: response.status, body: parsed(await response.text()), headers: response.headers };
  };
  return {
    send,
    get: (path, options) => send('GET', path, undefined, options),
    post: (path, body, options) => send('POST', path, body, options),
    put: (path, body, options) => send('PUT', path, body, options),
    patch: (path, body, options) => send('PATCH', path, body, options),
    delete: (path, options) => send('DELETE', path, undefined, options),
  };
};
