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

  #get(path: string, signal: AbortSignal, silence: number, accept?: string): Promise<Dispatcher.ResponseData> {
    return this.#ask('GET', path, signal, silence, { accept });
  }

  async #ask(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    signal: AbortSignal,
    silence: number,
    { accept = 'application/json', body, type }: { accept?: string | undefined; body?: string; type?: string } = {},
  ): Promise<Dispatcher.ResponseData> {
    const headers = {
      accept,
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(await this.#address.headers?.()),
    };
    const timeouts = { headersTimeout: silence, bodyTimeout: silence };
    const answer = await this.#pool.request({
      ...{ method, path, headers, signal, ...timeouts },
      ...(body === undefined ? {} : { body }),
    });
    // Docker says by 304 that there was nothing to do.
    if ((answer.statusCode >= 200 && answer.statusCode < 300) || answer.statusCode === 304) return answer;
    throw new ServiceRefusal(answer.statusCode, path, messageIn(await answer.body.text()));
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

  /** The bytes of an answer that may go on for hours; its head waits no longer than that of a document. */
  async bytes(path: string, signal: AbortSignal): Promise<{ type: string; body: AsyncIterable<Uint8Array> }> {
    const opening = AbortSignal.timeout(6 * answerMs);
    const begun = new AbortController();
    const late = (): void => begun.abort(opening.reason);
    opening.addEventListener('abort', late, { once: true });
    const answer = await this.#get(path, AbortSignal.any([signal, begun.signal]), 0, '*/*');
    opening.removeEventListener('abort', late);
    return { type: String(answer.headers['content-type'] ?? ''), body: answer.body };
  }

  /** Asks for an act, which may take as long as is said; null when the answer is no document. */
  async act<T = unknown>(
    method: 'POST' | 'PATCH',
    path: string,
    signal: AbortSignal,
    { wait_ms = answerMs, json, type = 'application/json' }: { wait_ms?: number; json?: unknown; type?: string } = {},
  ): Promise<T | null> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(wait_ms)]);
    const sent = json === undefined ? {} : { body: JSON.stringify(json), type };
    const answer = await this.#ask(method, path, within, wait_ms, sent);
    const text = await answer.body.text();
    return text.trim() === '' ? null : (JSON.parse(text) as T);
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
