import type {
  adminOperations,
  agentKeyOperations,
  deviceOperations,
  diariesOperations,
  feedOperations,
  identityOperations,
  inboxOperations,
} from '@atrium/protocol';
import { type InputOf, type Operation, type OutputOf, operations, toRequest } from '@atrium/protocol';
import { AtriumError } from './errors.ts';
import { OAuthError } from './oauth/oauth-errors.ts';
import type { OAuth, OAuthSession } from './oauth/oauth-options.ts';
import { pause } from './pause.ts';

type AnyOperation =
  | (typeof identityOperations)[number]
  | (typeof agentKeyOperations)[number]
  | (typeof deviceOperations)[number]
  | (typeof diariesOperations)[number]
  | (typeof feedOperations)[number]
  | (typeof inboxOperations)[number]
  | (typeof adminOperations)[number];
type Noun<Name extends string> = Name extends `${infer N}.${string}` ? N : never;
type Verb<Name extends string, N extends string> = Name extends `${N}.${infer V}` ? V : never;
type ByName<Name extends string> = Extract<AnyOperation, { name: Name }>;

/** A file to send, for operations that take one. */
export interface FileUpload {
  name: string;
  content: Blob;
}

export interface CallOptions {
  /** Ends the call; the server notices. The call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Makes a repeat of a creating call return the first result. */
  idempotencyKey?: string;
  /** The file of an upload such as `inbox.attach`. */
  file?: FileUpload;
  /** The whole body of an operation that takes no JSON, such as `inbox.publish`. */
  body?: string | Blob;
  /** Further headers, for operations that read some. */
  headers?: Readonly<Record<string, string>>;
}

type Method<O> = O extends Operation
  ? Record<never, never> extends InputOf<O>
    ? (input?: InputOf<O>, options?: CallOptions) => Promise<OutputOf<O>>
    : (input: InputOf<O>, options?: CallOptions) => Promise<OutputOf<O>>
  : never;

/** Every operation as `client.noun.verb(input)`, typed by the contract. */
export type Operations = {
  [N in Noun<AnyOperation['name']>]: { [V in Verb<AnyOperation['name'], N>]: Method<ByName<`${N}.${V}`>> };
};

export interface ClientOptions {
  /** Origin of the server, for example http://localhost:4400. */
  url: string;
  /** API key, session token or OAuth access token. */
  token?: string;
  /** Instead of a token: signs in by OAuth when the server asks for it, and keeps the tokens fresh. */
  auth?: OAuth;
  /** Replaces the global fetch, for tests and proxies. */
  fetch?: typeof fetch;
  /** Attempts for calls that are safe to repeat (reads, and writes with an idempotency key); default 4. */
  attempts?: number;
  /** Pause before the first repeat in milliseconds, doubled each time; default 250. */
  pauseMs?: number;
}

type Values = Readonly<Record<string, unknown>>;
type ListOperation = Operation & { output: { shape: { items: unknown } } };
type ItemOf<O extends Operation> = OutputOf<O> extends { items: (infer I)[] } ? I : never;

/** Speaks for one credential to one server. Holds no connection and no state but these options. */
export class Transport {
  readonly #options: ClientOptions;
  readonly origin: string;
  /** The sign-in behind the calls, when there is `auth`. */
  readonly session: OAuthSession | null;

  constructor(options: ClientOptions) {
    if (options.token !== undefined && options.auth !== undefined)
      throw new TypeError('Give either a token or auth, not both.');
    this.#options = options;
    this.origin = options.url.replace(/\/+$/, '');
    this.session = options.auth?.for(`${this.origin}/api/v1`) ?? null;
  }

  /** Performs one operation. Throws AtriumError for every answer that is not a success. */
  async call<O extends Operation>(operation: O, input: InputOf<O>, options: CallOptions = {}): Promise<OutputOf<O>> {
    const read = async (response: Response): Promise<unknown> => {
      if (response.status === 204) return null;
      // Lines of JSON are text.
      const json = /\bjson\b/.test(response.headers.get('content-type') ?? '');
      return json ? await response.json() : await response.text();
    };
    return (await this.#repeat(operation, input as Values, options, read)) as OutputOf<O>;
  }

  /** Performs one operation and leaves the body to be read: files, and streams of events. */
  async open<O extends Operation>(operation: O, input: InputOf<O>, options: CallOptions = {}): Promise<Response> {
    return this.#repeat(operation, input as Values, options, async (response) => response);
  }

  /** Every entry of a list, page after page. */
  async *list<O extends ListOperation>(
    operation: O,
    input: InputOf<O>,
    options: CallOptions = {},
  ): AsyncGenerator<ItemOf<O>> {
    let cursor: string | null = null;
    do {
      const more: Record<string, unknown> = cursor === null ? {} : { cursor };
      const page = (await this.call(operation, { ...input, ...more } as InputOf<O>, options)) as {
        items: ItemOf<O>[];
        next_cursor: string | null;
      };
      yield* page.items;
      cursor = 'cursor' in operation.input.shape ? page.next_cursor : null;
    } while (cursor !== null);
  }

  async #repeat<T>(
    operation: Operation,
    values: Values,
    options: CallOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const repeatable =
      operation.method === 'GET' || options.idempotencyKey !== undefined || values['idempotency_key'] !== undefined;
    const attempts = repeatable ? (this.#options.attempts ?? 4) : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(operation, values, options, read);
      } catch (error) {
        if (attempt >= attempts || !(error instanceof AtriumError) || !error.retryable) throw error;
        await pause(error.retryAfterMs ?? (this.#options.pauseMs ?? 250) * 2 ** (attempt - 1), options.signal);
      }
    }
  }

  async #once<T>(
    operation: Operation,
    values: Values,
    options: CallOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const request = toRequest(operation, values);
    const own = operation.header === undefined ? {} : { [operation.header[0]]: operation.header[1] };
    const headers: Record<string, string> = { accept: 'application/json', ...own, ...options.headers };
    if (this.#options.token !== undefined) headers['authorization'] = `Bearer ${this.#options.token}`;
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey;
    const body = bodyOf(operation, request.body, options);
    const send = this.session?.fetch ?? this.#options.fetch ?? fetch;
    try {
      const response = await send(this.origin + request.path, {
        method: request.method,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      if (!response.ok) throw await AtriumError.fromResponse(response);
      return await read(response);
    } catch (cause) {
      if (cause instanceof AtriumError) throw cause;
      // A server that is starting is no reason to sign in anew: it is asked again like any other.
      if (cause instanceof OAuthError && cause.code !== 'unreachable') throw cause;
      options.signal?.throwIfAborted();
      throw AtriumError.unreachable(this.origin, cause);
    }
  }
}

const bodyOf = (
  operation: Operation,
  json: string | undefined,
  options: CallOptions,
): string | Blob | FormData | undefined => {
  if (operation.body === 'multipart') {
    if (options.file === undefined) throw new TypeError(`${operation.name} needs a file`);
    const form = new FormData();
    form.append('file', options.file.content, options.file.name);
    return form;
  }
  return operation.body === 'raw' ? (options.body ?? '') : json;
};

/** Nested methods, one for each operation of the contract. */
export const operationsOf = (transport: Transport): Operations => {
  const nouns: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const [noun, verb] = operation.name.split('.') as [string, string];
    nouns[noun] ??= {};
    nouns[noun][verb] = (input: Record<string, unknown> = {}, options?: CallOptions) =>
      transport.call(operation, input, options);
  }
  return nouns as unknown as Operations;
};
