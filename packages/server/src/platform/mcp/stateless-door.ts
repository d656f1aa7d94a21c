import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import {
  createMcpHandler,
  type McpHttpHandler,
  type ServerEvent,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import type { Caller } from '../operations/caller.ts';
import { EventStream } from './event-stream.ts';
import { rateLimitedCode } from './mcp-errors.ts';
import type { McpHostOptions, McpLimits } from './mcp-options.ts';
import type { McpServerMaker } from './mcp-server.ts';
import type { OpenStreams } from './open-streams.ts';
import { authInfoOf, type RequestFacts } from './request-facts.ts';
import { type RawExchange, refuse, waitBegins } from './rpc-answers.ts';

/**
 * The bus behind subscriptions/listen. The SDK has one bus for all its streams, ours are not for everybody: each stream
 * subscribes to the events of the caller that opened it, whom the store of the running request names.
 */
class ListenBus implements ServerEventBus {
  readonly callers = new AsyncLocalStorage<Caller>();
  readonly #maker: McpServerMaker;
  readonly #events: McpHostOptions['events'];
  readonly #listeners = new Set<(event: ServerEvent) => void>();

  constructor(maker: McpServerMaker, events: McpHostOptions['events']) {
    this.#maker = maker;
    this.#events = events;
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    const caller = this.callers.getStore();
    const stop =
      caller === undefined
        ? undefined
        : this.#events?.subscribe(caller, (event) => {
            for (const uri of this.#maker.shelf.changedBy(event)) listener({ kind: 'resource_updated', uri });
          });
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      stop?.();
    };
  }
}

/** Revision 2026-07-28: each request stands alone and is served by the SDK's own handler. */
export class StatelessDoor {
  readonly #handler: McpHttpHandler;
  readonly #bus: ListenBus;
  readonly #streams: OpenStreams;
  readonly #limits: McpLimits;

  constructor(maker: McpServerMaker, streams: OpenStreams, options: McpHostOptions, limits: McpLimits) {
    this.#streams = streams;
    this.#limits = limits;
    this.#bus = new ListenBus(maker, options.events);
    this.#handler = createMcpHandler(() => maker.make('stateless', null), {
      legacy: 'reject',
      bus: this.#bus,
      keepAliveMs: limits.keep_alive_ms,
      maxSubscriptions: Number.MAX_SAFE_INTEGER,
      maxRequestBodySize: limits.body_bytes,
    });
  }

  async post(raw: RawExchange, body: unknown, facts: RequestFacts): Promise<void> {
    const ending = new AbortController();
    if (facts.gone.aborted) return;
    facts.gone.addEventListener('abort', () => ending.abort(facts.gone.reason), { once: true });
    if ((body as { method?: unknown } | null)?.method === 'subscriptions/listen') {
      const forget = this.#streams.add(facts.caller, () => ending.abort());
      if (forget === null) {
        const data = { reason: 'rate_limited', retry_after_ms: 30_000 };
        return refuse(raw, 429, rateLimitedCode, 'Too many open subscriptions.', {
          data,
          id: (body as { id?: unknown }).id,
        });
      }
      raw.response.once('close', forget);
      if (!waitBegins(raw, facts.waits)) return;
    }
    const answer = this.#bus.callers.run(facts.caller, () =>
      this.#handler.fetch(requestOf(raw, ending.signal), { authInfo: authInfoOf(facts), parsedBody: body }),
    );
    await this.#write(raw, answer);
  }

  toolsChanged(): void {
    this.#handler.notify.toolsChanged();
    this.#handler.notify.resourcesChanged();
  }

  close(): Promise<void> {
    return this.#handler.close();
  }

  /**
   * The SDK answers JSON unless something is said before the result, so a long silent call would send nothing until a
   * client or proxy gives up. After a while the stream is opened here, and the JSON becomes its one event.
   */
  async #write(raw: RawExchange, answer: Promise<Response>): Promise<void> {
    let stream: EventStream | null = null;
    const patience = setTimeout(() => {
      if (!raw.response.destroyed) stream = new EventStream(raw.response, raw.headers, this.#limits.keep_alive_ms);
    }, this.#limits.patience_ms);
    const response = await answer.finally(() => clearTimeout(patience));
    if (stream !== null) return finishStream(stream, raw.response, response);
    if (raw.response.destroyed) return;
    raw.response.writeHead(response.status, { ...raw.headers, ...Object.fromEntries(response.headers) });
    if (isEventStream(response)) await pipe(response, raw.response);
    raw.response.end(isEventStream(response) ? undefined : await response.text());
  }
}

const isEventStream = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('text/event-stream') === true;

const finishStream = async (stream: EventStream, target: ServerResponse, response: Response): Promise<void> => {
  if (isEventStream(response)) await pipe(response, target);
  else if (response.status < 400 || response.status === 500) stream.send(await response.json());
  stream.end();
};

const pipe = async (response: Response, target: ServerResponse): Promise<void> => {
  if (response.body === null) return;
  // Opening a stream must reach the client before its first event does.
  target.flushHeaders();
  for await (const chunk of response.body) {
    if (target.destroyed) return;
    if (!target.write(chunk)) await drained(target);
  }
};

const drained = (target: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      target.off('drain', done);
      target.off('close', done);
      resolve();
    };
    target.once('drain', done);
    target.once('close', done);
  });

/** The body is handed over parsed, so the request that the SDK sees carries the headers only. */
const requestOf = ({ request }: RawExchange, signal: AbortSignal): Request => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // The credential has been read; nothing behind this point needs it.
    if (value === undefined || name === 'authorization' || name === 'cookie' || name.startsWith(':')) continue;
    headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return new Request(`http://mcp.invalid${request.url ?? '/mcp'}`, { method: 'POST', headers, signal });
};
