import { type Dispatcher, Pool } from 'undici';

export interface ServiceAddress {
  /** `http://localhost` for a socket. */
  origin: string;
  socket_path?: string;
  tls?: {
    ca?: string | Buffer | undefined;
    cert?: string | Buffer | undefined;
    key?: string | Buffer | undefined;
    verify: boolean;
  };
  /** Sent with each request; asked each time, since tokens change. */
  headers?: () => Promise<Record<string, string>>;
}

/** The service answered, but not with what was asked for. */
export class ServiceRefusal extends Error {
  readonly status: number;
  constructor(status: number, path: string, text: string) {
    super(`${status} for ${path}${text === '' ? '' : `: ${text}`}`);
    this.name = 'ServiceRefusal';
    this.status = status;
  }
}

/** Anything but a plain reading. */
export interface ServiceRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** A document, or bytes of the type that the headers name. */
  body?: unknown;
  headers?: Record<string, string>;
  /** How long the answer may be silent; 0 = for ever. */
  silence_ms?: number;
}

const answerMs = 10_000;
const longestLine = 8 * 1024 * 1024;
const shownOfError = 300;

const messageIn = (text: string): string => {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, shownOfError);
  } catch {
    // No JSON: what it says is shown as it is.
  }
  return text.slice(0, shownOfError).trim();
};

/**
 * HTTP to a service that the operator named, by a Unix socket, TCP or TLS with a certificate of ours: documents, and
 * streams of one JSON document a line that may be silent for hours. Never for an address that a user gave.
 */
export class ServiceClient {
  readonly #address: ServiceAddress;
  readonly #pool: Pool;

  constructor(address: ServiceAddress) {
    this.#address = address;
    const { tls } = address;
    this.#pool = new Pool(address.origin, {
      connections: null,
      connect: {
        timeout: answerMs,
        ...(address.socket_path === undefined ? {} : { socketPath: address.socket_path }),
        ...(tls === undefined
          ? {}
          : {
              rejectUnauthorized: tls.verify,
              ...(tls.ca === undefined ? {} : { ca: tls.ca }),
              ...(tls.cert === undefined ? {} : { cert: tls.cert }),
              ...(tls.key === undefined ? {} : { key: tls.key }),
            }),
      },
    });
  }

  async #ask(request: ServiceRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { method, path, body, silence_ms: silence = answerMs } = request;
    const bytes = body === undefined || body instanceof Uint8Array;
    const headers = {
      accept: 'application/json',
      ...(await this.#address.headers?.()),
      ...(bytes ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    };
    const timeouts = { headersTimeout: silence, bodyTimeout: silence };
    const sent = body === undefined ? null : bytes ? body : JSON.stringify(body);
    const answer = await this.#pool.request({ method, path, headers, signal, body: sent, ...timeouts });
    // Docker says by 304 that there was nothing to do.
    if ((answer.statusCode >= 200 && answer.statusCode < 300) || answer.statusCode === 304) return answer;
    throw new ServiceRefusal(answer.statusCode, path, messageIn(await answer.body.text()));
  }

  #get(path: string, signal: AbortSignal, silence: number): Promise<Dispatcher.ResponseData> {
    return this.#ask({ method: 'GET', path, silence_ms: silence }, signal);
  }

  /** Headers of an answer whose body nobody needs. */
  async head(path: string, signal: AbortSignal): Promise<Record<string, string>> {
    const answer = await this.#get(path, signal, answerMs);
    await answer.body.dump();
    return Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
  }

  async json<T>(path: string, signal: AbortSignal): Promise<T> {
    const answer = await this.#get(path, AbortSignal.any([signal, AbortSignal.timeout(6 * answerMs)]), answerMs);
    return (await answer.body.json()) as T;
  }

  /** Resolves when the stream has begun, which some services say with its first line; ends or throws with it. */
  async lines<T>(path: string, signal: AbortSignal): Promise<AsyncGenerator<T>> {
    const answer = await this.#get(path, signal, 0);
    return readLines<T>(answer.body);
  }

  /** The document that is answered; null when there is none. */
  async send<T>(request: ServiceRequest, signal: AbortSignal): Promise<T | null> {
    const text = await (await this.#ask(request, signal)).body.text();
    return text.trim() === '' ? null : (JSON.parse(text) as T);
  }

  async sendForLines<T>(request: ServiceRequest, signal: AbortSignal): Promise<AsyncGenerator<T>> {
    return readLines<T>((await this.#ask(request, signal)).body);
  }

  /** The first bytes of an answer. */
  async beginning(path: string, most: number, signal: AbortSignal): Promise<Buffer> {
    const answer = await this.#get(path, signal, answerMs);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= most) break;
    }
    return Buffer.concat(chunks).subarray(0, most);
  }

  /** The bytes of an answer that may go on for hours; its head waits no longer than that of a document. */
  async bytes(path: string, signal: AbortSignal): Promise<{ type: string; body: AsyncIterable<Uint8Array> }> {
    const opening = AbortSignal.timeout(6 * answerMs);
    const begun = new AbortController();
    const late = (): void => begun.abort(opening.reason);
    opening.addEventListener('abort', late, { once: true });
    const within = AbortSignal.any([signal, begun.signal]);
    const answer = await this.#ask({ method: 'GET', path, headers: { accept: '*/*' }, silence_ms: 0 }, within);
    opening.removeEventListener('abort', late);
    return { type: String(answer.headers['content-type'] ?? ''), body: answer.body };
  }

  /** Asks for an act, which may take as long as is said; null when the answer is no document. */
  act<T = unknown>(
    method: 'POST' | 'PATCH',
    path: string,
    signal: AbortSignal,
    { wait_ms = answerMs, json, type = 'application/json' }: { wait_ms?: number; json?: unknown; type?: string } = {},
  ): Promise<T | null> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(wait_ms)]);
    const sent = json === undefined ? {} : { body: json, headers: { 'content-type': type } };
    return this.send({ method, path, ...sent, silence_ms: wait_ms }, within);
  }

  /** The bytes of an answer as they come. */
  async flow(request: ServiceRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#ask(request, signal)).body;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

async function* readLines<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop()!;
    if (rest.length > longestLine) throw new Error('a line of the stream has no end');
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
