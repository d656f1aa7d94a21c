import type { ServerResponse } from 'node:http';
import type {
  AuthInfo,
  JSONRPCMessage,
  JSONRPCRequest,
  JSONRPCResponse,
  MessageExtraInfo,
  RequestId,
  Transport,
  TransportSendOptions,
} from '@modelcontextprotocol/server';
import { EventStream } from './event-stream.ts';

export const isRequest = (message: JSONRPCMessage): message is JSONRPCRequest => 'method' in message && 'id' in message;
const isResponse = (message: JSONRPCMessage): message is JSONRPCResponse => !('method' in message);

/**
 * The SDK counts its own requests from 0, and v1 clients take a cancellation of request 0 for one that names none: the
 * form of the first question would stay open after the web answered it. On this wire the count starts at 1.
 */
const outbound = (message: JSONRPCMessage): JSONRPCMessage => {
  if (isRequest(message)) return { ...message, id: Number(message.id) + 1 };
  if (!('method' in message) || message.method !== 'notifications/cancelled') return message;
  return { ...message, params: { ...message.params, requestId: Number(message.params?.['requestId']) + 1 } };
};

const inbound = (message: JSONRPCMessage): JSONRPCMessage =>
  isResponse(message) ? ({ ...message, id: Number(message.id) - 1 } as JSONRPCMessage) : message;

/** One POST that holds requests: answers gather here and leave as JSON, or as an event stream once something is said before. */
export class PostExchange {
  readonly #response: ServerResponse;
  readonly #headers: Record<string, string>;
  readonly #pending: Set<RequestId>;
  readonly #batch: boolean;
  readonly #keepAlive: number;
  readonly #answers: JSONRPCMessage[] = [];
  readonly #patience: NodeJS.Timeout;
  #stream: EventStream | null = null;

  constructor(
    response: ServerResponse,
    headers: Record<string, string>,
    requests: readonly JSONRPCRequest[],
    batch: boolean,
    options: { patience_ms: number; keep_alive_ms: number },
  ) {
    this.#response = response;
    this.#headers = headers;
    this.#pending = new Set(requests.map((request) => request.id));
    this.#batch = batch;
    this.#keepAlive = options.keep_alive_ms;
    this.#patience = setTimeout(() => this.#open(), options.patience_ms);
    response.once('close', () => clearTimeout(this.#patience));
  }

  get done(): boolean {
    return this.#pending.size === 0;
  }

  /** A notification or a request of ours that belongs to this exchange. */
  note(message: JSONRPCMessage): void {
    this.#open().send(message);
  }

  answer(message: JSONRPCMessage & { id?: RequestId | undefined }): void {
    this.#pending.delete(message.id!);
    if (this.#stream === null) this.#answers.push(message);
    else this.#stream.send(message);
    if (this.done) this.#finish();
  }

  /** The client cancelled this request: no answer follows, and the stream must not stay open for it. */
  forget(id: RequestId): void {
    this.#pending.delete(id);
    if (!this.done) return;
    if (this.#answers.length === 0) this.#open();
    this.#finish();
  }

  end(): void {
    clearTimeout(this.#patience);
    if (this.#stream !== null) this.#stream.end();
    else if (!this.#response.headersSent) this.#response.writeHead(503, this.#headers).end();
  }

  #open(): EventStream {
    if (this.#stream === null) {
      this.#stream = new EventStream(this.#response, this.#headers, this.#keepAlive);
      for (const answer of this.#answers.splice(0)) this.#stream.send(answer);
    }
    return this.#stream;
  }

  #finish(): void {
    clearTimeout(this.#patience);
    if (this.#stream !== null) {
      this.#stream.end();
      return;
    }
    const body = JSON.stringify(this.#batch ? this.#answers : this.#answers[0]);
    this.#response.writeHead(200, { ...this.#headers, 'content-type': 'application/json' }).end(body);
  }
}

/**
 * The wire of one session: many POSTs and at most one GET stream. Unlike the SDK's own it closes the stream of a
 * cancelled call, lets a new GET stream replace one whose reader is gone unnoticed, and answers quick calls as JSON.
 */
export class SessionTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;
  readonly #exchanges = new Map<RequestId, PostExchange>();
  readonly #internal = new Map<RequestId, (message: JSONRPCMessage) => void>();
  #listener: EventStream | null = null;

  get busy(): boolean {
    return this.#exchanges.size > 0 || this.#listener?.open === true;
  }

  async start(): Promise<void> {}

  /** True when a request with this id is still being answered, so that a second one could not be told apart. */
  isOpen(id: RequestId): boolean {
    return this.#exchanges.has(id);
  }

  receive(messages: readonly JSONRPCMessage[], authInfo: AuthInfo, exchange: PostExchange | null): void {
    for (const message of messages)
      if (exchange !== null && isRequest(message)) this.#exchanges.set(message.id, exchange);
    for (const message of messages) {
      this.onmessage?.(inbound(message), { authInfo });
      if ('method' in message && message.method === 'notifications/cancelled')
        this.#cancelled(message.params?.['requestId']);
    }
  }

  /** Handles a request of the host itself and gives its answer back instead of sending it. */
  handle(request: JSONRPCRequest): Promise<JSONRPCMessage> {
    return new Promise((resolve) => {
      this.#internal.set(request.id, resolve);
      this.onmessage?.(request);
    });
  }

  /** The reader of this exchange is gone. */
  abandon(exchange: PostExchange): void {
    for (const [id, open] of this.#exchanges) if (open === exchange) this.#exchanges.delete(id);
  }

  listen(stream: EventStream): void {
    this.#listener?.end();
    this.#listener = stream;
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isResponse(message)) {
      const internal = this.#internal.get(message.id!);
      if (internal !== undefined) {
        this.#internal.delete(message.id!);
        internal(message);
        return;
      }
      const exchange = this.#exchanges.get(message.id!);
      this.#exchanges.delete(message.id!);
      exchange?.answer(message);
      return;
    }
    if (options?.relatedRequestId === undefined) this.#listener?.send(message);
    else this.#exchanges.get(options.relatedRequestId)?.note(outbound(message));
  }

  async close(): Promise<void> {
    for (const exchange of new Set(this.#exchanges.values())) exchange.end();
    this.#exchanges.clear();
    this.#listener?.end();
    this.#listener = null;
    this.onclose?.();
  }

  #cancelled(id: unknown): void {
    const exchange = this.#exchanges.get(id as RequestId);
    if (exchange === undefined) return;
    this.#exchanges.delete(id as RequestId);
    exchange.forget(id as RequestId);
  }
}
