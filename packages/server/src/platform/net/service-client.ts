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

  async #get(path: string, signal: AbortSignal, silence: number): Promise<Dispatcher.ResponseData> {
    const headers = { accept: 'application/json', ...(await this.#address.headers?.()) };
    const timeouts = { headersTimeout: silence, bodyTimeout: silence };
    const answer = await this.#pool.request({ method: 'GET', path, headers, signal, ...timeouts });
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
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
